"""Our own second computation of epsilon: losses on a grid, composed by plain sums, between two bounds.

The privacy loss ln(P(x) / Q(x)) of one step is cut into cells of width h. The upper bound moves the mass of a cell to
the two ends of it so that its mass under P and under Q stays what it is; that raises the hockey-stick curve nowhere
below the truth (it becomes the chords of a convex curve). The lower bound merges each cell into one outcome, which is
post-processing, and rounds its loss down. Steps compose by direct convolution: sums of positive numbers, so that tails
keep their relative accuracy. Gaussian steps alone have a closed form. Nothing here comes from an accounting library.

Source: chords: Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022; hockey stick: Sommer, Meiser and Mohammadi 2019;
closed form: Balle and Wang 2018, Theorem 8; sums over a lattice: Euler and Maclaurin's midpoint formula.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import NotSupported

__all__ = ["Shift", "between", "gaussian_epsilon"]

Vector = NDArray[np.float64]
STILL = 3e-5  # relative change of the upper bound below which cells are small enough
WORK = 2e9  # products in one convolution, at most
ROUNDING = 1e-9  # relative, for floating point; far more than the sums lose
TABLED = 2_000.0  # sigma up to which lattice sums are added up one by one


@dataclass(frozen=True)
class Shift:
    """One step as seen by its loss: noise of KIND and SCALE on two values that lie SENSITIVITY apart, COUNT times."""

    kind: str
    sensitivity: float
    scale: float
    count: int

    @property
    def ratio(self) -> float:
        """Sensitivity over scale: mu of a Gaussian, the epsilon of Laplace noise."""
        return self.sensitivity / self.scale

    @property
    def gaussian(self) -> bool:
        """Whether the loss has no largest value."""
        return self.kind.endswith("gaussian")

    @property
    def unit(self) -> float:
        """The greatest distance of which the losses with a mass of their own are multiples; 0 where there are none."""
        if self.kind == "discrete_gaussian":
            return self.sensitivity / self.scale**2 / 2
        if self.kind == "discrete_laplace":
            return 1 / self.scale
        return 0.0 if self.gaussian else self.ratio

    @property
    def variance(self) -> float:
        """About the variance of the loss."""
        return self.ratio**2 if self.gaussian else min(self.ratio, self.ratio**2 * (self.ratio + 1) / 2 + 1e-300)


def between(steps: Sequence[Shift], delta: float) -> tuple[float, float, float]:
    """Return (low, high, h): the smallest epsilon of STEPS at DELTA lies between; h, the width of the cells used.

    Cells are halved until `high` stays where it is; its error is of the second order in h, that of `low` of the first.
    Raises NotSupported when the cells become too many first.
    """
    h = _width(steps)
    if all(step.kind == "gaussian" for step in steps):
        found = gaussian_epsilon(math.sqrt(sum(step.count * step.ratio**2 for step in steps)), delta)
        return found * (1 - ROUNDING), found * (1 + ROUNDING), h / 2
    most = math.inf if any(step.gaussian for step in steps) else sum(step.count * step.ratio for step in steps)
    low, high = 0.0, most * 2
    while True:
        at = _at(steps, delta, h)
        if at is None:
            raise NotSupported("this plan is too large for privacy loss distributions; use its zCDP price")
        before, high = high, min(high, most, at[1] * (1 + ROUNDING))
        low = max(low, at[0] * (1 - ROUNDING))
        if before - high <= STILL * high:
            return low, high, h
        h /= 2


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the smallest epsilon of Gaussian noise with sensitivity / sigma = MU at DELTA (Balle and Wang 2018)."""

    def over(eps: float) -> float:
        root = math.sqrt(2)
        first = 0.5 * math.erfc((eps / mu - mu / 2) / root)
        second = 0.5 * math.erfc((eps / mu + mu / 2) / root)
        return first - (math.exp(eps + math.log(second)) if second > 0 else 0.0) - delta

    return _root(over, mu * (mu / 2 + math.sqrt(2 * math.log(1 / delta)) + 1)) if over(0.0) > 0 else 0.0


def _width(steps: Sequence[Shift]) -> float:
    """Return a first width: cells add some 1e-4 of the variance, and the coarsest lattice lies on their ends."""
    total, count = sum(s.count * s.variance for s in steps), sum(s.count for s in steps)
    h = math.sqrt(2e-3 * total / count)
    unit = max((s.unit for s in steps), default=0.0)
    if unit > h:
        return unit / math.ceil(unit / h)
    return unit * math.floor(h / unit) if unit else h


def _at(steps: Sequence[Shift], delta: float, h: float) -> tuple[float, float] | None:
    """Return bounds of epsilon from cells of width H; None when that would take too long."""
    tail = delta * 1e-7 / (sum(s.count.bit_length() for s in steps) * 4)
    uppers: list[_Grid] = []
    lowers: list[_Grid] = []
    for step in steps:
        once = _once(step, h, tail / step.count)
        if once is None:
            return None
        for grids, grid, upper in ((uppers, once[0], True), (lowers, once[1], False)):
            power = _power(grid, step.count, tail, upper)
            if power is None:
                return None
            grids.append(power)
    found = []
    for grids, upper in ((lowers, False), (uppers, True)):
        whole = grids[0]
        for grid in grids[1:]:
            both = whole.plus(grid, tail, upper)
            if both is None:
                return None
            whole = both
        found.append(whole.epsilon(delta, h))
    return found[0], found[1]


@dataclass(frozen=True)
class _Grid:
    """Mass of the loss at (start + i) h + offset h; beyond, the mass of an infinite loss."""

    start: int
    mass: Vector
    offset: float
    beyond: float

    def plus(self, other: "_Grid", tail: float, upper: bool) -> "_Grid | None":
        if len(self.mass) * float(len(other.mass)) > WORK:
            return None
        mass = np.convolve(self.mass, other.mass)
        beyond = 1 - (1 - self.beyond) * (1 - other.beyond) if upper else 0.0
        top = int(np.searchsorted(np.cumsum(mass[::-1]), tail))  # so many at the top weigh less than tail
        low = int(np.searchsorted(np.cumsum(mass), tail))
        kept = mass[low : len(mass) - top].copy()
        if upper:  # what is cut becomes worse: the top infinite, the bottom the least loss that is kept
            beyond += float(mass[len(mass) - top :].sum()) if top else 0.0
            kept[0] += mass[:low].sum()
        return _Grid(self.start + other.start + low, kept, self.offset + other.offset, beyond)

    def epsilon(self, delta: float, h: float) -> float:
        losses = (self.start + self.offset + np.arange(len(self.mass))) * h

        def over(eps: float) -> float:
            return self.beyond + float(self.mass @ -np.expm1(np.minimum(0.0, eps - losses))) - delta

        return _root(over, max(float(losses[-1]), 0.0)) if over(0.0) > 0 else 0.0


def _power(grid: _Grid, count: int, tail: float, upper: bool) -> _Grid | None:
    whole: _Grid | None = None
    square: _Grid | None = grid
    while square is not None:
        if count & 1:
            whole = square if whole is None else whole.plus(square, tail, upper)
            if whole is None:
                return None
        count >>= 1
        if not count:
            return whole
        square = square.plus(square, tail, upper)
    return None


def _once(step: Shift, h: float, tail: float) -> tuple[_Grid, _Grid] | None:
    """Return the upper and the lower grid of one application of STEP."""
    if step.gaussian:
        spread = step.ratio * (math.sqrt(2 * math.log(1 / tail)) + 1)
        first, last = math.floor((step.ratio**2 / 2 - spread) / h), math.ceil((step.ratio**2 / 2 + spread) / h)
    else:
        last = math.ceil(step.ratio / h * (1 - 1e-12))
        first = -last - 1
    if last - first > 4e6:
        return None
    ends: Vector = np.arange(first, last + 1, dtype=np.float64) * h
    p_above, p_upto, q_above, q_upto = TAILS[step.kind](step, ends)
    p, q = _cells(p_above, p_upto), _cells(q_above, q_upto)
    # left + right = p and left exp(-end) + right exp(-end - h) = q, for each cell
    left = np.clip((q * np.exp(np.minimum(ends[1:], 700.0)) - p) / math.expm1(h), 0.0, p)
    mass = np.append(left, 0.0)
    mass[1:] += p - left
    mass[0] += p_upto[0]
    upper = _Grid(first, mass, 0.0, float(p_above[-1]))
    sure = (p > tail * 1e-6) & (q > 0)
    up = np.log(np.where(sure, p, 1.0) / np.where(sure, q, 1.0)) / h - np.arange(first, last)
    offset = float(np.clip(up[sure].min() - 1e-6, 0.0, 1.0)) if sure.any() else 0.0
    return upper, _Grid(first, np.where(sure, p, 0.0), offset, 0.0)


def _cells(above: Vector, upto: Vector) -> Vector:
    """Return the mass between neighbouring ends, from whichever tail is shorter."""
    return np.maximum(np.where(above[:-1] < 0.5, above[:-1] - above[1:], upto[1:] - upto[:-1]), 0.0)


Tails = tuple[Vector, Vector, Vector, Vector]
"""Mass above and up to each end of a cell, under P and then under Q."""


def _gaussian(step: Shift, ends: Vector) -> Tails:
    mu = step.ratio
    z = [(ends / mu - mu / 2) / math.sqrt(2), (ends / mu + mu / 2) / math.sqrt(2)]
    p, p_upto, q, q_upto = (np.array([0.5 * math.erfc(x) for x in side.tolist()]) for y in z for side in (y, -y))
    return p, p_upto, q, q_upto


def _laplace(step: Shift, ends: Vector) -> Tails:
    most = step.ratio
    inside = np.clip(ends, -most, most)
    p_upto = np.where(ends >= most * (1 - 1e-12), 1.0, np.where(ends < -most, 0.0, 0.5 * np.exp((inside - most) / 2)))
    q_above = np.where(ends >= most * (1 - 1e-12), 0.0, np.where(ends < -most, 1.0, 0.5 * np.exp((-inside - most) / 2)))
    return 1 - p_upto, p_upto, q_above, 1 - q_above


def _pure(step: Shift, ends: Vector) -> Tails:
    e = step.ratio
    big = 1 / (1 + math.exp(-e))
    small = 1 - big if e < 30 else math.exp(-e)
    top, bottom = ends >= e * (1 - 1e-12), ends < -e * (1 - 1e-12)
    p_above = np.where(top, 0.0, np.where(bottom, 1.0, big))
    p_upto = np.where(top, 1.0, np.where(bottom, 0.0, small))
    return p_above, p_upto, np.where(top, 0.0, np.where(bottom, 1.0, small)), np.where(top, 1.0, np.where(bottom, 0.0, big))  # fmt: skip  # noqa: E501


def _discrete_laplace(step: Shift, ends: Vector) -> Tails:
    d, b = step.sensitivity, step.scale
    first = np.floor((np.clip(ends, -step.ratio, step.ratio) * b - d) / 2 + 1e-9) + 1  # least x of a loss above the end
    first = np.where(ends >= step.ratio * (1 - 1e-12), np.inf, np.where(ends < -step.ratio, -np.inf, first))
    share = 1 / (1 + math.exp(-1 / b))

    def above(m: Vector) -> Vector:  # P(X >= m)
        return np.where(m >= 1, np.exp(-np.maximum(m, 1) / b) * share, 1 - np.exp((np.minimum(m, 0) - 1) / b) * share)

    return above(first), above(1 - first), above(first + d), above(1 - first - d)


def _discrete_gaussian(step: Shift, ends: Vector) -> Tails:
    d, s = step.sensitivity, step.scale
    first = np.floor(ends * s * s / d - d / 2 + 1e-9) + 1
    above = _summed(s) if s <= TABLED else _smooth(s)
    return above(first), above(1 - first), above(first + d), above(1 - first - d)


def _summed(s: float) -> Callable[[Vector], Vector]:
    reach = math.ceil(38 * s) + 1  # beyond, weights are below the smallest double
    weight = np.exp(-((np.arange(1, reach) / s) ** 2) / 2)
    tails = np.append(np.cumsum(weight[::-1])[::-1], 0.0)
    whole = 1 + 2 * tails[0]

    def above(m: Vector) -> Vector:
        size = np.where(m >= 1, m, 1 - m)
        tail = tails[np.clip(size - 1, 0, reach - 1).astype(np.int64)] / whole
        return np.asarray(np.where(m >= 1, tail, 1 - tail))

    return above


def _smooth(s: float) -> Callable[[Vector], Vector]:
    def above(m: Vector) -> Vector:
        y = (np.where(m >= 1, m, 1 - m) - 0.5) / s
        tail = np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in y.tolist()])
        tail = tail - y * np.exp(-y * y / 2) / (24 * s * s * math.sqrt(2 * math.pi))
        return np.asarray(np.where(m >= 1, tail, 1 - tail))

    return above


TAILS: dict[str, Callable[[Shift, Vector], Tails]] = {
    "gaussian": _gaussian,
    "laplace": _laplace,
    "pure": _pure,
    "discrete_laplace": _discrete_laplace,
    "discrete_gaussian": _discrete_gaussian,
}


def _root(over: Callable[[float], float], high: float) -> float:
    """Return where the falling function OVER crosses zero, from above, between 0 and HIGH."""
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if over(middle) > 0 else (low, middle)
    return high
