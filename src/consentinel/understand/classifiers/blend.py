"""Words and characters by rarity together with the vectors of a sentence encoder, in one least-squares kernel machine.

The kernel is the mean of three: products of words, products of runs of characters, and nearness of sentence vectors.
The weight of the vectors is the one of the least held-out error. The model file keeps column weights
and the vectors of the training texts, so it is to be guarded like those texts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.sentences import WIDTH, digest
from consentinel.understand.classifiers._encoder import vectors
from consentinel.understand.classifiers._grams import COLUMNS, counted, gram_matrix, rarity, weighed
from consentinel.understand.classifiers._kernel import nearness, same, solved

__all__ = ["NEEDS", "card", "margins", "shapes", "train"]

NEEDS = ("learn", "text")
WEIGHTS = (1.0, 2.0, 4.0)  # of nearness, where words and characters have 1 each
Arrays = Mapping[str, NDArray[Any]]


def train(
    texts: Sequence[str], targets: NDArray[np.bool_], seed: int, /
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    """Return the arrays of the machine and the held-out margins (n, classes); nothing is random."""
    counts = counted(texts)
    rare = rarity(counts)
    x, e = weighed(counts, rare), vectors(texts)
    lexical, near, alike = gram_matrix(x, x), nearness(e, e), same(texts)
    tried = {w: solved((lexical + np.float32(w) * near) / np.float32(2 + w), targets, alike) for w in WEIGHTS}
    w = min(WEIGHTS, key=lambda one: tried[one].error)
    made = tried[w]
    primal = np.asarray(x.T @ (made.weights / np.float32(2 + w)), np.float32)
    arrays = {
        "rarity": rare, "columns": primal, "vectors": e, "near": made.weights * np.float32(w / (2 + w)),
        "offset": made.offset,
    }  # fmt: skip
    return arrays, made.held.astype(np.float64)


def margins(arrays: Arrays, texts: Sequence[str], /) -> NDArray[np.float64]:
    """Return the margins of TEXTS, shape (n, classes)."""
    x = weighed(counted(texts), arrays["rarity"])
    said = x @ arrays["columns"] + nearness(vectors(texts), arrays["vectors"]) @ arrays["near"] + arrays["offset"]
    return np.asarray(said, np.float64)


def shapes(arrays: Arrays, classes: int, /) -> dict[str, tuple[int, ...]]:
    """Return the shape that each array has to have."""
    n = len(arrays["vectors"]) if "vectors" in arrays else 0
    return {"rarity": (COLUMNS,), "columns": (COLUMNS, classes), "vectors": (n, WIDTH), "near": (n, classes),
            "offset": (classes,)}  # fmt: skip


def card() -> dict[str, str]:
    """Return what has to be the same where the model is used."""
    return {"encoder": digest()}
