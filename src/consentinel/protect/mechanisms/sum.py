"""Sum of a clipped value over the rows of every group.

Guarantee: the statistics have the sensitivities that they declare; the interval covers the sum that samples of as
many units have on average, values beyond the bounds included, at about the nominal level.
Assumes: units are independent; their number is random (Poisson) unless `size` is given; values lie in [least, most].

Sources: Wilson 1927 (variance at the candidate), Hall 1992 (skewness), Bun and Steinke 2016 (Gaussian noise).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.stats import tail
from consentinel.protect.estimates import Estimates, Facts, Floats, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import Remainder, between, ends, outreach, possible, quantile, regressed
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps

__all__ = ["answer", "forecast", "needs", "shares"]


def needs(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return the sum, what its spread is read from, and counts of clipped values where there may be any."""
    m.as_spent(budget)
    low, _ = clipped_steps(bounds)
    spread = m.inside(bounds, 0, by_row=False)[0] if low >= 0 else m.power(bounds, 2, 0)
    return (m.total(bounds), spread, *m.clipping(bounds))


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return the proportions of the budget: the spread needs less precision than the sum itself."""
    _, spread, *clipped = needs(bounds, Fraction(1))
    return {"sum": Fraction(1), spread.name: Fraction(3, 10)} | {one.name: m.CLIPPED for one in clipped}


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    size: Floats | float | None = None,
    law: Law = "gaussian",
) -> Estimates:
    """Return the sums with their intervals.

    SIZE is the public number of units that each group was sampled with, where it is fixed; None: it is random.
    """
    z = float(quantile(1 - tail(level)))
    value, sd = m.read(m.total(bounds), noisy, scales)
    low, high = (bounds.rows * float(end) for end in (bounds.low or 0, bounds.high or 0))
    n = None if size is None else np.broadcast_to(np.asarray(size, dtype=np.float64), value.shape)[:, None]
    if low >= 0:
        spread, high = m.inside(bounds, 0, by_row=False)
        low, high = 0.0, high * bounds.rows
    else:
        spread = m.power(bounds, 2, 0)
    known, sd2 = m.read(spread, noisy, scales)
    nodes = possible(known, sd2)

    furthest = max(abs(low), abs(high))

    def remainder(s: Floats) -> Remainder:
        gap, noise = value[:, None] - s, np.full_like(s, sd * sd)
        raw = high * s - nodes if low >= 0 else nodes + 0 * s  # the sum of squares
        if n is None:
            slope = high if low >= 0 else 0.0

            def third(second: Floats) -> Floats:
                if low < 0:
                    return np.zeros_like(second)
                return second * outreach(second, s, high)

            return regressed(gap, noise, raw, slope, np.inf, furthest, third)
        mean = np.clip(s / n, low, high)
        most = n * (high - mean) * (mean - low)
        slope = high - 2 * mean if low >= 0 else -2 * mean
        raw = raw - mean * mean * n
        below, above = mean - low, high - mean
        return regressed(gap, noise, raw, slope, most, high - low, lambda r: n * between(r / n, below, above))

    wide = furthest * (np.abs(value) + 20 * sd + 200 * furthest) if low >= 0 else nodes[:, -1] + sd * sd
    reach = 20 * np.sqrt(wide + sd * sd) + 40 * furthest
    left, right = (np.zeros_like(value) if low >= 0 else value - reach), np.maximum(value, 0) + reach
    if n is not None:
        left, right = np.maximum(left, n[:, 0] * low), np.minimum(right, n[:, 0] * high)
    lower, upper = ends(remainder, left, right, level, law=law)
    raised, lowered = m.clipping_bias(noisy, scales, bounds, z)
    return Estimates(value, lower - raised, upper + lowered)


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of a group's sum."""
    z = float(quantile(0.975))
    mean, spread = m.spread_guess(bounds, facts)
    sd = scales["sum"] * float(m.total(bounds).step)
    sampling = facts.units * bounds.rows**2 * (spread**2 + mean**2)
    return z * math.sqrt(sampling + sd**2) + m.forecast_bias(bounds, scales, facts, z)
