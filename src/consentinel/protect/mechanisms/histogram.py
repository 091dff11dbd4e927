"""Histogram: how many rows of every group have a clipped value in each of several bins of equal width.

Guarantee: a row adds 1 to one bin; each interval covers the expected count of its bin at about the nominal level.
Assumes: units are independent and their number is random (Poisson); intervals are per bin, not for all bins at once.

Sources: Dwork, McSherry, Nissim and Smith 2006 (histograms); Wilson 1927 (the test inverted).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.estimates import Estimates, Facts, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import quantile
from consentinel.protect.mechanisms._counting import counted
from consentinel.protect.statistic import Bounds, Statistic, lattice

__all__ = ["answer", "forecast", "needs", "shares"]


def needs(
    bounds: Bounds, budget: Fraction, *, bins: int = 10, edges: tuple[Fraction, ...] = ()
) -> tuple[Statistic, ...]:
    """Return the counts of rows in BINS bins of equal width over [low, high], or in the bins that EDGES cut it into.

    Values of EDGES rise and lie inside the range; where the range goes on beyond them, so do bins. Raises UsageError.
    """
    m.as_spent(budget)
    if not edges:
        return (m.binned(bounds, "bins", bins),)
    inner = cuts(bounds, edges)[1:-1]
    if not 1 <= len(inner) < m.MOST_BINS:
        raise UsageError(f"edges cut the range into 2 to {m.MOST_BINS} bins; ask for a count where there is only one")
    step = lattice(bounds)
    return (
        Statistic("bins", _search([math.ceil(cut / step) for cut in inner]), Fraction(1), Fraction(1), len(inner) + 1),
    )


def cuts(bounds: Bounds, edges: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """Return the ends of all bins: low, EDGES, high. Raises UsageError for edges that do not rise inside the range."""
    low, high = bounds.low, bounds.high
    if low is None or high is None:
        raise UsageError("a histogram needs the range that values are clipped to: give low and high")
    rising = all(isinstance(edge, Fraction) for edge in edges) and all(a < b for a, b in pairwise(edges))
    if not rising or not low <= edges[0] or not edges[-1] <= high:
        raise UsageError(f"edges are exact fractions that rise inside the range from {low} to {high}")
    return tuple(sorted({low, *edges, high}))


def _search(cut: list[int], first: int = 0) -> str:
    """Return the SQL of the number of the bin of x, FIRST plus how many of CUT are at most x, by halving."""
    if not cut:
        return str(first)
    middle = len(cut) // 2
    low, high = _search(cut[:middle], first), _search(cut[middle + 1 :], first + middle + 1)
    return f"CASE WHEN x < {cut[middle]} THEN {low} ELSE {high} END"


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return that there is one statistic, which takes the whole budget."""
    return {"bins": Fraction(1)}


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    edges: tuple[Fraction, ...] = (),
    law: Law = "gaussian",
) -> Estimates:
    """Return the counts of bins, shape (groups, bins), labelled by the ends of the bins."""
    found = np.asarray(noisy["bins"])
    if found.ndim != 2:
        raise UsageError(f"'bins' has shape (groups, bins), got {found.shape}")
    bins = found.shape[1]
    (statistic,) = needs(bounds, Fraction(1), bins=bins, edges=edges)
    if statistic.width != bins:
        raise UsageError(f"'bins' has {statistic.width} bins with these edges, got {bins}")
    value, sd = m.read(statistic, noisy, scales)
    low, high = counted(value.ravel(), sd, level, most=bounds.rows, law=law)
    first, last = m.least_most(Bounds(1, 1, bounds.low, bounds.high))
    even = np.linspace(first, last, bins + 1)
    ends = [f"{float(end):.12g}" for end in (cuts(bounds, edges) if edges else even)]
    closing = [")"] * (bins - 1) + ["]"]
    labels = tuple(f"[{a},{b}{c}" for a, b, c in zip(ends, ends[1:], closing, strict=False))
    return Estimates(value, low.reshape(value.shape), high.reshape(value.shape), labels)


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of one bin with the share of units in `facts`."""
    return float(quantile(0.975)) * math.sqrt(facts.units * facts.share * bounds.rows**2 + scales["bins"] ** 2)
