"""Integrated gradients: how much each input adds to a score on the straight way from nothing to the input.

An input that is not a number stands for what is not there (a row shorter than others): it adds nothing.
Source: Sundararajan, Taly and Yan 2017, equation 1; the integral by Gauss and Legendre's rule.
"""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.model_contracts import Differentiable

__all__ = ["STEPS", "attributed"]

Singles = NDArray[np.float32]
STEPS = 24
_CELLS = 4_000_000  # inputs held at once: 16 MB


def attributed(
    model: Differentiable, x: Singles, target: NDArray[np.int64], base: Singles, steps: int = STEPS
) -> NDArray[np.float64]:
    """Return what each input of X (n, ...) adds to the score of TARGET (n,) beyond that of BASE; shape of X.

    Where the gradient is the same at both ends and between them the model is linear there, and it alone is enough.
    """
    away = np.nan_to_num((x - base).astype(np.float64), nan=0.0)
    ends = [_gradient(model, at * x + (1 - at) * base, target) for at in map(np.float32, (0, 0.37, 1))]
    if all(np.array_equal(ends[0], one, equal_nan=True) for one in ends[1:]):
        return away * np.nan_to_num(ends[0], nan=0.0)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    mean = np.zeros(x.shape)
    for at, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        mean += weight * _gradient(model, (base + at * (x - base)).astype(np.float32), target)
    return away * np.nan_to_num(mean, nan=0.0)


def _gradient(model: Differentiable, x: Singles, target: NDArray[np.int64]) -> NDArray[np.float64]:
    size = max(1, _CELLS // max(1, x[:1].size))
    parts = [model.gradient(x[at : at + size], target[at : at + size]) for at in range(0, len(x), size)]
    return np.concatenate(parts).astype(np.float64)
