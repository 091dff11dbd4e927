"""Finds accountants that say less than what a sequence of mechanisms spends."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

from consentinel.core.errors import ConsentinelError
from consentinel.core.progress import each
from consentinel.protect.auditing._finding import Finding, Plan, settled
from consentinel.protect.auditing._gaussian import gaussian_delta, smallest_epsilon

__all__ = ["CATCHES", "Accountant", "Spent", "audit", "exact_epsilon"]

CATCHES = ("C7",)
ROUNDING = 1e-6  # relative
DELTAS = (1e-2, 1e-5, 1e-9, 1e-12)


@dataclass(frozen=True)
class Spent:
    """The same mechanism some times over: "gaussian" noise of AMOUNT standard deviations, or AMOUNT of pure epsilon."""

    kind: Literal["gaussian", "pure"]
    amount: float
    times: int = 1


Accountant = Callable[[tuple[Spent, ...], float], float]  # what was spent, delta -> epsilon


def audit(accountant: Accountant, plan: Plan) -> Finding:
    """Return whether ACCOUNTANT ever says less than the exact epsilon of a composition; no chance is involved.

    The truth is in closed form: Gaussian mechanisms compose to one, and randomised response, which no mechanism of its
    epsilon exceeds, has a binomial loss; a mixture is their convolution. What it refuses (an error of this package,
    ValueError) is no claim; NaN and negative figures are refuted. Plan.n and plan.pairs are not used.
    Source: Kairouz, Oh and Viswanath 2015; Dong, Roth and Su 2022, Corollary 4.
    """
    worst, loose, where, shown, tried = math.inf, 1.0, "", 0.0, 0
    for spent, delta in each(list(product(_sequences(), DELTAS)), "compositions"):
        try:
            said = accountant(spent, delta)
        except (ConsentinelError, ValueError):
            continue
        tried += 1
        case = " and ".join(f"{s.times} x {s.kind} {s.amount:g}" for s in spent) + f" at delta {delta:g}"
        if math.isnan(said) or said < 0:
            return settled(plan, broken=f"{case}: the answer is {said}", sound="", p=0.0, n=tried, exact=True)
        true = exact_epsilon(spent, delta)
        if true > 0:
            loose = max(loose, said / true)
            if said / true < worst:
                worst, where, shown = said / true, f"{case}: it says {said:.4g}, the exact epsilon is {true:.4g}", true
    if not tried:
        return settled(plan, broken="", sound="every composition is refused", p=1.0, n=0, exact=True)
    refuted = worst < 1 - ROUNDING
    return settled(
        plan, broken=where, sound=f"never below the exact epsilon in {tried} cases, at most {loose:.4g} times it",
        p=float(not refuted), n=tried, exact=True, epsilon=shown if refuted else 0.0,
    )  # fmt: skip


def exact_epsilon(spent: tuple[Spent, ...], delta: float) -> float:
    """Return the smallest epsilon at DELTA of Gaussian mechanisms and randomised responses that all run.

    Pure mechanisms of different amounts are convolved one by one, so few different amounts are fast.
    """
    mu = math.sqrt(sum(s.times / s.amount**2 for s in spent if s.kind == "gaussian"))
    losses = {0.0: 0.0}  # privacy loss -> logarithm of its probability
    for part in (s for s in spent if s.kind == "pure"):
        base = -math.log1p(math.exp(-part.amount))  # logarithm of the chance of the likelier answer
        chances = {
            (2 * i - part.times) * part.amount: _log_choose(part.times, i) + part.times * base - misses * part.amount
            for i, misses in enumerate(range(part.times, -1, -1))
        }
        losses = {a + b: p + q for (a, p), (b, q) in product(losses.items(), chances.items())}

    def delta_at(epsilon: float) -> float:
        if mu > 0:
            return math.fsum(math.exp(p) * gaussian_delta(mu, epsilon - a) for a, p in losses.items())
        return math.fsum(math.exp(p) * -math.expm1(epsilon - a) for a, p in losses.items() if a > epsilon)

    return smallest_epsilon(delta_at, delta)


def _sequences() -> list[tuple[Spent, ...]]:
    gaussians = [(Spent("gaussian", s, k),) for s, k in product((0.5, 1.0, 5.0, 50.0), (1, 10, 1000))]
    pure = [(Spent("pure", e, k),) for e, k in product((0.01, 0.1, 1.0), (1, 2, 30, 500))]
    mixed = [(Spent("gaussian", s, k), Spent("pure", e, k)) for s, e, k in ((2.0, 0.5, 1), (20.0, 0.05, 30))]
    return [*gaussians, (Spent("gaussian", 1.0, 3), Spent("gaussian", 4.0, 16)), *pure, *mixed]


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
