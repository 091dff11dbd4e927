"""An experiment: variants against a control on satisfaction, with guardrails of privacy and of people.

The first variant is the control. Differences are read per unit; with several variants, or several guardrails, the
level of each interval is raised so that all of a family hold together (Bonferroni), and a verdict is what its interval
says. A guardrail is kept when its interval excludes harm beyond what is tolerated, broken when it excludes less harm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import Interval, tail
from consentinel.models.feed.assigning import Meeting, Units, assigned, met
from consentinel.models.feed.reading import LEAST, Plan, Reading, detectable, deviation_limit, gap_values, interval
from consentinel.models.feed.variants import Variant
from consentinel.models.feed.world import World

__all__ = ["RESULT", "Design", "Experiment", "Guardrails", "judged", "planned", "run"]

RESULT = pa.schema(
    [
        ("metric", pa.string()), ("variant", pa.string()), ("value", pa.float64()), ("low", pa.float64()),
        ("high", pa.float64()), ("verdict", pa.string()),
    ]
)  # fmt: skip
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PILOT = 2**31  # number of the first person of a pilot: none of these is in the experiment itself


@dataclass(frozen=True)
class Guardrails:
    """What is tolerated against the control: exposure, how much of the share of small creators may go; gap, how much
    more satisfied the others may be than the sensitive group, beyond what they were; epsilon, the most that training
    may have spent (None: epsilon is told and not judged)."""

    exposure: float = 0.02
    gap: float = 0.2
    epsilon: float | None = None

    def __post_init__(self) -> None:
        if not (self.exposure > 0 and self.gap > 0 and (self.epsilon is None or self.epsilon > 0)):
            raise UsageError("what guardrails tolerate is above 0; an interval never excludes every harm")


@dataclass(frozen=True)
class Design:
    """How the experiment is made, before it is: people, from number `first` on; meeting (replay: everyone meets all
    variants; arms: each meets one, by lot; draw numbers the lots); reading (fixed: once, at the end; always: after
    each of `looks` equal parts, stopping when all is decided); level of each family; power of the plan; pilot,
    people who are asked beforehand how much differences vary."""

    people: int = 4000
    first: int = 0
    meeting: Meeting = "replay"
    draw: int = 0
    reading: Reading = "always"
    looks: int = 10
    level: float = 0.95
    power: float = 0.8
    pilot: int = 1000

    def __post_init__(self) -> None:
        tail(self.level)
        if self.people < LEAST or self.first < 0 or self.first + self.people > PILOT:
            raise UsageError(f"an experiment has at least {LEAST} people, numbered from 0 to {PILOT - 1}")
        if not (2 * LEAST <= self.pilot <= PILOT and 0 < self.power < 1):
            raise UsageError(f"a pilot has at least {2 * LEAST} people, and power is in (0, 1)")
        if self.looks < 1 or (self.reading == "fixed" and self.looks != Design.looks and self.looks != 1):
            raise UsageError("a fixed reading has one look, at the end; take reading='always' to look more often")


@dataclass(frozen=True)
class Experiment:
    """The rows (RESULT), what they say in one sentence, what it could see (of each variant), and the units read."""

    table: pa.Table
    sentence: str
    plans: dict[str, Plan] = field(default_factory=dict)
    units: int = 0


@dataclass(frozen=True)
class _Row:
    """One row of RESULT."""

    metric: str
    variant: str
    value: float
    low: float
    high: float
    verdict: str


def planned(world: World, variants: Sequence[Variant], design: Design) -> dict[str, Plan]:
    """Return what DESIGN can see of the satisfaction of each of VARIANTS but the control, by a pilot of other people.

    Raises UsageError where names repeat, nothing is compared, or there are too few people for the variants.
    """
    names = [variant.name for variant in variants]
    if len(names) < 2 or len(set(names)) != len(names):
        raise UsageError("an experiment has a control and at least one variant, each with a name of its own")
    pilot = met(world, variants, _units(world, np.arange(PILOT, PILOT + design.pilot), variants, design))
    count = design.people if design.meeting == "replay" else design.people // len(variants)
    level = _raised(design.level, len(names) - 1)
    plans = {}
    for at, name in enumerate(names[1:], 1):
        change = _change(pilot, "satisfaction", at)
        limit = deviation_limit(change)
        seen = detectable(count, limit, level=level, power=design.power, reading=design.reading)
        plans[name] = Plan(count, float(change.std(ddof=1)), limit, seen, design.power)
    return plans


def run(
    world: World, variants: Sequence[Variant], design: Design | None = None, guardrails: Guardrails | None = None
) -> Experiment:
    """Return what the experiment of DESIGN finds; VARIANTS[0] is the control. Equal arguments give equal results.

    Raises UsageError as `planned`, ContractBroken where a variant does not rank as promised.
    """
    design, guardrails = design or Design(), guardrails or Guardrails()
    plans = planned(world, variants, design)
    people = np.arange(design.first, design.first + design.people)
    units = met(world, variants, _units(world, people, variants, design))
    return judged(units, variants, design, guardrails, plans)


def judged(
    units: Units, variants: Sequence[Variant], design: Design, guardrails: Guardrails, plans: dict[str, Plan]
) -> Experiment:
    """Return what UNITS, (units, variants) in the order in which they came, say; stops where DESIGN allows it."""
    total = len(units.sensitive)
    if total // _looks(design) < LEAST:
        raise UsageError(
            f"{total} units in {_looks(design)} looks are fewer than {LEAST} a look; take more people or fewer looks"
        )
    for look in range(1, _looks(design) + 1):
        until = total * look // _looks(design)
        seen = Units(units.sensitive[:until], {name: column[:until] for name, column in units.values.items()})
        rows = list(_compared(seen, variants, design, guardrails, total))
        if all(row.verdict != "undecided" for row in rows):
            break
    levels = list(_levels(seen, variants, design, total))
    table = pa.Table.from_pylist([asdict(row) for row in levels + rows], RESULT)
    return Experiment(table, _sentence(rows, variants, plans), plans, until)


def _compared(
    units: Units, variants: Sequence[Variant], design: Design, guardrails: Guardrails, total: int
) -> Iterator[_Row]:
    """Differences to the control with their verdicts, variant by variant, satisfaction first."""
    several = len(variants) - 1
    first, guard = _raised(design.level, several), _raised(design.level, 2 * several)
    for at, variant in enumerate(variants[1:], 1):
        name = f"{variant.name} - {variants[0].name}"
        change = _change(units, "satisfaction", at)
        found = interval(change, first, design.reading, total)
        verdict = "better" if found.low > 0 else "worse" if found.high < 0 else "undecided"
        yield _row("satisfaction", name, found, verdict)
        found = interval(_change(units, "exposure", at), guard, design.reading, total)
        yield _row("exposure", name, found, _kept(found.low, found.high, -guardrails.exposure))
        found = interval(gap_values(change, units.sensitive), guard, design.reading, total)
        yield _row("gap", name, found, _kept(-found.high, -found.low, -guardrails.gap))
        yield _epsilon(variant, guardrails)
        for metric in ("clicks", "sessions"):
            found = interval(_change(units, metric, at), design.level, design.reading, total)
            yield _row(metric, name, found, "not judged")


def _levels(units: Units, variants: Sequence[Variant], design: Design, total: int) -> Iterator[_Row]:
    """What each variant came to by itself."""
    columns: dict[str, Floats]
    for at, variant in enumerate(variants):
        gaps = gap_values(units.values["satisfaction"][:, at], units.sensitive)
        columns = {name: column[:, at] for name, column in units.values.items()} | {"gap": gaps}
        for metric, values in columns.items():
            yield _row(metric, variant.name, interval(values, design.level, design.reading, total), "measured")


def _kept(low: float, high: float, edge: float) -> str:
    """Whether a change in [LOW, HIGH], where less is worse, stays above EDGE."""
    return "kept" if low > edge else "broken" if high < edge else "undecided"


def _epsilon(variant: Variant, guardrails: Guardrails) -> _Row:
    spent, most = variant.epsilon, guardrails.epsilon
    verdict = "not judged" if most is None else "kept" if spent <= most else "broken"
    return _Row("epsilon", variant.name, spent, spent, spent, verdict)


def _sentence(rows: Sequence[_Row], variants: Sequence[Variant], plans: dict[str, Plan]) -> str:
    """What to do, and why."""
    control, per = variants[0].name, len(rows) // (len(variants) - 1)
    said, ready = [], []
    for at, variant in enumerate(variants[1:]):
        first, *others = rows[at * per : (at + 1) * per]
        span = f"{first.value:+.3f} per person, {first.low:+.3f} to {first.high:+.3f}"
        broken, unsure = (
            ", ".join(row.metric for row in others if row.verdict == verdict) for verdict in ("broken", "undecided")
        )
        if first.verdict == "undecided":
            seen = f"; planned to see {plans[variant.name].detectable:.3f}" if variant.name in plans else ""
            said.append(f"{variant.name} is not told apart from {control} in satisfaction ({span}{seen})")
        else:
            said.append(f"{variant.name} satisfies people {'more' if first.value > 0 else 'less'} ({span})")
        ends = [f"breaks {broken}"] * bool(broken) + [f"leaves {unsure} open"] * bool(unsure)
        said[-1] += f" and {' and '.join(ends or ['keeps its guardrails'])}"
        if first.verdict == "better" and not ends:
            ready.append((first.value, variant.name))
    advice = f"Show {max(ready)[1]}" if ready else f"Stay with {control}"
    return f"{advice}: {'; '.join(said)}."


def _units(world: World, people: Ints, variants: Sequence[Variant], design: Design) -> Ints:
    units = assigned(world, people, len(variants), design.meeting, design.draw)
    if len(units) < LEAST:
        raise UsageError(f"{len(people)} people are too few for {len(variants)} arms; take more people")
    return units


def _change(units: Units, metric: str, at: int) -> Floats:
    column = units.values[metric]
    return np.asarray(column[:, at] - column[:, 0])


def _looks(design: Design) -> int:
    return design.looks if design.reading == "always" else 1


def _raised(level: float, family: int) -> float:
    """The level of each of FAMILY intervals that hold together at LEVEL."""
    return 1 - (1 - level) / family


def _row(metric: str, variant: str, found: Interval, verdict: str) -> _Row:
    return _Row(metric, variant, found.value, found.low, found.high, verdict)
