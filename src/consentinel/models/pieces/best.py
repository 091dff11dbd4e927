"""The best of each row of scores."""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken

__all__ = ["top"]

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


def top(scores: Floats, k: int) -> tuple[Ints, Ints, Floats]:
    """Return rows, columns and values of the K best SCORES (b, n) of each row, best first; of equal ones the first.

    Scores of -inf stand for what must not be shown and are left out, so a row may have fewer than K. Raises
    ContractBroken for scores that are no numbers: a model that learnt nothing usable.
    """
    if np.isnan(scores).any():
        raise ContractBroken("models: some scores are not numbers; train the model again with stronger regularisation")
    k = min(k, scores.shape[1])
    least = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
    flat = np.flatnonzero((scores >= np.maximum(least, np.finfo(np.float32).min)[:, None]).ravel())
    rows, columns = np.divmod(flat, scores.shape[1])
    values = scores.ravel()[flat]
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    within = np.arange(len(rows)) - np.searchsorted(rows, rows) < k
    return rows[within].astype(np.int32), columns[within].astype(np.int32), values[within]
