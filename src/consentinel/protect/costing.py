"""What a question costs: its budget as exact numbers, split between its parts, with the noise that each part buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from consentinel.core.accounting import MICRO, exact, micro_rho, pure_rho
from consentinel.core.accounting import epsilon as epsilon_of
from consentinel.core.errors import NotSupported, UsageError
from consentinel.protect.budget import largest_total
from consentinel.protect.estimates import Law
from consentinel.protect.splitting import params
from consentinel.protect.statistic import Bounds, Statistic
from consentinel.protect.toml_values import near

__all__ = ["Budget", "Paid", "Part", "budget_of", "named_numbers", "split"]


@dataclass(frozen=True)
class Part:
    """One mechanism of a question.

    Arguments: name in the answer; mechanism of the charge; bounds of one unit; shape, what has needs, shares, answer
    and forecast (a part of protect/mechanisms, or one of lift, attribution, reach); needs and answer, its options;
    names, whether it decides which groups may be named.
    """

    name: str
    mechanism: str
    bounds: Bounds
    shape: Any
    needs: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    names: bool = False


@dataclass(frozen=True)
class Budget:
    """What a whole question may cost: AMOUNT of rho ("gaussian") or of pure epsilon ("laplace").

    delta is the one at which a rho is told as an epsilon; naming, what naming groups adds to it (0: nothing is named).
    """

    law: Law
    amount: Fraction
    delta: Fraction
    naming: Fraction = Fraction(0)

    @property
    def epsilon(self) -> float:
        """The epsilon of the whole question, at delta + naming."""
        return float(self.amount) if self.law == "laplace" else epsilon_of(micro_rho(self.amount), self.delta)

    @property
    def told(self) -> str:
        """The budget in words."""
        if self.law == "laplace":
            return f"epsilon {float(self.amount):.4g} (pure)"
        named = f", {float(self.naming):.3g} of it for naming groups" if self.naming else ""
        return (
            f"rho {float(self.amount):.4g}, epsilon {self.epsilon:.4g} at delta "
            f"{float(self.delta + self.naming):.3g}{named}"
        )


@dataclass(frozen=True)
class Paid:
    """A part with what it may spend: budget, the exact params of its charge, its price, and the statistics to compute.

    The price is that of the budget, so that noise never costs more than it.
    """

    part: Part
    budget: Fraction
    params: Mapping[str, Fraction]
    micro: int
    statistics: tuple[Statistic, ...]


def budget_of(rho: str, epsilon: str, law: Law, delta: str, *, names: bool) -> Budget:
    """Return the budget that RHO or EPSILON, an exact number as text, gives; NAMES: groups have to be named.

    An epsilon under the Gaussian law becomes the largest rho that stands for at most it at DELTA. Where groups are
    named, half of DELTA is for that. Raises UsageError; NotSupported for names under the Laplace law.
    """
    if bool(rho) == bool(epsilon):
        raise UsageError("say the budget as either --rho or --epsilon, for example --epsilon 1")
    chance = exact(delta, "delta")
    if chance >= 1:
        raise UsageError("delta is below 1; far below one in the number of people")
    if law == "laplace":
        if rho:
            raise UsageError("the laplace law is paid in epsilon: give --epsilon, or leave out --law")
        if names:
            raise NotSupported(
                "groups are found with Gaussian noise: declare the values of the keys, or leave out --law"
            )
        return Budget(law, exact(epsilon, "epsilon"), chance)
    chance = chance / 2 if names else chance
    micro = int(exact(rho, "rho") * MICRO) if rho else largest_total(exact(epsilon, "epsilon"), chance)
    if micro < 1:
        raise UsageError("rho is less than one millionth, the smallest amount that is counted")
    return Budget(law, Fraction(micro, MICRO), chance, chance if names else Fraction(0))


def split(parts: Sequence[Part], budget: Budget, shares: str = "") -> tuple[Paid, ...]:
    """Return each of PARTS with its part of BUDGET, in whole micro-rho (exact fractions of a pure epsilon).

    SHARES is "name=weight,name=weight" (1 for what is not named). Raises UsageError for a budget too small to divide.
    """
    weights = {part.name: Fraction(1) for part in parts} | named_numbers(shares, [p.name for p in parts], "shares")
    whole = sum(weights.values(), Fraction(0))
    found = []
    for part in parts:
        amount = budget.amount * weights[part.name] / whole
        if budget.law == "gaussian":
            amount = Fraction(int(amount * MICRO), MICRO)
        if amount <= 0:
            raise UsageError(f"nothing is left for '{part.name}': less than one millionth of rho; ask with more budget")
        wanted = part.shape.needs(part.bounds, amount, **part.needs)
        scales = params(wanted, part.bounds, amount, part.shape.shares(part.bounds), law=budget.law)
        if part.names:
            scales["delta"] = budget.naming
        price = micro_rho(amount if budget.law == "gaussian" else pure_rho(amount))
        for name, value in scales.items():
            exact(value, f"{name} of '{part.name}'")
        found.append(Paid(part, amount, scales, price, wanted))
    return tuple(found)


def named_numbers(text: str, names: Sequence[str], what: str) -> dict[str, Fraction]:
    """Read TEXT, "name=number,name=number" of some of NAMES; raises UsageError, WHAT names it."""
    found: dict[str, Fraction] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, number = (side.strip() for side in piece.rpartition("="))
        if not equals or name in found:
            raise UsageError(f"{what}: '{piece[:60]}' should be name=number, and each name once")
        if name not in names:
            raise UsageError(f"{what}: there is no '{name[:60]}' in the answer; {near(name, list(names))}")
        found[name] = exact(number, f"{what} of {name}")
    return found
