"""The worst of many gaps: an interval that holds every value that a simulated test does not reject.

The worst of many has no usual limit law: near a tie its estimate is too large and a plain bootstrap misses the truth.
Each test is calibrated by simulation at a point where its value would be true. That point tells how many other pairs
come near the worst one, so the shares are first drawn to each other by as much as they differ by chance only.

Source: Chuang and Lai 2000 (hybrid resampling: inverted tests, nuisance parameters at their estimate under the
hypothesis); James and Stein 1961 (shares drawn to each other); Newcombe 1998, Zou and Donner 2008 (arms of Wilson's
interval, added for differences); Fieller 1954 (ratios).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.core.shares import Shares, arms, correlation
from consentinel.core.stats import Floats, tail

__all__ = ["DRAWS", "POWER", "Gap", "How", "Sides", "Worst", "beyond", "norm"]

How = Literal["difference", "ratio"]
DRAWS = 2000
POWER = 0.8
_STEPS = 16  # halvings of an end: 2e-5 of the range


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
        sides, self.alike = Sides(flat, NormalDist().inv_cdf(1 - tail(level))), correlation(flat)
        self.pairs, self.middle = pairs, (sides.below + sides.above)[:, 0] / 2
        self.one, self.two = flat.value @ pairs[0].T, flat.value @ pairs[1].T
        # the first of a pair pulls one way, the second the other: their arms on the side that matters
        self.arms = [(sides.lower(part), sides.upper(part)) for part in pairs]
        root = _normals(draws, flat.value.shape[1], seed) @ _root(self.alike).swapaxes(1, 2)
        self.noise = [root @ ((low + up) / 2).swapaxes(1, 2) for low, up in self.arms]
        self.drawn = self._drawn_together(flat.value)
        self.scaled = np.zeros(0) if self.ratio else self._scaled(np.ones(len(self.one)))

    def gap(self) -> Gap:
        """Return the worst gaps, their intervals, tests and detectable distances."""
        none, far = np.full(len(self.one), float(self.ratio)), np.full(len(self.one), float(not self.ratio))
        seen = self._seen()
        inside = np.clip(seen, 0.0, 1.0)
        near = self._end(inside, none, 1)
        ends = near, self._beyond_seen(self._end(near, far, -1), inside)
        _, spread, noise = self._test(none)
        edge = np.quantile(noise.max(2), 1 - self.alpha, axis=1)
        reach = ((edge + NormalDist().inv_cdf(POWER))[:, None] * spread).max(1)
        if self.ratio:
            reach = np.minimum(reach / np.maximum(self.two.max(1), 1e-12), 1.0)
        return Gap(seen, np.minimum(*ends), np.maximum(*ends), self._p_none(none), reach)

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        """Return whether the intervals hold X, shape (b,)."""
        p, side = self.p(x)
        inside = self._beyond_seen(x, self._seen()) == self._seen()
        return np.asarray((p > self.alpha) | ((side < 0) & inside))

    def p(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the p-values of the hypotheses that the worst gap is X, shape (b,), and 1 where more than X is seen,
        -1 where less.

        What is seen is held against the middle of what would be: where several pairs are near the worst one, it is
        larger than X. It is not taken as larger by more than X itself, as nothing is ever seen below no gap.
        """
        z, spread, noise = self._test(x)
        top, rows = z.argmax(1), np.arange(len(z))
        one, two = self._true(x, top)
        least = (x * x - 1)[:, None] * one if self.ratio else -2 * x[:, None]  # as far the other way round
        config = np.clip(self._excess(x, one, two), least, 0.0) / spread
        config[rows, top] = 0.0
        drawn = (noise + config[:, None]).max(2)
        none = (1 - x) * two[rows, top] if self.ratio else x
        usual = np.minimum(drawn.mean(1), none / spread[rows, top])
        off = z.max(1) - usual
        p = (np.abs(drawn - usual[:, None]) >= np.abs(off)[:, None] - 1e-12).mean(1)
        return np.asarray(p), np.sign(off)

    def _seen(self) -> Floats:
        return _smallest(self.one, self.two) if self.ratio else np.asarray((self.one - self.two).max(1))

    def _beyond_seen(self, x: Floats, seen: Floats) -> Floats:
        """Return X, or what was SEEN where X is nearer to no gap."""
        return np.minimum(x, seen) if self.ratio else np.maximum(x, seen)

    def _drawn_together(self, value: Floats) -> Floats:
        """Return the shares VALUE (b, k), those of pairs that hang together drawn to each other."""
        made = value.copy()
        for family in _families(self.pairs):
            gap = (self.pairs[0] - self.pairs[1])[family]
            if np.linalg.matrix_rank(gap) < 2:  # of two shares nobody knows how alike they are
                continue
            spread = np.maximum(norm(gap * self.middle[:, None], self.alike), 1e-15)
            square = ((value @ gap.T / spread) ** 2).mean(1)
            less = np.minimum(1 / np.maximum(square, 1e-15), 1.0)
            made -= less[:, None] * (value @ (np.linalg.pinv(gap) @ gap).T)
        return made

    def _true(self, x: Floats, top: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return both sides of all pairs where the pair TOP is at X, moved there the most likely way."""
        one, two = self.pairs[0][top], self.pairs[1][top]
        way = x[:, None] * two - one if self.ratio else one - two
        lack = (0.0 if self.ratio else x) - (way * self.drawn).sum(1)
        moved = self.middle * (self.alike @ (self.middle * way)[:, :, None])[:, :, 0]
        size = (way * moved).sum(1)
        moved = np.where(size[:, None] > 1e-30, moved, way)
        step = lack / np.maximum((way * moved).sum(1), 1e-30)
        value = self.drawn + step[:, None] * moved
        return value @ self.pairs[0].T, value @ self.pairs[1].T

    def _excess(self, x: Floats, one: Floats, two: Floats) -> Floats:
        at = x[:, None]
        return np.asarray(at * two - one if self.ratio else one - two - at)

    def _test(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the studentised excess of each pair over X, its spread, and simulated noise."""
        excess = self._excess(x, self.one, self.two)
        lower, upper = (norm(part, self.alike) for part in self._parts(x))
        spread = np.maximum(np.where(excess > 0, lower, upper), 1e-15)
        return excess / spread, spread, self._scaled(x) if self.ratio else self.scaled

    def _parts(self, x: Floats) -> tuple[Floats, Floats]:
        """Return what each share adds to the spread of the excess over X, below and above."""
        at = x[:, None, None]
        if self.ratio:
            lower, upper = (at * self.arms[1][side] - self.arms[0][1 - side] for side in (0, 1))
        else:
            lower, upper = (self.arms[0][side] - self.arms[1][1 - side] for side in (0, 1))
        return lower, upper

    def _scaled(self, x: Floats) -> Floats:
        """Return the simulated noise of the excess over X in standard deviations; for differences it is always
        the same."""
        lower, upper = self._parts(x)
        noise = x[:, None, None] * self.noise[1] - self.noise[0] if self.ratio else self.noise[0] - self.noise[1]
        return np.asarray(noise / np.maximum(norm((lower + upper) / 2, self.alike), 1e-15)[:, None])

    def _p_none(self, none: Floats) -> Floats:
        """Return p at no gap; beyond what the simulation resolves, the bound by the tail of each pair."""
        simulated, z = self.p(none)[0], self._test(none)[0]
        bound = np.minimum(z.shape[1] * beyond(z.max(1)), 1.0)
        return np.asarray(np.where(simulated * self.noise[0].shape[1] >= 20, simulated, bound))

    def _end(self, inside: Floats, edge: Floats, side: int) -> Floats:
        """Return the last value between INSIDE and EDGE that is not rejected for what is seen on SIDE of it."""

        def kept(x: Floats) -> NDArray[np.bool_]:
            p, off = self.p(x)
            return np.asarray((p > self.alpha) | (off != side))

        all_of_it = kept(edge)
        near, far = inside.copy(), edge.copy()
        for _ in range(_STEPS):
            middle = (near + far) / 2
            good = kept(middle)
            near, far = np.where(good, middle, near), np.where(good, far, middle)
        return np.asarray(np.where(all_of_it, edge, far))


class Sides:
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


def norm(parts: Floats, alike: Floats) -> Floats:
    """Return the standard deviation of sums of correlated PARTS (b, j, k), with ALIKE their correlation (b, k, k)."""
    return np.asarray(np.sqrt(np.maximum(((parts @ alike) * parts).sum(2), 0.0)))


def _families(pairs: tuple[Floats, Floats]) -> list[list[int]]:
    """Return the places of the pairs that hang together: those with a side in common, and so on."""
    left, made = list(range(len(pairs[0]))), []
    sides = [{part[at].tobytes() for part in pairs} for at in left]
    while left:
        family, reached, grown = [], sides[left[0]], True
        while grown:
            more = [at for at in left if sides[at] & reached]
            grown = bool(more)
            family += more
            left = [at for at in left if at not in set(more)]
            reached = reached.union(*(sides[at] for at in more))
        made.append(sorted(family))
    return made


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


def beyond(z: Floats) -> Floats:
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
