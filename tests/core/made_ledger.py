"""Ledgers and charges for tests: short names, a clock that can be set, and an account that most tests use."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from consentinel.core.ledger import Charge
from consentinel.core.ledger_book import Book
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, opened

ACCOUNT = Account("exposures", "person", "2026-W47")
DELTA = Fraction(1, 10**6)
QUESTION = "ab" * 32
START = 1_795_000_000_000_000  # 2026-11-18
HOUR = 3_600_000_000


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def charge(micro: int = 1000, principal: str = "ads", purpose: str = "reach", **more: Any) -> Charge:
    """A charge of MICRO micro-rho to ACCOUNT; MORE replaces its other parts."""
    parts: dict[str, Any] = {"mechanism": "gaussian", "params": {"rho": Fraction(micro, 10**6), "sigma": "3"}}
    parts |= {"unit": ACCOUNT.unit, "dataset": ACCOUNT.dataset, "epoch": ACCOUNT.epoch} | more
    return Charge(principal=principal, purpose=purpose, micro_rho=micro, **parts)


def spend(book: Book, micro: int = 1000, principal: str = "ads", purpose: str = "reach", **more: Any) -> bytes:
    """Spend such a charge, with a ticket that is good for an hour after START."""
    return book.spend(charge(micro, principal, purpose, **more), question=QUESTION, not_after=START + HOUR)


@contextmanager
def ledger(folder: Path, total: int = 10_000, clock: Clock | None = None, **limits: Any) -> Iterator[Book]:
    """A new ledger in FOLDER with TOTAL micro-rho granted to ACCOUNT."""
    where, clock = str(folder / "ledger.sqlite"), clock or Clock()
    created(where, clock=clock)
    with opened(where, clock=clock) as book:
        book.grant(ACCOUNT, total, delta=DELTA, **limits)
        yield book
