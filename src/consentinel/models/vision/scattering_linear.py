"""Wavelet scattering and a linear classifier, trained plainly: nothing below the last layer is learned.

Scattering coefficients (J = 2, L = 8) are normalised within each picture, projected by a fixed random matrix, evened
out by their covariance and classified by a softmax, whose weights gradient descent finds with a small penalty.
Sources: Bruna and Mallat 2013; Tramer and Boneh 2021, whose private pipeline `private_scattering` improves on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import labelled
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.vision import _linear
from consentinel.models.vision._features import unit, width_of
from consentinel.models.vision._linear import Embedding, Linear, evened, projected, projection, softmax
from consentinel.models.vision._pictures import pictures

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "scattering_linear"
AT_ONCE = 8192


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    width: int = setting(2048, "numbers in an embedding", low=2, high=8192)
    floor: float = setting(0.002, "variance below which directions are not evened out", low=1e-6, high=1.0)
    steps: int = setting(150, "gradient steps", low=1, high=100_000)
    rate: float = setting(200.0, "step of gradient descent", low=1e-3, high=1e5)
    momentum: float = setting(0.9, "how much of the last step is kept", low=0.0, high=0.999)
    penalty: float = setting(1e-5, "weight of the squared length of the weights", low=0.0, high=1.0)


SETTINGS = Settings


@dataclass(frozen=True)
class ScatteringLinear:
    """Trains the classifier."""

    settings: Settings
    kind: str = "vision"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Linear:
        """Return the classifier trained on ROWS (IMAGES), the same for every SEED; raises UsageError, BadInput."""
        no_ticket(tickets, PART)
        asked = self.settings
        x, (codes, classes) = pictures(rows, PART), labelled(rows, PART)
        size = (x.shape[1], x.shape[2], x.shape[3])
        mix = projection(width_of(size), asked.width)
        found = projected(x, mix)
        centre = found.mean(axis=0, dtype=np.float64).astype(np.float32)
        off = unit(found - centre)
        evening = evened(centre, (off.T @ off).astype(np.float64) / len(off), asked.floor)
        embedded, truth = evening.of(found), np.eye(len(classes), dtype=np.float32)
        weights = np.zeros((embedded.shape[1], len(classes)), np.float32)
        moved = np.zeros_like(weights)
        for _ in range(asked.steps):
            slope = np.float32(asked.penalty) * weights
            for at in range(0, len(x), AT_ONCE):
                some = embedded[at : at + AT_ONCE]
                slope += some.T @ (softmax(some @ weights) - truth[codes[at : at + AT_ONCE]]) / np.float32(len(x))
            moved = np.float32(asked.momentum) * moved + slope
            weights = weights - np.float32(asked.rate) * moved
        card = told(asked) | {"seed": str(seed), "rows": str(len(x))}
        return Linear(PART, size, classes, Embedding(mix @ evening.mix, evening.offset), weights, card)


def trainer(settings: Settings) -> ScatteringLinear:
    """Return the trainer with SETTINGS."""
    return ScatteringLinear(settings)


def load(file: ModelFile) -> Linear:
    """Return the model in FILE; raises BadInput."""
    return _linear.read(file, PART)
