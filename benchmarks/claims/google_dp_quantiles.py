"""Quantiles held to the rule of Google's statistical cases, on cases made here: the shared ones have no quantiles."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from benchmarks import _google_releases as releases
from benchmarks._claim import write
from benchmarks._google_dp import approximately_private, ballot
from benchmarks._google_releases import Privacy
from consentinel.protect.statistic import Bounds

NAMES = ("google_dp_quantiles",)
VOTES, SAMPLES, BUCKETS = 9, 250_000, 32
AT = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
LN3 = 1.0986122886681098
TOLERANCE = {0.1: 0.0012, LN3: 0.0036, 2 * LN3: 0.0055}  # grows with epsilon: errors are multiplied by exp(epsilon)


@dataclass(frozen=True)
class Case:
    """Two neighbouring data sets, the second with all rows of one unit more, and what the releases have to keep."""

    name: str
    entries: tuple[float, ...]
    more: tuple[float, ...]
    bounds: Bounds
    epsilon: float
    delta: float
    branches: int


def cases() -> Iterator[Case]:
    """Yield every combination of noise, data and parameters."""
    data = {
        "empty": ((), 0.5, 0, 1),
        "two ends": ((-1000.0,), 1000.0, 0, 1),
        "spread out": (tuple(i / 10 for i in range(11)), 0.0, -1, 2),
        "one value": ((0.3,) * 20, 0.9, 0, 1),
    }
    for delta in (0.0, 1e-5):
        for what, (entries, more, low, high) in data.items():
            for how, (groups, rows, epsilon, branches) in PARAMETERS.items():
                extra = groups * rows if not delta else rows * int(groups**0.5)  # as far apart as a unit can bring it
                bounds = Bounds(groups, rows, Fraction(low), Fraction(high))
                name = f"{'Gaussian' if delta else 'Laplace'} noise, {what}, {how}"
                yield Case(name, entries, (more,) * extra, bounds, epsilon, delta, branches)


PARAMETERS = {
    "default parameters": (1, 1, LN3, 5),
    "nine groups": (9, 1, LN3, 5),
    "five rows": (1, 5, LN3, 5),
    "small epsilon": (1, 1, 0.1, 5),
    "large epsilon": (1, 1, 2 * LN3, 5),
    "three branches": (1, 1, LN3, 3),
}


def vote(case: Case, samples: int = SAMPLES, weaker: float = 1.0) -> Callable[[], bool]:
    """Return the vote that the quantiles of both data sets are as close as the case says, each quantile by itself."""
    privacy = Privacy(case.epsilon, case.delta, weaker)
    pair = [
        releases.quantiles([(x, 1) for x in entries], case.bounds, privacy, AT, case.branches)
        for entries in (case.entries, case.entries + case.more)
    ]

    def once() -> bool:
        a, b = (bucket(draw(samples), case.bounds) for draw in pair)
        same = (case.epsilon, case.delta, TOLERANCE[case.epsilon])
        return all(approximately_private(a[:, i], b[:, i], *same) for i in range(len(AT)))

    return once


def bucket(values: NDArray[np.float64], bounds: Bounds) -> NDArray[np.int64]:
    """Return which of BUCKETS equal parts of the range each value lies in."""
    low, high = float(bounds.low or 0), float(bounds.high or 0)
    return np.clip(np.floor((values - low) / (high - low) * BUCKETS), 0, BUCKETS - 1).astype(np.int64)


def main() -> None:
    """Measure and write the number; words as arguments run the cases whose name has one of them, and write nothing."""
    only = sys.argv[1:]
    asked = [case for case in cases() if not only or any(word in case.name for word in only)]
    missed = [case.name for case in asked if not ballot(vote(case), VOTES)]
    print(f"{len(asked) - len(missed)} of {len(asked)} passed; failed: {'; '.join(missed) or 'none'}", flush=True)
    if only:
        return
    good = len(asked) - len(missed)
    write(
        NAMES[0],
        value=good,
        low=good,
        high=good,
        n=len(asked),
        protocol=f"our cases, Google's rule: {SAMPLES:,} samples for each data set and vote, {len(AT)} quantiles in "
        f"{BUCKETS} parts of the range, each must pass, majority of {VOTES} votes; failed: "
        f"{'; '.join(missed) or 'none'}",
    )


if __name__ == "__main__":
    main()
