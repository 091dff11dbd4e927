"""Items near one another in histories, and few numbers that say the same: a decomposition that is equal each time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.models.pieces.histories import Histories

__all__ = ["damped_log", "factors", "surprise", "unit"]

Floats = NDArray[np.float32]


def damped_log(done: Histories, people: int, items: int, damping: float = 0.5) -> tuple[Any, Floats, Floats]:
    """Return who did what in DONE as 1, (people, items) in CSR, divided by the root of how much a person did and by
    how many people did an item to the power DAMPING; and those two factors."""
    sparse = need("scipy.sparse", extra="models")
    ones = np.ones(len(done.items), np.float32)
    whole = sparse.csr_matrix((ones, (done.owner, done.items)), shape=(people, items))
    whole.data[:] = 1
    person = np.maximum(1, np.diff(whole.indptr)).astype(np.float32) ** np.float32(-0.5)
    item = np.maximum(1, np.bincount(whole.indices, minlength=items)).astype(np.float32) ** np.float32(-damping)
    return (sparse.diags(person) @ whole @ sparse.diags(item)).tocsr(), person, item


def factors(matrix: Any, width: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return left (rows, w), values (w,) from the greatest down, and right (columns, w) vectors of a sparse MATRIX.

    w is WIDTH, or less where the matrix has not as many. Of each pair of vectors the right one's greatest number is
    positive, so that signs are not left to chance. Source: Lehoucq, Sorensen and Yang 1998 (ARPACK).
    """
    most = min(matrix.shape)
    if most <= width + 1:
        left, values, right = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
        left, values, right = left[:, :width], values[:width], right[:width]
    else:
        linalg = need("scipy.sparse.linalg", extra="models")
        start = generator(seed, "models.nearness").normal(size=most)
        left, values, right = linalg.svds(matrix.astype(np.float64), k=width, v0=start, tol=1e-5)
    order = np.argsort(-values, kind="stable")
    left, values, right = left[:, order], values[order], right[order].T
    sign = np.sign(right[np.abs(right).argmax(axis=0), np.arange(len(values))])
    sign[sign == 0] = 1
    return (left * sign).astype(np.float32), values.astype(np.float32), (right * sign).astype(np.float32)


def unit(vectors: Floats) -> Floats:
    """Return VECTORS (n, w) of length 1; those of length 0 stay so."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def surprise(done: Histories, n: int, window: int) -> Any:
    """Return the positive pointwise mutual information of items within WINDOW steps of DONE: (n, n), sparse.

    Source: Levy and Goldberg 2014, section 3 (what word2vec's skip-grams with negative sampling decompose).
    """
    sparse = need("scipy.sparse", extra="models")
    items, owner = done.items, done.owner
    pairs = sparse.csr_matrix((n, n), dtype=np.float64)
    for step in range(1, min(window, len(items) - 1) + 1):
        near = (owner[step:] == owner[:-step]) & (items[step:] != items[:-step])
        first, then = items[:-step][near], items[step:][near]
        pairs = pairs + sparse.csr_matrix((np.ones(len(first)), (first, then)), shape=(n, n))
    pairs = (pairs + pairs.T).tocoo()
    each = np.bincount(pairs.row, weights=pairs.data, minlength=n)
    lift = np.log(pairs.data * each.sum() / (each[pairs.row] * each[pairs.col])) if pairs.nnz else pairs.data
    more = lift > 0
    return sparse.csr_matrix((lift[more], (pairs.row[more], pairs.col[more])), shape=(n, n))
