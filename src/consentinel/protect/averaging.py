"""Intervals whose variance is only known with noise: average over what the variance may be.

The noisy sum of squares tells of the true one what a normal distribution, cut to what is possible, says. Some equally
likely values of it stand for that distribution, and the half width is the one at which the chance of staying within,
averaged over them, is the level: the same reasoning as Student's.
"""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.stats import tail

__all__ = ["half_width", "likely", "mixed", "normal", "quantile"]

Floats = NDArray[np.float64]
NODES, HALVINGS, LEAST = 24, 60, 1e-300


def normal(x: Floats) -> Floats:
    """Return the standard normal distribution function at X."""
    found: Floats = need("scipy.special", extra="protect").ndtr(x)
    return found


def quantile(p: Floats | float) -> Floats:
    """Return the standard normal quantile at P."""
    found: Floats = need("scipy.special", extra="protect").ndtri(p)
    return found


def likely(noisy: Floats, sd: Floats, most: Floats) -> Floats:
    """Return equally likely values in [0, MOST] of what NOISY is with normal noise of SD; shape (..., NODES)."""
    sd, most = np.maximum(sd, LEAST), np.maximum(most, 0.0)
    below, above = normal(-noisy / sd), normal((most - noisy) / sd)
    at = below[..., None] + (np.arange(NODES) + 0.5) / NODES * (above - below)[..., None]
    drawn = noisy[..., None] + sd[..., None] * quantile(np.clip(at, 1e-15, 1 - 1e-15))
    return np.clip(drawn, 0.0, most[..., None])


def mixed() -> NDArray[np.intp]:
    """Return an order of the nodes that pairs them evenly with another set in its own order."""
    return np.argsort((np.arange(NODES) * 0.6180339887498949) % 1)


def half_width(variances: Floats, level: float) -> Floats:
    """Return the half width of the interval at LEVEL, shape (groups,), for equally likely VARIANCES (groups, NODES)."""
    sd = np.sqrt(np.maximum(variances, LEAST))
    wanted = 1 - tail(level)
    low = np.zeros(len(sd))
    high = float(quantile(wanted)) * sd.max(axis=1)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        less = normal(middle[:, None] / sd).mean(axis=1) < wanted
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return high
