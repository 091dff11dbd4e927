"""Recommends what most people have: the floor that every other recommender has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.logs import Csr, Log
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class SETTINGS:
    """Popularity has nothing to set."""


@dataclass(frozen=True)
class _Popularity:
    share: NDArray[np.float32]

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> NDArray[np.float32]:
        return np.broadcast_to(self.share, (len(people), len(self.share)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"share": self.share}


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; strangers get what everyone gets, less what their history names."""
    return RecommenderTrainer("popularity", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("popularity", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> _Popularity:
    """Return the share of people who have each item."""
    return _Popularity((log.people() / len(log.users)).astype(np.float32))


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> _Popularity:
    """Return what ARRAYS keep; raises ValueError."""
    if arrays["share"].shape != (len(log.items),) or arrays["share"].dtype != np.float32:
        raise ValueError("one share an item is needed")
    return _Popularity(arrays["share"])
