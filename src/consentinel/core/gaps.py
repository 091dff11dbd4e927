"""Gaps between groups: intervals, tests and the smallest detectable gap for shares that are ratios of clustered sums.

A share (a selection rate, a true positive rate, a mean NDCG, an AUC) lies in [0, 1]. A gap is made of shares: the
signed difference or ratio of two of them, or the worst of many (the largest difference, the smallest ratio), which is
what "equalized odds difference" and its kin are; `worst_gap` holds its interval.

Source: Newcombe 1998, Zou and Donner 2008 (arms of Wilson's interval, added for differences).
"""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.shares import Shares, arms, correlation, flattened, only, some
from consentinel.core.stats import Floats, tail
from consentinel.core.worst_gap import DRAWS, POWER, Gap, How, Sides, Worst, beyond, norm

__all__ = [
    "between",
    "holds",
    "shifted",
    "signed",
    "to_overall",
    "twice",
    "values",
    "variances",
    "worst",
]

_CELLS = 4_000_000  # numbers of simulated noise held at once


# Gaps


def values(shares: Shares, level: float = 0.95) -> Gap:
    """Return each share with Wilson's interval at its effective sample size, and no test.

    Source: Dean and Pagano 2015 (modified Wilson interval).
    """
    below, above = arms(shares, NormalDist().inv_cdf(1 - tail(level)))
    nothing = np.full_like(below, math.nan)
    return Gap(shares.value, shares.value - below, shares.value + above, nothing, nothing)


def variances(shares: Shares, level: float = 0.95) -> Floats:
    """Return the variance of each share, as half the width of its interval says; never 0."""
    z = NormalDist().inv_cdf(1 - tail(level))
    below, above = arms(shares, z)
    return np.asarray(((below + above) / (2 * z)) ** 2)


def signed(shares: Shares, contrast: ArrayLike, level: float = 0.95) -> Gap:
    """Return the signed gap CONTRAST @ value, contrast (k,), with its test that it is 0.

    Source: Newcombe 1998, method 10; Zou and Donner 2008 for any contrast of correlated shares.
    """
    normal, weights = NormalDist(), np.asarray(contrast, np.float64)
    flat, c = flattened(only(shares, weights != 0)), weights[weights != 0]
    z = normal.inv_cdf(1 - tail(level))
    sides, alike = Sides(flat, z), correlation(flat)
    lower, upper = (norm(side, alike)[:, 0] for side in (sides.lower(c[None]), sides.upper(c[None])))
    seen = flat.value @ c
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * beyond(np.abs(seen) / np.where(seen > 0, lower, upper))
    found = Gap(seen, seen - z * lower, seen + z * upper, p, (z + normal.inv_cdf(POWER)) * (lower + upper) / 2)
    return _shaped(found, shares)


def shifted(shares: Shares, at: int, level: float = 0.95) -> Gap:
    """Return the share AT, which was brought from [-1, 1] to [0, 1], back in [-1, 1], with its test that it is 0."""
    flat, normal = flattened(shares), NormalDist()
    z = normal.inv_cdf(1 - tail(level))
    below, above = (2 * arm[:, at] for arm in arms(flat, z))
    value = 2 * flat.value[:, at] - 1
    p = 2 * beyond(z * np.abs(value) / np.maximum(np.where(value > 0, below, above), 1e-15))
    reach = (1 + normal.inv_cdf(POWER) / z) * (below + above) / 2
    return _shaped(Gap(value, value - below, value + above, p, reach), shares)


def twice(gap: Gap) -> Gap:
    """Return a difference of two shares brought from [-1, 1] to [0, 1] in their own unit."""
    return Gap(2 * gap.value, 2 * gap.low, 2 * gap.high, gap.p, 2 * gap.detectable)


def between(groups: int, *which: ArrayLike) -> tuple[Floats, Floats]:
    """Return the pairs of `worst` between GROUPS, both ways round, for each of WHICH: weights (m,) of the m metrics.

    The shares are those of `by_group`.
    """
    ways = [(one, other) for one in range(groups) for other in range(groups) if one != other]
    return _pairs(groups, ways, which)


def to_overall(groups: int, *which: ArrayLike) -> tuple[Floats, Floats]:
    """Return the pairs of `worst` of each group with everybody, both ways round, as `between`."""
    ways = [way for one in range(groups) for way in ((one, groups), (groups, one))]
    return _pairs(groups, ways, which)


def _pairs(groups: int, ways: list[tuple[int, int]], which: tuple[ArrayLike, ...]) -> tuple[Floats, Floats]:
    at = np.eye(groups + 1)
    sides = [
        [np.outer(at[way[side]], np.asarray(weights, np.float64)).ravel() for weights in which for way in ways]
        for side in (0, 1)
    ]
    return np.array(sides[0]), np.array(sides[1])


def worst(
    shares: Shares,
    pairs: tuple[Floats, Floats],
    how: How = "difference",
    level: float = 0.95,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Gap:
    """Return the largest difference (or smallest ratio) of the shares of PAIRS, made by `between` or `to_overall`.

    Arguments: pairs, two (j, k): the weights of the first and of the second of each pair, both ways round. The test is
    that of no gap in any pair, studentised.
    """
    found = [block.gap() for block in _blocks(shares, pairs, how, level, draws, seed)]
    joined = [np.concatenate([getattr(part, name) for part in found]) for name in Gap.__dataclass_fields__]
    return _shaped(Gap(*joined), shares)


def holds(
    shares: Shares,
    pairs: tuple[Floats, Floats],
    truth: ArrayLike,
    how: How = "difference",
    level: float = 0.95,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Return whether the interval that `worst` gives holds TRUTH (one, or of the leading axes), without its ends."""
    shape = shares.value.shape[:-1]
    left = np.broadcast_to(np.asarray(truth, np.float64), shape).ravel()
    kept = []
    for block in _blocks(shares, pairs, how, level, draws, seed):
        kept.append(block.holds(left[: len(block.one)]))
        left = left[len(block.one) :]
    return np.concatenate(kept).reshape(shape)


def _blocks(
    shares: Shares, pairs: tuple[Floats, Floats], how: How, level: float, draws: int, seed: int
) -> Iterator[Worst]:
    used = (pairs[0] != 0).any(0) | (pairs[1] != 0).any(0)  # noise in few dimensions is spread more evenly
    pairs = pairs[0][:, used], pairs[1][:, used]
    flat = flattened(only(shares, used))
    block = max(1, _CELLS // (draws * 2 * len(pairs[0])))
    for at in range(0, len(flat.value), block):
        yield Worst(some(flat, at, at + block), pairs, how, level, draws=draws, seed=seed)


def _shaped(found: Gap, shares: Shares) -> Gap:
    shape = shares.value.shape[:-1]
    return Gap(*(getattr(found, name).reshape(shape) for name in Gap.__dataclass_fields__))
