"""The best of each row of scores."""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken

__all__ = ["top"]

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
BLOCK = 64  # scores looked at as one: their largest are few, and the kth of them is at most the kth score


def top(scores: Floats, k: int) -> tuple[Ints, Ints, Floats]:
    """Return rows, columns and values of the K best SCORES (b, n) of each row, best first; of equal ones the first.

    Scores of -inf stand for what must not be shown and are left out, so a row may have fewer than K. Raises
    ContractBroken for scores that are no numbers: a model that learnt nothing usable.
    """
    k = min(k, scores.shape[1])
    best = _best_of_blocks(scores) if scores.shape[1] >= 4 * k * BLOCK else scores
    if np.isnan(best.max(initial=-np.inf)):
        raise ContractBroken("models: some scores are not numbers; train the model again with stronger regularisation")
    least = np.partition(best, best.shape[1] - k, axis=1)[:, best.shape[1] - k]
    flat = np.flatnonzero((scores >= np.maximum(least, np.finfo(np.float32).min)[:, None]).ravel())
    rows, columns = np.divmod(flat, scores.shape[1])
    values = scores.ravel()[flat]
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    within = np.arange(len(rows)) - np.searchsorted(rows, rows) < k
    return rows[within].astype(np.int32), columns[within].astype(np.int32), values[within]


def _best_of_blocks(scores: Floats) -> Floats:
    """Return the largest of each BLOCK of SCORES (b, n) in a row, NaN where one is; (b, blocks).

    A block holds scores at even distances, so that neighbours in memory are compared with neighbours.
    """
    whole = scores.shape[1] // BLOCK * BLOCK
    blocks = scores[:, :whole].reshape(len(scores), BLOCK, -1).max(axis=1)
    return blocks if whole == scores.shape[1] else np.column_stack([blocks, scores[:, whole:].max(axis=1)])
