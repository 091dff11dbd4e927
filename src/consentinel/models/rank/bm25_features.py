"""BM25 and nine more lexical features, weighed by a model that judgments taught.

Features: BM25 as it is and with flatter settings, query likelihood, BM25 of the first line (or sentence), of the
question's word pairs as phrases and near each other, of the question grown by its best documents (RM3), cosine of
weighted words, share of the question's rare words that are there, and length; standardised over the candidates of a
question. `learner=linear` is a listwise softmax model, `learner=trees` is LambdaRank. Training looks at the `depth`
best candidates of each judged question; documents without a judgment count as not relevant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.ids import to_arrays
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.pieces.trees import MOST_LABEL, Forest, Judged, grown
from consentinel.models.rank._documents import answered, asked, collection, judged
from consentinel.models.rank._features import NAMES, Candidates, Evidence, standardised
from consentinel.models.rank._kept import chosen, ids, keep, taken
from consentinel.models.rank._learn import listwise, ranks
from consentinel.models.rank._lexicon import Lexicon

__all__ = ["SETTINGS", "BM25Features", "BM25FeaturesTrainer", "load", "trainer"]

KIND = "models.rank.bm25_features"


@dataclass(frozen=True)
class SETTINGS:
    """What can be set."""

    learner: str = setting("linear", "linear (few judgments) or trees (thousands of judged questions)")
    ridge: float = setting(0.1, "penalty on squared weights of the linear model", low=0)
    depth: int = setting(100, "candidates of a question that training looks at", low=2, high=100_000)
    pool: int = setting(1000, "candidates of a question to rank; no more answers than that", low=10, high=100_000)
    stops: str = setting("long", "words left out: none, short (33 of them) or long")
    stems: str = setting("porter", "how words are cut to stems: none or porter (English)")
    trees: int = setting(150, "trees of the learner trees", low=1, high=10_000)
    leaves: int = setting(7, "leaves of a tree at most", low=2, high=4096)
    rate: float = setting(0.05, "how much of each tree is added", low=1e-4, high=1)
    threads: int = setting(0, "processor threads of the learner trees; 0 for as many as there are", low=0)


@dataclass(frozen=True)
class BM25FeaturesTrainer:
    """Indexes the documents and learns how much each feature says."""

    settings: SETTINGS
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> "BM25Features":
        """Return the model of ROWS; raises UsageError where no judgment above 0 is among the candidates."""
        no_ticket(tickets, KIND)
        found, chosen_ = collection(rows, KIND), self.settings
        few = judged(found)
        if not len(few.questions):
            raise UsageError(f"{KIND} learns from judgments (query, item, label); give some, or take bm25")
        evidence = Evidence(Lexicon.of(found.texts, chosen_.stops, chosen_.stems))
        pool = evidence.candidates(evidence.lexicon.asked(few.questions), chosen_.pool)
        features, label = standardised(pool.query, pool.features), few.labels(pool.query, pool.item)
        near = _near(pool, chosen_.depth)
        query, features, label = pool.query[near], features[near], label[near]
        if chosen_.learner == "linear":
            return BM25Features(found.items, evidence.lexicon, listwise(query, features, label, chosen_.ridge), chosen_)
        if not ((label <= MOST_LABEL) & (label == np.floor(label))).all() or not label.any():
            raise UsageError(f"{KIND}: trees need whole labels from 0 to {MOST_LABEL}, with some above 0")
        asked_of = {
            "num_leaves": chosen_.leaves, "learning_rate": chosen_.rate, "num_threads": chosen_.threads, "seed": seed,
            "lambdarank_truncation_level": chosen_.depth,
        }  # fmt: skip
        group = np.unique(query, return_counts=True)[1]
        forest = grown(Judged(features, label, group), asked_of, chosen_.trees)
        return BM25Features(found.items, evidence.lexicon, forest, chosen_)


@dataclass(frozen=True)
class BM25Features:
    """An index and the model over its features. The file holds every document as a sequence of words."""

    items: pa.Array
    lexicon: Lexicon
    learnt: NDArray[np.float64] | Forest
    settings: SETTINGS
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the best documents for the questions in ROWS (query, text[, k]; as many as the pool without k).

        A question of unknown words has no candidates and no row. Equal scores stand in the order of the documents.
        Raises UsageError where k is above the pool.
        """
        questions = asked(rows, KIND, self.settings.pool)
        if int(questions.k.max(initial=1)) > self.settings.pool:
            raise UsageError(f"{KIND}: k is at most the pool of {self.settings.pool}; set a larger pool")
        pool = self._evidence.candidates(self.lexicon.asked(questions.texts), self.settings.pool)
        features = standardised(pool.query, pool.features)
        score = self.learnt.score(features) if isinstance(self.learnt, Forest) else features @ self.learnt
        return answered(questions, self.items, pool.query, pool.item, score)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH."""
        own = self.learnt.arrays if isinstance(self.learnt, Forest) else {"weights": self.learnt}
        arrays = self.lexicon.arrays() | to_arrays("items", self.items) | own
        return keep(path, KIND, arrays, told(self.settings) | {"features": " ".join(NAMES)})

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self.lexicon)


def trainer(settings: SETTINGS) -> BM25FeaturesTrainer:
    """Return the trainer with SETTINGS; raises UsageError for an unknown learner."""
    if settings.learner not in ("linear", "trees"):
        raise UsageError(f"{KIND}: no learner '{settings.learner[:40]}'; there is: linear, trees")
    return BM25FeaturesTrainer(settings)


def load(file: ModelFile) -> BM25Features:
    """Return the model that was kept in FILE; raises BadInput."""
    settings = chosen(SETTINGS, file, KIND)
    lexicon = Lexicon.read(file, settings.stops, settings.stems)
    items = ids(file, len(lexicon.lead))
    if settings.learner == "trees":
        return BM25Features(items, lexicon, Forest.read(file.arrays, len(NAMES), KIND), settings)
    weights = taken(file.arrays, "weights", np.float64, 1, KIND)
    if weights.shape != (len(NAMES),) or not np.isfinite(weights).all():
        raise BadInput("the weights of the model file do not fit", where=KIND, todo="Train the model again")
    return BM25Features(items, lexicon, weights, settings)


def _near(pool: Candidates, depth: int) -> NDArray[np.bool_]:
    """Return which candidates are among the DEPTH best of their question by BM25 or by the expanded question."""
    columns = [pool.features[:, NAMES.index(name)] for name in ("bm25", "expanded")]
    return np.asarray(np.minimum(*(ranks(pool.query, column) for column in columns)) <= depth)
