"""Classifies texts by logistic regression over their words and pieces of words, counted and weighed by rarity.

Runs of words and of characters within words are hashed into columns, so a model file keeps no word that somebody wrote
(that a given word occurred can still be tested against it). Counts are damped by their logarithm, weighed by inverse
document frequency and scaled to length 1. Source: Salton and Buckley 1988; Weinberger et al. 2009 (hashing).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.asked import settings as settings_of
from consentinel.models.pieces.classes import answered, labelled, softmax
from consentinel.models.pieces.ids import to_arrays
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.text._counting import Counter
from consentinel.models.text._texts import fitted, head_of, texts

__all__ = ["SETTINGS", "Settings", "TfidfLinear", "load", "trainer"]

PART, KIND = "tfidf_linear", "models.text.tfidf_linear"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    words: int = setting(2, "longest run of words; 0 leaves words out", low=0, high=5)
    characters: int = setting(5, "longest run of characters within a word, from 2; 0 leaves them out", low=0, high=8)
    columns: int = setting(18, "runs are hashed into 2^this columns, for words and for characters", low=4, high=22)
    penalty: float = setting(0.1, "pull of weights towards 0, against the sum of the losses", low=1e-9, high=1e9)
    balanced: bool = setting(False, "count each class alike, whatever its number of rows")


SETTINGS = Settings


@dataclass(frozen=True)
class TfidfLinear:
    """A trained classifier."""

    settings: Settings
    labels: list[str]
    rarity: Floats
    weights: Floats
    offset: Floats
    card: Mapping[str, str]
    counter: Counter
    kind: str = "text"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score (of the label), label, probabilities in the order of the classes.

        A text without a known run of words or characters gets what the offsets say. Raises BadInput, ContractBroken.
        """
        x = _weighed(self.counter.counts(texts(rows, PART)), self.rarity)
        return answered(softmax(x @ self.weights + self.offset), self.labels)

    def inputs(self, rows: pa.Table, /) -> Floats:
        """Return the weighed counts of ROWS, shape (n, columns): 2 MB a text with the usual columns."""
        made = _weighed(self.counter.counts(texts(rows, PART)), self.rarity)
        return np.asarray(made.toarray(), np.float32)

    def classes(self) -> list[str]:
        """Return the labels, in the order of `scores`."""
        return self.labels

    def scores(self, inputs: Floats, /) -> Floats:
        """Return the logits of INPUTS (n, columns), shape (n, classes)."""
        return np.asarray(inputs @ self.weights + self.offset, np.float32)

    def gradient(self, inputs: Floats, target: NDArray[np.int64], /) -> Floats:
        """Return the weights of TARGET (n,), whatever INPUTS are."""
        return np.ascontiguousarray(self.weights.T)[np.asarray(target)]

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays: dict[str, Any] = {"rarity": self.rarity, "weights": self.weights, "offset": self.offset}
        modelfile.save(path, ModelFile(KIND, "1", f"consentinel {__version__}",
                                       arrays | to_arrays("classes", self.labels), self.card))  # fmt: skip
        return path


@dataclass(frozen=True)
class Trainer:
    """Trains the classifier."""

    settings: Settings
    kind: str = "text"

    @cached_property
    def counter(self) -> Counter:
        """What counts, and remembers between trainings."""
        return _counter(self.settings)

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> TfidfLinear:
        """Return the classifier of ROWS (TEXTS), the same for every SEED.

        Raises UsageError, BadInput for rows without a text or a label, ContractBroken.
        """
        no_ticket(tickets, PART)
        asked = self.settings
        if not asked.words and asked.characters < 2:
            raise UsageError(f"text/{PART}: words=0 and characters={asked.characters} leave nothing to count")
        counts = self.counter.counts(texts(rows, PART))
        codes, classes = labelled(rows, PART)
        many = np.bincount(counts.indices, minlength=counts.shape[1])
        rarity = (np.log((1 + counts.shape[0]) / (1 + many)) + 1).astype(np.float32)
        weights, offset = fitted(_weighed(counts, rarity), codes, asked.penalty, asked.balanced)
        return TfidfLinear(asked, classes, rarity, weights, offset, told(asked), self.counter)


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> TfidfLinear:
    """Return the model in FILE; raises BadInput."""
    rarity = file.arrays.get("rarity")
    classes, weights, offset = head_of(file, KIND, 0 if rarity is None else rarity.size)
    damaged = BadInput("its weights do not fit its settings", where=KIND, todo="Train the model again")
    try:
        asked = settings_of(Settings, ",".join(f"{name}={text}" for name, text in file.card.items()), KIND)
    except UsageError:
        raise damaged from None
    counter = _counter(asked)
    shape = (counter.width,)
    if rarity is None or rarity.dtype != np.float32 or rarity.shape != shape or not np.isfinite(rarity).all():
        raise damaged
    return TfidfLinear(asked, classes, rarity, weights, offset, file.card, counter)


def _counter(asked: Settings) -> Counter:
    return Counter(asked.words, asked.characters, asked.columns)


def _weighed(counts: Any, rarity: Floats) -> Any:
    """Return COUNTS, damped, times RARITY, each row scaled to length 1."""
    sparse = need("scipy.sparse", extra="models")
    made = counts.copy()
    made.data = (1 + np.log(made.data)) * rarity[made.indices]
    length = np.sqrt(np.asarray(made.multiply(made).sum(axis=1)).ravel())
    return (sparse.diags((1 / np.where(length > 0, length, 1)).astype(np.float32)) @ made).tocsr()
