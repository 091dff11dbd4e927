"""A ledger for the length of one measurement on data that is not to be protected: public, past, or simulated.

Claims, tests and the frontier train the same private model many times to see how it would do. Each training is paid in
full, from an account of its own in a ledger that is thrown away afterwards; nothing about a real budget is said.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from consentinel.core.accounting import exact
from consentinel.core.ledger_book import Book
from consentinel.core.ledger_filter import LARGEST, Account
from consentinel.core.ledger_opening import created, now, opened
from consentinel.core.model_contracts import Model, Trainer
from consentinel.models.private.paid import PrivateTrainer

__all__ = ["Rehearsal", "rehearsal"]

HOUR = 3_600_000_000


@dataclass(frozen=True)
class Rehearsal:
    """Pays for trainings from a ledger that is thrown away."""

    book: Book
    numbers: Iterator[int] = field(default_factory=count)

    def trained(self, trainer: Trainer, rows: pa.Table, *, seed: int, delta: str = "1e-6") -> Model:
        """Return what TRAINER makes of ROWS, paid for where it is private."""
        if not isinstance(trainer, PrivateTrainer):
            return trainer.train(rows, seed=seed)
        ask, name = trainer.ask(rows), f"rehearsal-{next(self.numbers)}"
        self.book.grant(Account(name, ask.unit, "all"), LARGEST, delta=exact(delta, "delta"))
        charge = ask.charge(dataset=name, epoch="all", principal="rehearsal", purpose="a training that is thrown away")
        ticket = self.book.spend(charge, question=ask.question, not_after=now() + HOUR)
        return trainer.paid_by(self.book).train(rows, seed=seed, tickets=[ticket])


@contextmanager
def rehearsal() -> Iterator[Rehearsal]:
    """Open a ledger in a temporary folder for the length of the block."""
    with TemporaryDirectory() as folder:
        where = str(Path(folder) / "rehearsal.sqlite")
        created(where)
        with opened(where) as book:
            yield Rehearsal(book)
