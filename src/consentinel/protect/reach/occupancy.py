"""What a sketch of n people looks like: how many registers they fill, how much that varies, and the way back to n.

Numbers of filled registers are nearly normal. Their variance for n people is that of a random number of people with
mean n, less what that number itself adds (Poisson's; Kolchin, Sevast'yanov and Chistyakov 1978, chapter 1).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.reach.sketch import Params

__all__ = ["Occupancy"]

Floats = NDArray[np.float64]
POINTS, FEW = 4096, 64  # of the curve: beyond FEW people they are 0.6 % apart, and the line between two is 4e-6 off
WORST = 0.2  # relative standard error at which a sketch counts as saturated
_FAR = 1e15  # more people than there are


@dataclass(frozen=True)
class Occupancy:
    """The law of a sketch with PARAMS; SAMPLED: people are themselves a sample of those who might have been there, and
    their expected number is wanted."""

    params: Params
    sampled: bool = False

    def filled(self, people: Floats) -> Floats:
        """Return the expected number of registers that are not empty."""
        return self._sum(-np.expm1(self._left(people)))

    def alone(self, people: Floats) -> Floats:
        """Return the expected number of registers that hold one person."""
        return people * self._sum(self.params.chances * np.exp(self._left(np.maximum(people - 1, 0))))

    def slope(self, people: Floats) -> Floats:
        """Return how many registers one person more fills."""
        return self._sum(self.params.chances * np.exp(self._left(people)))

    def variance(self, people: Floats) -> Floats:
        """Return the variance of the number of registers that are not empty."""
        left = np.exp(self._left(people))
        random = self._sum(left * (1 - left))
        return random if self.sampled else np.maximum(random - people * self.slope(people) ** 2, 0.0)

    @cached_property
    def capacity(self) -> float:
        """How many people the sketch tells apart: from here on its own error is above WORST."""
        people = np.geomspace(1, _FAR, POINTS)
        slope = self.slope(people)
        bad = np.sqrt(self.variance(people)) > WORST * people * slope
        full = bad & (self.filled(people) > self.params.registers / 2)
        return float(people[full.argmax()]) if full.any() else _FAR

    def people(self, filled: Floats, sd: float) -> Floats:
        """Return the number of people for which FILLED registers, seen with noise of SD, are expected, less its bias.

        It is at most the capacity. The inverse of a concave curve is convex, so what varies raises it: the second
        term of its expansion is taken off.
        """
        grid, curve, _ = self._curve
        found = np.interp(filled, curve, grid)
        slope = np.maximum(self.slope(found), 1e-300)
        bend = self._sum(self.params.chances**2 * np.exp(self._left(found)))
        bias = bend / (2 * slope**3) * (self.variance(found) + sd**2)
        return np.maximum(found - np.minimum(bias, found / 2), 0.0)

    def interval(self, filled: Floats, sd: float, z: float) -> tuple[Floats, Floats]:
        """Return the least and the greatest number of people from which FILLED is at most Z standard deviations away.

        The upper end is infinite where the sketch, or the noise of SD, leaves it open: it is saturated.
        """
        grid, curve, variance = self._curve
        spread = z * np.sqrt(variance + sd**2)
        upper, lower = np.maximum.accumulate(curve + spread), np.minimum.accumulate((curve - spread)[::-1])[::-1]
        low = np.interp(filled, upper, grid, left=0.0)
        return low, np.where(filled < lower[-1], np.interp(filled, lower, grid), np.inf)

    @cached_property
    def _curve(self) -> tuple[Floats, Floats, Floats]:
        capacity = max(self.capacity, FEW + 1.0)
        grid = np.concatenate([np.arange(FEW, dtype=np.float64), np.geomspace(FEW, capacity, POINTS)])
        return grid, self.filled(grid), self.variance(grid)

    def _left(self, people: Floats) -> Floats:
        """The logarithm of the chance that a register of each class stays empty; shape (..., classes)."""
        if not np.all(np.isfinite(people)):
            raise UsageError("a number of people is finite")
        return np.asarray(people, dtype=np.float64)[..., None] * np.log1p(-self.params.chances)

    def _sum(self, per_class: Floats) -> Floats:
        return self.params.size * per_class.sum(axis=-1)
