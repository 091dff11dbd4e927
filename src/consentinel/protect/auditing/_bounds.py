"""Lower bounds of a privacy loss from how often one event happened on two neighbouring inputs."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.extras import need
from consentinel.protect.auditing._finding import Claim, Measure

__all__ = ["ceiling", "event_p", "limits", "loss", "lower_bounds"]

Floats = NDArray[np.float64]
ORDERS = np.geomspace(1.001, 2000.0, 80)  # of the Renyi divergence


def limits(hits: ArrayLike, n: int, alpha: float) -> tuple[Floats, Floats]:
    """Return one-sided Clopper-Pearson limits, each at 1 - ALPHA, of shares of HITS (any shape) in N trials."""
    inverse = need("scipy.special", extra="protect").betaincinv
    k = np.asarray(hits, dtype=np.float64)
    low = np.where(k > 0, inverse(np.maximum(k, 1), n - k + 1, alpha), 0.0)
    high = np.where(k < n, 1 - inverse(np.maximum(n - k, 1), k + 1, alpha), 1.0)  # exact for any small alpha
    return low, high


def loss(measure: Measure, p: ArrayLike, q: ArrayLike, delta: float) -> Floats:
    """Return the least loss with which one event can have probability P on an input and Q on its neighbour.

    Arguments: measure; p and q of one shape, in [0, 1]; delta of an epsilon. At least 0; grows with p, falls with q
    while p > q. Sources: epsilon: Dwork and Roth 2014, definition 2.4; rho: Bun and Steinke 2016, Definition 1.1 with
    data processing; mu: Dong, Roth and Su 2022, Definition 4.
    """
    first, second = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if measure == "epsilon":
            found = np.log(np.maximum(first - delta, 0.0)) - np.log(second)
        elif measure == "mu":
            ndtri = need("scipy.special", extra="protect").ndtri
            found = ndtri(first) - ndtri(second)
        else:
            a = ORDERS.reshape(-1, *[1] * first.ndim)
            hit = a * np.log(first) + (1 - a) * np.log(second)
            miss = a * np.log1p(-first) + (1 - a) * np.log1p(-second)
            miss = np.where(first >= 1, -np.inf, miss)
            found = (np.logaddexp(hit, miss) / (a - 1) / a).max(axis=0)
    return np.where((first > second) & ~np.isnan(found), np.maximum(found, 0.0), 0.0)


def lower_bounds(claim: Claim, k: ArrayLike, n: int, k2: ArrayLike, n2: int, alpha: float) -> Floats:
    """Return lower bounds, each at 1 - ALPHA, of the loss in the measure of CLAIM.

    Arguments: the event happened K of N times on one input and K2 of N2 times on its neighbour; k and k2 of one shape.
    """
    p, _ = limits(k, n, alpha / 2)
    _, q = limits(k2, n2, alpha / 2)
    return loss(claim.measure, p, q, claim.delta)


def event_p(claim: Claim, k: int, n: int, k2: int, n2: int) -> float:
    """Return the smallest alpha at which the counts refute CLAIM: its p-value, at least 1e-300."""
    low, high = math.log(1e-300), 0.0
    if lower_bounds(claim, k, n, k2, n2, 1e-300) > claim.amount:
        return 1e-300
    if not lower_bounds(claim, k, n, k2, n2, 1.0) > claim.amount:
        return 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        refutes = bool(lower_bounds(claim, k, n, k2, n2, math.exp(middle)) > claim.amount)
        low, high = (low, middle) if refutes else (middle, high)
    return math.exp(high)


def ceiling(claim: Claim, n: int, n2: int, alpha: float) -> float:
    """Return the largest bound that N and N2 outputs could give, that of an event which tells the inputs for sure."""
    return float(lower_bounds(claim, n, n, 0, n2, alpha))
