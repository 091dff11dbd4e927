"""The effect of treatment from the two arms: difference, relative lift and increment with intervals, and power.

Everything works on arrays (groups, or seeds of a simulation), so one formula serves a table and a coverage study.
Arms are independent: people were assigned at random, one by one. Where whole households or regions were assigned,
these intervals are too short.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import holm, tail
from consentinel.protect.lift.counting import Arm, Arms, Lift

__all__ = ["OUTCOMES", "ArmMean", "Effect", "arm_mean", "compare", "effect", "power", "smallest_effect"]

Floats = NDArray[np.float64]
OUTCOMES: Mapping[str, tuple[str, str]] = {  # sum and sum of squares of a person's own outcome, fields of Arm
    "converters": ("converters", "converters"),
    "conversions": ("conversions", "conversions_squared"),
    "value": ("value", "value_squared"),
}


@dataclass(frozen=True)
class ArmMean:
    """The mean outcome of a person in one arm: PEOPLE, the mean, and the variance of the mean and of PEOPLE (noise)."""

    people: Floats
    mean: Floats
    variance: Floats
    people_variance: Floats | float = 0.0


@dataclass(frozen=True)
class Effect:
    """Treatment against control, each with its interval; relative lift is 0.1 for 10 % more than control.

    difference is per person; increment is what treatment added over all treated people; relative bounds are
    infinite where the control mean cannot be told from zero. p is two-sided for no difference.
    """

    difference: Floats
    low: Floats
    high: Floats
    relative: Floats
    relative_low: Floats
    relative_high: Floats
    increment: Floats
    increment_low: Floats
    increment_high: Floats
    p: Floats


def arm_mean(people: Floats | int, total: Floats | int, squares: Floats | int) -> ArmMean:
    """Return the mean of an arm from exact counts: PEOPLE, TOTAL of their outcome, sum of its SQUARES per person."""
    n, total_, squares_ = (np.asarray(part, np.float64) for part in (people, total, squares))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total_ / n
        variance = np.maximum(squares_ - n * mean**2, 0.0) / (n - 1) / n
    return ArmMean(n, mean, np.where(n > 1, variance, np.inf))


def effect(test: ArmMean, control: ArmMean, level: float = 0.95) -> Effect:
    """Return the effect with intervals at LEVEL: normal for the difference and the increment, Fieller's for the ratio.

    Raises UsageError for a level outside (0, 1). Source: Fieller 1954; Cox 1990 for its unbounded sets.
    """
    z = NormalDist().inv_cdf(1 - tail(level))
    difference = test.mean - control.mean
    error = np.sqrt(test.variance + control.variance)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = test.mean / control.mean
        low, high = _fieller(test, control, z)
        increment = test.people * difference
        spread = z * np.sqrt((test.people * error) ** 2 + difference**2 * test.people_variance)
        score = np.where(error > 0, np.abs(difference) / error, np.where(difference == 0, 0.0, np.inf))
    half = z * error
    return Effect(
        difference,
        difference - half,
        difference + half,
        ratio - 1,
        low - 1,
        high - 1,
        increment,
        increment - spread,
        increment + spread,
        two_sided(score),
    )


def two_sided(score: Floats) -> Floats:
    """Return the chance that a standard normal is farther from zero than SCORE."""
    normal = NormalDist()
    return np.asarray([2 * normal.cdf(-one) if np.isfinite(one) else 0.0 for one in np.ravel(score)]).reshape(
        np.shape(score)
    )


def power(
    difference: float, people: tuple[float, float], variance: tuple[float, float], *, level: float = 0.95
) -> float:
    """Return the chance that the interval at LEVEL leaves out zero when the true effect per person is DIFFERENCE.

    Arguments, treatment first: PEOPLE of each arm; VARIANCE of each arm's mean times its people, noise included.
    """
    normal = NormalDist()
    z = normal.inv_cdf(1 - tail(level))
    shift = difference / _error(people, variance)
    return normal.cdf(shift - z) + normal.cdf(-shift - z)


def smallest_effect(
    people: tuple[float, float], variance: tuple[float, float], *, level: float = 0.95, chance: float = 0.8
) -> float:
    """Return the smallest effect per person that is told from zero with CHANCE; arguments as of `power`."""
    if not 0.5 <= chance < 1:
        raise UsageError(f"the wanted power is in [0.5, 1), got {chance}")
    low, high = 0.0, 1.0
    error = _error(people, variance)
    while power(high * error, people, variance, level=level) < chance:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle * error, people, variance, level=level) >= chance else (middle, high)
    return high * error


def compare(counts: Lift, outcome: str, level: float = 0.95) -> list[dict[str, object]]:
    """Return one row for everyone and for each cohort and breakdown: the effect on OUTCOME, and p adjusted by Holm.

    p_adjusted holds the chance of any false finding among the groups of one kind; everyone is the one test declared
    first and is not adjusted. Raises UsageError for an unknown outcome.
    """
    if outcome not in OUTCOMES:
        raise UsageError(f"no outcome '{outcome}'; there is: {', '.join(OUTCOMES)}")
    kinds: dict[str, dict[int, Arms]] = {
        "everyone": {0: counts.everyone},
        "cohort": counts.cohorts,
        "breakdown": counts.breakdowns,
    }
    rows: list[dict[str, object]] = []
    for kind, groups in kinds.items():
        if not groups:
            continue
        found = effect(
            _means([arms.test for arms in groups.values()], outcome),
            _means([arms.control for arms in groups.values()], outcome),
            level,
        )
        adjusted = holm(np.nan_to_num(found.p, nan=1.0))
        for at, name in enumerate(groups):
            shown = {field: float(getattr(found, field)[at]) for field in Effect.__dataclass_fields__}
            note = "" if len(groups) == 1 else f"{len(groups)} groups were looked at: read p_adjusted"
            rows.append({"kind": kind, "group": name, **shown, "p_adjusted": float(adjusted[at]), "note": note})
    return rows


def _means(arms: list[Arm], outcome: str) -> ArmMean:
    total, squares = OUTCOMES[outcome]
    columns = [[float(getattr(arm, name)) for arm in arms] for name in ("people", total, squares)]
    return arm_mean(*(np.asarray(column) for column in columns))


def _fieller(test: ArmMean, control: ArmMean, z: float) -> tuple[Floats, Floats]:
    """The ratios r with (mean_t - r mean_c)^2 <= z^2 (variance_t + r^2 variance_c), where they are one interval."""
    a = control.mean**2 - z**2 * control.variance
    b = test.mean * control.mean
    c = test.mean**2 - z**2 * test.variance
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    bounded = a > 0
    return np.where(bounded, (b - root) / a, -np.inf), np.where(bounded, (b + root) / a, np.inf)


def _error(people: tuple[float, float], variance: tuple[float, float]) -> float:
    if min(people) <= 0 or min(variance) < 0 or max(variance) == 0:
        raise UsageError("power needs people in both arms and a variance")
    return float(np.sqrt(variance[0] / people[0] + variance[1] / people[1]))
