"""What certificates share: exact lower bounds of shares, and the share of rows certified at each radius."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._scored import Floats, Places, share
from consentinel.core.extras import need
from consentinel.core.resample import cluster_bootstrap

__all__ = ["ABSTAINED", "ALPHA", "certified", "lower", "mean_radius", "most_said"]

ALPHA = 0.001  # chance that one sampled certificate is wrong
ABSTAINED = -1.0  # the radius of a row of which nothing is certain, not even as it is
Strings = NDArray[np.object_]


def lower(hits: int, n: int, alpha: float = ALPHA) -> float:
    """Return what the share behind HITS of N draws is at least, wrong with chance ALPHA at most.

    Source: Clopper and Pearson 1934, one side.
    """
    if hits == 0:
        return 0.0
    return float(need("scipy.special", extra="learn").betaincinv(hits, n - hits + 1, alpha))


def most_said(votes: Strings) -> str:
    """Return the label that most of VOTES (n,) say, of equals the first in alphabetical order."""
    names, count = np.unique(votes.astype(str), return_counts=True)
    return str(names[count.argmax()])


def certified(
    right: NDArray[np.bool_], radius: Floats, at: Sequence[tuple[float, str]], unit: Places, plan: Plan, why: str,
    *, alpha: float = 0.0,
) -> Iterator[Measure]:  # fmt: skip
    """Yield the share of rows that are RIGHT (n,) and certified up to RADIUS (n,), for each (radius, slice) AT.

    Where each certificate may be wrong with chance ALPHA, at most that share of all rows is wrongly counted on average:
    the lower end is moved down by it.
    """
    for wanted, name in at:
        found = share("certified_accuracy", right & (radius >= wanted), unit, plan, name, why=why)
        if found.estimate is not None and alpha:
            low = max(0.0, found.estimate.low - alpha)
            found = replace(found, estimate=replace(found.estimate, low=low))
        yield found


def mean_radius(right: NDArray[np.bool_], radius: Floats, unit: Places, plan: Plan, why: str) -> Measure:
    """Return the mean of RADIUS (n,) over all rows, 0 for those that are not RIGHT or abstained.

    Source: Zhai et al. 2020, section 3 (average certified radius).
    """
    if not len(radius):
        return Measure("average_certified_radius", None, better="higher", why="there is no row that it counts")
    counted = np.where(right, np.maximum(radius, 0.0), 0.0)
    found = cluster_bootstrap(counted, unit, level=plan.level, draws=plan.draws, seed=plan.seed)
    return Measure("average_certified_radius", found, better="higher", why=why)
