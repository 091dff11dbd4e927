"""Least squares with standard errors that need no equal variance and no independent rows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.core.stats import tail
from consentinel.understand.experimenting.trial import Check, Effect, Floats

__all__ = ["FEW", "Fit", "checks_of", "effect_of", "fitted", "wild_p"]

FEW = 40  # clusters below which the sandwich is too small and a wild bootstrap tests instead
DRAWS = 1999
_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))


@dataclass(frozen=True)
class Fit:
    """Coefficients (k,), their covariance (k, k), degrees of freedom, number of clusters (0: rows), and the method."""

    beta: Floats
    covariance: Floats
    free: float
    clusters: int
    method: str


def fitted(design: Floats, outcome: Floats, cluster: NDArray[np.int64] | None) -> Fit:
    """Return least squares of OUTCOME (n,) on DESIGN (n, k) with HC3 errors, or with errors clustered by CLUSTER (n,).

    HC3: MacKinnon and White 1985, with t of n - k. Clustered: CR1, Liang and Zeger 1986, times
    G / (G - 1) x (n - 1) / (n - k), with t of G - 1 (Cameron and Miller 2015, section VI).
    Raises UsageError where a column of DESIGN follows from the others.
    """
    n, k = design.shape
    if n <= k or np.linalg.matrix_rank(design) < k:
        raise UsageError(f"{n} rows do not tell {k} coefficients apart; leave covariates out that follow from others")
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ outcome
    left = outcome - design @ beta
    if cluster is None:
        leverage = np.minimum(np.einsum("ij,jk,ik->i", design, bread, design), 1 - 1e-9)
        scaled = design * (left / (1 - leverage))[:, None]
        return Fit(beta, bread @ (scaled.T @ scaled) @ bread, n - k, 0, "HC3")
    names, code = np.unique(cluster, return_inverse=True)
    many = len(names)
    if many < 2:
        raise UsageError("clustered errors need two clusters")
    sums = _sums(design * left[:, None], code, many)
    meat = sums.T @ sums * (many / (many - 1)) * ((n - 1) / (n - k))
    return Fit(beta, bread @ meat @ bread, many - 1, many, "clustered (CR1)")


def _sums(rows: Floats, code: NDArray[np.intp], many: int) -> Floats:
    sums = [np.bincount(code, rows[:, at], many) for at in range(rows.shape[1])]
    return np.stack(sums, axis=1).astype(np.float64)


def effect_of(
    design: Floats, outcome: Floats, cluster: NDArray[np.int64] | None, at: int, *, name: str, level: float, seed: int
) -> tuple[Effect, Fit]:
    """Return the coefficient AT as an effect; with fewer than 40 clusters its p is that of a wild bootstrap."""
    fit = fitted(design, outcome, cluster)
    special = need("scipy.special", extra="learn")
    value, error = float(fit.beta[at]), math.sqrt(max(0.0, float(fit.covariance[at, at])))
    half = float(special.stdtrit(fit.free, 1 - tail(level))) * error
    p = 2 * float(special.stdtr(fit.free, -abs(value) / error)) if error else float(value == 0)
    method = f"least squares, {fit.method}, t({fit.free:.0f})"
    if cluster is not None and fit.clusters < FEW:
        p, method = wild_p(design, outcome, cluster, at, seed=seed), f"{method}; p by wild cluster bootstrap"
    return Effect(name, value, value - half, value + half, p, method), fit


def wild_p(design: Floats, outcome: Floats, cluster: NDArray[np.int64], at: int, *, seed: int) -> float:
    """Return the p of coefficient AT by the wild cluster bootstrap-t with the null imposed and Webb's six weights.

    Source: Cameron, Gelbach and Miller 2008; Webb 2014.
    """
    fit = fitted(design, outcome, cluster)
    seen = abs(float(fit.beta[at])) / math.sqrt(float(fit.covariance[at, at]))
    rest = np.delete(design, at, axis=1)
    fixed = rest @ np.linalg.lstsq(rest, outcome, rcond=None)[0]
    left = outcome - fixed
    names, code = np.unique(cluster, return_inverse=True)
    many, (n, k) = len(names), design.shape
    rng = generator(seed, "understand.experiments.wild")
    weights = np.concatenate([_WEBB, -_WEBB])[rng.integers(0, 6, (DRAWS, many))]
    bread = np.linalg.inv(design.T @ design)
    row = bread[at] @ design.T  # what each row's outcome adds to the coefficient
    drawn = fixed + weights[:, code] * left
    beta = drawn @ design @ bread
    sums = np.stack([np.bincount(code, row * one, many) for one in drawn - beta @ design.T])
    error = np.sqrt((sums**2).sum(axis=1) * (many / (many - 1)) * ((n - 1) / (n - k)))
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = np.abs(beta[:, at]) / error >= seen * (1 - 1e-12)
    return (1 + int(np.count_nonzero(reached))) / (1 + DRAWS)


def checks_of(fit: Fit, cluster: NDArray[np.int64] | None, treated: NDArray[np.bool_]) -> list[Check]:
    """Return what clustered errors rest on: enough clusters, also of each arm."""
    if cluster is None:
        return []
    arms = [len(np.unique(cluster[side])) for side in (~treated, treated)]
    said = f"{fit.clusters} clusters, {arms[0]} with control and {arms[1]} with treated rows; {FEW} are wanted"
    return [Check("enough clusters", fit.clusters >= FEW and min(arms) >= 5, said)]
