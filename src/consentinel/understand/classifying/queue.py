"""Which texts a person should label next: those that are unsure, typical of many others, and unlike each other.

The score is uncertainty x density x distance to what is already in the queue. Source: Settles 2009, section 4
(information density); Gonzalez 1985 (farthest first).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Turn", "queued"]

Floats = NDArray[np.float64]
POOL, NEIGHBOURS = 2000, 10  # the most unsure texts, and how many of them a text is compared with


@dataclass(frozen=True)
class Turn:
    """One text in the queue: its row, and the three factors it was chosen by, in [0, 1]."""

    row: int
    uncertainty: float
    density: float
    distance: float


def queued(p: Floats, x: Any, single: bool, most: int) -> list[Turn]:
    """Return up to MOST texts to review, the first first.

    Arguments: probabilities P (n, classes); X, a matrix of texts (n, columns), sparse or dense, whose products of rows
    are similarities.
    """
    if not len(p) or most < 1:
        return []
    doubt = _doubt(p, single)
    pool = np.argsort(-doubt, kind="stable")[:POOL]
    near = x[pool] @ x[pool].T
    near = np.asarray(near.toarray() if hasattr(near, "toarray") else near, np.float64)
    near /= max(1e-12, float(near.diagonal().max()))
    close = np.sort(near - np.eye(len(pool)), axis=1)[:, -NEIGHBOURS:]
    density = np.clip(close.mean(axis=1), 0, 1)
    worth, far = doubt[pool] * (density + 1e-6), np.ones(len(pool))
    turns: list[Turn] = []
    left = np.ones(len(pool), bool)
    for _ in range(min(most, len(pool))):
        at = int(np.where(left, worth * far, -1.0).argmax())
        turns.append(Turn(int(pool[at]), float(doubt[pool[at]]), float(density[at]), float(far[at])))
        left[at] = False
        far = np.minimum(far, 1 - np.clip(near[at], 0, 1))
    return turns


def _doubt(p: Floats, single: bool) -> Floats:
    """Return 1 less the lead of the likeliest class; of labels, how close the closest call is to even."""
    if not single:
        return np.asarray(1 - np.abs(2 * p - 1).min(axis=1), np.float64)
    if p.shape[1] == 1:
        return np.zeros(len(p))
    best = np.sort(p, axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2]), np.float64)
