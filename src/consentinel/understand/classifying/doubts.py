"""Labels that are likely wrong: what others trained without the text say against them (confident learning).

A class is confidently said of a text when its probability is at least the mean of that probability over the texts
that carry it. Source: Northcutt, Jiang and Chuang 2021 (self-confidence thresholds; off-diagonals of the confident
joint, ranked by margin).
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["doubtful"]

Floats = NDArray[np.float64]


def doubtful(
    p: Floats, targets: NDArray[np.bool_], single: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return rows, classes and scores of the labels in doubt, the most doubtful first.

    Arguments: held-out probabilities P and given labels TARGETS, shape (n, classes). Of one class of several, the
    class returned is the one suggested instead; else it is the label that should be dropped or added. The score is the
    probability of what is suggested less that of what is given.
    """
    said = np.where(targets, p, 0).sum(axis=0) / np.maximum(1, targets.sum(axis=0))
    if single:
        given = targets.argmax(axis=1)
        sure = np.where((p >= said) & targets.any(axis=0), p, -1.0)
        instead = sure.argmax(axis=1)
        score = p[np.arange(len(p)), instead] - p[np.arange(len(p)), given]
        rows = np.flatnonzero((sure.max(axis=1) >= 0) & (instead != given) & (score > 0))
        order = rows[np.argsort(-score[rows], kind="stable")]
        return order, instead[order].astype(np.int64), score[order]
    without = np.where(targets, 0, 1 - p).sum(axis=0) / np.maximum(1, (~targets).sum(axis=0))
    add = ~targets & (p >= said) & targets.any(axis=0) & (p > 0.5)
    drop = targets & (1 - p >= without) & (p < 0.5)
    rows, classes = np.nonzero(add | drop)
    score = np.abs(2 * p[rows, classes] - 1)
    order = np.argsort(-score, kind="stable")
    return rows[order].astype(np.int64), classes[order].astype(np.int64), score[order]
