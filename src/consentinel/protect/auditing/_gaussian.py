"""Gaussian noise in closed form: delta and epsilon of a shift of mu standard deviations, and the discrete law's mu."""

import math
from collections.abc import Callable

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.core.extras import need

__all__ = ["discrete_mu", "gaussian_delta", "gaussian_epsilon", "smallest_epsilon"]


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Return the smallest delta with which noise of standard deviation sensitivity / MU gives EPSILON (any sign).

    Source: Balle and Wang 2018, Theorem 8; Dong, Roth and Su 2022, Corollary 1.
    """
    log_ndtr = need("scipy.special", extra="protect").log_ndtr
    first = float(log_ndtr(mu / 2 - epsilon / mu))
    second = epsilon + float(log_ndtr(-mu / 2 - epsilon / mu))
    return math.exp(first) * -math.expm1(min(0.0, second - first))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the smallest epsilon >= 0 with which noise of standard deviation sensitivity / MU keeps DELTA."""
    if not (math.isfinite(mu) and mu >= 0 and 0 < delta < 1):
        raise UsageError(f"mu is at least 0 and delta in (0, 1), got {mu} and {delta}")
    return 0.0 if mu == 0 else smallest_epsilon(lambda epsilon: gaussian_delta(mu, epsilon), delta)


def smallest_epsilon(delta_at: Callable[[float], float], delta: float) -> float:
    """Return the smallest epsilon >= 0 at which the falling function DELTA_AT is at most DELTA."""
    if delta_at(0.0) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while delta_at(high) > delta:
        low, high = high, high * 2
        if high > 1e9:
            return math.inf
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if delta_at(middle) > delta else (low, middle)
    return high


def discrete_mu(shift: int, sigma: float) -> float:
    """Return the least mu for which discrete Gaussian noise of SIGMA hides a shift of SHIFT as well as Gaussian noise.

    It is a little more than shift / sigma: 4% for 1 / 1, below 0.1% from sigma 10 on. Tails are the best events for
    telling a shift, and mu-GDP is a convex region, so looking at every threshold is enough. From sigma 300 on the
    ratio is the constant that it has there, which is larger than the truth.
    """
    if shift < 1 or not sigma > 0:
        raise UsageError(f"a shift is at least 1 and sigma above 0, got {shift} and {sigma}")
    if sigma > 300:
        return shift / sigma * (discrete_mu(1, 300.0) * 300.0)
    inverse = need("scipy.special", extra="protect").ndtri_exp
    reach = math.ceil(30 * sigma + shift) + 2
    x = np.arange(-reach, reach + 1, dtype=np.float64)
    weights = -(x**2) / (2 * sigma * sigma)
    above = np.logaddexp.accumulate(weights[::-1])[::-1]  # log P[X >= x], but for the whole
    above -= above[0]
    below = above[::-1]  # log P[X <= x]
    before = np.concatenate([[-np.inf], below[:-1]])  # log P[X < x]
    z = np.where(above < before, -inverse(above), inverse(np.minimum(before, 0.0)))  # P[X >= x] = P[N >= z]
    inside = np.flatnonzero(np.abs(x) <= 25 * sigma + shift)
    inside = inside[inside >= shift]
    return float((z[inside] - z[inside - shift])[np.isfinite(z[inside - shift])].max())
