"""May this charge be made? The privacy filter of the ledger, in whole micro-rho; nothing here reads or writes.

One `Budget` belongs to one account: a data set, a privacy unit and an epoch. Its total is the only number that protects
people: zCDP adds up, also when each question depends on earlier answers, so stopping before the sum passes the total is
a valid filter (Feldman and Zrnic 2021; Whitehouse, Ramdas, Rogers and Wu 2023). It holds whoever asks, so principals
who collude gain nothing. Quotas and reserves divide the total among principals and purposes: a quota is the most that
its principal may use and what nobody else can take away; a reserve is kept for one purpose. What is spent and what is
still promised together never exceed the total. Nothing here gives budget back: a total is only ever lowered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from consentinel.core.accounting import epsilon
from consentinel.core.errors import UsageError
from consentinel.core.ledger import Charge

__all__ = ["LARGEST", "LOST", "Account", "Budget", "Room", "forfeited", "granted", "paid", "plan_price", "room"]

LARGEST = 10**18  # micro-rho in a total
LOST = "(forfeited)"  # stands where a principal stands; no principal can have this name


class Account(NamedTuple):
    """Whose budget it is: all the data of one epoch of a data set, for one kind of privacy unit."""

    dataset: str
    unit: str
    epoch: str

    def __str__(self) -> str:
        return "|".join(self)

    @classmethod
    def of(cls, charge: Charge) -> "Account":
        """Return the account that CHARGE is paid from."""
        return cls(charge.dataset, charge.unit, charge.epoch)


@dataclass(frozen=True)
class Budget:
    """What was granted to one account and what was spent of it, in micro-rho."""

    total: int
    delta: Fraction  # for which the total is told as an epsilon
    quotas: Mapping[str, int] = field(default_factory=dict)  # principal -> the most that it may use
    reserves: Mapping[str, int] = field(default_factory=dict)  # purpose -> what is kept for it
    spent: int = 0
    principals: Mapping[str, int] = field(default_factory=dict)  # principal -> what it used
    drawn: Mapping[str, int] = field(default_factory=dict)  # purpose with a reserve -> what it used since it has one

    def promised(self, principal: str = "", purpose: str = "") -> int:
        """Return what is still promised to principals other than PRINCIPAL and to purposes other than PURPOSE."""
        quotas = sum(
            max(0, most - self.principals.get(who, 0)) for who, most in self.quotas.items() if who != principal
        )
        kept = sum(max(0, most - self.drawn.get(what, 0)) for what, most in self.reserves.items() if what != purpose)
        return quotas + kept


@dataclass(frozen=True)
class Room:
    """What one principal can still spend for one purpose, in micro-rho, under each limit."""

    total: int  # of the total of the account, whoever asks
    promised: int  # part of that which is promised to others
    quota: int | None  # of the principal's own quota; None: it has none

    @property
    def most(self) -> int:
        """The largest charge that fits."""
        return max(0, min(self.total - self.promised, self.total if self.quota is None else self.quota))

    @property
    def limit(self) -> str:
        """Which limit is the narrowest: total, promised (to others) or quota."""
        if self.quota is not None and self.quota <= self.total - self.promised:
            return "quota"
        return "promised" if self.promised else "total"


def room(budget: Budget, principal: str, purpose: str) -> Room:
    """Return what PRINCIPAL can still spend from BUDGET for PURPOSE; a charge may be made if it is at most `.most`."""
    quota = budget.quotas.get(principal)
    return Room(
        total=budget.total - budget.spent,
        promised=budget.promised(principal, purpose),
        quota=None if quota is None else max(0, quota - budget.principals.get(principal, 0)),
    )


def paid(budget: Budget, principal: str, purpose: str, micro: int) -> Budget:
    """Return BUDGET after PRINCIPAL spent MICRO for PURPOSE. Raises ValueError for a charge that may not be made."""
    if not 1 <= micro <= room(budget, principal, purpose).most:
        raise ValueError("the charge does not fit")
    drawn = budget.drawn
    if purpose in budget.reserves:
        drawn = {**drawn, purpose: drawn.get(purpose, 0) + micro}
    used = {**budget.principals, principal: budget.principals.get(principal, 0) + micro}
    return replace(budget, spent=budget.spent + micro, principals=used, drawn=drawn)


def plan_price(budget: Budget, charge: Charge, loss: float) -> int | None:
    """Return what a plan declared whole costs that is (LOSS, delta)-DP as one: the whole total, or None if it may not.

    Such a price does not add to others, so the plan must be the only thing that is ever paid from the account: nothing
    is spent or promised to others yet, and nothing is left afterwards. LOSS is an epsilon at the account's delta.
    """
    alone = budget.spent == 0 and room(budget, charge.principal, charge.purpose).most == budget.total
    return budget.total if alone and 0 <= loss <= epsilon(budget.total, budget.delta) else None


def granted(
    before: Budget | None,
    total: int,
    delta: Fraction,
    quotas: Mapping[str, int],
    reserves: Mapping[str, int],
) -> Budget:
    """Return the budget with these limits; what was spent BEFORE stays spent. Raises UsageError.

    A total once granted can only be lowered. QUOTAS and RESERVES are all that hold from now on, and together with what
    is spent they fit into the total, so that each promise can be kept.
    """
    for number in (total, *quotas.values(), *reserves.values()):
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LARGEST:
            raise UsageError(f"a limit is a whole number of micro-rho from 0 to 10^18, got {number!r}")
    if before is None:
        if total < 1:
            raise UsageError("a total is at least 1 micro-rho")
        after = Budget(total, delta, dict(quotas), dict(reserves))
    else:
        if total > before.total or delta != before.delta:
            raise UsageError(
                f"a total is never raised and its delta never changed: {before.total} micro-rho were granted. "
                "Data of another epoch has a budget of its own"
            )
        drawn = {what: before.drawn.get(what, 0) for what in reserves}
        after = replace(before, total=total, quotas=dict(quotas), reserves=dict(reserves), drawn=drawn)
    if after.spent + after.promised() > after.total:
        raise UsageError(
            f"spent ({after.spent}) and promised in quotas and reserves ({after.promised()}) exceed the total "
            f"({after.total} micro-rho); promise less"
        )
    return after


def forfeited(budget: Budget) -> Budget:
    """Return BUDGET with all that was left of it given up: what was spent can no longer be known."""
    left = budget.total - budget.spent
    used = {**budget.principals, LOST: budget.principals.get(LOST, 0) + left} if left else budget.principals
    return replace(budget, quotas={}, reserves={}, drawn={}, spent=budget.total, principals=used)
