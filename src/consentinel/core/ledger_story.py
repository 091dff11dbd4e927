"""What a ledger tells about a charge: what used the budget up, when it frees, the largest question that still fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import isqrt

from consentinel.core.accounting import MICRO, epsilon, written
from consentinel.core.ledger import Charge
from consentinel.core.ledger_epoch import following, span
from consentinel.core.ledger_filter import Account, Budget, Room

__all__ = ["Fit", "Story", "Used", "by_principal", "fit", "frees", "share"]


@dataclass(frozen=True)
class Used:
    """What used a budget up: who, for what, by which mechanism, in how many charges, and how much."""

    principal: str
    purpose: str
    mechanism: str
    charges: int
    micro: int
    seq: int = 0  # the number of the entry where it is one


@dataclass(frozen=True)
class Fit:
    """The largest question that still fits: its price, and the parameters of the one asked changed to that price.

    `epsilon` is the largest pure epsilon and `sigma` the smallest Gaussian sigma for a sensitivity of 1; both are
    rounded so that they still fit. All are texts that `accounting.exact` reads; empty where nothing fits.
    """

    micro: int
    params: tuple[tuple[str, str], ...] = ()
    epsilon: str = ""
    sigma: str = ""


@dataclass(frozen=True)
class Story:
    """Whether one charge fits, and why not."""

    charge: Charge
    budget: Budget
    room: Room
    used: tuple[Used, ...]  # the largest first
    frees: str
    fit: Fit

    @property
    def fits(self) -> bool:
        """Whether the charge can be made now."""
        return self.charge.micro_rho <= self.room.most

    @property
    def text(self) -> str:
        """The whole story in a few lines."""
        asked, room, who = self.charge.micro_rho, self.room, self.charge.principal
        account = " / ".join(Account.of(self.charge))
        told = epsilon(self.budget.total, self.budget.delta)
        lines = [
            f"{account}: {asked} micro-rho {'fit' if self.fits else 'do not fit'}, {room.most} are left for {who}; "
            + _narrowest(room, who),
            f"Granted: {self.budget.total} micro-rho (epsilon {told:.4g} at delta {written(self.budget.delta)}), "
            f"spent: {self.budget.spent} ({share(self.budget.spent, self.budget.total)})",
        ]
        if self.used:
            lines.append("Used by, the largest first: " + "; ".join(_use(use, self.budget.total) for use in self.used))
        if not self.fits:
            lines += [self.frees, _largest(self.fit)]
        return ".\n".join(lines) + "."


def fit(charge: Charge, most: int) -> Fit:
    """Return the largest question like CHARGE that costs at most MOST micro-rho.

    The price goes with the square of an epsilon, with one over the square of a sigma or scale, and with rho: parameters
    whose names begin with these words are changed, each rounded to the side that costs less; others stay.
    """
    if most < 1:
        return Fit(0)
    ratio = Fraction(most, charge.micro_rho)
    changed = []
    for name, value in charge.params:
        if name.startswith(("sigma", "scale")):
            changed.append((name, _root(value * value / ratio, up=True)))
        elif name.startswith("epsilon"):
            changed.append((name, _root(value * value * ratio, up=False)))
        elif name.startswith("rho"):
            changed.append((name, _root((value * ratio) ** 2, up=False)))
        else:
            changed.append((name, written(value)))
    doubled = Fraction(2 * most, MICRO)
    return Fit(most, tuple(changed), _root(doubled, up=False), _root(1 / doubled, up=True))


def frees(account: Account, accounts: Mapping[Account, Budget]) -> str:
    """Return in a sentence when there is budget again: never for these data, at a time for those of the next epoch."""
    times, after = span(account.epoch), following(account.epoch)
    if times is None or after is None:
        return f"When it frees: never; the epoch '{account.epoch}' has no end in the calendar"
    end = datetime.fromtimestamp(times[1] / 1e6, UTC)
    granted = accounts.get(account._replace(epoch=after))
    budget = f"{granted.total - granted.spent} micro-rho are left there" if granted else "nothing is granted to it yet"
    return (
        f"When it frees: never for data of {account.epoch}; it ends {end:%Y-%m-%d %H:%M} UTC, and data from then on "
        f"belong to {after} ({budget})"
    )


def share(part: int, whole: int) -> str:
    """Return PART of WHOLE as a percentage with one decimal; rounded down, so that 100.0 % is all."""
    tenths = part * 1000 // whole if whole else 1000
    return f"{tenths // 10}.{tenths % 10} %"


def by_principal(principals: Mapping[str, int], entries: Sequence[Used]) -> tuple[Used, ...]:
    """Return who of PRINCIPALS used how much in all, the largest first, each followed by its ENTRIES."""
    found: list[Used] = []
    for who, micro in sorted(principals.items(), key=lambda pair: (-pair[1], pair[0])):
        found.append(Used(who, "", "", 0, micro))
        found += [entry for entry in entries if entry.principal == who]
    return tuple(found)


def _narrowest(room: Room, who: str) -> str:
    if room.limit == "quota":
        return f"the quota of {who} has {room.quota} left (the total: {room.total})"
    if room.limit == "promised":
        return f"the total has {room.total} left, but {room.promised} of it are promised to others"
    return f"the total has {room.total} left"


def _use(use: Used, total: int) -> str:
    amount = f"{use.micro} ({share(use.micro, total)})"
    if use.seq:
        return f"entry {use.seq} {use.mechanism} '{use.purpose}' {amount}"
    if use.mechanism:
        return f"{use.principal} {use.mechanism} '{use.purpose}' {amount} in {use.charges} charge(s)"
    return f"{use.principal} {amount} in all"


def _largest(fit: Fit) -> str:
    if not fit.micro:
        return "The largest question that still fits: none"
    params = ", ".join(f"{name} {value}" for name, value in fit.params)
    return (
        f"The largest question that still fits: {fit.micro} micro-rho, that is {params}; in general a pure epsilon of "
        f"at most {fit.epsilon}, or a Gaussian sigma of at least {fit.sigma} for a sensitivity of 1"
    )


def _root(value: Fraction, *, up: bool) -> str:
    """Return the square root of VALUE with four significant digits, rounded UP or down, as a plain decimal."""
    power = 0
    while value * Fraction(100) ** power < 10**6:
        power += 1
    while value * Fraction(100) ** power >= 10**8:
        power -= 1
    scaled = value * Fraction(100) ** power
    digits = isqrt(scaled.numerator // scaled.denominator)
    if up and digits * digits != scaled:
        digits += 1
    return _decimal(digits, power)


def _decimal(digits: int, power: int) -> str:
    if power <= 0:
        return str(digits * 10**-power)
    text = f"{digits:0{power + 1}}"
    return f"{text[:-power]}.{text[-power:]}".rstrip("0").rstrip(".")
