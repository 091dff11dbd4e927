"""Recommends by latent factors learnt with differential privacy for people: alternating least squares on noisy sums.

Guarantee: (epsilon, delta)-differential privacy of the item factors and of the order of items for a person with all
rows, one more or less. A person's factor is made of these and of the person's own history when a list is asked for and
is never kept: joint differential privacy, as in DPALS (Chien et al. 2021).
Assumes: the catalogue is public; the settings were not tuned on these rows.

A part of the budget orders items by noisy popularity (`_private`); the rest is split over the rounds. In a round the
item factors V (h, f) are orthonormal, so the least-squares factor of a person with vector w is V^T w. It is cut to
length 1 and written as u in whole steps of length at most S = 2^15, as w is. The sufficient statistic of the items is
the sum over people of w u^T. Proof of its sensitivity: one person more or less changes it by one such matrix, and
||w u^T||_F = ||w|| ||u|| <= S^2. V of a round depends on earlier rounds' noisy sums only, so costs add up: T rounds
with noise sqrt(T) sigma S^2 cost 1 / (2 sigma^2).

The rest is post-processing: the new V are the singular vectors of the noisy sum, and a singular value s counts as
sqrt(s^2 - e^2) above the edge e of noise alone (Gavish and Donoho 2017). With orthonormal factors the rounds are a
noisy power method (Hardt and Price 2014). Memory grows with items times factors, not with items squared.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.asked import setting
from consentinel.models.pieces.logs import Csr
from consentinel.models.private.exact import discrete_gaussian
from consentinel.models.recommend._private import (
    UNIT,
    Learnt,
    Private,
    PrivateRecommender,
    PrivateRecommenderTrainer,
    opened,
    padded,
    scale,
)

__all__ = ["SETTINGS", "Settings", "load", "trainer"]

PART = "private_als"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings(Private):
    """What can be set."""

    factors: int = setting(16, "length of a person's and an item's vector", low=1, high=4096)
    iterations: int = setting(2, "rounds over people and items, which share the budget", low=1, high=1000)
    noise_reg: float = setting(10.0, "L2 regularisation, in standard deviations of the noise on a sum", low=0.01)


SETTINGS = Settings


@dataclass(frozen=True)
class _Factors:
    """Orthonormal factors (h, f) of the first h of so many items, and what of each direction counts, in [0, 1] (f,)."""

    factors: NDArray[np.float32]
    kept: NDArray[np.float32]
    items: int

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> NDArray[np.float32]:
        own = np.asarray(histories[:, : len(self.factors)] @ self.factors, np.float32) * self.kept
        return padded(own @ self.factors.T, self.items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"factors": self.factors, "kept": self.kept}


def trainer(settings: Settings) -> PrivateRecommenderTrainer:
    """Return the trainer; strangers get the factor of their history, and without one items by noisy popularity."""
    return PrivateRecommenderTrainer(PART, settings, fit)


def load(file: ModelFile) -> PrivateRecommender:
    """Return the model in FILE; raises BadInput."""
    return opened(PART, file, _read)


def fit(learnt: Learnt, settings: Settings, seed: int) -> _Factors:
    """Return factors of the items of the head after all rounds, from a start that SEED draws around popularity."""
    size = len(learnt.standing)
    width = min(settings.factors, size)
    noise = scale(learnt.sigma, Fraction(1, settings.iterations))
    start = generator(seed, "models.recommend.private_als").normal(size=(size, width))
    start[:, 0] = np.maximum(learnt.standing, 0) + 1e-9
    factors, values = np.linalg.qr(start)[0], np.zeros(width)
    for _ in range(settings.iterations):
        drawn = discrete_gaussian(noise * UNIT**2, size * width).reshape(size, width)
        noisy = (sums_of(learnt.people, factors) + drawn) / UNIT**2
        factors, values, _ = np.linalg.svd(noisy, full_matrices=False)
    edge = float(noise) * (math.sqrt(size) + math.sqrt(width))
    clear = np.sqrt(np.maximum(values**2 - edge**2, 0))
    kept = clear / (clear + settings.noise_reg * float(noise))
    return _Factors(factors.astype(np.float32), kept.astype(np.float32), learnt.items)


def sums_of(people: Csr, factors: Floats) -> NDArray[np.int64]:
    """Return the sum over PEOPLE (p, h), in whole steps, of each one's vector times the own factor; (h, f)."""
    own = np.asarray(people @ factors)
    length = np.linalg.norm(own, axis=1, keepdims=True)
    # truncation makes nothing longer, and 2^-20 less is more than floating point can be wrong by
    steps = np.trunc(own / np.where(length > 0, length, 1) * UNIT * (1 - 2**-20)).astype(np.int64)
    return np.asarray(people.T @ steps)


def _read(arrays: Mapping[str, NDArray[Any]], items: int) -> _Factors:
    factors, kept = arrays["factors"], arrays["kept"]
    fits = factors.ndim == 2 and 0 < len(factors) <= items and kept.shape == factors.shape[1:]
    if not fits or any(one.dtype != np.float32 or not np.isfinite(one).all() for one in (factors, kept)):
        raise ValueError("factors of the items of the head are needed")
    return _Factors(factors, kept, items)
