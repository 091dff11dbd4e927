"""Reach and frequency under central differential privacy: how many people were reached 1+, 2+, ... times.

Guarantee: rho-zCDP per person (add or remove), of the rho that the noise scales are priced at: a person moves one
register of a merged sketch, so two of its counts by 1 at most, in each of the unions that are asked about.
Assumes: honest-but-curious; publishers share one identifier of a person and one secret key of at least 32 random bytes.

Reach comes from the number of registers that are not empty, frequency from those that hold one person alone, which are
a sample of all people drawn by the key. Intervals hold what the sketch loses to collisions, noise, and sampling where
it is asked for. They are per number, not for all at once. Frequencies at the cap or above are one class.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.accounting import MICRO, epsilon, micro_rho
from consentinel.core.errors import UsageError
from consentinel.core.stats import tail
from consentinel.protect.estimates import Estimates, Facts, Floats
from consentinel.protect.reach.occupancy import Occupancy
from consentinel.protect.reach.sketch import Params
from consentinel.protect.splitting import deviations, params
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["PrivateReach", "reach_bounds"]

MOST = 1000 * MICRO  # a rho of 1,000 protects nobody; beyond it the search ends


def reach_bounds(unions: int = 1) -> Bounds:
    """Return the bounds of a person in UNIONS of sketches: two counts move by 1 in each, so the squared L2 sensitivity
    is twice the number of unions."""
    return Bounds(groups=2 * unions, rows=1, low=None, high=None)


@dataclass(frozen=True)
class PrivateReach:
    """The reach of sketches of SHAPE as a mechanism part; SAMPLED: the interval is for the expected number of people.

    The statistic "registers" has shape (groups, 1 + frequency), as `sketch.statistics` gives it, a group is a union.
    """

    shape: Params = field(default_factory=Params)
    sampled: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """What the numbers of one group are: people with at least 1, 2, ... impressions."""
        return tuple(f"{times}+" for times in range(1, self.shape.frequency + 1))

    @cached_property
    def law(self) -> Occupancy:
        """The law of the sketch."""
        return Occupancy(self.shape, self.sampled)

    def needs(self, bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
        """Return the one statistic of a merged sketch; its SQL is the state of a register."""
        if not isinstance(budget, Fraction) or budget <= 0:
            raise UsageError(f"a budget is an exact positive fraction, got {budget!r:.60}")
        _check(bounds)
        return (Statistic("registers", "state", Fraction(1), Fraction(1), 1 + self.shape.frequency),)

    def shares(self, bounds: Bounds) -> Mapping[str, Fraction]:
        """Return that there is one statistic, which takes the whole budget."""
        _check(bounds)
        return {"registers": Fraction(1)}

    def answer(
        self, noisy: Mapping[str, NDArray[Any]], scales: Mapping[str, float], bounds: Bounds, level: float
    ) -> Estimates:
        """Return the number of people with at least 1, 2, ... impressions, shape (groups, frequency), with `labels`.

        A saturated sketch has an infinite upper end, and its value is at most the sketch's capacity.
        Raises UsageError for statistics that do not fit.
        """
        _check(bounds)
        found, sd = np.asarray(noisy["registers"], dtype=np.float64), float(scales["registers"])
        if found.ndim != 2 or found.shape[1] != 1 + self.shape.frequency or not np.isfinite(found).all():
            raise UsageError(f"the noisy 'registers' have finite values, {1 + self.shape.frequency} for each group")
        z = NormalDist().inv_cdf(1 - tail(level))
        filled, alone = found[:, 0], found[:, 1:]
        reach = self.law.people(filled, sd)
        low, high = self.law.interval(filled, sd, z)
        value, bottom, top = [reach], [np.minimum(low, reach)], [np.maximum(high, reach)]
        for times in range(2, self.shape.frequency + 1):
            part = self._frequency(alone, times, reach, high, sd, z)
            for numbers, number in zip((value, bottom, top), part, strict=True):
                numbers.append(number)
        return Estimates(np.stack(value, axis=1), np.stack(bottom, axis=1), np.stack(top, axis=1), self.labels)

    def forecast(self, bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
        """Return the expected half width of the 95% interval of the reach of FACTS.units people; costs nothing.

        Raises UsageError where the sketch would be saturated.
        """
        _check(bounds)
        if facts.units > self.law.capacity:
            raise UsageError(
                f"sketches of {self.shape.registers} registers are saturated by {facts.units:.3g} people "
                f"(beyond {self.law.capacity:.3g}); take more registers or more classes"
            )
        return NormalDist().inv_cdf(0.975) * self._error(facts.units, float(scales["registers"]))

    def smallest_budget(self, people: float, relative: float, unions: int = 1) -> Fraction:
        """Return the smallest rho, in whole millionths, with which the half width is at most RELATIVE times PEOPLE.

        UNIONS is how many of them are asked about with it. Raises UsageError where no budget is enough, and says what
        the sketch alone allows.
        """
        if not 0 < relative < math.inf:
            raise UsageError(f"a wanted relative error is a positive number, got {relative}")
        bounds, facts = reach_bounds(unions), Facts(people)

        def reached(micro: int) -> bool:
            budget = Fraction(micro, MICRO)
            statistics = self.needs(bounds, budget)
            scales = deviations(statistics, params(statistics, bounds, budget, self.shares(bounds)))
            return self.forecast(bounds, scales, facts) <= relative * people

        if not reached(MOST):
            least = NormalDist().inv_cdf(0.975) * self._error(people, 0.0) / people
            raise UsageError(
                f"no budget makes the reach that precise: sketches of {self.shape.registers} registers alone leave "
                f"+-{100 * least:.2g} %; four times as many registers halve that"
            )
        low, high = 0, MOST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if reached(middle) else (middle, high)
        return Fraction(high, MICRO)

    def smallest_epsilon(self, people: float, relative: float, delta: Fraction, unions: int = 1) -> float:
        """Return the epsilon at DELTA that `smallest_budget` stands for."""
        return epsilon(micro_rho(self.smallest_budget(people, relative, unions)), delta)

    def _error(self, people: float, sd: float) -> float:
        """The standard error of the reach of PEOPLE, of the sketch and of noise of SD."""
        at = np.array([people], dtype=np.float64)
        return float((np.sqrt(self.law.variance(at) + sd**2) / self.law.slope(at))[0])

    def _frequency(
        self, alone: Floats, times: int, reach: Floats, most: Floats, sd: float, z: float
    ) -> tuple[Floats, Floats, Floats]:
        """People with at least TIMES impressions, with the ends of the interval.

        For the true share s, seen - s * all is 0 but for which people are alone in a register, noise, and the error of
        the reach that the share is multiplied with; these are uncorrelated. The ends are where that leaves Z standard
        deviations (Fieller 1954, Wilson 1927): the roots of a quadratic in s.
        """
        everyone = np.maximum(alone.sum(axis=1), 0.0)
        seen = np.clip(alone[:, times - 1 :].sum(axis=1), 0.0, everyone)
        above, below = alone.shape[1] - times + 1, times - 1  # counts at or above TIMES, and below
        sure = np.maximum(reach, 1.0)
        expected = np.maximum(self.law.alone(sure), 1e-9)
        sampled = expected * (1.0 if self.sampled else np.clip(1 - expected / sure, 0.0, 1.0))
        error = (self.law.variance(sure) + sd**2) / (sure * self.law.slope(sure)) ** 2  # relative, squared
        square = everyone**2 * (1 - z**2 * error) + z**2 * (sampled - sd**2 * (above + below))
        middle = seen * everyone + z**2 * (sampled / 2 - sd**2 * above)
        rest = seen**2 - z**2 * sd**2 * above
        root = middle**2 - square * rest
        known = (square > 0) & (root >= 0) & (everyone > 0) & np.isfinite(most)
        wide, divisor = np.sqrt(np.maximum(root, 0.0)), np.where(known, square, 1.0)
        share = np.clip(seen / np.where(everyone > 0, everyone, 1.0), 0.0, 1.0)
        value = reach * share
        low = np.where(known, np.clip(reach * (middle - wide) / divisor, 0.0, None), 0.0)
        high = np.where(known, np.clip(reach * (middle + wide) / divisor, 0.0, most), most)
        return value, np.minimum(low, value), np.maximum(high, value)


def _check(bounds: Bounds) -> None:
    if bounds.rows != 1 or bounds.groups % 2 or bounds.low is not None:
        raise UsageError("reach needs the bounds that reach_bounds makes: two counts of each union, no range of values")
