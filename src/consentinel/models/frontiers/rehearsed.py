"""Parts as trainers that pay for their noise themselves, from a ledger that is thrown away: for public rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from consentinel.core.accounting import exact
from consentinel.core.model_contracts import Model, Trainer
from consentinel.models import kept
from consentinel.models.frontiers.measured import MEASURED
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.private.paid import PrivateTrainer
from consentinel.models.private.rehearsal import Rehearsal, rehearsal

__all__ = ["Rehearsed", "rehearsed"]


@dataclass(frozen=True)
class Rehearsed:
    """The part NAMED "shelf/part:a=1,b=2" as a trainer each of whose trainings is paid by PAYS at DELTA.

    What a private part has to be told (catalogue, classes, people) is read off the rows unless it is set.
    """

    named: str
    delta: str
    pays: Rehearsal

    @property
    def kind(self) -> str:
        """The kind of model that it makes."""
        return self._made()[1].kind

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Model:
        """Return a model of ROWS; it pays for itself and takes no tickets."""
        no_ticket(tickets, self.named)
        shelf, trainer, chosen = self._made()
        if not isinstance(trainer, PrivateTrainer):
            return trainer.train(rows, seed=seed)
        plain = type(chosen)()
        facts = {"delta": self.delta} | dict(MEASURED[shelf].public(rows, 0.0) if shelf in MEASURED else {})
        usual = {name: getattr(plain, name) for name in facts if name in type(chosen).__dataclass_fields__}
        unset = {
            name: type(value)(facts[name]) for name, value in usual.items() if getattr(chosen, name) == value
        }  # what is set stays
        part = kept.part(self.named.partition(":")[0])[2]
        return self.pays.trained(part.trainer(replace(chosen, **unset)), rows, seed=seed, delta=self.delta)

    def _made(self) -> tuple[str, Trainer, Any]:
        part, _, text = self.named.partition(":")
        return kept.trainer(part, text)


@contextmanager
def rehearsed() -> Iterator[Callable[[str, str], Trainer]]:
    """Give a function from a part by its name and a delta to its trainer, for the length of the block."""
    with rehearsal() as pays:

        def made(named: str, delta: str) -> Trainer:
            exact(delta, "delta")
            found = Rehearsed(named, delta, pays)
            found._made()
            return found

        yield made
