"""Published recommenders that the claims race in the same harness: SAR, and ALS and BPR by implicit."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

__all__ = ["ALS", "BPR", "SAR", "als", "bpr", "sar"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SAR:
    """Smart Adaptive Recommendations: which similarity (jaccard, lift), and the fewest people that count."""

    similarity: str = "jaccard"
    threshold: int = 1


@dataclass(frozen=True)
class ALS:
    """implicit's AlternatingLeastSquares."""

    factors: int = 64
    regularization: float = 0.01
    alpha: float = 1.0
    iterations: int = 15


@dataclass(frozen=True)
class BPR:
    """implicit's BayesianPersonalizedRanking."""

    factors: int = 100
    learning_rate: float = 0.01
    regularization: float = 0.01
    iterations: int = 100


@dataclass(frozen=True)
class _Affine:
    """Scores of known people: what they did, with its weight, times similarity of items."""

    did: Any
    similar: Floats

    def scores(self, people: NDArray[np.int32], histories: Any, /) -> Floats:
        return np.asarray(self.did[people] @ self.similar, np.float32)


@dataclass(frozen=True)
class _Product:
    people: Floats
    items: Floats

    def scores(self, people: NDArray[np.int32], histories: Any, /) -> Floats:
        return self.people[people] @ self.items.T


def sar(log: Any, asked: SAR, seed: int) -> _Affine:
    """Return SAR without time decay: affinity is the sum of weights, similarity that of who has both items."""
    seen = log.seen()
    both = (seen.T @ seen).toarray()
    both[both < asked.threshold] = 0
    own = np.diag(both)
    below = own[:, None] + own - both if asked.similarity == "jaccard" else own[:, None] * own
    return _Affine(log.matrix, np.divide(both, below, out=np.zeros_like(both), where=below > 0))


def als(log: Any, asked: ALS, seed: int) -> _Product:
    """Return the factors of implicit's alternating least squares."""
    with threadpool_limits(1, "blas"):
        model: Any = import_module("implicit.cpu.als").AlternatingLeastSquares(
            factors=asked.factors, regularization=asked.regularization, alpha=asked.alpha,
            iterations=asked.iterations, num_threads=1, random_state=seed,
        )  # fmt: skip
        model.fit(log.seen(), show_progress=False)
    return _Product(model.user_factors, model.item_factors)


def bpr(log: Any, asked: BPR, seed: int) -> _Product:
    """Return the factors of implicit's Bayesian personalised ranking."""
    with threadpool_limits(1, "blas"):
        model: Any = import_module("implicit.cpu.bpr").BayesianPersonalizedRanking(
            factors=asked.factors, learning_rate=asked.learning_rate, regularization=asked.regularization,
            iterations=asked.iterations, num_threads=1, random_state=seed,
        )  # fmt: skip
        model.fit(log.seen(), show_progress=False)
    return _Product(model.user_factors, model.item_factors)
