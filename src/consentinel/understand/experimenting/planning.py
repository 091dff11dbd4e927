"""How many units an experiment needs, and what it can see."""

import math
from dataclasses import dataclass

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.stats import power_two_proportions, tail

__all__ = ["Plan", "design_effect", "planned", "power_of_means"]

MOST = 10**10


@dataclass(frozen=True)
class Plan:
    """Units in each arm, clusters in each arm (0: units are assigned one by one), the effect that is told from zero
    with the chance POWER, the design effect, and points (units in each arm, power) around it."""

    units: int
    clusters: int
    effect: float
    power: float
    design: float
    around: list[tuple[int, float]]


def design_effect(size: int, correlation: float) -> float:
    """Return how many times as many units are needed when they come in clusters of SIZE (Kish 1965)."""
    if size < 1 or not 0 <= correlation <= 1:
        raise UsageError(f"clusters hold 1 or more units, their correlation is in [0, 1]; got {size}, {correlation}")
    return 1 + (size - 1) * correlation


def power_of_means(effect: float, deviation: float, units: float, level: float) -> float:
    """Return the chance that Welch's t of UNITS in each arm tells EFFECT, by the non-central t (Cohen 1988)."""
    free = 2 * units - 2
    stats = need("scipy.stats", extra="learn")
    edge = float(stats.t.ppf(1 - tail(level), free))
    away = abs(effect) / (deviation * math.sqrt(2 / units))
    above = float(stats.nct.sf(edge, free, away))
    below = float(stats.nct.cdf(-edge, free, away))
    return min(1.0, (above if math.isfinite(above) else 1.0) + (below if math.isfinite(below) else 0.0))


def planned(
    effect: float, *, deviation: float, rate: float, level: float, power: float, size: int, correlation: float
) -> Plan:
    """Return the fewest units in each of two equal arms that tell EFFECT with the chance POWER.

    Arguments: deviation of an outcome, or the control's rate where it is 0 or 1 (then the effect adds to the rate);
    size of clusters and the correlation in them, 1 and 0 where units are assigned one by one. Raises UsageError.
    """
    if effect == 0 or not math.isfinite(effect) or not 0 < power < 1:
        raise UsageError("name a table to read, or plan one: --effect other than 0, --power in (0, 1); "
                         f"got {effect:g} and {power:g}")  # fmt: skip
    if (deviation > 0) == (rate > 0):
        raise UsageError("name either the --deviation of the outcome or the --rate of the control")
    if rate and not (0 < rate < 1 and 0 < rate + effect < 1):
        raise UsageError(f"the rate and the rate with the effect are in (0, 1); got {rate} and {rate + effect}")
    design = design_effect(size, correlation)

    def reached(units: int) -> float:
        alone = units / design  # what clustered units are worth
        if rate:
            return power_two_proportions(rate, rate + effect, max(1, int(alone)), max(1, int(alone)), level)
        return power_of_means(effect, deviation, max(2.0, alone), level)

    high = 2
    while reached(high) < power:
        high *= 2
        if high > MOST:
            raise UsageError("this effect needs more than ten billion units in each arm")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    clusters = -(-high // size) if size > 1 else 0
    units = clusters * size if clusters else high
    around = [
        (max(2, round(units * part)), reached(max(2, round(units * part)))) for part in (0.25, 0.5, 0.75, 1, 1.5, 2)
    ]
    return Plan(units, clusters, effect, power, design, around)
