"""BM25: documents that share rare words with the question, and say them often for their length."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.ids import to_arrays
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rank._documents import answered, asked, collection
from consentinel.models.rank._index import counts, top
from consentinel.models.rank._kept import chosen, ids, keep
from consentinel.models.rank._lexicon import Lexicon

__all__ = ["BM25", "SETTINGS", "BM25Trainer", "load", "trainer"]

KIND = "models.rank.bm25"


@dataclass(frozen=True)
class SETTINGS:
    """What can be set."""

    k1: float = setting(1.2, "how slowly a word that comes again stops to count", low=0, high=100)
    b: float = setting(0.75, "how much long documents count less, from 0 (not) to 1", low=0, high=1)
    stops: str = setting("long", "words left out: none, short (33 of them) or long")
    stems: str = setting("porter", "how words are cut to stems: none or porter (English)")


@dataclass(frozen=True)
class BM25Trainer:
    """Makes the index; judgments teach it nothing and are left aside."""

    settings: SETTINGS
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> "BM25":
        """Return the model of the documents in ROWS; nothing is random, so SEED changes nothing."""
        no_ticket(tickets, KIND)
        taken = collection(rows, KIND)
        return BM25(taken.items, Lexicon.of(taken.texts, self.settings.stops, self.settings.stems), self.settings)


@dataclass(frozen=True)
class BM25:
    """An exact index. The file holds every document as a sequence of words: guard it like the documents."""

    items: pa.Array
    lexicon: Lexicon
    settings: SETTINGS
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the best documents for the questions in ROWS (query, text[, k]; 1,000 each where no k is given).

        A document that shares no word with the question is not returned, so a question of unknown words has no row.
        Equal scores stand in the order of the documents.
        """
        questions = asked(rows, KIND)
        found = counts(self.lexicon.asked(questions.texts), len(self.lexicon.vocabulary)) @ self._weights
        query, item, score = top(found, int(questions.k.max(initial=1)))
        return answered(questions, self.items, query, item, score)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH."""
        return keep(path, KIND, self.lexicon.arrays() | to_arrays("items", self.items), told(self.settings))

    @cached_property
    def _weights(self) -> Any:
        return self.lexicon.index.bm25(self.settings.k1, self.settings.b).T.tocsr()


def trainer(settings: SETTINGS) -> BM25Trainer:
    """Return the trainer with SETTINGS."""
    return BM25Trainer(settings)


def load(file: ModelFile) -> BM25:
    """Return the model that was kept in FILE; raises BadInput."""
    settings = chosen(SETTINGS, file, KIND)
    lexicon = Lexicon.read(file, settings.stops, settings.stems)
    return BM25(ids(file, len(lexicon.lead)), lexicon, settings)
