"""What a private answer would be worth, said before anything is spent: from public or guessed facts, never from data.

Half widths are those of 95% intervals. Budgets that come back are whole micro-rho (or millionths of epsilon), as the
ledger counts them, and exact.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist
from typing import Any

from consentinel.core.accounting import MICRO, epsilon, micro_rho
from consentinel.core.errors import UsageError
from consentinel.core.stats import power_two_proportions, tail
from consentinel.protect.estimates import MECHANISMS, Facts, Law
from consentinel.protect.splitting import deviations, params, price
from consentinel.protect.statistic import Bounds

__all__ = ["Forecast", "Lift", "detectable_difference", "detectable_lift", "half_width", "over", "smallest_budget"]

MOST = 1000 * MICRO  # a rho of 1,000 protects nobody; beyond it the search ends


@dataclass(frozen=True)
class Forecast:
    """What a budget would buy: its exact price, the epsilon it means at delta, and the expected half width."""

    budget: Fraction
    micro_rho: int
    epsilon: float
    half_width: float


@dataclass(frozen=True)
class Lift:
    """The smallest lift that an experiment would detect: absolute, and relative to the rate of the control arm."""

    absolute: float
    relative: float
    power: float
    level: float


def half_width(
    mechanism: str,
    bounds: Bounds,
    budget: Fraction,
    facts: Facts,
    *,
    law: Law = "gaussian",
    options: Mapping[str, Any] | None = None,
) -> float:
    """Return the expected half width of MECHANISM's interval for one group, when BUDGET (rho, or epsilon) is spent.

    OPTIONS go to the part's `needs` (bins, branches). Raises UsageError for a mechanism that there is not.
    """
    return _bought(mechanism, bounds, budget, facts, law, options)[0]


def smallest_budget(
    mechanism: str,
    bounds: Bounds,
    facts: Facts,
    wanted: float,
    *,
    law: Law = "gaussian",
    options: Mapping[str, Any] | None = None,
) -> Fraction:
    """Return the smallest budget, in whole millionths, whose expected half width is at most WANTED.

    The half width falls with the budget, so halving finds it. Raises UsageError where no budget is enough: what is
    left without noise comes from the sampling of units and from clipping, and the message says how much that is.
    """
    if not 0 < wanted < math.inf:
        raise UsageError(f"a wanted half width is a positive number, got {wanted}")

    def reached(millionths: int) -> bool:
        return half_width(mechanism, bounds, Fraction(millionths, MICRO), facts, law=law, options=options) <= wanted

    return Fraction(_first(reached, MOST, lambda: _out_of_reach(mechanism, bounds, facts, law, options)), MICRO)


def over(
    mechanism: str,
    bounds: Bounds,
    budgets: Sequence[Fraction],
    facts: Facts,
    *,
    delta: Fraction,
    law: Law = "gaussian",
    options: Mapping[str, Any] | None = None,
) -> list[Forecast]:
    """Return one forecast for each of BUDGETS; epsilon is the one that its price means at DELTA."""
    found = []
    for budget in budgets:
        width, rho = _bought(mechanism, bounds, budget, facts, law, options)
        micro = micro_rho(rho)
        found.append(Forecast(budget, micro, float(budget) if law == "laplace" else epsilon(micro, delta), width))
    return found


def detectable_lift(
    rate: float,
    treated: int,
    control: int,
    bounds: Bounds,
    budget: Fraction,
    *,
    power: float = 0.8,
    level: float = 0.95,
    law: Law = "gaussian",
) -> Lift:
    """Return the smallest rise of a conversion RATE that an experiment would detect, the noise of both arms included.

    Arguments: the expected rate of the control arm; units in the arms; BOUNDS of the outcome (0 to 1, one row per
    unit) and the BUDGET of the mean per arm (an arm is a group). The noise of an arm counts as a smaller arm: as many
    units as would give the same standard error without noise, for `power_two_proportions`. Raises UsageError where
    even a rise to 1 would not be detected.
    """
    if not 0 < rate < 1:
        raise UsageError(f"the expected rate of the control arm is in (0, 1), got {rate}")
    if not tail(level) < power < 1:
        raise UsageError(f"a power is a probability above {tail(level):g} and below 1, got {power}")
    arms = [_arm(bounds, budget, rate, units, law) for units in (treated, control)]

    def reached(millionths: int) -> bool:
        high = rate + (1 - rate) * millionths / MICRO
        return power_two_proportions(high, rate, arms[0](high), arms[1](rate), level) >= power

    def refuse() -> UsageError:
        return UsageError("no lift of this rate would be detected at this power: more units or more budget are needed")

    rise = (1 - rate) * _first(reached, MICRO, refuse) / MICRO
    return Lift(rise, rise / rate, power, level)


def detectable_difference(standard_error: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the smallest true difference that a two-sided z-test finds with POWER, from its STANDARD_ERROR."""
    if not 0 <= standard_error < math.inf:
        raise UsageError(f"a standard error is a number of at least 0, got {standard_error}")
    if not tail(level) < power < 1:
        raise UsageError(f"a power is a probability above {tail(level):g} and below 1, got {power}")
    normal = NormalDist()
    return (normal.inv_cdf(1 - tail(level)) + normal.inv_cdf(power)) * standard_error


def _arm(bounds: Bounds, budget: Fraction, rate: float, units: int, law: Law) -> Callable[[float], int]:
    part = MECHANISMS.take("mean")
    statistics = part.needs(bounds, budget)
    paid = params(statistics, bounds, budget, part.shares(bounds), law=law)
    scales = deviations(statistics, paid)
    z = NormalDist().inv_cdf(0.975)

    def like(share: float) -> int:
        sampling = max(share * (1 - share), 1e-12)
        half = part.forecast(bounds, scales, Facts(units, mean=share, spread=math.sqrt(sampling)))
        return max(1, math.floor(sampling / (half / z) ** 2))

    return like


def _bought(
    mechanism: str, bounds: Bounds, budget: Fraction, facts: Facts, law: Law, options: Mapping[str, Any] | None
) -> tuple[float, Fraction]:
    part = MECHANISMS.take(mechanism)
    statistics = part.needs(bounds, budget, **(options or {}))
    paid = params(statistics, bounds, budget, part.shares(bounds), law=law)
    width = part.forecast(bounds, deviations(statistics, paid), facts)
    return width, price(statistics, bounds, paid)


def _first(reached: Callable[[int], bool], most: int, refuse: Callable[[], UsageError]) -> int:
    """Return the smallest number from 1 to MOST at which REACHED is true, which it then stays."""
    if not reached(most):
        raise refuse()
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _out_of_reach(
    mechanism: str, bounds: Bounds, facts: Facts, law: Law, options: Mapping[str, Any] | None
) -> UsageError:
    least = half_width(mechanism, bounds, Fraction(MOST, MICRO), facts, law=law, options=options)
    return UsageError(
        f"no budget makes the {mechanism} that precise: without noise the interval is still about +-{least:.3g} wide "
        "(sampling of units and clipping); ask for more units, wider bounds or a wider interval"
    )
