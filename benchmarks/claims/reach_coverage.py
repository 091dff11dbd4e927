"""The simulator's exposures, sketched with a new key and measured under privacy 100,000 times: how often nominal 95 %
intervals of reach and of frequency hold the truth; and how accurate and how large sketches of 10^4 to 10^6 people are.
"""

import secrets
import sys
from fractions import Fraction

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks._claim import write, write_interval
from consentinel.core.accounting import epsilon
from consentinel.core.rng import generator
from consentinel.core.stats import clopper_pearson
from consentinel.protect.noise import draw_with
from consentinel.protect.reach.encoding import encode
from consentinel.protect.reach.hashing import epoch_key
from consentinel.protect.reach.private import PrivateReach, reach_bounds
from consentinel.protect.reach.sketch import Params, build, merge, statistics
from consentinel.protect.simulator import Campaign, simulate
from consentinel.protect.splitting import deviations, params

NAMES = (
    "reach_coverage_least",
    "reach_coverage_most",
    "reach_frequency_coverage_least",
    "reach_frequency_coverage_most",
    "reach_error_percent",
    "reach_sketch_kb",
)
INPUTS = (
    "src/consentinel/protect/reach/private.py",
    "src/consentinel/protect/reach/occupancy.py",
    "src/consentinel/protect/reach/sketch.py",
    "src/consentinel/protect/simulator.py",
)
SEEDS, KEYS, AT_ONCE = 100_000, 40, 2_000
SETTINGS = (  # a roomy sketch, a crowded one, an equal one of the same size; little noise and much
    (Params(1 << 17, 128, 16, 5), Fraction(1, 100)),
    (Params(1 << 12, 128, 16, 5), Fraction(1, 10)),
    (Params(1 << 12, 1, 16, 5), Fraction(1, 1000)),
)


def frequencies(people: int) -> NDArray[np.int64]:
    """Return how many impressions each person had who had any, in the simulator's campaign; shape (reached,)."""
    person = simulate(Campaign(people=people, opportunities=3.0), 5).touches["id"]
    return np.asarray(pa.chunked_array(person).value_counts().field("counts"))


def occupied(
    shape: Params, times: NDArray[np.int64], rng: np.random.Generator, seeds: int, *, sampled: bool
) -> NDArray[np.int64]:
    """Return the exact statistics of SEEDS sketches of people with TIMES impressions, each under another key.

    Only the registers that people fall into are drawn, not the key; a test holds that against whole sketches. SAMPLED:
    people are drawn anew too, each a Poisson number of times.
    """
    capped = np.minimum(times, shape.frequency)
    found = np.empty((seeds, 1 + shape.frequency), dtype=np.int64)
    for row in found:
        drawn = np.repeat(capped, rng.poisson(1.0, len(capped))) if sampled else capped
        words = rng.integers(0, 2**64, len(drawn), dtype=np.uint64)
        register = np.searchsorted(shape.edges, words, side="right") * shape.size + rng.integers(
            0, shape.size, len(drawn)
        )
        inside = np.bincount(register, minlength=shape.registers)
        alone = drawn[inside[register] == 1]
        row[0] = np.count_nonzero(inside)
        row[1:] = np.bincount(alone, minlength=1 + shape.frequency)[1:]
    return found


def covered(
    shape: Params, rho: Fraction, times: NDArray[np.int64], seeds: int, *, sampled: bool
) -> tuple[NDArray[np.int64], float, float]:
    """Return in how many of SEEDS the intervals of 1+, 2+, 3+ hold, and the bias and half width of 1+ in per cent."""
    part, bounds = PrivateReach(shape, sampled), reach_bounds()
    statistics_ = part.needs(bounds, rho)
    paid = params(statistics_, bounds, rho, part.shares(bounds))
    truth = np.array([(times >= k).sum() for k in (1, 2, 3)])
    inside, values, widths = np.zeros(3, dtype=np.int64), [], []
    rng = generator(0, "reach coverage", str(shape), str(rho), str(sampled))
    for start in range(0, seeds, AT_ONCE):
        exact = occupied(shape, times, rng, min(AT_ONCE, seeds - start), sampled=sampled)
        noise = draw_with("discrete_gaussian", paid["sigma_registers"], exact.size).reshape(exact.shape)
        found = part.answer({"registers": exact + noise}, deviations(statistics_, paid), bounds, 0.95)
        inside += ((found.low[:, :3] <= truth) & (truth <= found.high[:, :3])).sum(axis=0)
        values.append(found.value[:, 0])
        widths.append((found.high - found.low)[:, 0] / 2)
    bias = float(np.concatenate(values).mean() / truth[0] - 1)
    return inside, 100 * bias, float(100 * np.median(np.concatenate(widths)) / truth[0])


def accuracy(people: int, keys: int, rho: Fraction) -> tuple[float, float]:
    """Return the root mean square error in per cent of the reach of PEOPLE, half of whom each of three publishers saw,
    over KEYS keys, and the size of the merged sketch in kB; every sketch is built from identifiers."""
    part, bounds = PrivateReach(), reach_bounds()
    statistics_ = part.needs(bounds, rho)
    paid = params(statistics_, bounds, rho, part.shares(bounds))
    rng, errors, size = generator(people, "reach accuracy"), [], 0
    for at in range(keys):
        key = epoch_key(secrets.token_bytes(32), f"week {at}")
        saw = [np.flatnonzero(rng.random(people) < 0.5) for _ in range(3)]
        whole = merge([build(pa.array(ids), key, source=f"publisher {who}") for who, ids in enumerate(saw)])
        exact = statistics(whole)["registers"][None]
        noise = draw_with("discrete_gaussian", paid["sigma_registers"], exact.size).reshape(exact.shape)
        found = part.answer({"registers": exact + noise}, deviations(statistics_, paid), bounds, 0.95)
        errors.append(float(found.value[0, 0] / len(np.unique(np.concatenate(saw))) - 1))
        size = max(size, len(encode(whole)))
    return 100 * float(np.sqrt(np.mean(np.square(errors)))), size / 1000


def main() -> None:
    """Measure and write the numbers."""
    seeds, keys = (int(sys.argv[1]), max(2, int(sys.argv[1]) * KEYS // SEEDS)) if len(sys.argv) > 1 else (SEEDS, KEYS)
    times = frequencies(12_000)
    held: dict[str, list[int]] = {"reach_coverage": [], "reach_frequency_coverage": []}
    told = []
    for shape, rho in SETTINGS:
        for sampled in (False, True):
            inside, bias, half = covered(shape, rho, times, seeds, sampled=sampled)
            held["reach_coverage"].append(int(inside[0]))
            held["reach_frequency_coverage"] += [int(number) for number in inside[1:]]
            shares = ", ".join(
                f"{name} {number / seeds:.4f}" for name, number in zip(("1+", "2+", "3+"), inside, strict=True)
            )
            told.append(
                f"{shape.registers} registers in {shape.classes} classes, rho {rho}"
                f"{', of the expected number' if sampled else ''}: {shares} (1+: half width {half:.2g} %, "
                f"bias {bias:+.2g} %)"
            )
            print(told[-1], flush=True)
    for name in NAMES[:4]:
        side = (min if name.endswith("least") else max)(held[name.rpartition("_")[0]])
        interval = clopper_pearson(side, seeds)
        write_interval(
            name,
            interval,
            f"the simulator's exposures of {len(times)} people, {seeds} keys for each setting, nominal 95 % "
            f"intervals: {'; '.join(told)}",
        )
    rho = Fraction(1, 100)
    found = {people: accuracy(people, keys, rho) for people in (10**4, 10**5, 10**6)}
    shown = "; ".join(f"{people:,} people {error:.2f} %, {size:.0f} kB" for people, (error, size) in found.items())
    print(shown)
    told_of = f"reach of three publishers who each saw half of the people, merged, with {keys} keys and rho {rho} "
    told_of += (
        f"(epsilon {epsilon(10**4, Fraction(1, 10**6)):.2f} at delta 1e-6) against exact distinct counts: {shown}"
    )
    error, size = (max(numbers[at] for numbers in found.values()) for at in (0, 1))
    low, high = (error * float(np.sqrt(keys / chi2.ppf(side, keys))) for side in (0.975, 0.025))
    write("reach_error_percent", value=error, low=low, high=high, n=keys, protocol=told_of)
    write("reach_sketch_kb", value=size, low=size, high=size, n=keys, protocol=told_of)


if __name__ == "__main__":
    main()
