"""Partial pooling: the values of many small groups, each drawn towards all of them by as much as they are alike."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from consentinel.core.errors import UsageError
from consentinel.core.stats import Floats, finite, tail

__all__ = ["Pooled", "pooled"]

_GRID = 200


@dataclass(frozen=True)
class Pooled:
    """Pooled values of groups with their intervals, shape (g,); what they are drawn to, and how far they truly differ
    (standard deviation between groups)."""

    value: Floats
    low: Floats
    high: Floats
    centre: float
    spread: float


def pooled(estimates: ArrayLike, variances: ArrayLike, level: float = 0.95) -> Pooled:
    """Return ESTIMATES of groups, with known sampling VARIANCES, both (g,), drawn towards their precise mean.

    The intervals hold the truth of at least LEVEL of the groups on average, however the true values are spread: they
    count the bias that drawing a group to the others gives it. One group stays as it is; with fewer than about ten the
    spread between groups is known badly. Raises UsageError.
    Source: Paule and Mandel 1982 (spread); Armstrong, Kolesar and Plagborg-Moller 2022 (robust empirical Bayes).
    """
    seen, noise = finite(estimates, "estimates"), finite(variances, "variances")
    tail(level)
    if seen.shape != noise.shape or not (noise > 0).all():
        raise UsageError("each group needs an estimate and a variance above 0")
    between = _between(seen, noise)
    weights = 1 / (noise + between)
    centre = float((weights * seen).sum() / weights.sum())
    # not below what chance alone makes of it: a spread of zero would promise intervals of no width
    least = 2 * float((noise**2).sum()) / (len(seen) * float(noise.sum()))
    keep = max(between, least) / (max(between, least) + noise) if len(seen) > 1 else np.ones(1)
    value = centre + keep * (seen - centre)
    half = np.array([_critical(1 / k - 1, 1 - level) for k in keep]) * keep * np.sqrt(noise)
    return Pooled(value, value - half, value + half, centre, math.sqrt(between))


def _between(seen: Floats, noise: Floats) -> float:
    """Return the variance between groups at which the weighted squares are as large as they should be."""

    def excess(between: float) -> float:
        weights = 1 / (noise + between)
        centre = (weights * seen).sum() / weights.sum()
        return float((weights * (seen - centre) ** 2).sum()) - (len(seen) - 1)

    if len(seen) < 2 or excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(np.var(seen)) * len(seen) + float(noise.max())
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _critical(bias: float, alpha: float) -> float:
    """Return how many standard deviations hold a normal estimate with any bias of mean square BIAS, at most."""
    low, high = 1.0, 60.0 + 10 * math.sqrt(bias)
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if _miss(bias, middle) > alpha else (low, middle)
    return high


def _miss(bias: float, reach: float) -> float:
    """Return the largest chance that REACH misses, over all laws of the bias with mean square BIAS.

    It is the least concave function above the chance at a fixed square: a straight line from no bias to where the line
    touches, which is the steepest one.
    """
    at_none = _outside(0.0, reach)
    if bias == 0:
        return at_none
    steps = np.linspace(math.sqrt(bias), max(math.sqrt(bias), reach + 4), _GRID)
    missed = np.array([_outside(step, reach) for step in steps.tolist()])
    return at_none + bias * float(((missed - at_none) / steps**2).max())


def _outside(bias: float, reach: float) -> float:
    return 0.5 * (math.erfc((reach + bias) / math.sqrt(2)) + math.erfc((reach - bias) / math.sqrt(2)))
