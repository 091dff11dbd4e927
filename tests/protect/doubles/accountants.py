"""Accountants of a sequence of mechanisms: four that hold, four that do not (C7)."""

import math
from fractions import Fraction

from consentinel.core import accounting, losses
from consentinel.core.losses import Step
from consentinel.protect.auditing.composition import Spent, exact_epsilon


def exact(spent: tuple[Spent, ...], delta: float) -> float:
    """Return the exact epsilon."""
    return exact_epsilon(spent, delta)


def zcdp(spent: tuple[Spent, ...], delta: float) -> float:
    """Return the epsilon of the package's own integer zCDP."""
    micro = 0
    for part in spent:
        amount = Fraction(str(part.amount))
        rho = accounting.pure_rho(amount) if part.kind == "pure" else accounting.gaussian_rho(Fraction(1), amount)
        micro += accounting.micro_rho(rho * part.times)
    return accounting.epsilon(micro, Fraction(str(delta)))


def plan_loss(spent: tuple[Spent, ...], delta: float) -> float:
    """Return the epsilon that the package states for a plan declared whole: privacy-loss distributions, twice."""
    steps = [
        Step(part.kind, Fraction(1), Fraction(str(part.amount)) ** (-1 if part.kind == "pure" else 1), part.times)
        for part in spent
    ]
    return losses.epsilon_of(steps, Fraction(str(delta)))


def advanced(spent: tuple[Spent, ...], delta: float) -> float:
    """Return advanced composition of pure mechanisms (Dwork, Rothblum and Vadhan 2010); refuses others."""
    return _advanced(spent, math.log(1 / delta))


def lost_log(spent: tuple[Spent, ...], delta: float) -> float:
    """Return advanced composition without its logarithm (SmartNoise #621)."""
    return _advanced(spent, 1.0)


def _advanced(spent: tuple[Spent, ...], log: float) -> float:
    if len(spent) > 1 or spent[0].kind != "pure":
        raise ValueError("pure mechanisms of one epsilon only")
    amount, times = spent[0].amount, spent[0].times
    return min(amount * times, amount * math.sqrt(2 * times * log) + times * amount * math.expm1(amount))


def multiplied_delta(spent: tuple[Spent, ...], delta: float) -> float:
    """Return the epsilon at k times the delta, where it should have been divided."""
    return exact_epsilon(spent, min(0.5, delta * sum(part.times for part in spent)))


def root_of_sum(spent: tuple[Spent, ...], delta: float) -> float:
    """Return a composition that adds epsilons as if they were independent standard deviations."""
    return math.sqrt(sum(exact_epsilon((Spent(part.kind, part.amount),), delta) ** 2 * part.times for part in spent))


def nan_at_small_delta(spent: tuple[Spent, ...], delta: float) -> float:
    """Return NaN where delta is too small for the grid (prv_accountant #17)."""
    return math.nan if delta < 1e-10 else exact_epsilon(spent, delta)
