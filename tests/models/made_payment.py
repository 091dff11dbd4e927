"""A ledger in a folder of the test, and private training that is paid from it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.ledger_book import Book
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, now, opened
from consentinel.core.model_contracts import Model

MINUTE = 60_000_000
ABOUT = {"dataset": "pictures", "epoch": "all", "principal": "tests", "purpose": "training"}


@contextmanager
def granted(folder: Path, micro: int, unit: str = "event") -> Iterator[Book]:
    """Yield a ledger that has MICRO micro-rho, at delta 1e-5, for training on the pictures."""
    where = str(folder / "ledger")
    created(where)
    with opened(where) as book:
        book.grant(Account("pictures", unit, "all"), micro, delta=Fraction(1, 10**5))
        yield book


def bought(book: Book, trainer: Any, rows: pa.Table) -> Sequence[bytes]:
    """Return the ticket for what TRAINER asks, paid at its zCDP price."""
    ask = trainer.ask(rows)
    return [book.spend(ask.charge(**ABOUT), question=ask.question, not_after=now() + MINUTE)]


def trained(folder: Path, trainer: Any, rows: pa.Table, seed: int = 0) -> Model:
    """Return the model of ROWS, paid from a new ledger."""
    ask = trainer.ask(rows)
    with granted(folder, ask.micro_rho, ask.unit) as book:
        made: Model = trainer.paid_by(book).train(rows, seed=seed, tickets=bought(book, trainer, rows))
        return made
