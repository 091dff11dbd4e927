"""Find people like those of a seed audience by who they are: the floor for look-alikes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.logs import log_of
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.users._audience import LookAlike, look_alike_from_file

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    most: int = setting(500, "the most frequent attributes that are read", low=1, high=5000)
    penalty: float = setting(0.01, "how strongly a score is held small", low=1e-9)


SETTINGS = Settings


@dataclass(frozen=True)
class DemographicsTrainer:
    """Learns which people have which attributes."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> LookAlike:
        """Return the model of ROWS (INTERACTIONS whose item is an attribute: `age=25`); raises UsageError for tickets.

        An attribute that depends on two others is an item of its own: `age=25 gender=F`.
        """
        no_ticket(tickets, "users/demographics")
        log = log_of(rows)
        seen = log.seen()
        known = seen[:, : self.settings.most].toarray().astype(np.float32)
        active = np.diff(seen.indptr).astype(np.int64)
        card = told(self.settings) | {"seed": str(seed)}
        return LookAlike("demographics", log.users, known, active, self.settings.penalty, card)


def trainer(settings: Settings, /) -> DemographicsTrainer:
    """Return the trainer with SETTINGS."""
    return DemographicsTrainer(settings)


def load(file: ModelFile, /) -> LookAlike:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    return look_alike_from_file("demographics", file)
