"""The vectors of a sentence encoder that a package ships, under a least-squares kernel machine.

Meaning counts and words do not; it needs fewer labels than words do, and more time. The model file keeps the vectors
of the training texts, so it is to be guarded like those texts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.sentences import WIDTH, digest
from consentinel.understand.classifiers._encoder import vectors
from consentinel.understand.classifiers._kernel import nearness, same, solved

__all__ = ["NEEDS", "card", "margins", "shapes", "train"]

NEEDS = ("learn", "text")
Arrays = Mapping[str, NDArray[Any]]


def train(
    texts: Sequence[str], targets: NDArray[np.bool_], seed: int, /
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    """Return the arrays of the machine and the held-out margins (n, classes); nothing is random."""
    e = vectors(texts)
    made = solved(nearness(e, e), targets, same(texts))
    return {"vectors": e, "near": made.weights, "offset": made.offset}, made.held.astype(np.float64)


def margins(arrays: Arrays, texts: Sequence[str], /) -> NDArray[np.float64]:
    """Return the margins of TEXTS, shape (n, classes)."""
    return np.asarray(nearness(vectors(texts), arrays["vectors"]) @ arrays["near"] + arrays["offset"], np.float64)


def shapes(arrays: Arrays, classes: int, /) -> dict[str, tuple[int, ...]]:
    """Return the shape that each array has to have."""
    n = len(arrays["vectors"]) if "vectors" in arrays else 0
    return {"vectors": (n, WIDTH), "near": (n, classes), "offset": (classes,)}


def card() -> dict[str, str]:
    """Return what has to be the same where the model is used."""
    return {"encoder": digest()}
