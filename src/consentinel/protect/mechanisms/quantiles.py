"""Quantiles of a clipped value over the rows of every group, any number of them at the price of one.

Guarantee: a row adds 1 to one bin of each of two histograms, of coarse bins and of fine ones inside them; the interval
covers the population's quantile, to the width of a fine bin, at about the nominal level (more where a unit has
several rows).
Assumes: units are independent; a quantile beyond the bounds is reported at the bound.

Sources: Woodruff 1952 (the interval by inverting the distribution function); Hay et al. 2010 (consistent trees).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import tail
from consentinel.protect.estimates import Estimates, Facts, Floats, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import bent, quantile
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["answer", "forecast", "needs", "shares"]


def needs(bounds: Bounds, budget: Fraction, *, branches: int = 32) -> tuple[Statistic, ...]:
    """Return the counts in BRANCHES coarse bins and in BRANCHES fine ones inside each, over [low, high]."""
    m.as_spent(budget)
    if isinstance(branches, bool) or not isinstance(branches, int) or not 2 <= branches <= 256:
        raise UsageError(f"a number of branches is a whole number in [2, 256], got {branches!r:.40}")
    return (m.binned(bounds, "coarse", branches), m.binned(bounds, "fine", branches * branches))


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return that both histograms get half of the budget."""
    return {"coarse": Fraction(1), "fine": Fraction(1)}


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    at: tuple[float, ...] = (0.5,),
    law: Law = "gaussian",
) -> Estimates:
    """Return the quantiles AT probabilities in (0, 1), shape (groups, len(at)), labelled q0.5 and so on.

    LAW makes no difference: many draws are added, and their sum is nearly normal.
    """
    alpha = tail(level)
    if not at or not all(0 < q < 1 for q in at):
        raise UsageError(f"quantiles are asked at probabilities in (0, 1), got {at}")
    branches = np.asarray(noisy["coarse"]).shape[-1]
    coarse, fine = needs(bounds, Fraction(1), branches=branches)
    top, sd_top = m.read(coarse, noisy, scales)
    leaves, sd_leaf = m.read(fine, noisy, scales)
    if leaves.shape != (len(top), branches * branches):
        raise UsageError(f"'fine' has shape {(len(top), branches * branches)}, got {leaves.shape}")
    prefix, block, inside = consistent(top, sd_top, leaves, sd_leaf)
    total = prefix[:, -1]
    first, last = m.least_most(Bounds(1, 1, bounds.low, bounds.high))
    edges = np.linspace(first, last, prefix.shape[1])
    z = float(quantile(1 - alpha))
    found = np.empty((3, len(top), len(at)))
    for i, q in enumerate(at):
        gap = prefix - q * total[:, None]
        units = np.maximum(total, 1.0)[:, None] * q * (1 - q) * bounds.rows
        noise = _noise(q, branches, block, inside)
        spread = np.sqrt(units + noise)
        sure = _rising(bent(gap / spread, units * (1 - 2 * q) * bounds.rows / spread**3))
        found[0, :, i] = _crossing(_rising(gap), 0.0, edges)
        found[1, :, i] = _crossing(sure, -z, edges)
        found[2, :, i] = _crossing(sure, z, edges)
    return Estimates(found[0], found[1], found[2], tuple(f"q{q:g}" for q in at))


def consistent(top: Floats, sd_top: float, leaves: Floats, sd_leaf: float) -> tuple[Floats, float, float]:
    """Return cumulated counts (groups, bins + 1) of a tree made consistent, and variances of a block and of a leaf.

    A block is estimated from its coarse count and from its leaves, weighed by precision; the leaves share out what
    is left over (generalised least squares, Hay et al. 2010, section 4).
    """
    groups, branches = top.shape
    parts = leaves.reshape(groups, branches, branches)
    added, of_added, of_top = parts.sum(axis=2), branches * sd_leaf**2, sd_top**2
    weight = of_added / (of_added + of_top) if of_added + of_top > 0 else 0.5
    block = weight * top + (1 - weight) * added
    parts = parts + (block - added)[:, :, None] / branches
    prefix = np.concatenate([np.zeros((groups, 1)), parts.reshape(groups, branches * branches).cumsum(axis=1)], axis=1)
    return prefix, weight * of_top, sd_leaf**2


def _noise(q: float, branches: int, block: float, leaf: float) -> Floats:
    """Return the variance of the noise of (cumulated count - q total) at every edge of the fine bins."""
    at = np.arange(branches * branches + 1)
    before, part = at // branches, (at % branches) / branches
    after = np.maximum(branches - before - 1, 0)
    cut = np.where(before < branches, (part - q) ** 2, 0.0)
    return block * (before * (1 - q) ** 2 + after * q**2 + cut) + leaf * branches * part * (1 - part)


def _rising(values: Floats) -> Floats:
    """Return VALUES made monotone: half way between the highest so far and the lowest to come."""
    lowest = np.minimum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    return (np.maximum.accumulate(values, axis=1) + lowest) / 2


def _crossing(rising: Floats, wanted: float, edges: Floats) -> Floats:
    """Return where each row of RISING passes WANTED, between the EDGES."""
    last = rising.shape[1] - 1
    lower = np.clip((rising < wanted).sum(axis=1), 1, last)
    upper = np.clip((rising <= wanted).sum(axis=1), 1, last)
    rows = np.arange(len(rising))

    def between(at: NDArray[np.intp]) -> Floats:
        left, right = rising[rows, at - 1], rising[rows, at]
        part = np.clip((wanted - left) / np.where(right > left, right - left, 1.0), 0.0, 1.0)
        return edges[at - 1] + part * (edges[at] - edges[at - 1])

    return (between(lower) + between(upper)) / 2  # level stretches: their middle


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of the median, values being spread as `facts` says.

    The density at the median is that of a normal distribution with the spread; at most half the range.
    """
    z = float(quantile(0.975))
    _, spread = m.spread_guess(bounds, facts)
    low, high = m.least_most(Bounds(1, 1, bounds.low, bounds.high))
    branches = int(facts.extra.get("branches", 32))
    _, block, leaf = consistent(
        np.zeros((1, branches)), scales["coarse"], np.zeros((1, branches * branches)), scales["fine"]
    )
    noise = float(_noise(0.5, branches, block, leaf).mean())
    rank = z * math.sqrt(facts.units * bounds.rows**2 / 4 + noise) / (facts.units * bounds.rows)
    bin_width = (high - low) / branches**2
    return min(rank * spread * math.sqrt(2 * math.pi) + bin_width / 2, (high - low) / 2) if spread else bin_width / 2
