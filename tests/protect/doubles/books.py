"""Ledgers in memory: one that stands every attack, seven with one weakness each (C10)."""

import copy
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction

from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.ledger import Charge, Ticket


@dataclass
class Store:
    """What lies in the ledger's files."""

    budget: int
    charges: list[Charge] = field(default_factory=list)
    redeemed: set[str] = field(default_factory=set)


class Book:
    """A sound ledger: its key and the number of its entries are kept apart from its files."""

    def __init__(self, budget: int) -> None:
        self.store, self.entries = Store(budget), 0
        self.key, self.lock = secrets.token_bytes(32), threading.Lock()

    def open(self) -> "Book":
        if len(self.store.charges) + len(self.store.redeemed) < self.entries:
            raise BadInput("the ledger is older than what was seen of it")
        return self

    def charge(self, micro_rho: int, principal: str) -> Charge:
        return Charge(
            mechanism="count", params=(("rho", Fraction(1)),), unit="person", purpose="attack", principal=principal,
            dataset="d", epoch="e", micro_rho=micro_rho,
        )  # fmt: skip

    def save(self) -> Store:
        return copy.deepcopy(self.store)

    def restore(self, saved: object) -> None:
        assert isinstance(saved, Store)
        self.store = saved

    def spent(self, charge: Charge) -> int:
        """Return what counts against the budget before CHARGE."""
        return sum(row.micro_rho for row in self.store.charges)

    def fits(self, charge: Charge) -> bool:
        return self.spent(charge) + charge.micro_rho <= self.store.budget

    def write(self, charge: Charge) -> None:
        self.store.charges.append(charge)
        self.entries += 1

    def spend(self, charge: Charge, *, question: str, not_after: int) -> bytes:
        with self.lock:
            if not self.fits(charge):
                raise BudgetRefused("the budget is used up")
            self.write(charge)
        entry = secrets.token_hex(8)
        return Ticket("book", entry, charge.mechanism, charge.params, question, not_after).to_bytes(self.key)

    def read(self, ticket: bytes) -> Ticket:
        return Ticket.from_bytes(ticket, self.key, now=0)

    def redeem(self, ticket: bytes) -> Ticket:
        with self.lock:
            found = self.read(ticket)
            if found.charge in self.store.redeemed:
                raise BudgetRefused("the ticket was used")
            self.store.redeemed.add(found.charge)
            self.entries += 1
        return found

    def verify(self) -> int:
        return len(self.open().store.charges)


class WithReset(Book):
    """Anyone may start again (SmartNoise)."""

    def reset(self) -> None:
        self.store.charges.clear()
        self.entries = len(self.store.redeemed)


class Replayed(Book):
    """A ticket is not marked as used."""

    def redeem(self, ticket: bytes) -> Ticket:
        return self.read(ticket)


class PerPrincipal(Book):
    """Each principal has the whole budget, so that two of them have twice as much."""

    def spent(self, charge: Charge) -> int:
        return sum(row.micro_rho for row in self.store.charges if row.principal == charge.principal)


class RolledBack(Book):
    """An old copy of the files is taken for the ledger."""

    def open(self) -> Book:
        return self


class Floating(Book):
    """Spent is a float, so that small charges vanish beside large ones."""

    def fits(self, charge: Charge) -> bool:
        return float(self.spent(charge)) + float(charge.micro_rho) <= float(self.store.budget)

    def spent(self, charge: Charge) -> int:
        total = 0.0
        for row in self.store.charges:
            total += row.micro_rho
        return int(total)


class Racing(Book):
    """Looks and writes in two steps."""

    def spend(self, charge: Charge, *, question: str, not_after: int) -> bytes:
        if not self.fits(charge):
            raise BudgetRefused("the budget is used up")
        time.sleep(0.002)
        self.write(charge)
        return Ticket("book", secrets.token_hex(8), charge.mechanism, charge.params, question, not_after).to_bytes(
            self.key
        )


class Unsigned(Book):
    """Believes what a ticket says without looking at its signature."""

    def read(self, ticket: bytes) -> Ticket:
        try:
            return Ticket(**json.loads(ticket[36:]))
        except (ValueError, TypeError, UsageError):
            raise BadInput("these bytes are not a ticket") from None
