"""Recommends by weights between items learnt with differential privacy for people: EASE on a noisy Gram matrix.

Guarantee: (epsilon, delta)-differential privacy of the weights and of the order of items for a person with all rows,
one more or less. Lists use the person's own history besides: joint differential privacy (Kearns et al. 2014).
Assumes: the catalogue is public; the settings were not tuned on these rows.

A part of the budget orders items by noisy popularity (`_private`); the rest buys the Gram matrix of the head, the
items that stand out of the noise. A person with n of these items (at most `most`) is a vector w of whole steps and
length at most S = 2^15, and adds w w^T. Proof of its sensitivity: ||w w^T||_F = ||w||^2 <= S^2, and one person more or
less changes the sum by exactly one such matrix D. It is symmetric, so one triangle is drawn: with variance s^2 on the
diagonal and s^2 / 2 above it, the price is sum_i D_ii^2 / (2 s^2) + sum_{i<j} D_ij^2 / s^2 = ||D||_F^2 / (2 s^2), which
is at most 1 / (2 sigma^2) for s = sigma S^2.

What follows is post-processing. Noise alone has no eigenvalue above sqrt(2 h) sigma (Wigner); an eigenvalue l above
this edge e becomes sqrt(l^2 - e^2), the rest 0 (Gavish and Donoho 2017). The ridge of the closed form (Steck 2019)
grows with the noise.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.modelfile import ModelFile
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

PART = "private_ease"


@dataclass(frozen=True)
class Settings(Private):
    """What can be set."""

    reg: float = setting(4.0, "L2 regularisation of every weight, in people", low=1e-3)
    noise_reg: float = setting(3.0, "what it grows by, in standard deviations of the noise on a product", low=0)


SETTINGS = Settings


@dataclass(frozen=True)
class _Weights:
    """Weights (h, h) between the first h of so many items."""

    weights: NDArray[np.float32]
    items: int

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> NDArray[np.float32]:
        found = histories[:, : len(self.weights)] @ self.weights
        return padded(np.asarray(found, np.float32), self.items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"weights": self.weights}


def trainer(settings: Settings) -> PrivateRecommenderTrainer:
    """Return the trainer; strangers are scored by their history, and without one get items by noisy popularity."""
    return PrivateRecommenderTrainer(PART, settings, fit)


def load(file: ModelFile) -> PrivateRecommender:
    """Return the model in FILE; raises BadInput."""
    return opened(PART, file, _read)


def fit(learnt: Learnt, settings: Settings, seed: int) -> _Weights:
    """Return the weights between the items of the head: one noisy Gram matrix, then arithmetic on it."""
    size, sigma = len(learnt.standing), float(learnt.sigma)
    gram = gram_of(learnt)
    values, vectors = np.linalg.eigh(gram)
    edge = math.sqrt(2 * size) * sigma
    clear = np.where(values > edge, np.sqrt(np.maximum(values**2 - edge**2, 0)), 0.0)
    ridge = settings.reg + settings.noise_reg * sigma
    # (G + r I)^-1 = (I - M) / r with M as below, so the weights -P_ij / P_jj of EASE are M_ij / (1 - M_jj)
    smooth = (vectors * (clear / (clear + ridge))) @ vectors.T
    weights = smooth / (1 - np.diagonal(smooth))
    np.fill_diagonal(weights, 0)
    return _Weights(weights.astype(np.float32), learnt.items)


def gram_of(learnt: Learnt) -> NDArray[np.float64]:
    """Return the Gram matrix of the people with its noise (h, h), in people of length 1."""
    total = (learnt.people.T @ learnt.people).toarray()
    upper, at = np.triu_indices(len(total), 1), np.arange(len(total))
    total[at, at] += discrete_gaussian(learnt.sigma * UNIT**2, len(total))
    total[upper] += discrete_gaussian(scale(learnt.sigma * UNIT**2, Fraction(2)), len(upper[0]))
    total[upper[::-1]] = total[upper]
    return np.asarray(total / UNIT**2, np.float64)


def _read(arrays: Mapping[str, NDArray[Any]], items: int) -> _Weights:
    weights = arrays["weights"]
    square = weights.ndim == 2 and weights.shape[0] == weights.shape[1] and 0 < len(weights) <= items
    if not square or weights.dtype != np.float32 or not np.isfinite(weights).all():
        raise ValueError("weights between the items of the head are needed")
    return _Weights(weights, items)
