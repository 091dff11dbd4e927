"""Recommends by sparse weights between items, each item regressed on its nearest ones with an elastic net (SLIM)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Csr, Log
from consentinel.models.recommend._fitted import Recommender, RecommenderTrainer, opened
from consentinel.models.recommend._item_weights import ItemWeights, cooccurrence, scaled, strongest

__all__ = ["SETTINGS", "load", "trainer"]

Floats = NDArray[np.float32]
_CELLS = 4_000_000  # cells of the Gram matrices of a batch of items: 16 MB
_DENSE = 6_000  # items up to which the whole Gram matrix is held dense


@dataclass(frozen=True)
class SETTINGS:
    """What can be set of SLIM."""

    l1: float = setting(1.0, "L1 regularisation, in people: more gives fewer weights", low=0)
    l2: float = setting(100.0, "L2 regularisation, in people", low=1e-6)
    neighbours: int = setting(100, "how many items, the nearest by cosine, an item is regressed on", low=1)
    sweeps: int = setting(20, "most rounds over the weights of an item", low=1)
    negative: bool = setting(False, "let weights be below 0")
    person_power: float = setting(0.0, "a person with n items counts as n^-2p, p this", low=0, high=1)


def trainer(settings: SETTINGS) -> RecommenderTrainer:
    """Return the trainer; strangers are scored by their history, and without one get the most popular items.

    Source: Ning and Karypis 2011 (fsSLIM: regression on neighbours, section 4.4), by coordinate descent over the Gram
    matrix (Friedman, Hastie and Tibshirani 2010, section 2.2), many items at once.
    """
    return RecommenderTrainer("slim", settings, fit)


def load(file: ModelFile) -> Recommender:
    """Return the model in FILE; raises BadInput."""
    return opened("slim", file, read)


def fit(log: Log, settings: SETTINGS, seed: int) -> ItemWeights:
    """Return the weights that explain each item of LOG best by its neighbours."""
    sparse = need("scipy.sparse", extra="models")
    n = len(log.items)
    keep = min(settings.neighbours, max(1, n - 1))
    matrix = scaled(log.seen(), settings.person_power)
    own = np.asarray(matrix.multiply(matrix).sum(axis=0), np.float32).ravel()
    near = strongest(_cosines(matrix, own), keep, n).T.tocsr()  # an item's neighbours are a row
    gram = _gram(matrix, n)
    size = max(1, min(1024, _CELLS // keep**2))
    values, at, target = [], [], []
    for start in range(0, n, size):
        rows = np.arange(start, min(n, start + size))
        among = np.full((len(rows), keep), -1, np.int64)
        counts = np.diff(near.indptr)[rows]
        among[np.arange(keep) < counts[:, None]] = near.indices[near.indptr[rows[0]] : near.indptr[rows[-1] + 1]]
        weights = _descended(*_sub(gram, rows, among), settings)
        row, column = np.nonzero(weights)
        values.append(weights[row, column])
        at.append(among[row, column])
        target.append(rows[row])
    parts = (np.concatenate(one) for one in (at, target))
    made = sparse.csr_matrix((np.concatenate(values), tuple(parts)), shape=(n, n), dtype=np.float32)
    made.sort_indices()
    return ItemWeights(made)


def read(log: Log, arrays: Mapping[str, NDArray[Any]]) -> ItemWeights:
    """Return what ARRAYS keep; raises ValueError."""
    return ItemWeights.of(len(log.items), arrays)


def _cosines(matrix: Csr, own: Floats) -> Iterator[tuple[slice, Floats]]:
    root = np.sqrt(np.maximum(own, np.finfo(np.float32).tiny))
    for which, block in cooccurrence(matrix):
        block /= root[which, None] * root
        block[np.arange(len(block)), np.arange(which.start, which.stop)] = 0
        yield which, block


def _gram(matrix: Csr, n: int) -> Any:
    if n > _DENSE:
        made = (matrix.T @ matrix).tocsr()
        made.sort_indices()
        return made
    return np.concatenate([block for _, block in cooccurrence(matrix)])


def _sub(gram: Any, rows: NDArray[np.int64], among: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the Gram matrices (b, k, k) of the items AMONG (b, k; -1: none) and their products with ROWS (b, k)."""
    there = among >= 0
    if isinstance(gram, np.ndarray):
        inner, outer = gram[among[:, :, None], among[:, None, :]], gram[rows[:, None], among]
    else:
        held = np.maximum(among, 0)
        inner = np.stack([gram[one][:, one].toarray() for one in held])
        outer = np.stack([gram[row, one].toarray().ravel() for row, one in zip(rows, held, strict=True)])
    return inner * (there[:, :, None] & there[:, None, :]), outer * there


def _descended(inner: Floats, outer: Floats, settings: SETTINGS) -> Floats:
    """Return the elastic-net weights (b, k) of b regressions by cyclic coordinate descent."""
    weights, left = np.zeros_like(outer), outer.copy()
    own = np.einsum("bkk->bk", inner)
    least = 1e-5 * max(1e-12, float(np.abs(outer).max(initial=0)))
    for _ in range(settings.sweeps):
        most = 0.0
        for k in range(outer.shape[1]):
            rho = left[:, k] + own[:, k] * weights[:, k]
            size = np.maximum((np.abs(rho) if settings.negative else rho) - np.float32(settings.l1), 0)
            new = (np.copysign(size, rho) if settings.negative else size) / (own[:, k] + np.float32(settings.l2))
            step = new - weights[:, k]
            most = max(most, float(np.abs(step * own[:, k]).max(initial=0)))
            moved = np.flatnonzero(step)
            left[moved] -= step[moved, None] * inner[moved, k]
            weights[:, k] = new
        if most < least:
            break
    return weights
