"""Dense retrieval: documents whose sentence vector is nearest to that of the question, whatever words they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.core.sentences import digest
from consentinel.models.pieces.ids import from_file, to_arrays
from consentinel.models.pieces.sentences import Vectors, encoded, nearest, vectors
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rank._documents import answered, asked, collection
from consentinel.models.rank._kept import chosen, keep

__all__ = ["SETTINGS", "Dense", "DenseTrainer", "load", "trainer"]

KIND = "models.rank.dense"


@dataclass(frozen=True)
class SETTINGS:
    """There is nothing to set."""


@dataclass(frozen=True)
class DenseTrainer:
    """Encodes the documents; judgments teach it nothing and are left aside."""

    settings: SETTINGS
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> "Dense":
        """Return the model of the documents in ROWS; nothing is random, so SEED changes nothing."""
        no_ticket(tickets, KIND)
        taken = collection(rows, KIND)
        return Dense(taken.items, encoded(taken.texts))


@dataclass(frozen=True)
class Dense:
    """Vectors of documents, searched exactly. Texts can in part be read back from them: guard them like the texts."""

    items: pa.Array
    vectors: Vectors
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the nearest documents for the questions in ROWS (query, text[, k]; 1,000 each where no k is given).

        Each question is answered, one of unknown words too; the score is the cosine. Equal scores stand in the order
        of the documents.
        """
        questions = asked(rows, KIND)
        item, score = nearest(self.vectors, encoded(questions.texts), int(questions.k.max(initial=1)))
        query = np.repeat(np.arange(len(item)), item.shape[1])
        return answered(questions, self.items, query, item.ravel(), score.ravel())

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH."""
        return keep(path, KIND, to_arrays("items", self.items) | {"vectors": self.vectors}, {"encoder": digest()})


def trainer(settings: SETTINGS) -> DenseTrainer:
    """Return the trainer with SETTINGS."""
    return DenseTrainer(settings)


def load(file: ModelFile) -> Dense:
    """Return the model that was kept in FILE; raises BadInput."""
    chosen(SETTINGS, file, KIND)
    items = from_file("items", file)
    return Dense(items, vectors(file.arrays, dict(file.card), len(items), KIND))
