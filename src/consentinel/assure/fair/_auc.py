"""The area under the ROC curve of parts of the rows, with what every unit adds to its error."""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.shares import Shares, by_influence

__all__ = ["auc", "auc_shares"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def auc(score: Floats, positive: Bools, negative: Bools) -> tuple[float, Floats]:
    """Return the chance that a POSITIVE row scores above a NEGATIVE one, ties half, and each row's part of its error.

    Arguments: rows (n,); some are neither. Source: DeLong, DeLong and Clarke-Pearson 1988.
    """
    high, low = score[positive], score[negative]
    above, below = np.sort(high), np.sort(low)
    won = (np.searchsorted(below, high, "left") + np.searchsorted(below, high, "right")) / (2 * len(low))
    lost = 1 - (np.searchsorted(above, low, "left") + np.searchsorted(above, low, "right")) / (2 * len(high))
    value = float(won.mean())
    part = np.zeros(len(score))
    part[positive] = (won - value) / len(high)
    part[negative] = (lost - value) / len(low)
    return value, part


def auc_shares(score: Floats, pairs: list[tuple[Bools, Bools]], unit: NDArray[np.intp], people: int) -> Shares:
    """Return the AUC of each of PAIRS (positive rows, negative rows) as shares; clustered as Obuchowski 1997."""
    value, parts, units = [], [], []
    for positive, negative in pairs:
        found, part = auc(score, positive, negative)
        value.append(found)
        parts.append(np.bincount(unit, part, people))
        units.append(min(len(np.unique(unit[positive])), len(np.unique(unit[negative]))))
    return by_influence(value, np.stack(parts, axis=1), units)
