"""People as vectors by what they have in common: who did the same things lies near."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.histories import sequences_of
from consentinel.models.pieces.nearness import damped_log, factors
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.users._embedding import Embedding, embedding_from_file

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(64, "numbers in a vector", low=1, high=1024)
    damping: float = setting(0.5, "exponent of its number of people that an item is divided by", low=0, high=1)


SETTINGS = Settings


@dataclass(frozen=True)
class CoEngagementTrainer:
    """Decomposes who did what, people and items damped by how much they have."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Embedding:
        """Return the vectors learnt from ROWS (INTERACTIONS; weights are not read); raises UsageError for tickets.

        Source: Cremonesi, Koren and Turrin 2010 (PureSVD); Shen et al. 2021 (the ideal low-pass filter of GF-CF).
        """
        no_ticket(tickets, "users/co_engagement")
        about = sequences_of(rows)
        scaled, _, damped = damped_log(about.done, len(about.users), len(about.items), self.settings.damping)
        right = factors(scaled, self.settings.width, seed)[2]
        into, back = right * damped[:, None], right / damped[:, None]
        return Embedding("co_engagement", about, into, back, 1.0, told(self.settings) | {"seed": str(seed)})


def trainer(settings: Settings, /) -> CoEngagementTrainer:
    """Return the trainer with SETTINGS."""
    return CoEngagementTrainer(settings)


def load(file: ModelFile, /) -> Embedding:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    return embedding_from_file("co_engagement", file)
