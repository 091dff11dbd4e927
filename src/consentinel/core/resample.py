"""Resampling: bootstrap intervals over whole clusters, and permutation tests; NumPy only."""

import math
from collections.abc import Callable, Iterator
from itertools import combinations, islice, product
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import Floats, Interval, Test, finite, tail

__all__ = ["Statistic", "cluster_bootstrap", "cluster_totals", "mean", "permutation_test", "ratio"]

Statistic = Callable[[Floats, Floats], Floats]
_CELLS = 2_000_000  # cells of a weight matrix held at once: 16 MB


def mean(values: Floats, weights: Floats) -> Floats:
    """Return weighted means for `cluster_bootstrap`: values (n,), weights (b, n) -> (b,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ values) / weights.sum(axis=1), dtype=np.float64)


def ratio(values: Floats, weights: Floats) -> Floats:
    """Return ratios of weighted sums for `cluster_bootstrap`: values (n, 2) as numerator, denominator -> (b,)."""
    sums = weights @ values
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


def cluster_totals(values: ArrayLike, clusters: ArrayLike) -> Floats:
    """Return the sums of VALUES, shape (n,) or (n, k), per cluster: (number of clusters,) or (.., k), sorted by label.

    A statistic made of sums bootstraps the same from totals, at the cost of one row per cluster.
    """
    rows, codes, count = _clustered(values, clusters)
    if rows.ndim == 1:
        return np.bincount(codes, weights=rows, minlength=count).astype(np.float64)
    columns = [np.bincount(codes, weights=rows[:, at], minlength=count) for at in range(rows.shape[1])]
    return np.stack(columns, axis=1).astype(np.float64)


def cluster_bootstrap(
    values: ArrayLike,
    clusters: ArrayLike,
    statistic: Statistic = mean,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int,
    method: Literal["percentile", "bca"] = "bca",
) -> Interval:
    """Return a bootstrap interval of STATISTIC that draws whole clusters (people, sites, campaigns).

    Arguments: values (n,) or (n, k); clusters (n,), a label per row; statistic(values, weights (b, n)) -> (b,), where
    weights[b, i] says how often the cluster of row i was drawn (`mean` and `ratio` are such); draws at least 100.
    A draw in which the statistic is undefined (not finite) counts against both ends, so it can only widen the interval.
    With fewer than about 30 clusters every bootstrap covers less than LEVEL. `n` is the number of clusters.
    Source: Efron 1987 (BCa); Davison and Hinkley 1997, section 3.8; acceleration by a grouped jackknife.
    """
    alpha = tail(level)
    if draws < 100:
        raise UsageError(f"a bootstrap needs at least 100 draws, got {draws}")
    if method not in ("percentile", "bca"):
        raise UsageError(f"no bootstrap method '{method}'; there is: bca, percentile")
    rows, codes, count = _clustered(values, clusters)
    name = f"cluster bootstrap, {method}"
    value = _ask(statistic, rows, np.ones((1, len(rows))))[0] if count else math.nan
    if count < 2 or math.isnan(value):
        return Interval(float(value), -math.inf, math.inf, count, level, name)
    drawn = np.concatenate(list(_draws(statistic, rows, codes, count, draws, seed)))
    ends = (alpha, 1 - alpha) if method == "percentile" else _bca(statistic, rows, codes, count, drawn, value, alpha)
    if ends is None:
        return Interval(float(value), -math.inf, math.inf, count, level, name)
    low = np.quantile(np.where(np.isnan(drawn), -np.inf, drawn), ends[0], method="lower")
    high = np.quantile(np.where(np.isnan(drawn), np.inf, drawn), ends[1], method="higher")
    return Interval(float(value), float(low), float(high), count, level, name)


def _draws(
    statistic: Statistic, rows: Floats, codes: NDArray[np.intp], count: int, draws: int, seed: int
) -> Iterator[Floats]:
    rng = generator(seed, "core.resample.cluster_bootstrap")
    block = max(1, _CELLS // max(len(rows), count))
    for start in range(0, draws, block):
        many = min(block, draws - start)
        picks = rng.integers(0, count, (many, count)) + np.arange(many)[:, None] * count
        times = np.bincount(picks.ravel(), minlength=many * count).reshape(many, count)
        yield _ask(statistic, rows, times[:, codes].astype(np.float64))


def _bca(
    statistic: Statistic,
    rows: Floats,
    codes: NDArray[np.intp],
    count: int,
    drawn: Floats,
    value: float,
    alpha: float,
) -> tuple[float, float] | None:
    """Return the two quantiles that BCa reads; None where leaving clusters out makes the statistic undefined."""
    groups = min(count, 1000)  # a grouped jackknife estimates the same acceleration
    member = (np.arange(count) % groups)[codes]
    block = max(1, _CELLS // len(rows))
    left = [
        _ask(statistic, rows, (member[None, :] != np.arange(at, min(at + block, groups))[:, None]).astype(np.float64))
        for at in range(0, groups, block)
    ]
    jack = np.concatenate(left)
    if np.isnan(jack).any():
        return None
    gap = jack.mean() - jack
    spread = float((gap**2).sum())
    bend = float((gap**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    missing = np.isnan(drawn).sum() / 2
    below = ((drawn < value).sum() + (drawn == value).sum() / 2 + missing) / len(drawn)
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(float(below), 0.5 / len(drawn)), 1 - 0.5 / len(drawn)))

    def end(share: float) -> float:
        z = bias + normal.inv_cdf(share)
        return normal.cdf(bias + z / (1 - bend * z)) if bend * z < 1 else float(z > 0)

    return end(alpha), end(1 - alpha)


def permutation_test(
    first: ArrayLike, second: ArrayLike, *, paired: bool = False, draws: int = 10_000, seed: int
) -> Test:
    """Test whether two samples have the same mean by exchanging their labels, or the signs of paired differences.

    Arguments: first (n,), second (m,), with m = n where PAIRED. All exchanges are tried where there are at most
    DRAWS of them (exact); else DRAWS random ones, and p = (1 + as extreme) / (1 + draws).
    Statistic: mean(first) - mean(second). Raises UsageError. Source: Phipson and Smyth 2010.
    """
    one, two = finite(first, "first"), finite(second, "second")
    if not one.size or not two.size:
        raise UsageError("a permutation test needs at least one value in each sample")
    if paired and one.size != two.size:
        raise UsageError(f"paired samples have equal lengths, got {one.size} and {two.size}")
    if draws < 100:
        raise UsageError(f"a permutation test needs at least 100 draws, got {draws}")
    seen = float(one.mean() - two.mean())
    rng = generator(seed, "core.resample.permutation_test")
    pool = one - two if paired else np.concatenate([one, two])
    # beyond a thousand values there are more exchanges than anyone draws
    ways = draws + 1 if pool.size > 1000 else 2**one.size if paired else math.comb(pool.size, one.size)
    exact = ways <= draws
    block = max(1, _CELLS // pool.size)
    edge = abs(seen) - 1e-12 * float(np.abs(pool).max())  # rounding must not make an equal exchange look smaller
    extreme = 0
    every = iter(product((-1.0, 1.0), repeat=pool.size)) if paired else iter(combinations(range(pool.size), one.size))
    for start in range(0, ways if exact else draws, block):
        many = min(block, (ways if exact else draws) - start)
        if paired:
            signs = np.array(list(islice(every, many))) if exact else rng.integers(0, 2, (many, pool.size)) * 2.0 - 1
            moved = signs @ pool / pool.size
        else:
            if exact:
                sums = pool[np.array(list(islice(every, many)))].sum(axis=1)
            else:
                sums = rng.permuted(np.tile(pool, (many, 1)), axis=1)[:, : one.size].sum(axis=1)
            moved = sums / one.size - (pool.sum() - sums) / two.size
        extreme += int((np.abs(moved) >= edge).sum())
    p = extreme / ways if exact else (1 + extreme) / (1 + draws)
    return Test(seen, p, "permutation, exact" if exact else "permutation, Monte Carlo")


def _clustered(values: ArrayLike, clusters: ArrayLike) -> tuple[Floats, NDArray[np.intp], int]:
    rows, labels = np.asarray(values, dtype=np.float64), np.asarray(clusters)
    if rows.ndim not in (1, 2) or labels.shape != rows.shape[:1]:
        raise UsageError(f"values (n,) or (n, k) need clusters (n,), got {rows.shape} and {labels.shape}")
    finite(rows.ravel(), "values")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise UsageError("a cluster label is NaN; every row belongs to a known cluster")
    try:
        names, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        raise UsageError("cluster labels are all texts or all numbers, and none is missing") from None
    return rows, codes, len(names)


def _ask(statistic: Statistic, rows: Floats, weights: Floats) -> Floats:
    got = np.asarray(statistic(rows, weights), dtype=np.float64)
    if got.shape != (len(weights),):
        raise UsageError(f"the statistic should return shape ({len(weights)},) for that many draws, got {got.shape}")
    return np.where(np.isfinite(got), got, np.nan)
