"""Shares of groups: ratios of clustered sums in [0, 1], how they vary together, and how far each may be off.

Source: Cochran 1977, section 9A (linearisation); Dean and Pagano 2015 (effective sample size of clustered shares).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import Floats

__all__ = ["Shares", "arms", "by_group", "by_influence", "correlation", "flattened", "only", "some"]


@dataclass(frozen=True)
class Shares:
    """K shares in [0, 1] of one sample (or of many samples at once, in leading axes).

    Arguments: value (..., k); covariance (..., k, k) of the estimates, without any correction for few units; units
    (..., k), clusters behind each; sure, whether each cluster is one yes or no, so that the variance follows from the
    value and need not be estimated.
    """

    value: Floats
    covariance: Floats
    units: Floats
    sure: bool = False


def by_group(top: ArrayLike, bottom: ArrayLike, group: ArrayLike, count: int) -> Shares:
    """Return the shares sum(TOP) / sum(BOTTOM) of COUNT groups, then of everybody: k = (count + 1) * m, group by group.

    Arguments: top, bottom (n, m): what each of n clusters adds to m ratios, 0 <= top <= bottom; group (n,), 0 to
    count - 1, or -1 for a cluster that belongs to no group (it counts for everybody). A ratio with nothing below it
    is NaN. Source: linearisation of ratios of cluster totals (Cochran 1977, section 9A).
    """
    above, below, at = np.asarray(top, np.float64), np.asarray(bottom, np.float64), np.asarray(group)
    m, inside = above.shape[1], at >= 0
    sums = [np.stack([np.bincount(at[inside], part[inside, j], count) for j in range(m)], 1) for part in (above, below)]
    units = np.stack([np.bincount(at[inside], below[inside, j] > 0, count) for j in range(m)], 1)
    everybody = np.stack([above.sum(0), below.sum(0)])
    with np.errstate(invalid="ignore", divide="ignore"):
        value = sums[0] / sums[1]
        whole = everybody[0] / everybody[1]
        # a cluster of no group has the place -1: that of everybody, whose numbers are not used for it
        own = (above - np.vstack([value, whole])[at] * below) / np.vstack([sums[1], everybody[1:]])[at]
        of_all = (above - whole * below) / everybody[1]
    covariance = np.zeros((count + 1, m, count + 1, m))
    places = np.arange(count)
    for i in range(m):
        for j in range(m):
            covariance[places, i, places, j] = np.bincount(at[inside], (own[:, i] * own[:, j])[inside], count)
            cross = np.bincount(at[inside], (own[:, i] * of_all[:, j])[inside], count)
            covariance[places, i, count, j] = covariance[count, j, places, i] = cross
            covariance[count, i, count, j] = of_all[:, i] @ of_all[:, j]
    k = (count + 1) * m
    sure = bool(((below == 0) | (below == 1)).all() and ((above == 0) | (above == below)).all())
    return Shares(
        np.concatenate([value, whole[None]]).reshape(k),
        covariance.reshape(k, k),
        np.concatenate([units, (below > 0).sum(0)[None]]).reshape(k).astype(np.float64),
        sure,
    )


def by_influence(value: ArrayLike, influence: ArrayLike, units: ArrayLike) -> Shares:
    """Return shares VALUE (k,) whose errors are sums of what each cluster adds: INFLUENCE (n, k), sums near zero.

    Units (k,): clusters behind each share.
    """
    parts = np.asarray(influence, np.float64)
    return Shares(np.asarray(value, np.float64), parts.T @ parts, np.asarray(units, np.float64))


def arms(shares: Shares, z: float) -> tuple[Floats, Floats]:
    """Return how far Wilson's interval at the effective sample size reaches below and above each share."""
    spread = np.diagonal(shares.covariance, axis1=-2, axis2=-1)
    value, units = shares.value, np.maximum(shares.units, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        trials = value * (1 - value) / spread
    trials = np.where((spread > 0) & (trials > 0), trials, units)
    if not shares.sure:  # few units: the variance is an estimate too
        free = np.maximum(units - 1, 1.0)
        trials = trials / ((_student(z, free) / z) ** 2 * units / free)
    centre = (value + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(value * (1 - value) / trials + z * z / (4 * trials * trials))
    return np.maximum(value - np.maximum(centre - half, 0.0), 0.0), np.maximum(
        np.minimum(centre + half, 1.0) - value, 0.0
    )


def correlation(flat: Shares) -> Floats:
    """Return the correlations of the shares; those that never vary go with nothing."""
    old = np.sqrt(np.diagonal(flat.covariance, axis1=-2, axis2=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        out = flat.covariance / (old[:, :, None] * old[:, None, :])
    out = np.where(np.isfinite(out), np.clip(out, -1, 1), 0.0)
    k = np.arange(out.shape[-1])
    out[:, k, k] = 1.0
    return np.asarray(out)


def flattened(shares: Shares) -> Shares:
    """Return SHARES with one leading axis; raises UsageError where one has nothing below it."""
    if not np.isfinite(shares.value).all():
        raise UsageError("a share has nothing below it: leave out groups without rows of the kind that it counts")
    k = shares.value.shape[-1]
    return Shares(
        shares.value.reshape(-1, k), shares.covariance.reshape(-1, k, k), shares.units.reshape(-1, k), shares.sure
    )


def only(shares: Shares, used: NDArray[np.bool_]) -> Shares:
    """Return the shares that are USED, shape (k,)."""
    covariance = shares.covariance[..., used, :][..., used]
    return Shares(shares.value[..., used], covariance, shares.units[..., used], shares.sure)


def some(flat: Shares, start: int, end: int) -> Shares:
    """Return the samples from START to END."""
    return Shares(flat.value[start:end], flat.covariance[start:end], flat.units[start:end], flat.sure)


def _student(z: float, free: Floats) -> Floats:
    """Return the quantile of Student's t with FREE degrees of freedom where the normal's is Z (Hill 1970, expanded)."""
    a = (z**3 + z) / 4
    b = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    c = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    d = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return np.asarray(z + a / free + b / free**2 + c / free**3 + d / free**4)
