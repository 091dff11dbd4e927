"""Sets of classes that hold the true ones with a stated chance, from probabilities of texts that were held out.

One class of several: all classes at or above one probability, the smallest sets on average (Sadinle et al. 2019); an
empty set says that no class is typical. Any number of labels: a probability for each label, such that each label that
is true is in the set with that chance (Vovk 2012, label-conditional). Both rest on texts being exchangeable: what
comes later and differs is not promised anything.
"""

import math

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError

__all__ = ["cuts", "sets"]

Floats = NDArray[np.float64]


def cuts(p: Floats, targets: NDArray[np.bool_], single: bool, level: float) -> Floats:
    """Return the probability from which a class is in the set, shape (classes,); P and TARGETS (n, classes).

    A label with too few texts to promise LEVEL gets 0: it is in every set. Raises UsageError.
    """
    if not 0 < level < 1:
        raise UsageError(f"level is in (0, 1), for example 0.9; got {level}")
    if single:
        return np.full(p.shape[1], _cut(p[targets], level))
    return np.array([_cut(p[targets[:, at], at], level) for at in range(p.shape[1])])


def sets(p: Floats, cut: Floats) -> NDArray[np.bool_]:
    """Return which classes are in the set of each text, shape (n, classes)."""
    return np.asarray(p >= cut)


def _cut(true: Floats, level: float) -> float:
    allowed = math.floor((len(true) + 1) * (1 - level) + 1e-9)  # texts whose true class may lie below
    return float(np.sort(true)[allowed - 1]) if allowed >= 1 else 0.0
