"""Objective perturbation: a random linear term is added to the loss once, and the exact minimum is the answer.

The loss is sum log(1 + exp(-(2y - 1) x.w)) + pull/2 |w|^2 + b.w with b Gaussian of SIGMA in every coordinate, over rows
with |x| <= norm. One row more or less changes the density of the minimum w by two factors: the determinant of the
second derivative, at most 1 / (1 - smooth / pull) with smooth = norm^2 / 4, and the density of b at a point that is
moved by at most norm along x. So the privacy loss is at most -ln(1 - smooth / pull) + s^2/2 + |Z| with Z Gaussian of
deviation s = norm / sigma, whose hockey stick has a closed form; SIGMA is the least for which it stays below delta.

Guarantee: add-or-remove one row; (epsilon, delta).
Assumes: exact-minimum (Newton's method ends where the gradient is 1e-9 of the noise), idealized-numerics.
Source: Chaudhuri, Monteleoni and Sarwate 2011; Kifer, Smith and Thakurta 2012; Redberg, Koskela and Wang 2023.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import NotSupported, UsageError
from consentinel.core.extras import need
from consentinel.core.rng import secure_words

__all__ = ["ASSUMES", "least_pull", "minimised", "noise"]

ASSUMES = ("exact-minimum", "idealized-numerics")
EXACT, ROUNDS = 1e-9, 60
LARGEST = 6_000  # coordinates: Newton's method solves a dense system
Floats = NDArray[np.float64]


def least_pull(norm: float) -> float:
    """Return the least pull for rows of |x| <= NORM: 1.5 times the smoothness of one row's loss."""
    return 1.5 * norm * norm / 4


def noise(epsilon: float, delta: float, norm: float, pull: float) -> float:
    """Return the least sigma for which the minimum is (EPSILON, DELTA)-differentially private; raises UsageError."""
    smooth = norm * norm / 4
    if pull < least_pull(norm) * (1 - 1e-9):
        raise UsageError(f"objective perturbation needs a pull of at least {least_pull(norm):.3g}, got {pull:.3g}")
    rest = epsilon + math.log1p(-smooth / pull)
    if rest <= 0:
        raise UsageError(f"a pull of {pull:.3g} alone costs epsilon {epsilon - rest:.3g}; pull more, or ask for more")
    low, high = 1e-9, math.sqrt(2 * rest)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _over(rest, middle) <= delta else (low, middle)
    return norm / low * (1 + 1e-9)


def minimised(
    index: NDArray[np.int64],
    value: Floats,
    label: Floats,
    times: NDArray[np.int64] | None,
    width: int,
    pull: float,
    sigma: float,
) -> Floats:
    """Return the minimum over rows given as coordinates INDEX (n, a) with VALUE (n, a), and their LABEL; (width,).

    TIMES (n,): how often each row counts; None: once. Raises NotSupported where the minimum cannot be found exactly.
    """
    often = np.ones(len(label)) if times is None else times
    if width > LARGEST:
        raise NotSupported(
            f"{width} weights: objective perturbation takes at most {LARGEST}; leave pairs or columns out"
        )
    sparse = need("scipy.sparse", extra="models")
    solve = need("scipy.linalg", extra="models").cho_solve
    factor = need("scipy.linalg", extra="models").cho_factor
    n, a = index.shape
    x = sparse.csr_matrix((value.ravel(), index.ravel(), np.arange(0, n * a + 1, a)), shape=(n, width))
    tilt, theta = sigma * _gaussian(width), np.zeros(width)

    def loss(at: Floats) -> float:
        z = x @ at
        return float(often @ (np.logaddexp(0, z) - label * z) + pull / 2 * at @ at + tilt @ at)

    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ theta, -500, 500)))
        slope = x.T @ (often * (p - label)) + pull * theta + tilt
        if np.abs(slope).max() <= EXACT * max(sigma, 1.0):
            break
        bend = (x.T @ sparse.diags(often * p * (1 - p)) @ x).toarray() + pull * np.eye(width)
        step, size, here = solve(factor(bend), slope), 1.0, loss(theta)
        while loss(theta - size * step) > here + 1e-9 * abs(here) and size > 1e-6:
            size /= 2
        theta = theta - size * step
    else:
        raise NotSupported("the minimum was not found exactly, so nothing is released; pull more")
    return theta


def _over(rest: float, s: float) -> float:
    """Return the delta of the loss s^2/2 + |Z|, Z Gaussian of deviation S, at epsilon REST."""
    edge, tail = rest - s * s / 2, NormalDist().cdf
    if edge < 0:
        return 1.0
    return 2 * (tail(-edge / s) - math.exp(edge + s * s / 2) * tail(-edge / s - s))


def _gaussian(n: int) -> Floats:
    """Return N standard Gaussian numbers that nobody can predict (Box and Muller 1958)."""
    half = (n + 1) // 2
    one, two = (secure_words(2 * half) >> np.uint64(11)).astype(np.float64).reshape(2, half)
    far, turn = np.sqrt(-2 * np.log((one + 0.5) * 2.0**-53)), 2 * math.pi * two * 2.0**-53
    return np.concatenate([far * np.cos(turn), far * np.sin(turn)])[:n]
