"""Sparse vectors at epsilon 1: two that hold, the four published ones that do not, and answers without noise (C8).

Numbers of the variants are those of Lyu, Su and Li 2017, figure 1; the threshold is 0, the sensitivity 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.protect.auditing._finding import Release
from consentinel.protect.auditing.answers import Answers

EPSILON = 1.0


def _vector(
    seed: int,
    threshold: float,
    query: float,
    cut: int | None,
    *,
    share: bool = False,
    plain: bool = False,
    fresh: bool = False,
) -> Answers:
    """Return a sparse vector: scales of the noise of threshold and query, positive answers after which it stops."""
    rng = generator(seed, "doubles.sparse_vectors")

    def release(answers: NDArray[Any], n: int) -> NDArray[Any]:
        bar, open_, left = rng.laplace(0, threshold, n), np.ones(n, bool), np.full(n, cut or answers.size)
        out = np.full((n, answers.size), np.nan)
        for at, answer in enumerate(answers):
            noisy = answer + (rng.laplace(0, query, n) if query else np.zeros(n))
            above = noisy >= bar
            told = noisy if share else np.full(n, answer) if plain else np.ones(n)
            out[open_, at] = np.where(above, told, 0.0)[open_]
            left -= open_ & above
            if fresh:
                bar = np.where(above, rng.laplace(0, threshold, n), bar)
            open_ &= left > 0
        return out

    return Answers(release, queries=7)


def sound(seed: int) -> Answers:
    """Return variant 1, with one positive answer."""
    return _vector(seed, 2 / EPSILON, 4 / EPSILON, 1)


def sound_with_fresh_threshold(seed: int) -> Answers:
    """Return variant 2, which draws the threshold again after each of two positive answers."""
    return _vector(seed, 4 / EPSILON, 8 / EPSILON, 2, fresh=True)


def noise_used_twice(seed: int) -> Answers:
    """Return variant 3: the noisy number that was compared is given out."""
    return _vector(seed, 2 / EPSILON, 2 / EPSILON, 1, share=True)


def noise_without_cut(seed: int) -> Answers:
    """Return variant 4: the noise of a query does not grow with the number of positive answers."""
    return _vector(seed, 4 / EPSILON, 4 / (3 * EPSILON), 5)


def no_query_noise(seed: int) -> Answers:
    """Return variant 5: only the threshold has noise."""
    return _vector(seed, 2 / EPSILON, 0.0, None)


def no_cut(seed: int) -> Answers:
    """Return variant 6: it never stops."""
    return _vector(seed, 2 / EPSILON, 2 / EPSILON, None)


def values_without_noise(seed: int) -> Answers:
    """Return a sound choice of queries whose true values are then forwarded (NVFlare #343)."""
    return _vector(seed, 2 / EPSILON, 4 / EPSILON, 1, plain=True)


def zeros_without_noise(seed: int) -> Release:
    """Return sums with noise unless they are zero (SmartNoise #128)."""
    rng = generator(seed, "doubles.zeros")
    return lambda data, n: data.sum() + (np.rint(rng.laplace(0, 1, n)) if data.sum() else np.zeros(n))
