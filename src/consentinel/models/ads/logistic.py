"""Logistic regression over categories, pairs of categories and numbers.

Every category has a weight, and with pairs=true every pair of categories too; numbers are standardised. The likelihood
with a quadratic pull towards 0 is maximised to the end (L-BFGS), so seeds change nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.stats import sigmoid
from consentinel.models.ads._encode import Columns, distinct, learnt
from consentinel.models.ads._linear import Linear, read
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import labels
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["SETTINGS", "load", "trainer"]

PART = "logistic"


@dataclass(frozen=True)
class Settings(Columns):
    """What can be set."""

    pairs: bool = setting(False, "also a weight for each pair of categories")
    pull: float = setting(1.0, "quadratic pull of weights towards 0, in rows", low=0.0)
    pull_pairs: float = setting(16.0, "the same for the weights of pairs", low=0.0)


SETTINGS = Settings


@dataclass(frozen=True)
class Trainer:
    """Trains by L-BFGS."""

    settings: Settings
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Linear:
        """Return a model of ROWS (any columns and `label`, 0 or 1). Raises UsageError."""
        no_ticket(tickets, PART)
        y = labels(rows, PART)
        encoding = learnt(rows, self.settings, pairs=self.settings.pairs, who=PART)
        x, y, times = distinct(encoding.sparse(rows, PART), y)
        singles = 1 + sum(encoding.cells[: len(encoding.categorical)])
        pull = np.full(x.width, self.settings.pull)
        pull[singles : x.width - len(encoding.numeric)] = self.settings.pull_pairs
        pull[0] = 0.0

        def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            z = x.dot(theta)
            value = times @ (np.logaddexp(0, z) - y * z) + (pull * theta) @ theta / 2
            return float(value), x.add(times * (sigmoid(z) - y)) + pull * theta

        minimize = need("scipy.optimize", extra="models").minimize
        found = minimize(loss, np.zeros(x.width), jac=True, method="L-BFGS-B", options={"maxiter": 500})
        return Linear(PART, encoding, found.x, told(self.settings))


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Linear:
    """Return the model in FILE; raises BadInput."""
    return read(file, PART)
