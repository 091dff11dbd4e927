"""Intervals of metrics: over people, of shares, paired between two models, over people and training seeds."""

import math

import numpy as np
from numpy.typing import ArrayLike

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.resample import cluster_bootstrap, cluster_totals, ratio
from consentinel.core.stats import Floats, Interval, korn_graubard, tail, wilson

__all__ = ["difference", "mean", "over_seeds", "share"]


def mean(
    values: ArrayLike, cluster: ArrayLike | None = None, seed: int = 0, *, level: float = 0.95, draws: int = 2000
) -> Interval:
    """Return the bootstrap interval of the mean of VALUES, shape (n,): a figure per query or row.

    Arguments: cluster (n,), whose row it is, where a person has several; without it each row is a person. A figure of
    several seeds, shape (seeds, n), is averaged per row first: the interval is then over people, for these seeds.
    Raises UsageError for NaN or no rows. Source: `core/resample.py`, BCa over whole clusters.
    """
    rows = _rows(values, "values")
    if cluster is None:
        return cluster_bootstrap(rows, np.arange(len(rows)), level=level, draws=draws, seed=seed)
    totals = cluster_totals(np.stack([rows, np.ones(len(rows))], axis=1), cluster)
    return cluster_bootstrap(totals, np.arange(len(totals)), ratio, level=level, draws=draws, seed=seed)


def difference(
    first: ArrayLike,
    second: ArrayLike,
    cluster: ArrayLike | None = None,
    seed: int = 0,
    *,
    level: float = 0.95,
    draws: int = 2000,
) -> Interval:
    """Return the interval of mean(FIRST - SECOND), paired by row: the same people under two models.

    Arguments as `mean`; both have a row for the same query at the same place. Raises UsageError for unequal lengths.
    """
    one, two = _rows(first, "first"), _rows(second, "second")
    if one.shape != two.shape:
        raise UsageError(f"paired figures have a row for the same queries, got {len(one)} and {len(two)} rows")
    return mean(one - two, cluster, seed, level=level, draws=draws)


def share(hits: ArrayLike, cluster: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Return the interval of a share of HITS, 0 or 1, shape (n,): never of no width, as a bootstrap of equal rows is.

    By Wilson, or by Korn and Graubard where CLUSTER (n,) says whose row it is. Raises UsageError.
    """
    rows = _rows(hits, "hits")
    if not np.isin(rows, (0.0, 1.0)).all():
        raise UsageError("hits are 0 or 1")
    return wilson(int(rows.sum()), len(rows), level) if cluster is None else korn_graubard(rows, cluster, level)


def over_seeds(values: ArrayLike, cluster: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Return the t interval of the mean of VALUES, shape (seeds, n), over people and training seeds together.

    The variance is that of the people's means plus that of the seeds' means, a little more than both truly add up to,
    because what a seed does to a person counts in either; degrees of freedom by Satterthwaite 1946. One seed gives all
    numbers: nothing is known then of other seeds. For differences give the paired differences. `n` is the number of
    seeds. Raises UsageError; MissingExtra without SciPy. Source: Owen 2007, section 3 (crossed random effects).
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise UsageError(f"figures of several seeds are finite and of shape (seeds, n), got {table.shape}")
    alpha = tail(level, "both")
    seeds, centre = len(table), float(table.mean())
    people, degrees = _people(table.mean(axis=0), cluster)
    if seeds < 2 or degrees < 1:
        return Interval(centre, -math.inf, math.inf, seeds, level, "t over people and seeds")
    runs = float(table.mean(axis=1).var(ddof=1)) / seeds
    spread = people + runs
    if spread == 0:
        return Interval(centre, centre, centre, seeds, level, "t over people and seeds")
    free = spread**2 / (people**2 / degrees + runs**2 / (seeds - 1))
    half = float(need("scipy.special", extra="models").stdtrit(free, 1 - alpha)) * math.sqrt(spread)
    return Interval(centre, centre - half, centre + half, seeds, level, "t over people and seeds")


def _people(rows: Floats, cluster: ArrayLike | None) -> tuple[float, int]:
    """Return the variance of the mean of ROWS over whole clusters, and its degrees of freedom."""
    labels = np.arange(len(rows)) if cluster is None else cluster
    off = cluster_totals(rows - rows.mean(), labels)
    count = len(off)
    return (float((off**2).sum()) / len(rows) ** 2 * count / (count - 1) if count > 1 else 0.0), count - 1


def _rows(values: ArrayLike, name: str) -> Floats:
    rows = np.asarray(values, dtype=np.float64)
    rows = rows.mean(axis=0) if rows.ndim == 2 and len(rows) else rows
    if rows.ndim != 1 or not rows.size or not np.isfinite(rows).all():
        raise UsageError(
            f"{name} should be finite, of shape (n,) or (seeds, n), with at least one row; got {rows.shape}"
        )
    return rows
