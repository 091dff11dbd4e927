"""How well estimated effects order people: Qini and uplift of the best, from rows that were treated at random.

Rows are cut into about POINTS groups of falling score, equal scores together; each metric is computed from the counts
of treated and other rows, with and without the outcome, in these groups, so one bootstrap over people serves all.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from consentinel.core.errors import UsageError
from consentinel.core.resample import cluster_bootstrap
from consentinel.core.stats import Floats, Interval, finite

__all__ = ["CURVE", "METRICS", "Trial", "curve", "difference", "interval", "point"]

POINTS, DRAWS = 200, 500
CURVE = pa.schema([("share", pa.float64()), ("gain", pa.float64()), ("low", pa.float64()), ("high", pa.float64())])
Counts = NDArray[np.float64]  # (POINTS, 2, 2): rows of a group, by treatment and outcome


class Trial:
    """Rows of an experiment: who was TREATED at random, 0 or 1, the outcome LABEL, 0 or 1, and whose a row is; (n,).

    Raises UsageError for other values, and where a treatment or an outcome has no row.
    """

    def __init__(self, treated: ArrayLike, label: ArrayLike, people: ArrayLike | None = None) -> None:
        self.treated, self.label = (np.asarray(column, np.float64) for column in (treated, label))
        for name, column in (("treatment", self.treated), ("label", self.label)):
            if not np.isin(column, (0.0, 1.0)).all() or len(np.unique(column)) < 2:
                raise UsageError(f"{name} is 0 or 1 in every row, and both are there; else no effect can be measured")
        self.people = np.arange(len(self.label)) if people is None else np.asarray(people)

    def kinds(self, score: ArrayLike) -> Floats:
        """Return which group of SCORE (n,), treatment and outcome each row has, as one number."""
        falling_of = finite(np.asarray(score, np.float64), "scores")
        if falling_of.shape != self.label.shape:
            raise UsageError(f"scores have a value for each of {len(self.label)} rows, got {len(falling_of)}")
        _, falling = np.unique(-falling_of, return_inverse=True)
        share = np.cumsum(np.bincount(falling)) / len(falling)
        group = np.minimum((share * POINTS - 1e-9).astype(np.int64), POINTS - 1)[falling]
        return (group * 4 + 2 * self.treated + self.label).astype(np.float64)


def interval(
    metric: str, score: ArrayLike, trial: Trial, *, seed: int, level: float = 0.95, draws: int = DRAWS
) -> Interval:
    """Return METRIC of SCORE (n,), estimated effects, with its bootstrap interval over people. Raises UsageError."""
    return _drawn(_named(metric), trial.kinds(score), trial, seed, level, draws)


def difference(
    metric: str,
    first: ArrayLike,
    second: ArrayLike,
    trial: Trial,
    *,
    seed: int,
    level: float = 0.95,
    draws: int = DRAWS,
) -> Interval:
    """Return METRIC of FIRST less that of SECOND, two scores of the same rows, paired by row. Raises UsageError."""
    found = _named(metric)
    both = np.stack([trial.kinds(first), trial.kinds(second)], axis=1)

    def gap(values: Floats, weights: Floats) -> Floats:
        return _each(found, values[:, 0], weights) - _each(found, values[:, 1], weights)

    return cluster_bootstrap(both, trial.people, gap, level=level, draws=draws, seed=seed, method="percentile")


def point(metric: str, score: ArrayLike, trial: Trial) -> float:
    """Return METRIC of SCORE without an interval. Raises UsageError."""
    return float(_each(_named(metric), trial.kinds(score), np.ones((1, len(trial.label))))[0])


def curve(score: ArrayLike, trial: Trial, *, seed: int, level: float = 0.95, draws: int = DRAWS) -> pa.Table:
    """Return as CURVE what treating the best tenth, two tenths, ... of SCORE gains in outcomes per row of all rows.

    Intervals hold point by point. Source: Radcliffe 2007 (the incremental gains curve).
    """
    kinds, rows = trial.kinds(score), []
    for tenth in range(1, 11):
        share = tenth / 10
        found = _drawn(lambda counts, at=share: at * _of_the_best(counts, at), kinds, trial, seed, level, draws)
        rows.append({"share": share, "gain": found.value, "low": found.low, "high": found.high})
    return pa.Table.from_pylist(rows, CURVE)


def _qini(counts: Counts) -> float:
    """Return the area between the gain in outcomes per row when the best are treated and when as many at random are;
    0 for random scores. Source: Radcliffe 2007."""
    rows, ones = np.cumsum(counts.sum(axis=2), axis=0), np.cumsum(counts[:, :, 1], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(rows > 0, ones / rows, 0.0)
    share = rows.sum(axis=1) / rows[-1].sum()
    gain = (rate[:, 1] - rate[:, 0]) * share
    over = np.append(0.0, gain - gain[-1] * share)
    return float(((over[1:] + over[:-1]) / 2 * np.diff(share, prepend=0.0)).sum())


def _of_the_best(counts: Counts, share: float) -> float:
    """Return the rate of the outcome with treatment less that without, among the best SHARE of rows; of a group that
    is cut, the part that lies within. NaN where no row of it was treated, or all were."""
    cells = np.concatenate([np.zeros((1, 4)), np.cumsum(counts.reshape(POINTS, 4), axis=0)])
    upto = cells.sum(axis=1)
    zero, hit, treated_zero, treated_hit = (np.interp(share * upto[-1], upto, cell) for cell in cells.T)
    if zero + hit <= 0 or treated_zero + treated_hit <= 0:
        return float("nan")
    return float(treated_hit / (treated_zero + treated_hit) - hit / (zero + hit))


METRICS: dict[str, Callable[[Counts], float]] = {
    "qini": _qini,
    "uplift_10%": lambda counts: _of_the_best(counts, 0.1),
    "uplift_30%": lambda counts: _of_the_best(counts, 0.3),
}


def _named(metric: str) -> Callable[[Counts], float]:
    if metric not in METRICS:
        raise UsageError(f"no metric '{metric[:40]}'; there is: {', '.join(METRICS)}")
    return METRICS[metric]


def _drawn(
    metric: Callable[[Counts], float], kinds: Floats, trial: Trial, seed: int, level: float, draws: int
) -> Interval:
    def value(values: Floats, weights: Floats) -> Floats:
        return _each(metric, values, weights)

    return cluster_bootstrap(kinds, trial.people, value, level=level, draws=draws, seed=seed, method="percentile")


def _each(metric: Callable[[Counts], float], kinds: Floats, weights: Floats) -> Floats:
    """Return METRIC of the counts of KINDS (n,) under each row of WEIGHTS (b, n); (b,)."""
    whole = kinds.astype(np.int64)
    return np.array([metric(_counted(whole, one)) for one in weights])


def _counted(kinds: NDArray[np.int64], weight: Floats) -> Counts:
    return np.bincount(kinds, weight, 4 * POINTS).astype(np.float64).reshape(POINTS, 2, 2)
