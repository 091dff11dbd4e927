"""Mean of a clipped value over the rows of every group.

Guarantee: the statistics have the sensitivities that they declare; the interval covers the mean of the population that
the units are drawn from, values beyond the bounds included, at about the nominal level.
Assumes: units are independent; values lie in [least, most].

Sources: Fieller 1954 (ratio of noisy sums, inverted), Wilson 1927 (variance at the candidate), Hall 1992 (skewness).
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
from consentinel.protect.mechanisms._confidence import Remainder, between, ends, possible, quantile, regressed
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

__all__ = ["answer", "forecast", "needs", "shares"]


def needs(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return the sum around the middle of the range, the number of rows, and what their spread is read from.

    Around the middle a sum has the least sensitivity, and the noise of the number of rows then weighs little.
    """
    m.as_spent(budget)
    low, _ = clipped_steps(bounds)
    spread = (m.inside(bounds, low, by_row=True)[0],)
    if bounds.rows > 1:
        spread = (*spread, m.cross(bounds, m.centre(bounds)), m.rows(bounds, 2))
    return (m.total(bounds, m.centre(bounds)), m.rows(bounds), *spread, *m.clipping(bounds))


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return the proportions of the budget: sum and rows weigh the same where the mean is at an end of the range."""
    _, _, *rest = needs(bounds, Fraction(1))
    spread = {"inside": Fraction(1, 2), "cross": Fraction(1, 10), "rows_squares": Fraction(1, 10)}
    return {"sum": Fraction(1), "rows": Fraction(1)} | {one.name: spread.get(one.name, m.CLIPPED) for one in rest}


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    law: Law = "gaussian",
) -> Estimates:
    """Return the means with their intervals, cut to the plausible range; empty groups have the whole of it."""
    z = float(quantile(1 - tail(level)))
    middle = m.centre(bounds)
    centred, sd = m.read(m.total(bounds, middle), noisy, scales)
    count, sd_count = m.read(m.rows(bounds), noisy, scales)
    origin, _ = clipped_steps(bounds)
    spread, width = m.inside(bounds, origin, by_row=True)
    inside, sd_inside = m.read(spread, noisy, scales)
    step = float(lattice(bounds))
    zero, low = middle * step, origin * step
    high = low + width
    known = np.maximum(count, 0.0)[:, None]
    squares, crossed = known, None
    if bounds.rows > 1:
        squares = np.maximum(m.read(m.rows(bounds, 2), noisy, scales)[0][:, None], known)
        crossed = m.read(m.cross(bounds, middle), noisy, scales)[0][:, None]
    nodes = possible(inside, sd_inside)

    def remainder(mean: Floats) -> Remainder:
        off = mean - zero
        gap = centred[:, None] - off * count[:, None]
        noise = np.broadcast_to(sd**2 + (off * sd_count) ** 2, gap.shape)
        below, above = np.maximum(mean - low, 0.0), np.maximum(high - mean, 0.0)
        raw = squares * below * above - nodes
        slope = above - below
        if crossed is not None:  # rows and mean of a unit may go together: their product is released, not implied
            raw = raw + slope * (crossed - off * squares)
        units = np.maximum(known, 1.0)
        return regressed(
            gap,
            noise,
            raw,
            slope if crossed is None else 0 * slope,
            squares * np.maximum(below, above) ** 2 if bounds.rows > 1 else squares * below * above,
            bounds.rows * width,
            lambda second: units * between(second / units, below, above),
        )

    ones = np.ones_like(count)
    lower, upper = ends(remainder, low * ones, high * ones, level, law=law)
    value = np.clip(zero + centred / np.where(count > 0, count, np.inf), low, high)
    per_row = np.maximum(count - z * sd_count, 1.0)
    raised, lowered = m.clipping_bias(noisy, scales, bounds, z)
    least, most = m.least_most(bounds)
    lower, upper = np.clip(lower - raised / per_row, least, most), np.clip(upper + lowered / per_row, least, most)
    empty = count <= 0
    lower, upper = np.where(empty, least, lower), np.where(empty, most, upper)
    return Estimates(value, np.minimum(lower, value), np.maximum(upper, value))


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of a group's mean, at most half the plausible range."""
    z = float(quantile(0.975))
    mean, spread = m.spread_guess(bounds, facts)
    off = mean - m.centre(bounds) * float(lattice(bounds))
    noise = (scales["sum"] * float(lattice(bounds))) ** 2 + (off * scales["rows"]) ** 2
    half = z * math.sqrt(spread**2 / facts.units + noise / facts.units**2)
    least, most = m.least_most(bounds)
    return min(half + m.forecast_bias(bounds, scales, facts, z) / facts.units, (most - least) / 2)
