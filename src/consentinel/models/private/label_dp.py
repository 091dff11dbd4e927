"""Privacy of the labels alone, where the features are known to everybody: three ways, from the simplest to the best.

`response` flips each label with probability 1 / (1 + e^epsilon) (Warner 1965); with a prior that makes one label more
certain than that, the likelier label is written down instead, whatever the true one is (Ghazi et al. 2021, LP-1ST).
The model is then fitted to the flipped labels by their likelihood, which knows how often they lie.

`projected` is gradient descent with noise in every step; the noisy gradient is replaced by the nearest one that
any labels could have given, all features being known (Ghazi et al. 2024, LabelDP-Pro own batch, convex hull).

`sums` is ours: the gradient of a linear model is sum x p - sum x y, and only the second sum holds labels. So it is
released once, with noise that does not grow with the number of steps, and everything after it is free.

Guarantee: replace the labels of one unit; response: epsilon for each label; others: rho = steps (2 clip)^2 / (2 s^2).
Assumes: public-features.
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import secure_words
from consentinel.core.stats import sigmoid
from consentinel.models.private.exact import STEPS, Contributions, discrete_gaussian

__all__ = ["ASSUMES", "centred_sums", "fit_flipped", "fit_sums", "lie", "projected", "response"]

ASSUMES = ("public-features",)
ROUNDS, PACE, MOMENTUM, INNER = 400, 0.3, 0.8, 15
Floats = NDArray[np.float64]
Dot = Callable[[Floats], Floats]


def lie(epsilon: Fraction) -> float:
    """Return the chance that an answer is flipped at EPSILON, a multiple of 2^-64 rounded up to more flips."""
    return (int(2.0**64 / (1 + math.exp(float(epsilon))) * (1 + 1e-12)) + 1) * 2.0**-64


def response(label: Floats, prior: Floats, epsilon: Fraction) -> tuple[Floats, Floats]:
    """Return randomised labels and the chance that each was flipped, shape (n,); 1/2: the answer says nothing.

    PRIOR is the chance of label 1 that was known before (n,), of public or of private knowledge, not of these labels.
    """
    chance = lie(epsilon)
    limit = np.uint64(min(int(chance * 2.0**64), 2**64 - 1))
    flipped = np.where(secure_words(len(label)) < limit, 1 - label, label)
    sure = np.maximum(prior, 1 - prior) > 1 - chance
    return np.where(sure, prior > 0.5, flipped), np.where(sure, 0.5, chance)


def fit_flipped(x: Dot, add: Dot, weight: Floats, answers: Floats, chance: Floats, pull: Floats) -> Floats:
    """Return the weights of the likelihood of ANSWERS that were flipped with CHANCE (n,).

    X gives the products of the rows with weights, ADD the sum of rows times a weight each; WEIGHT (width,) is the sum
    of squares of each coordinate over the rows; PULL towards 0 by coordinate.
    """
    known = 1 - 2 * chance

    def slope(p: Floats) -> Floats:
        seen = chance + known * p
        return (answers - seen) / np.maximum(seen * (1 - seen), 1e-12) * known * p * (1 - p)

    found = _ascended(lambda theta: add(slope(sigmoid(x(theta)))), weight * float((known**2).mean()) / 4, pull)
    return found


def centred_sums(cells: Contributions, value: Floats, label: Floats, clip: float, sigma: Fraction) -> Floats:
    """Return sum x (y - 1/2) over units, each clipped to CLIP, with noise SIGMA (in clips; a unit changes it by 2)."""
    exact = cells.total(value * (label - 0.5)[:, None], clip)
    noisy = np.asarray(exact + discrete_gaussian(sigma * STEPS, cells.width), np.float64)
    return noisy * (clip / STEPS)


def fit_sums(x: Dot, add: Dot, spread: Dot, sums: Floats, noise: float, weight: Floats, pull: Floats) -> Floats:
    """Return the weights for which the expected sums of labels agree with noisy SUMS (`centred_sums`).

    SPREAD gives the sum of squares of each coordinate over the rows times a weight each: a gap of which the spread is
    v is believed by v / (v + NOISE^2), as part of it is noise. Other arguments as `fit_flipped`.
    """

    def towards(theta: Floats) -> Floats:
        p = sigmoid(x(theta))
        v = spread(p * (1 - p))
        return (sums - add(p - 0.5)) * v / (v + noise**2)

    v = weight / 4
    return _ascended(towards, v * v / (v + noise**2), pull)


def projected(
    x: Dot,
    add: Dot,
    exact: NDArray[np.int64],
    many: float,
    often: Floats,
    sigma: Fraction,
    *,
    clip: float,
    steps: int,
    rate: float,
    pull: float,
) -> Floats:
    """Return the weights after STEPS steps along noisy gradients that were projected on what labels can give.

    EXACT is sum x (y - 1/2) as `Contributions.total` gives it, SIGMA the noise of every step, in clips; a unit changes
    a clipped sum by at most 2. Rows that are equal in X count OFTEN (distinct rows,), as in ADD, MANY in all.
    """
    bound, width = 1.05 * _largest(x, add, len(exact)), len(exact)
    theta, pace, soft = np.zeros(width), np.zeros(width), np.full(len(often), 0.5)
    for _ in range(steps):
        noisy = (exact + discrete_gaussian(sigma * STEPS, width)) * (clip / STEPS)  # the rest of the gradient is known
        for _ in range(INNER):  # labels in [0, 1] whose sums come nearest to the noisy ones
            soft = np.clip(soft + x(noisy - add(soft - 0.5)) / bound, 0.0, 1.0)
        pace = 0.9 * pace + rate * (add(soft - sigmoid(x(theta))) - pull * theta) / many
        theta = theta + pace
    return theta


def _largest(x: Dot, add: Dot, width: int) -> float:
    """Return about the largest eigenvalue of sum x x^T, by power iteration from all ones (all entries of x >= 0)."""
    at = np.ones(width)
    for _ in range(12):
        after = add(x(at))
        at = after / np.linalg.norm(after)
    return float(at @ add(x(at)))


def _ascended(slope: Callable[[Floats], Floats], sure: Floats, pull: Floats) -> Floats:
    theta, pace = np.zeros(len(pull)), np.zeros(len(pull))
    blocks = 4.0  # coordinates of one row move together
    for _ in range(ROUNDS):
        pace = MOMENTUM * pace + PACE * (slope(theta) - pull * theta) / (blocks * sure + pull + 1e-9)
        theta = theta + pace
        if np.abs(pace).max() < 1e-7:
            break
    return theta
