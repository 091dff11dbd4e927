"""Experiments in the made feed, whose truth is known: how often equal rankings are told apart, how often a planned
effect is found, how often intervals hold the true difference, and how often a guardrail is decided wrongly."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._claim import write_interval
from consentinel.core.rng import generator
from consentinel.core.stats import Interval, clopper_pearson
from consentinel.models.feed.assigning import OUTCOMES, Units, met
from consentinel.models.feed.experiment import Design, Guardrails, judged
from consentinel.models.feed.logged import logged
from consentinel.models.feed.reading import always_valid, deviation_limit, gap_values, interval, units_for
from consentinel.models.feed.replay import expected, shown
from consentinel.models.feed.variants import Variant, built_in, exploring
from consentinel.models.feed.world import World

NAMES = (
    "feed_false_positives",
    "feed_false_positives_fixed",
    "feed_guardrails_wrong",
    "feed_power",
    "feed_plans_hold",
    "feed_coverage",
    "feed_coverage_always",
)
PEOPLE, REPEATS, UNITS, LOOKS, PLACES, WHOLE = 60_000, 60_000, 600, 20, 10, 300
AT_ONCE, ASKED = 4096, Guardrails()
Floats = NDArray[np.float64]


def lots(population: Units, rng: np.random.Generator, arms: bool, count: int, columns: tuple[int, int]) -> Units:
    """Return COUNT units drawn from POPULATION: people under both of COLUMNS, or in ARMS two people of the same group,
    one under each; where the columns are equal variants, lots decide which is called the control."""
    one = rng.integers(0, len(population.sensitive), count)
    two = one
    if arms:
        two = np.empty_like(one)
        for group in (False, True):
            at = population.sensitive[one] == group
            two[at] = rng.choice(np.flatnonzero(population.sensitive == group), int(at.sum()))
    values = {}
    swapped = rng.random(count) < 0.5 if columns == (0, 1) else np.zeros(count, bool)
    for name in OUTCOMES:
        both = np.stack([population.values[name][one, columns[0]], population.values[name][two, columns[1]]], axis=1)
        values[name] = np.where(swapped[:, None], both[:, ::-1], both)
    return Units(population.sensitive[one], values)


def once(units: Units, variants: list[Variant], design: Design, whole: bool) -> Interval:
    """Return the interval of the difference in satisfaction that a reading of DESIGN at the end gives; where WHOLE,
    the experiment writes its table too, which has to say the same."""
    change = changes(units, "satisfaction")
    found = interval(change, design.level, design.reading, len(change))
    if whole:
        verdict = "better" if found.low > 0 else "worse" if found.high < 0 else "undecided"
        row = {"metric": "satisfaction", "variant": f"{variants[1].name} - {variants[0].name}", "value": found.value,
               "low": found.low, "high": found.high, "verdict": verdict}  # fmt: skip
        if row not in judged(units, variants, design, Guardrails(), {}).table.to_pylist():
            raise SystemExit("the table of an experiment does not say what its interval says")
    return found


def looks(units: Units) -> list[Interval]:
    """Return the always-valid intervals of the difference at LOOKS looks: whoever stops at the first that tells a
    difference has looked at these."""
    change = changes(units, "satisfaction")
    return [always_valid(change[:until], len(change)) for until in ends(len(change))]


def misjudged(units: Units) -> bool:
    """Tell whether a guardrail is decided at any of LOOKS looks though the truth is on its edge: two equal variants,
    of which one is then made to take just what ASKED tolerates from small creators and from the sensitive group."""
    exposure = changes(units, "exposure") - ASKED.exposure
    change, total = changes(units, "satisfaction") - ASKED.gap * units.sensitive, len(exposure)
    level = 1 - (1 - Design.level) / 2  # two guardrails
    for until in ends(total):
        small = always_valid(exposure[:until], total, level)
        gap = always_valid(gap_values(change[:until], units.sensitive[:until]), total, level)
        if not (small.low <= -ASKED.exposure <= small.high and gap.low <= ASKED.gap <= gap.high):
            return True
    return False


def changes(units: Units, metric: str) -> Floats:
    """Return by how much the second variant is above the first in METRIC, for each of UNITS."""
    return np.asarray(units.values[metric][:, 1] - units.values[metric][:, 0])


def ends(total: int) -> list[int]:
    """Return how many of TOTAL units have come at each look."""
    return [total * look // LOOKS for look in range(1, LOOKS + 1)]


def truth(world: World, variants: list[Variant], people: NDArray[np.int64]) -> tuple[Floats, Units]:
    """Return the mean of what PEOPLE are expected to be satisfied with each variant, exactly, and what came of it."""
    sums, parts = np.zeros(len(variants)), []
    for start in range(0, len(people), AT_ONCE):
        some = people[start : start + AT_ONCE]
        history = logged(world, some)
        sums += [expected(world, history.crowd, shown(world, one, history)).sum() for one in variants]
        parts.append(met(world, variants, np.repeat(some[:, None], len(variants), axis=1)))
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in OUTCOMES}
    return sums / len(people), Units(np.concatenate([part.sensitive for part in parts]), values)


def main() -> None:
    """Measure and write the numbers."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    world = World(seed=6)
    best = built_in("satisfaction", world, logged(world, np.arange(2**30, 2**30 + 4000)))
    stirred = [exploring(best, world, places=PLACES, stream=at, name=f"stirred {at}") for at in (0, 1)]
    means, population = truth(world, [*stirred, best], np.arange(PEOPLE))
    effect = float(means[2] - means[0])
    fixed = Design(people=UNITS, reading="fixed")
    spread = float(changes(Units(population.sensitive, {"satisfaction": population.values["satisfaction"][:, ::2]}),
                           "satisfaction").std())  # fmt: skip
    asked: dict[str, Any] = {"level": fixed.level, "power": fixed.power, "reading": "fixed"}
    enough = units_for(effect, spread, **asked)
    print(f"true difference {effect:.4f}, deviation {spread:.3f}, for which {enough} people are enough")

    rng = generator(6, "feed experiment claim")
    told = dict.fromkeys(NAMES, 0)
    both, planned = [stirred[0], best], np.zeros(repeats, int)
    for at in range(repeats):
        arms = at % 2 == 1
        whole = at < WHOLE
        equal = lots(population, rng, arms, UNITS, (0, 1))
        found = once(equal, stirred, fixed, whole)
        told["feed_false_positives_fixed"] += found.low > 0 or found.high < 0
        told["feed_false_positives"] += any(one.low > 0 or one.high < 0 for one in looks(equal))
        told["feed_guardrails_wrong"] += misjudged(equal)
        differ = lots(population, rng, arms, UNITS, (0, 2))
        found = once(differ, both, fixed, whole)
        told["feed_coverage"] += found.low <= effect <= found.high
        told["feed_coverage_always"] += all(one.low <= effect <= one.high for one in looks(differ))
        pilot = changes(lots(population, rng, False, fixed.pilot, (0, 2)), "satisfaction")
        planned[at] = units_for(effect, deviation_limit(pilot), **asked)
        paired = lots(population, rng, False, int(planned[at]), (0, 2))
        told["feed_power"] += once(paired, both, fixed, whole).low > 0
        told["feed_plans_hold"] += planned[at] >= enough
    half = f"{repeats} experiments of {UNITS} units drawn from {PEOPLE} made people, half replays, half arms"
    protocols = {
        "feed_false_positives": f"{half}, of two equal variants, each read {LOOKS} times with always-valid intervals: "
        "a difference reported at any look",
        "feed_false_positives_fixed": f"{half}, of two equal variants, read once with nominal 95 % intervals",
        "feed_guardrails_wrong": f"{half}, each read {LOOKS} times, in which one variant takes from small creators and "
        f"from the sensitive group just what guardrails tolerate ({ASKED.exposure}, {ASKED.gap}): any of the two kept "
        "or broken at any look",
        "feed_power": f"{repeats} replays, each planned from a pilot of {fixed.pilot} people of its own, by the upper "
        f"90 % limit of its deviation, for 80 % power at the true difference {effect:.3f}: verdict better; "
        f"{planned.mean():.0f} people on average, {enough} if the deviation were known",
        "feed_plans_hold": f"of these {repeats} plans those with the {enough} people or more that are enough",
        "feed_coverage": f"{half}, nominal 95 % intervals of the difference against the exact expectation {effect:.4f}",
        "feed_coverage_always": f"{half}, always-valid 95 % intervals, true at every one of the looks together",
    }
    for name in NAMES:
        found = clopper_pearson(told[name], repeats)
        print(f"{name:28} {found.value:.4f} [{found.low:.4f}, {found.high:.4f}]")
        write_interval(name, found, protocols[name])


if __name__ == "__main__":
    main()
