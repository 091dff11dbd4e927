"""Anytime-valid intervals of a gap that is watched: they hold at all times together, however often one looks."""

import math

import numpy as np
from numpy.typing import ArrayLike

from consentinel.core.errors import UsageError
from consentinel.core.stats import Floats, finite

__all__ = ["gap_so_far", "gap_so_far_asymptotic", "mean_so_far"]


def mean_so_far(values: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Return the mean of VALUES in [0, 1] so far, and the ends of its interval, after each value; all of shape (n,).

    At LEVEL all n intervals hold the mean together, at any n, whatever the law of the values (only their mean, given
    the past, has to stay the same). Raises UsageError.
    Source: Waudby-Smith and Ramdas 2024, theorem 2 (predictable plug-in empirical Bernstein).
    """
    x = finite(values, "values")
    alpha = _alpha(level)
    if ((x < 0) | (x > 1)).any():
        raise UsageError("values are in [0, 1]; scale them first")
    if not x.size:
        return x, x, x
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    before = np.concatenate([[0.5], mean[:-1]])
    bet = np.minimum(
        np.sqrt(2 * math.log(2 / alpha) / (np.concatenate([[0.25], variance[:-1]]) * t * np.log(1 + t))), 0.5
    )
    cost = 4 * (x - before) ** 2 * (-np.log1p(-bet) - bet) / 4
    weight = np.cumsum(bet)
    centre = np.cumsum(bet * x) / weight
    half = (math.log(2 / alpha) + np.cumsum(cost)) / weight
    low = np.maximum.accumulate(np.maximum(centre - half, 0.0))  # what was excluded once stays excluded
    high = np.minimum.accumulate(np.minimum(centre + half, 1.0))
    return np.cumsum(x) / t, low, high


def gap_so_far(values: ArrayLike, second: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Return the gap so far, mean of the first group less that of the SECOND, and its interval, after each value.

    Arguments: values (n,) in [0, 1] in the order in which they came; second (n,), true where a value is of the second
    group. Each group is held at half the error. Before a group was seen, the gap is NaN and its interval [-1, 1].
    """
    x, other = finite(values, "values"), np.asarray(second, bool)
    if other.shape != x.shape:
        raise UsageError(f"each value is of one group, got {x.shape} and {other.shape}")
    half = 1 - _alpha(level) / 2
    parts = []
    for member in (~other, other):
        found = mean_so_far(x[member], half)
        at = np.cumsum(member)  # how many of the group were seen: 0 is before the first
        parts.append(
            [np.concatenate([[start], part])[at] for start, part in zip((math.nan, 0.0, 1.0), found, strict=True)]
        )
    (mean, low, high), (mean2, low2, high2) = parts
    return mean - mean2, low - high2, high - low2


def gap_so_far_asymptotic(
    values: ArrayLike, second: ArrayLike, level: float = 0.95, *, narrow_at: float = 1000.0, start: int = 30
) -> tuple[Floats, Floats, Floats]:
    """Return the same with a narrower interval that holds LEVEL as groups grow, for values of any range.

    Arguments as `gap_so_far`; narrow_at: after about how many values the interval should be narrowest, for its width;
    start: it is all numbers until START of each group were seen.
    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, theorem 2.2 (Robbins' normal mixture).
    """
    x, other = finite(values, "values"), np.asarray(second, bool)
    if other.shape != x.shape:
        raise UsageError(f"each value is of one group, got {x.shape} and {other.shape}")
    alpha = _alpha(level)
    gap, variance = np.zeros(len(x)), np.zeros(len(x))
    enough = np.ones(len(x), bool)
    for member, sign in ((~other, 1.0), (other, -1.0)):
        n = np.cumsum(member)
        many = np.maximum(n, 1)
        mean = np.cumsum(np.where(member, x, 0.0)) / many
        square = np.cumsum(np.where(member, x * x, 0.0)) / many
        gap += sign * np.where(n > 0, mean, math.nan)
        variance += np.maximum(square - mean * mean, 0.0) / many
        enough &= n >= start
    enough &= variance > 0
    safe = np.where(enough, variance, 1.0)
    time = np.arange(1, len(x) + 1) / narrow_at
    bend = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) * time
    half = np.sqrt(safe * (bend + 1) / bend * (np.log(bend + 1) - 2 * math.log(alpha)))
    half = np.where(enough, half, math.inf)
    return gap, gap - half, gap + half


def _alpha(level: float) -> float:
    if not 0 < level < 1:
        raise UsageError(f"a level is in (0, 1), for example 0.95; got {level}")
    return 1 - level
