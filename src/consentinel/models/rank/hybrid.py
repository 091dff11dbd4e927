"""Hybrid retrieval: BM25, BM25 of the question grown by its best documents, and dense vectors, in one order.

`fusion=linear` weighs the three, standardised over the candidates of a question, by weights that make the mean average
precision of the judged questions highest; it needs judgments. `fusion=rrf` adds 1 / (60 + rank) of each and needs none.
Source: reciprocal rank fusion, Cormack, Clarke and Buettcher 2009; question expansion, RM3 (Abdul-Jaleel et al. 2004).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.sentences import digest
from consentinel.models.asked import setting, told
from consentinel.models.pieces.ids import to_arrays
from consentinel.models.pieces.sentences import Vectors, encoded, nearest, vectors
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rank._documents import Collection, answered, asked, collection, judged
from consentinel.models.rank._features import Candidates, Evidence, standardised
from consentinel.models.rank._kept import chosen, ids, keep, taken
from consentinel.models.rank._learn import mixed, ranks
from consentinel.models.rank._lexicon import Lexicon

__all__ = ["PARTS", "SETTINGS", "Hybrid", "HybridTrainer", "indexed", "learnt", "load", "trainer"]

KIND = "models.rank.hybrid"
PARTS = ("bm25", "expanded", "dense")
RRF = 60


@dataclass(frozen=True)
class SETTINGS:
    """What can be set."""

    fusion: str = setting("linear", "linear (weights learnt from judgments) or rrf (reciprocal ranks, learns nothing)")
    pool: int = setting(1000, "candidates that each part brings; no more answers than that", low=10, high=100_000)
    steps: int = setting(10, "weights are tried in steps of 1 / steps", low=1, high=50)
    stops: str = setting("long", "words left out: none, short (33 of them) or long")
    stems: str = setting("porter", "how words are cut to stems: none or porter (English)")


@dataclass(frozen=True)
class HybridTrainer:
    """Indexes the documents and learns the weights."""

    settings: SETTINGS
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> "Hybrid":
        """Return the model of ROWS; nothing is random, so SEED changes nothing. Raises UsageError or BadInput."""
        no_ticket(tickets, KIND)
        found = collection(rows, KIND)
        model = indexed(found, self.settings)
        return model if self.settings.fusion == "rrf" else learnt(model, found)


@dataclass(frozen=True)
class Hybrid:
    """Two indexes and three weights. The file holds every document as a sequence of words: guard it like them."""

    items: pa.Array
    lexicon: Lexicon
    vectors: Vectors
    weights: NDArray[np.float64]  # of PARTS
    settings: SETTINGS
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the best documents for the questions in ROWS (query, text[, k]; as many as the pool without k).

        Each question is answered: one of unknown words by the vectors alone. Equal scores stand in the order of the
        documents. Raises UsageError where k is above the pool.
        """
        questions = asked(rows, KIND, self.settings.pool)
        if int(questions.k.max(initial=1)) > self.settings.pool:
            raise UsageError(f"{KIND}: k is at most the pool of {self.settings.pool}; set a larger pool")
        found = self.evidence(questions.texts)
        if self.settings.fusion == "rrf":
            score = np.zeros(len(found.query))
            for at, name in enumerate(PARTS):
                column = found.features[:, at]
                met = (column > 0) | (name == "dense")  # who shares no word is not in the list of BM25
                score += met / (RRF + ranks(found.query, column))
        else:
            score = standardised(found.query, found.features) @ self.weights
        return answered(questions, self.items, found.query, found.item, score)

    def evidence(self, texts: pa.Array) -> Candidates:
        """Return the candidates of the questions TEXTS with the scores of PARTS."""
        asked_vectors = encoded(texts)
        near, _ = nearest(self.vectors, asked_vectors, self.settings.pool)
        also = (np.repeat(np.arange(len(near)), near.shape[1]), near.ravel())
        found = self._evidence.candidates(self.lexicon.asked(texts), self.settings.pool, PARTS[:2], also)
        ends = np.searchsorted(found.query, np.arange(len(texts) + 1))
        cosine = np.zeros(len(found.query))
        for at, vector in enumerate(asked_vectors):
            few = slice(ends[at], ends[at + 1])
            cosine[few] = self.vectors[found.item[few]] @ vector
        return Candidates(found.query, found.item, np.column_stack([found.features, cosine]))

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH."""
        own: dict[str, NDArray[Any]] = {"vectors": self.vectors, "weights": self.weights}
        card = told(self.settings) | {"encoder": digest()}
        return keep(path, KIND, self.lexicon.arrays() | to_arrays("items", self.items) | own, card)

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self.lexicon)


def indexed(found: Collection, settings: SETTINGS) -> Hybrid:
    """Return the model of the documents FOUND with equal weights: all of it that needs no judgment."""
    lexicon = Lexicon.of(found.texts, settings.stops, settings.stems)
    return Hybrid(found.items, lexicon, encoded(found.texts), np.full(len(PARTS), 1 / len(PARTS)), settings)


def learnt(model: Hybrid, found: Collection) -> Hybrid:
    """Return MODEL with the weights that are best for the judged questions FOUND; raises UsageError without any."""
    few = judged(found)
    if not len(few.questions):
        raise UsageError(f"{KIND}: weights need judgments (query, item, label); give some or set fusion=rrf")
    evidence = model.evidence(few.questions)
    features = standardised(evidence.query, evidence.features)
    relevant = few.labels(evidence.query, evidence.item) > 0
    return replace(model, weights=mixed(evidence.query, features, relevant, model.settings.steps))


def trainer(settings: SETTINGS) -> HybridTrainer:
    """Return the trainer with SETTINGS; raises UsageError for an unknown fusion."""
    if settings.fusion not in ("linear", "rrf"):
        raise UsageError(f"{KIND}: no fusion '{settings.fusion[:40]}'; there is: linear, rrf")
    return HybridTrainer(settings)


def load(file: ModelFile) -> Hybrid:
    """Return the model that was kept in FILE; raises BadInput."""
    settings = chosen(SETTINGS, file, KIND)
    lexicon = Lexicon.read(file, settings.stops, settings.stems)
    weights = taken(file.arrays, "weights", np.float64, 1, KIND)
    if weights.shape != (len(PARTS),) or not np.isfinite(weights).all():
        raise BadInput("the weights of the model file do not fit", where=KIND, todo="Train the model again")
    many = len(lexicon.lead)
    found = vectors(file.arrays, dict(file.card), many, KIND)
    return Hybrid(ids(file, many), lexicon, found, weights, settings)
