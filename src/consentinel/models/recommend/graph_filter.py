"""Recommends by filtering a history over the graph of people and items: neighbours plus the smoothest directions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Csr, Log
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened
from consentinel.models.recommend._item_weights import ItemWeights, cooccurrence, scaled, strongest

__all__ = ["SETTINGS", "load", "trainer"]

Floats = NDArray[np.float32]
_DENSE = 30_000  # items whose weights are held dense: 3.6 GB


@dataclass(frozen=True)
class SETTINGS:
    """What can be set of the graph filter."""

    rank: int = setting(256, "how many of the smoothest directions pass the ideal filter", low=0)
    weight: float = setting(0.3, "weight of the ideal filter beside the linear one", low=0)
    person_power: float = setting(0.5, "a person with n items counts as n^-2p, p this", low=0, high=1)
    item_power: float = setting(0.5, "an item of n people counts as n^-p, p this, on both sides", low=0, high=1)
    keep: int = setting(1000, "weights of the linear filter kept per item, the strongest", low=1)


@dataclass(frozen=True)
class _Filter:
    near: ItemWeights
    into: Floats
    back: Floats

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> Floats:
        found = self.near.scores(people, histories)
        return found + (histories @ self.into) @ self.back if self.into.size else found

    def between(self) -> Floats:
        near = self.near.weights
        if near.shape[0] > _DENSE:
            raise UsageError(f"recommend/graph_filter: weights of {near.shape[0]:,} items are too many to hold dense")
        near = near if isinstance(near, np.ndarray) else near.toarray()
        return near + self.into @ self.back if self.into.size else near

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"into": self.into, "back": self.back} | self.near.arrays()


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; strangers are scored by their history, and without one get the most popular items.

    Source: Shen et al. 2021 (GF-CF), section 4; truncated SVD by Halko, Martinsson and Tropp 2011, algorithm 4.4.
    """
    return RecommenderTrainer("graph_filter", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("graph_filter", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> _Filter:
    """Return the linear and the ideal low-pass filter of the graph of LOG."""
    n = len(log.items)
    matrix = scaled(log.seen(), settings.person_power, settings.item_power)
    near = ItemWeights(strongest(cooccurrence(matrix), settings.keep, n))
    rank = min(settings.rank, *matrix.shape)
    smooth = _right_vectors(matrix, rank, seed)
    item = np.maximum(log.people(), 1).astype(np.float64)[:, None] ** settings.item_power
    into, back = smooth / item, settings.weight * smooth * item
    return _Filter(near, into.astype(np.float32), np.ascontiguousarray(back.T.astype(np.float32)))


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> _Filter:
    """Return what ARRAYS keep; raises ValueError."""
    into, back = arrays["into"], arrays["back"]
    if {into.dtype, back.dtype} != {np.dtype(np.float32)} or into.shape != (len(log.items), len(back)):
        raise ValueError("the ideal filter does not fit the items")
    if back.shape != into.shape[::-1]:
        raise ValueError("the ideal filter does not fit the items")
    return _Filter(ItemWeights.of(len(log.items), arrays), into, back)


def _right_vectors(matrix: Csr, rank: int, seed: int) -> NDArray[np.float64]:
    """Return the first RANK right singular vectors of MATRIX (people, items); shape (items, rank)."""
    if rank == 0:
        return np.zeros((matrix.shape[1], 0))
    width = min(min(matrix.shape), rank + 32)
    turned = matrix.T.tocsr()
    basis = generator(seed, "models.recommend.graph_filter").normal(size=(matrix.shape[1], width)).astype(np.float32)
    for _ in range(6):
        basis = np.linalg.qr(turned @ (matrix @ basis))[0]
    left, _ = np.linalg.qr(matrix @ basis)
    _, _, right = np.linalg.svd(np.asarray((turned @ left).T, np.float64), full_matrices=False)
    return np.ascontiguousarray(right[:rank].T)
