"""Regularised least squares in a kernel, with the exact margin of each text as if it had not been trained on.

One inverse gives the weights of all classes and, for each text, what the machine fitted to the others says of it; so
calibration, thresholds and the search for wrong labels cost no refits. Source: Rifkin and Lippert 2007 (leave-one-out
in closed form; identical texts are left out together); Saunders et al. 1998 (kernel ridge regression).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need

__all__ = ["MOST", "Solved", "nearness", "same", "solved"]

Floats = NDArray[np.float32]
MOST = 8000  # rows: their kernel is a dense matrix of 256 MB
RIDGE = 0.2  # of a kernel whose diagonal is 1


@dataclass(frozen=True)
class Solved:
    """Weights (n, classes), offsets (classes,), held-out margins (n, classes), and their mean squared error."""

    weights: Floats
    offset: Floats
    held: Floats
    error: float


def nearness(left: Floats, right: Floats) -> Floats:
    """Return exp(-|a - b|^2) for vectors of length 1, shape (n, m)."""
    return np.asarray(np.exp(np.minimum(2 * (left @ right.T) - 2, 0)), np.float32)


def same(texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return the rows of each text that occurs more than once; case and blanks do not count."""
    _, codes = np.unique([" ".join(text.lower().split()) for text in texts], return_inverse=True)
    often = np.flatnonzero(np.bincount(codes) > 1)
    return [np.flatnonzero(codes == code) for code in often]


def solved(kernel: Floats, targets: NDArray[np.bool_], alike: Iterable[NDArray[np.int64]]) -> Solved:
    """Return the machine of TARGETS (n, classes) in KERNEL (n, n).

    ALIKE names rows that are left out together. Raises UsageError for more than MOST rows.
    """
    if len(kernel) > MOST:
        raise UsageError(f"a kernel holds at most {MOST} texts, got {len(kernel)}; use --classifier tfidf_linear")
    offset = (2 * targets.mean(axis=0) - 1).astype(np.float32)
    wanted = np.where(targets, 1, -1).astype(np.float32)
    inverse = _inverse(kernel)
    weights = inverse @ (wanted - offset)
    missed = weights / np.diag(inverse)[:, None]
    for rows in alike:
        missed[rows] = np.linalg.solve(inverse[np.ix_(rows, rows)].astype(np.float64), weights[rows])
    return Solved(weights, offset, wanted - missed, float(np.square(missed).mean()))


def _inverse(kernel: Floats) -> Floats:
    lapack = need("scipy.linalg.lapack", extra="learn")
    filled = kernel.copy()
    filled[np.diag_indices(len(filled))] += RIDGE
    lower, _ = lapack.spotrf(filled, lower=1, overwrite_a=1)
    inverse, _ = lapack.spotri(lower, lower=1, overwrite_c=1)
    below = np.tril(inverse)
    return np.asarray(below + np.tril(inverse, -1).T, np.float32)
