"""Sets of classes that hold the true ones with a stated chance, from probabilities of texts that were held out.

One class of several: all classes at or above one probability, the smallest sets on average (Sadinle et al. 2019); an
empty set says that no class is typical. Any number of labels: a probability for each label, such that each label that
is true is in the set with that chance (Vovk 2012, label-conditional). Both rest on texts being exchangeable; where what
comes later differs, texts weighed by how recent they are lose less of the promise (Barber et al. 2023).
"""

import math

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError

__all__ = ["cuts", "fewest", "sets"]

Floats = NDArray[np.float64]


def cuts(p: Floats, targets: NDArray[np.bool_], single: bool, level: float, weights: Floats | None = None) -> Floats:
    """Return the probability from which a class is in the set, shape (classes,); P and TARGETS (n, classes).

    A label with too few texts to promise LEVEL (see `fewest`) gets 0: it is in every set. WEIGHTS (n,) are those of the
    texts, against 1 of a new one. Raises UsageError.
    """
    if not 0 < level < 1:
        raise UsageError(f"level is in (0, 1), for example 0.9; got {level}")
    each = np.ones(len(p)) if weights is None else weights
    if single:
        return np.full(p.shape[1], _cut(p[targets], each[targets.any(axis=1)], level))
    return np.array([_cut(p[has, at], each[has], level) for at, has in enumerate(targets.T)])


def fewest(level: float) -> int:
    """Return of how many texts a set with the chance LEVEL can leave anything out: 9 at 0.9."""
    return math.ceil(level / (1 - level) - 1e-9)


def sets(p: Floats, cut: Floats) -> NDArray[np.bool_]:
    """Return which classes are in the set of each text, shape (n, classes)."""
    return np.asarray(p >= cut)


def _cut(true: Floats, weights: Floats, level: float) -> float:
    order = np.argsort(true, kind="stable")
    below = np.cumsum(weights[order]) <= (1 - level) * (weights.sum() + 1) + 1e-9  # whose true class may lie below
    allowed = int(below.sum())
    return float(true[order[allowed - 1]]) if allowed else 0.0
