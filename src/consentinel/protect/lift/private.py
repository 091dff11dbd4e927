"""Lift under central differential privacy: noisy counts of two arms, and what treatment added, with its interval.

Guarantee: rho-zCDP per person (add or remove), of the rho that the noise scales are priced at; a person is in one arm
of one group and counts with one clipped outcome.
Assumes: people were assigned at random, one by one; the list of groups is public.

The interval holds noise, sampling and clipping: the variance of each arm is itself released with noise, so its
distribution given the release is averaged over, as the mechanisms do.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import tail
from consentinel.protect.averaging import half_width, likely, mixed, quantile
from consentinel.protect.estimates import Estimates, Facts, Floats
from consentinel.protect.lift.counting import CAP, EPOCH, people_sql
from consentinel.protect.lift.effect import ArmMean, effect, smallest_effect
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

__all__ = ["LABELS", "PrivateLift", "arm_groups", "bounded_sql"]

Noisy = Mapping[str, NDArray[Any]]
Outcome = Literal["converters", "conversions", "value"]
LABELS = ("difference", "relative", "increment")
COARSE = 1024  # lattice steps of a squared outcome: squares only set the width


@dataclass(frozen=True)
class PrivateLift:
    """The lift of OUTCOME as a mechanism part: the statistics of every arm, and the answer from their noisy values.

    Statistics have shape (2 groups,): control and test of the first group, of the second, and so on; those with bins
    (2 groups, 2). outcome converters needs bounds 0 to 1, the others the range of a person's total.
    """

    outcome: Outcome

    def needs(self, bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
        """Return the statistics of one arm: those who did and did not convert, or people, sum and squares."""
        if not isinstance(budget, Fraction) or budget <= 0:
            raise UsageError(f"a budget is an exact positive fraction, got {budget!r:.60}")
        self._check(bounds)
        if self.outcome == "converters":  # a person is in one of two cells, which both get the whole budget
            return (Statistic("bins", "CASE WHEN x > 0 THEN 1 ELSE 0 END", Fraction(1), Fraction(1), 2),)
        low, high = clipped_steps(bounds)
        most, divisor = max(abs(low), abs(high)), _divisor(bounds)
        coarse = f"CAST(round(x / {divisor}) AS BIGINT)"
        squares = Fraction((-(-most // divisor)) ** 2)
        found = (
            Statistic("units", "count(*)", Fraction(1), Fraction(1)),
            Statistic("sum", "sum(x)", Fraction(most), lattice(bounds)),
            Statistic("sum_squares", f"sum({coarse} * {coarse})", squares, (divisor * lattice(bounds)) ** 2),
        )
        ends = (("below", f"x <= {low}"), ("above", f"x >= {high}"))
        return found + tuple(
            Statistic(name, f"count(*) FILTER (WHERE {test})", Fraction(1), Fraction(1))
            for (name, test), far in zip(ends, _beyond(bounds), strict=True)
            if far
        )

    def shares(self, bounds: Bounds) -> Mapping[str, Fraction]:
        """Return in which proportions the budget is split: most of it goes to the sum."""
        if self.outcome == "converters":
            return {"bins": Fraction(1)}
        found = {"units": Fraction(1, 20), "sum": Fraction(1), "sum_squares": Fraction(3, 10)}
        return found | {
            name: Fraction(1, 20) for name, far in zip(("below", "above"), _beyond(bounds), strict=True) if far
        }

    def answer(self, noisy: Noisy, scales: Mapping[str, float], bounds: Bounds, level: float) -> Estimates:
        """Return for each group the difference per person, the relative lift and the increment, with intervals.

        Estimates have shape (groups, 3) with LABELS. Raises UsageError for statistics that do not fit.
        """
        z = float(quantile(1 - tail(level)))
        people, mean, spread, noise, down, up = self._arms(noisy, scales, bounds, z)
        nodes = spread / people[..., None] ** 2 + noise[..., None]  # equally likely variances of each arm's mean
        both = nodes[:, 1] + nodes[:, 0][:, mixed()]
        half = half_width(both, level)
        error = np.maximum((half / z) ** 2 / np.maximum(both.mean(axis=1), 1e-300), 1.0)
        arms = [
            ArmMean(people[:, at], mean[:, at], nodes[:, at].mean(axis=1) * error, self._people_noise(scales))
            for at in (0, 1)
        ]
        found = effect(arms[1], arms[0], level)
        bias_low, bias_high = down[:, 1] + up[:, 0], up[:, 1] + down[:, 0]
        lift_low, lift_high = _biased_ratio(found.relative_low + 1, found.relative_high + 1, mean[:, 0], down, up)
        wide = float(abs((bounds.high or 0) - (bounds.low or 0)))
        value = np.stack([np.clip(found.difference, -wide, wide), found.relative, found.increment], axis=1)
        low = np.stack(
            [
                np.maximum(found.difference - half - bias_low, -wide),
                lift_low - 1,
                found.increment_low - people[:, 1] * bias_low,
            ],
            axis=1,
        )
        high = np.stack(
            [
                np.minimum(found.difference + half + bias_high, wide),
                lift_high - 1,
                found.increment_high + people[:, 1] * bias_high,
            ],
            axis=1,
        )
        return Estimates(value, np.minimum(low, value), np.maximum(high, value), LABELS)

    def forecast(self, bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
        """Return the expected half width of the 95% interval of the difference; FACTS are of one arm."""
        return float(quantile(0.975)) * math.sqrt(2 * self._variance(bounds, scales, facts) / facts.units)

    def detectable(
        self, bounds: Bounds, scales: Mapping[str, float], facts: Facts, *, level: float = 0.95, chance: float = 0.8
    ) -> float:
        """Return the smallest difference per person that is told from zero with CHANCE; FACTS are of one arm."""
        variance = self._variance(bounds, scales, facts)
        return smallest_effect((facts.units, facts.units), (variance, variance), level=level, chance=chance)

    def _arms(self, noisy: Noisy, scales: Mapping[str, float], bounds: Bounds, z: float) -> tuple[Floats, ...]:
        """People, mean, nodes of the sum of squared deviations, noise variance of the mean, bias down and up."""
        if self.outcome == "converters":
            bins = self._paired(noisy, "bins")
            sd = float(scales["bins"])
            people = np.maximum(bins.sum(axis=-1), 1.0)
            mean = np.clip(bins[..., 1] / people, 0.0, 1.0)
            noise = sd**2 * (mean**2 + (1 - mean) ** 2) / people**2
            squares, sd_squares = people * mean * (1 - mean), np.full_like(mean, sd) * np.abs(1 - 2 * mean)
            return people, mean, likely(squares, sd_squares, people / 4), noise, 0 * mean, 0 * mean
        step, coarse = float(lattice(bounds)), float((_divisor(bounds) * lattice(bounds)) ** 2)
        people = np.maximum(self._paired(noisy, "units"), 1.0)
        low, high = float(bounds.low or 0), float(bounds.high or 0)
        mean = np.clip(self._paired(noisy, "sum") * step / people, low, high)
        noise = ((scales["sum"] * step) ** 2 + (mean * scales["units"]) ** 2) / people**2
        squares = self._paired(noisy, "sum_squares") * coarse - people * mean**2
        nodes = likely(
            squares, np.full_like(mean, scales["sum_squares"] * coarse), people * (high - mean) * (mean - low)
        )
        bias = []
        for name, far in zip(("below", "above"), _beyond(bounds), strict=True):
            counted = np.maximum(self._paired(noisy, name) + z * scales[name], 0.0) if far else 0 * mean
            bias.append(counted * far / people)
        return people, mean, nodes, noise, bias[0], bias[1]

    def _variance(self, bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
        """The variance of an arm's mean times its people: sampling and noise."""
        self._check(bounds)
        low, high = float(bounds.low or 0), float(bounds.high or 0)
        mean = (low + high) / 2 if facts.mean is None else min(max(facts.mean, low), high)
        worst = (high - mean) * (mean - low)
        if self.outcome == "converters":
            return worst + scales["bins"] ** 2 * (mean**2 + (1 - mean) ** 2) / facts.units
        sampling = worst if facts.spread is None else min(facts.spread**2, worst)
        noise = (scales["sum"] * float(lattice(bounds))) ** 2 + (mean * scales["units"]) ** 2
        return sampling + noise / facts.units

    def _people_noise(self, scales: Mapping[str, float]) -> float:
        return 2 * scales["bins"] ** 2 if self.outcome == "converters" else scales["units"] ** 2

    def _check(self, bounds: Bounds) -> None:
        if bounds.groups != 1 or bounds.rows != 1:
            raise UsageError("a person of an experiment is in one arm of one group and has one outcome")
        if bounds.low is None or bounds.high is None:
            raise UsageError("lift needs the range of a person's outcome: give low and high")
        if self.outcome == "converters" and (bounds.low, bounds.high) != (0, 1):
            raise UsageError(f"who converts is 0 or 1, got the range {bounds.low} to {bounds.high}")

    def _paired(self, noisy: Noisy, name: str) -> Floats:
        values = np.asarray(noisy[name], dtype=np.float64)
        if len(values) % 2 or not np.isfinite(values).all():
            raise UsageError(f"the noisy '{name}' has a finite value for control and test of each group")
        return values.reshape(-1, 2, *values.shape[1:])


def bounded_sql(
    connection: duckdb.DuckDBPyConnection,
    outcome: Outcome,
    bounds: Bounds,
    *,
    by_cohort: bool = False,
    cap: int = CAP,
    epoch: int = EPOCH,
) -> str:
    """Return the query of the bounded table: one row per counted person with unit, test, cohort, n = 1 and x.

    x is the person's OUTCOME clipped to BOUNDS in lattice steps; cohort is 0 unless BY_COHORT. Reads the checked
    tables, as `counting.count`.
    """
    group = "cohort" if by_cohort else "0"
    low, high = clipped_steps(bounds)
    raw = {"converters": "(conversions > 0)::BIGINT", "conversions": "conversions", "value": "value"}[outcome]
    step = lattice(bounds)
    scaled = f"{raw}::HUGEINT * {step.denominator} // {step.numerator}"
    return (
        f"SELECT id AS unit, test, {group} AS cohort, 1::BIGINT AS n, "
        f"least(greatest({scaled}, {low}), {high})::BIGINT AS x FROM ({people_sql(connection, cap=cap, epoch=epoch)})"
    )


def arm_groups(cohorts: Sequence[int] | None) -> list[tuple[int | bool, ...]]:
    """Return the groups of `bounded_sql` in the order that `answer` reads: control and test of each of COHORTS.

    COHORTS is the public list, None: everyone. Use with `tabulate(..., by=("cohort", "test"))`.
    """
    return [(cohort, test) for cohort in (cohorts or [0]) for test in (False, True)]


def _biased_ratio(low: Floats, high: Floats, control: Floats, down: Floats, up: Floats) -> tuple[Floats, Floats]:
    """Widen an interval of the ratio of means by what clipping may have taken from (DOWN) or added to (UP) each mean.

    The arms are the second axis of DOWN and UP, control first. Where the control mean may be zero, anything may be.
    """
    least, most = control - down[:, 0], control + up[:, 0]
    sure = (least > 0) & np.isfinite(low) & np.isfinite(high)
    divisor = np.where(sure, least, 1.0)
    bottom = np.where(sure, low, 0.0) * control - down[:, 1]
    top = np.where(sure, high, 0.0) * control + up[:, 1]
    return (
        np.where(sure, bottom / np.where(bottom >= 0, np.maximum(most, divisor), divisor), -np.inf),
        np.where(sure, top / np.where(top >= 0, divisor, np.maximum(most, divisor)), np.inf),
    )


def _divisor(bounds: Bounds) -> int:
    low, high = clipped_steps(bounds)
    return max(1, -(-max(abs(low), abs(high)) // COARSE))


def _beyond(bounds: Bounds) -> tuple[float, float]:
    """How far outcomes may lie below low and above high."""
    if bounds.low is None or bounds.high is None:
        return 0.0, 0.0
    below = 0.0 if bounds.least is None else float(bounds.low - bounds.least)
    above = 0.0 if bounds.most is None else float(bounds.most - bounds.high)
    return below, above
