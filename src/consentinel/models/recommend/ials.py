"""Recommends by latent factors fitted to implicit feedback with alternating least squares (iALS, by `implicit`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Csr, Log, csr
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened

__all__ = ["SETTINGS", "load", "trainer"]


@dataclass(frozen=True)
class SETTINGS:
    """What can be set of iALS."""

    factors: int = setting(64, "length of a person's and an item's vector", low=1, high=4096)
    reg: float = setting(10.0, "L2 regularisation", low=0)
    alpha: float = setting(5.0, "confidence that a weight of 1 adds to an interaction", low=1e-9)
    iterations: int = setting(15, "rounds over people and items", low=1)
    threads: int = setting(1, "threads; 0: one a core", low=0)


@dataclass(frozen=True)
class _Factors:
    people: NDArray[np.float32]
    items: NDArray[np.float32]
    reg: float
    alpha: float

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> NDArray[np.float32]:
        vectors = self.people[np.maximum(people, 0)]
        if (people < 0).any():
            vectors[people < 0] = self._folded(histories[people < 0])
        return vectors @ self.items.T

    def _folded(self, histories: Csr) -> NDArray[np.float32]:
        """Return the vectors that the items would give to strangers who did HISTORIES; (b, factors)."""
        items = self.items.astype(np.float64)
        found = np.zeros((histories.shape[0], items.shape[1]))
        base = items.T @ items + self.reg * np.eye(items.shape[1])
        for row in np.flatnonzero(np.diff(histories.indptr)):
            liked = items[histories.indices[histories.indptr[row] : histories.indptr[row + 1]]]
            normal = base + (self.alpha - 1) * (liked.T @ liked)
            found[row] = np.linalg.lstsq(normal, self.alpha * liked.sum(axis=0), rcond=None)[0]
        return found.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"people": self.people, "items": self.items, "reg_alpha": np.array([self.reg, self.alpha])}


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; a stranger gets the vector that the items give to their history, and without one the most
    popular items.

    Each vector depends on the others only, so the number of threads changes the time and not the model.
    Source: Hu, Koren and Volinsky 2008; conjugate gradient, Takacs, Pilaszy and Tikk 2011.
    """
    return RecommenderTrainer("ials", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("ials", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> _Factors:
    """Return the vectors of the people and items of LOG; weights above 1 raise the confidence."""
    limits = need("threadpoolctl", extra="models").threadpool_limits
    m = log.matrix
    data = m.data if settings.alpha == 1 else m.data * np.float32(settings.alpha)
    with limits(1, "blas"):  # as implicit asks: its own threads are the fast ones
        als = need("implicit.cpu.als", extra="models").AlternatingLeastSquares(
            factors=settings.factors, regularization=settings.reg, iterations=settings.iterations,
            num_threads=settings.threads, random_state=seed,
        )  # fmt: skip
        als.fit(csr(data, m.indices, m.indptr, m.shape), show_progress=False)
    people, items = np.asarray(als.user_factors), np.asarray(als.item_factors)
    if not (np.isfinite(people).all() and np.isfinite(items).all()):
        raise BadInput("iALS came to values that are not finite", where="rows", todo="Raise reg or lower alpha")
    return _Factors(people, items, settings.reg, settings.alpha)


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> _Factors:
    """Return what ARRAYS keep; raises ValueError."""
    people, items, two = arrays["people"], arrays["items"], arrays["reg_alpha"]
    if people.dtype != np.float32 or items.dtype != np.float32 or people.ndim != 2 or two.shape != (2,):
        raise ValueError("vectors of people and items are needed")
    if people.shape[0] != len(log.users) or items.shape != (len(log.items), people.shape[1]):
        raise ValueError("one vector a person and one an item are needed")
    return _Factors(people, items, float(two[0]), float(two[1]))
