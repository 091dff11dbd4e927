"""Gaps between groups: intervals, tests and the smallest detectable gap for shares that are ratios of clustered sums.

A share (a selection rate, a true positive rate, a mean NDCG, an AUC) lies in [0, 1]. A gap is made of shares: the
signed difference or ratio of two of them, or the worst of many (the largest difference, the smallest ratio), which is
what "equalized odds difference" and its kin are. The worst of many has no usual limit law: near a tie its estimate is
too large and a plain bootstrap misses the truth. Its interval here holds every value that a test does not reject, and
each test is calibrated by simulation at a point where that value would be true.

Source: Newcombe 1998, Zou and Donner 2008 (arms of Wilson's interval, added for differences), Fieller 1954 (ratios),
Chuang and Lai 2000 (hybrid resampling: inverted tests, nuisance parameters at their estimate under the hypothesis).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.rng import generator
from consentinel.core.shares import Shares as Shares
from consentinel.core.shares import arms, correlation, flattened, only, some
from consentinel.core.shares import by_group as by_group
from consentinel.core.shares import by_influence as by_influence
from consentinel.core.stats import Floats, tail

__all__ = [
    "DRAWS",
    "Gap",
    "How",
    "Worst",
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

How = Literal["difference", "ratio"]
DRAWS = 2000
POWER = 0.8
_STEPS = 16  # halvings of an end: 2e-5 of the range
_CELLS = 4_000_000  # numbers of simulated noise held at once


@dataclass(frozen=True)
class Gap:
    """Gaps with their intervals, each of the shape of the leading axes of the shares.

    `p`: two-sided, that the gap is 0 (or the ratio 1); `detectable`: the smallest distance from that which so many
    units show with 80% power.
    """

    value: Floats
    low: Floats
    high: Floats
    p: Floats
    detectable: Floats


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
    sides, alike = _Sides(flat, z), correlation(flat)
    lower, upper = (_norm(side, alike)[:, 0] for side in (sides.lower(c[None]), sides.upper(c[None])))
    seen = flat.value @ c
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * _beyond(np.abs(seen) / np.where(seen > 0, lower, upper))
    found = Gap(seen, seen - z * lower, seen + z * upper, p, (z + normal.inv_cdf(POWER)) * (lower + upper) / 2)
    return _shaped(found, shares)


def shifted(shares: Shares, at: int, level: float = 0.95) -> Gap:
    """Return the share AT, which was brought from [-1, 1] to [0, 1], back in [-1, 1], with its test that it is 0."""
    flat, normal = flattened(shares), NormalDist()
    z = normal.inv_cdf(1 - tail(level))
    below, above = (2 * arm[:, at] for arm in arms(flat, z))
    value = 2 * flat.value[:, at] - 1
    p = 2 * _beyond(z * np.abs(value) / np.maximum(np.where(value > 0, below, above), 1e-15))
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
    truth: float,
    how: How = "difference",
    level: float = 0.95,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Return whether the interval that `worst` gives holds TRUTH, without finding its ends: for simulations."""
    kept = [
        block.p(np.full(len(block.one), truth)) > block.alpha
        for block in _blocks(shares, pairs, how, level, draws, seed)
    ]
    return np.concatenate(kept).reshape(shares.value.shape[:-1])


def _blocks(
    shares: Shares, pairs: tuple[Floats, Floats], how: How, level: float, draws: int, seed: int
) -> Iterator["Worst"]:
    used = (pairs[0] != 0).any(0) | (pairs[1] != 0).any(0)  # noise in few dimensions is spread more evenly
    pairs = pairs[0][:, used], pairs[1][:, used]
    flat = flattened(only(shares, used))
    block = max(1, _CELLS // (draws * 2 * len(pairs[0])))
    for at in range(0, len(flat.value), block):
        yield Worst(some(flat, at, at + block), pairs, how, level, draws=draws, seed=seed)


class Worst:
    """The test that the worst gap of pairs is X, on each of b samples; `worst` inverts it."""

    def __init__(
        self,
        flat: Shares,
        pairs: tuple[Floats, Floats],
        how: How = "difference",
        level: float = 0.95,
        *,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> None:
        self.ratio, self.alpha = how == "ratio", 1 - level
        sides, self.alike = _Sides(flat, NormalDist().inv_cdf(1 - tail(level))), correlation(flat)
        self.one, self.two = flat.value @ pairs[0].T, flat.value @ pairs[1].T
        self.back = [_place(pairs, j) for j in range(len(pairs[0]))]
        # the first of a pair pulls one way, the second the other: their arms on the side that matters
        self.arms = [(sides.lower(part), sides.upper(part)) for part in pairs]
        root = np.einsum("bij,dj->bdi", _root(self.alike), _normals(draws, flat.value.shape[1], seed), optimize=True)
        self.noise = [np.einsum("bdi,bji->bdj", root, (low + up) / 2, optimize=True) for low, up in self.arms]

    def gap(self) -> Gap:
        """Return the worst gaps, their intervals, tests and detectable distances."""
        none, far = np.full(len(self.one), float(self.ratio)), np.full(len(self.one), float(not self.ratio))
        seen = _smallest(self.one, self.two) if self.ratio else (self.one - self.two).max(1)
        ends = [self._end(np.clip(seen, 0.0, 1.0), edge) for edge in (none, far)]
        _, spread, noise, _ = self._test(none)
        edge = np.quantile(noise.max(2), 1 - self.alpha, axis=1)
        reach = ((edge + NormalDist().inv_cdf(POWER))[:, None] * spread).max(1)
        if self.ratio:
            reach = np.minimum(reach / np.maximum(self.two.max(1), 1e-12), 1.0)
        return Gap(seen, np.minimum(*ends), np.maximum(*ends), self._p_none(none), reach)

    def p(self, x: Floats) -> Floats:
        """Return the p-values of the hypotheses that the worst gap is X, shape (b,)."""
        z, _, noise, floor = self._test(x)
        top, rows = z.argmax(1), np.arange(len(z))
        config = np.clip(z, floor, 0.0)  # pairs as they are where X allows it, else at X
        config[rows, top] = 0.0
        back = np.array(self.back)[top]
        known = back >= 0
        config[rows[known], back[known]] = floor[rows[known], back[known]]
        drawn = np.abs((noise + config[:, None]).max(2))
        return np.asarray((drawn >= np.abs(z.max(1))[:, None] - 1e-12).mean(1))

    def _test(self, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the studentised excess of each pair over X, its spread, simulated noise, and its least value at X."""
        at = x[:, None]
        if self.ratio:
            excess, least = at * self.two - self.one, (at * at - 1) * self.one
            lower, upper = (at[:, None] * self.arms[1][side] - self.arms[0][1 - side] for side in (0, 1))
            noise = at[:, None] * self.noise[1] - self.noise[0]
        else:
            excess, least = self.one - self.two - at, -2 * at
            lower, upper = (self.arms[0][side] - self.arms[1][1 - side] for side in (0, 1))
            noise = self.noise[0] - self.noise[1]
        spread = np.where(excess > 0, _norm(lower, self.alike), _norm(upper, self.alike))
        spread = np.maximum(spread, 1e-15)
        middle = np.maximum(_norm((lower + upper) / 2, self.alike), 1e-15)
        return excess / spread, spread, noise / middle[:, None], least / spread

    def _p_none(self, none: Floats) -> Floats:
        """Return p at no gap; beyond what the simulation resolves, the bound by the tail of each pair."""
        simulated, z = self.p(none), self._test(none)[0]
        bound = np.minimum(z.shape[1] * _beyond(z.max(1)), 1.0)
        return np.asarray(np.where(simulated * self.noise[0].shape[1] >= 20, simulated, bound))

    def _end(self, inside: Floats, edge: Floats) -> Floats:
        """Return the last value between INSIDE and EDGE that is not rejected, by halving."""
        all_of_it = self.p(edge) > self.alpha
        near, far = inside.copy(), edge.copy()
        for _ in range(_STEPS):
            middle = (near + far) / 2
            kept = self.p(middle) > self.alpha
            near, far = np.where(kept, middle, near), np.where(kept, far, middle)
        return np.asarray(np.where(all_of_it, edge, far))


class _Sides:
    """How far each share may lie below and above its estimate, as one standard deviation (Wilson's arms over z)."""

    def __init__(self, flat: Shares, z: float) -> None:
        below, above = arms(flat, z)
        self.below, self.above = below[:, None] / z, above[:, None] / z

    def lower(self, weights: Floats) -> Floats:
        """Return what each share adds to the spread below WEIGHTS @ share, weights (j, k); shape (b, j, k)."""
        return np.where(weights > 0, weights * self.below, weights * self.above)

    def upper(self, weights: Floats) -> Floats:
        """Return what each share adds to the spread above WEIGHTS @ share."""
        return np.where(weights > 0, weights * self.above, weights * self.below)


def _norm(parts: Floats, alike: Floats) -> Floats:
    """Return the standard deviation of sums of correlated PARTS (b, j, k), with ALIKE their correlation (b, k, k)."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("bji,bik,bjk->bj", parts, alike, parts, optimize=True), 0.0)))


def _place(pairs: tuple[Floats, Floats], at: int) -> int:
    """Return where the pair AT stands the other way round, or -1."""
    same = (pairs[0] == pairs[1][at]).all(1) & (pairs[1] == pairs[0][at]).all(1)
    return int(same.argmax()) if same.any() else -1


def _shaped(found: Gap, shares: Shares) -> Gap:
    shape = shares.value.shape[:-1]
    return Gap(*(getattr(found, name).reshape(shape) for name in Gap.__dataclass_fields__))


def _smallest(one: Floats, two: Floats) -> Floats:
    """Return the smallest ratio of pairs (b, j); a pair of two zeros has none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = one / two
    return np.asarray(np.where(np.isnan(ratio), np.inf, ratio).min(1))


def _root(covariance: Floats) -> Floats:
    """Return a square root R of each, R @ R.T = covariance; of one that is not quite positive, of the nearest."""
    if not np.any(covariance - covariance * np.eye(covariance.shape[-1])):
        return np.sqrt(covariance)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(eigenvalues, 0.0))[..., None, :])


def _beyond(z: Floats) -> Floats:
    """Return the chance of a standard normal number above each of Z."""
    return np.asarray(0.5 * np.vectorize(math.erfc, otypes=[np.float64])(np.asarray(z) / math.sqrt(2)))


@lru_cache(maxsize=8)
def _normals(draws: int, k: int, seed: int) -> NDArray[np.float64]:
    """Return standard normal noise (draws, k), evenly spread where K is small (Kronecker sequence), else random."""
    rng = generator(seed, "core.gaps")
    if k > 12:
        return rng.standard_normal((draws, k))
    root = 2.0
    for _ in range(60):  # the positive root of x^(k+1) = x + 1
        root = (1 + root) ** (1 / (k + 1))
    steps = np.arange(1, draws + 1)[:, None] * root ** -np.arange(1.0, k + 1)
    normal = NormalDist()
    points = (steps + rng.random(k)) % 1.0
    return np.array([normal.inv_cdf(min(max(u, 1e-12), 1 - 1e-12)) for u in points.ravel()]).reshape(draws, k)
