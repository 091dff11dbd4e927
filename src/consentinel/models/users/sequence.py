"""People as vectors by their latest steps: items near in time lie near, and recent ones count most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.histories import sequences_of
from consentinel.models.pieces.nearness import factors, surprise, unit
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.users._embedding import Embedding, embedding_from_file

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(64, "numbers in a vector", low=1, high=1024)
    window: int = setting(5, "how many steps apart items still count as together", low=1, high=1000)
    fade: float = setting(0.8, "how much less each earlier item of a person counts", low=0, high=1)


SETTINGS = Settings


@dataclass(frozen=True)
class SequenceTrainer:
    """Decomposes how much more often than by chance two items are near in someone's history."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Embedding:
        """Return the vectors of ROWS (INTERACTIONS, taken by time; weights are not read); UsageError for tickets.

        Source: Levy and Goldberg 2014 (positive pointwise mutual information in place of word2vec's sampling).
        """
        no_ticket(tickets, "users/sequence")
        about = sequences_of(rows)
        near = surprise(about.done, len(about.items), self.settings.window)
        left, values, right = factors(near, self.settings.width, seed)
        into, back = unit(left * np.sqrt(values)), unit(right * np.sqrt(values))
        return Embedding("sequence", about, into, back, self.settings.fade,
                         told(self.settings) | {"seed": str(seed)})  # fmt: skip


def trainer(settings: Settings, /) -> SequenceTrainer:
    """Return the trainer with SETTINGS."""
    return SequenceTrainer(settings)


def load(file: ModelFile, /) -> Embedding:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    return embedding_from_file("sequence", file)
