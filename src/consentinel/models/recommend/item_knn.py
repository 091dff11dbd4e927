"""Recommends the nearest neighbours of what a person has, by the shrunk cosine of who has both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Log
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened
from consentinel.models.recommend._item_weights import ItemWeights, cooccurrence, scaled, strongest

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class SETTINGS:
    """What can be set of item-kNN."""

    neighbours: int = setting(100, "how many neighbours of an item are kept", low=1)
    shrink: float = setting(10.0, "added to the denominator: similarities of few people count less", low=0)
    asymmetry: float = setting(0.5, "0.5: cosine; less: an item's own popularity is divided out more", low=0, high=1)
    person_power: float = setting(0.0, "a person with n items counts as n^-2p, p this", low=0, high=1)


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; strangers are scored by their history, and without one get the most popular items.

    The similarity of i to j is c(i, j) / (c(i, i)^a * c(j, j)^(1 - a) + shrink), c the people who have both, j the item
    that is scored. Source: Deshpande and Karypis 2004; asymmetric cosine, Aiolli 2013.
    """
    return RecommenderTrainer("item_knn", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("item_knn", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> ItemWeights:
    """Return the similarities between the items of LOG."""
    matrix = scaled(log.seen(), settings.person_power)
    size = np.asarray(matrix.multiply(matrix).sum(axis=0), np.float32).ravel()  # c(i, i)
    size = np.maximum(size, np.finfo(np.float32).tiny)
    history, target = size**settings.asymmetry, size ** (1 - settings.asymmetry)

    def similar() -> Iterator[tuple[slice, NDArray[np.float32]]]:
        for which, block in cooccurrence(matrix):
            block /= target[which, None] * history + np.float32(settings.shrink)
            block[np.arange(len(block)), np.arange(which.start, which.stop)] = 0
            yield which, block

    return ItemWeights(strongest(similar(), settings.neighbours, len(log.items)))


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> ItemWeights:
    """Return what ARRAYS keep; raises ValueError."""
    return ItemWeights.of(len(log.items), arrays)
