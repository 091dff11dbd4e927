"""Variance of a value over units, from noisy power sums: what variance and standard_deviation share."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import NotSupported, UsageError
from consentinel.core.stats import tail
from consentinel.protect.estimates import Facts, Floats, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import Remainder, between, ends, quantile, regressed, unlimited
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

__all__ = ["Of", "half_width", "proportions", "statistics", "variance"]

Of = Literal["population", "sample"]


def statistics(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return rows and power sums about the middle of the range, and counts of clipped values. Raises NotSupported."""
    m.as_spent(budget)
    if bounds.rows > 1:
        raise NotSupported("the variance between rows needs one row per unit: set rows=1, or ask for the mean instead")
    middle = m.centre(bounds)
    powers = (m.power(bounds, order, middle) for order in (2, 3, 4))
    return (m.rows(bounds), m.total(bounds, middle), *powers, *m.clipping(bounds))


def proportions(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return the proportions of the budget: third and fourth powers only set the width of the interval."""
    rest = {"sum_cubes": Fraction(1, 10), "sum_fourths": Fraction(3, 10)}
    main = {"rows": Fraction(1), "sum": Fraction(1), "sum_squares": Fraction(1)}
    return main | rest | {one.name: m.CLIPPED for one in m.clipping(bounds)}


def variance(
    noisy: Mapping[str, NDArray[Any]], scales: Mapping[str, float], bounds: Bounds, level: float, law: Law, of: Of
) -> tuple[Floats, Floats, Floats]:
    """Return (value, low, high) of the variance over units, shape (groups,), in the squared unit of the data.

    The deviations from the estimated mean are squared and averaged like values; their own spread comes from the
    fourth powers. OF "population" divides by n, "sample" by n - 1.
    Source: Cramer 1946, section 27.4 (variance of a variance).
    """
    z = float(quantile(1 - tail(level)))
    if of not in ("population", "sample"):
        raise UsageError(f"a variance is of the 'population' or of the 'sample', not of '{of}'")
    middle = m.centre(bounds)
    count, sd0 = m.read(m.rows(bounds), noisy, scales)
    first, sd1 = m.read(m.total(bounds, middle), noisy, scales)
    (second, sd2), (cubes, sd3), (fourths, sd4) = (
        m.read(m.power(bounds, order, middle), noisy, scales) for order in (2, 3, 4)
    )
    units = np.maximum(count, 1.0)
    step = float(lattice(bounds))
    least, most_of_x = ((end - middle) * step for end in clipped_steps(bounds))
    off = np.clip(first / units, least, most_of_x)
    furthest = np.maximum(most_of_x - off, off - least) ** 2
    about = fourths - 4 * off * cubes + 6 * off**2 * second - 3 * off**4 * units
    nodes = unlimited(about, np.sqrt(sd4**2 + (4 * off * sd3) ** 2 + (6 * off**2 * sd2) ** 2))
    lost = (sd1**2 + (off * sd0) ** 2) / units  # squares that the noise of the mean takes away, on average
    squares = second - 2 * off * first + off**2 * count + lost
    most = ((most_of_x - least) / 2) ** 2

    def remainder(candidate: Floats) -> Remainder:
        n, off_, far = units[:, None], off[:, None], np.maximum(furthest[:, None], candidate)
        gap = squares[:, None] + candidate - candidate * count[:, None]
        noise = sd2**2 + (2 * off_ * sd1) ** 2 + ((off_**2 - candidate) * sd0) ** 2
        limit = n * candidate * (far - candidate)
        raw = nodes - n * candidate**2
        width = (most_of_x - least) ** 2
        return regressed(gap, noise, raw, 0.0, limit, width, lambda r: n * between(r / n, candidate, far - candidate))

    ones = np.ones_like(count)
    low, high = ends(remainder, 0 * ones, most * ones, level, law=law)
    value = np.clip(squares / np.maximum(count - (of == "sample"), 1.0), 0.0, most)
    raised, lowered = m.clipping_bias(noisy, scales, bounds, z)
    reach = m.least_most(bounds)[1] - m.least_most(bounds)[0]
    bias = reach * (raised + lowered) / np.maximum(count - z * sd0, 1.0)
    empty, whole = count <= 0, reach**2 / 4  # nothing is known where not even the number of rows shows
    low, high = (
        np.where(empty, 0.0, np.clip(low - bias, 0.0, whole)),
        np.where(empty, whole, np.minimum(high + bias, whole)),
    )
    return value, low, high


def half_width(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> tuple[float, float]:
    """Return (variance, expected half width of its 95% interval), values being spread like a normal distribution."""
    z = float(quantile(0.975))
    mean, spread = m.spread_guess(bounds, facts)
    step = float(lattice(bounds))
    off = mean - m.centre(bounds) * step
    sd2 = scales["sum_squares"] * float(m.power(bounds, 2, m.centre(bounds)).step)
    noise = sd2**2 + (2 * off * scales["sum"] * step) ** 2 + ((off**2 - spread**2) * scales["rows"]) ** 2
    half = z * math.sqrt(2 * spread**4 / facts.units + noise / facts.units**2)
    low, high = m.least_most(bounds)
    bias = 2 * m.forecast_bias(bounds, scales, facts, z) * (high - low) / facts.units
    return spread**2, min(half + bias, (high - low) ** 2 / 4)
