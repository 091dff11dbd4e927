"""Vectors of what texts are about: latent semantic analysis, or the sentence encoder that a package ships."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.sentences import encoded
from consentinel.understand.grouping.evidence import Corpus

__all__ = ["Embedding", "neighbours", "vectors"]

Embedding = Literal["lsa", "minilm"]
Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]
DIMENSIONS = 64
LEAST, MOST = 2, 0.5  # records, and share of them, that say a word which counts
AT_ONCE = 20_000_000  # cosines


def vectors(corpus: Corpus, embedding: Embedding, seed: int) -> Vectors:
    """Return a vector of length 1 (or 0, where a text says nothing) for each record; the same on every run.

    Raises MissingExtra without [learn], and without [text] for minilm. Source: Deerwester et al. 1990; Reimers and
    Gurevych 2019 (the encoder reads the first 256 word pieces).
    """
    if embedding == "minilm":
        return encoded([text or "" for text in corpus.records.texts.to_pylist()])
    often = np.bincount(corpus.counts.indices, minlength=corpus.counts.shape[1])
    lettered = np.array([len(name) > 1 and name != "0" for name in corpus.words.names] or [False], bool)
    at = np.flatnonzero((often >= LEAST) & (often <= max(LEAST, MOST * corpus.counts.shape[0])) & lettered)
    rows = corpus.tfidf[:, at]
    size = min(DIMENSIONS, len(at) - 1, rows.shape[0] - 1)
    if size < 2:
        return np.ones((rows.shape[0], 1), np.float32)
    decomposition = need("sklearn.decomposition", extra="learn")
    made = decomposition.TruncatedSVD(size, random_state=seed).fit_transform(rows)
    length = np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(np.divide(made, length, out=np.zeros_like(made), where=length > 1e-9), np.float32)


def neighbours(made: Vectors, many: int) -> tuple[Ints, Ints]:
    """Return the pairs of each row with the MANY rows of highest cosine, left < right, each once."""
    n = len(made)
    many, found = min(many, n - 1), []
    if many < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    for begin in range(0, n, max(1, AT_ONCE // n)):
        some = np.arange(begin, min(n, begin + max(1, AT_ONCE // n)))
        cosines = made[some] @ made.T
        cosines[np.arange(len(some)), some] = -np.inf
        best = np.argpartition(-cosines, many - 1, axis=1)[:, :many]
        left, right = np.repeat(some, many), best.ravel()
        found.append(np.minimum(left, right) * n + np.maximum(left, right))
    pairs = np.unique(np.concatenate(found))
    return pairs // n, pairs % n
