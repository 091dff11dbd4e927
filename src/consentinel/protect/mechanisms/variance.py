"""Variance of a clipped value over the units of every group.

Guarantee: the statistics have the sensitivities that they declare; the interval covers the variance of the
population that the units are drawn from at about the nominal level.
Assumes: units are independent, with one row each; values lie in [least, most].

Source: Cramer 1946, section 27.4 (variance of a variance).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from consentinel.protect.estimates import Estimates, Facts, Law
from consentinel.protect.mechanisms._dispersion import Of, half_width, proportions, statistics, variance
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["answer", "forecast", "needs", "shares"]


def needs(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return rows and power sums about the middle of the range; raises NotSupported for several rows per unit."""
    return statistics(bounds, budget)


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return the proportions of the budget."""
    return proportions(bounds)


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    of: Of = "sample",
    law: Law = "gaussian",
) -> Estimates:
    """Return the variances with their intervals; OF "population" divides by n, "sample" by n - 1."""
    return Estimates(*variance(noisy, scales, bounds, level, law, of))


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of a group's variance."""
    return half_width(bounds, scales, facts)[1]
