"""Private training is paid for before anything is drawn: the charge is written, then the ticket is handed over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.ledger_book import PlanLoss
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import now, opened
from consentinel.core.model_contracts import Trainer
from consentinel.core.run import Run
from consentinel.models.private.dp_sgd import plan_loss
from consentinel.models.private.paid import Ask, PrivateTrainer, gaussian_plan

__all__ = ["VALID", "Payer", "paid"]

VALID = 24 * 3600 * 1_000_000  # how long a ticket can be redeemed, microseconds: the checks before a training take less
STAYS = "what was spent stays spent"


@dataclass(frozen=True)
class Payer:
    """Who pays, from which ledger: a file or postgresql://...; its key and second witness; data set and epoch of the
    account; principal and purpose. All empty: nobody pays."""

    ledger: str
    key: Path | None
    witness: Path | None
    dataset: str
    epoch: str
    principal: str
    purpose: str


@contextmanager
def paid(run: Run, trainer: Trainer, rows: pa.Table, payer: Payer) -> Iterator[tuple[Trainer, tuple[bytes, ...]]]:
    """Give the trainer and the tickets to train ROWS with; what a private trainer asks for is charged to PAYER.

    A plain trainer takes no ticket and pays nothing. Raises UsageError where a payer is missing or of no use,
    BudgetRefused with the story of the refusal.
    """
    named = {name: getattr(payer, name) for name in ("ledger", "dataset", "epoch", "principal", "purpose")}
    if not isinstance(trainer, PrivateTrainer):
        given = [f"--{name}" for name, text in named.items() if text]
        if given:
            raise UsageError(f"this part trains without privacy and pays nothing; leave out {', '.join(given)}")
        yield trainer, ()
        return
    missing = [f"--{name}" for name, text in named.items() if not text]
    if missing:
        raise UsageError(f"this part trains privately and has to be paid for; name {', '.join(missing)}")
    ask = trainer.ask(rows)
    where = {name: named[name] for name in ("dataset", "epoch", "principal", "purpose")}
    charge = ask.charge(**where)
    with opened(payer.ledger, key=payer.key, witness=payer.witness) as book:
        signed = book.spend_all([charge], questions=[ask.question], not_after=now() + VALID, loss=_loss(ask))
        run.charge(charge.mechanism, charge.micro_rho, ask.question, Account.of(charge))
        try:
            yield trainer.paid_by(book), signed
        except BaseException:
            run.note(STAYS)
            raise


def _loss(ask: Ask) -> PlanLoss | None:
    """Return what prices ASK as one plan where it was planned so, with sampling or without; None: by its rho."""
    return plan_loss if "rate" in dict(ask.params) else gaussian_plan if ask.planned else None
