"""Find people like those of a seed audience by what they did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.histories import sequences_of
from consentinel.models.pieces.nearness import damped_log, factors
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.users._audience import LookAlike, look_alike_from_file

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(128, "numbers that what people did is brought down to", low=1, high=1024)
    penalty: float = setting(0.1, "how strongly a score is held small, against a number's usual variance", low=1e-9)
    activity: bool = setting(True, "whether how much a person did is known too")


SETTINGS = Settings


@dataclass(frozen=True)
class LookAlikeTrainer:
    """Decomposes who did what, people and items damped by the root of how much they have."""

    settings: Settings
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> LookAlike:
        """Return the model of ROWS (INTERACTIONS; weights count as 1); raises UsageError for tickets."""
        no_ticket(tickets, "users/look_alike")
        about = sequences_of(rows)
        people = len(about.users)
        scaled = damped_log(about.done, people, len(about.items))[0]
        active = np.diff(scaled.indptr).astype(np.int64)
        left = factors(scaled, self.settings.width, seed)[0]
        known = left * np.float32(people**0.5)
        if self.settings.activity:
            much = np.log1p(active).astype(np.float32)
            spread = float(much.std())
            known = np.column_stack([known, (much - much.mean()) / (spread or 1)]).astype(np.float32)
        card = told(self.settings) | {"seed": str(seed)}
        known = np.array(known, np.float32, order="C")  # as a file gives it back: products depend on how arrays lie
        return LookAlike("look_alike", about.users, known, active, self.settings.penalty, card)


def trainer(settings: Settings, /) -> LookAlikeTrainer:
    """Return the trainer with SETTINGS."""
    return LookAlikeTrainer(settings)


def load(file: ModelFile, /) -> LookAlike:
    """Return the model kept in FILE; raises BadInput where it holds none."""
    return look_alike_from_file("look_alike", file)
