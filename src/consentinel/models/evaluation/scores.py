"""How good probabilities and labels are: log loss, explained entropy, AUC, calibration error, accuracy.

Each is computed from the columns (label, p) and row weights, so one bootstrap over people serves all of them, and
paired differences between two models too. For several classes give p of the class predicted and label 1 where it was
right; `several_log_loss` takes the probability of the true class.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from consentinel.core.errors import UsageError
from consentinel.core.resample import cluster_bootstrap
from consentinel.core.stats import Floats, Interval, finite
from consentinel.models.evaluation.intervals import share

__all__ = [
    "BINS",
    "LEAST",
    "METRICS",
    "Metric",
    "accuracy",
    "auc",
    "calibration_error",
    "difference",
    "explained_entropy",
    "interval",
    "log_loss",
    "losses",
    "several_log_loss",
]  # fmt: skip

Metric = Literal["log_loss", "explained_entropy", "auc", "calibration_error"]
LEAST = 1e-15  # a probability nearer to 0 or 1 counts as this, or one row could cost infinity
BINS = 15


def losses(label: ArrayLike, p: ArrayLike) -> Floats:
    """Return -ln of the probability given to what happened, shape (n,), in nats; for `intervals`.

    Arguments: label (n,), 0 or 1; p (n,), probability of 1. Raises UsageError.
    """
    y, q = _checked(label, p)
    return np.asarray(-np.log(np.clip(np.where(y == 1, q, 1 - q), LEAST, 1.0)), dtype=np.float64)


def log_loss(label: ArrayLike, p: ArrayLike) -> float:
    """Return the mean of `losses`."""
    return _point("log_loss", label, p)


def several_log_loss(p_true: ArrayLike) -> float:
    """Return the mean log loss in nats of several classes; p_true (n,): the probability given to the true class."""
    p = np.asarray(p_true, dtype=np.float64)
    return log_loss(np.ones(p.shape), p)


def explained_entropy(label: ArrayLike, p: ArrayLike) -> float:
    """Return 1 - log loss / entropy of the base rate: 1 is perfect, 0 is as good as always saying the base rate.

    The base rate is that of LABEL. Raises UsageError for constant labels, which have no entropy.
    Source: He et al. 2014, section 3 (normalised entropy, of which this is 1 minus).
    """
    _both(label)
    return _point("explained_entropy", label, p)


def auc(label: ArrayLike, p: ArrayLike) -> float:
    """Return the chance that a row of label 1 scores above one of label 0, ties counting one half.

    P may be any finite score here. Raises UsageError for constant labels. Source: Hanley and McNeil 1982.
    """
    _both(label)
    return _point("auc", label, p)


def calibration_error(label: ArrayLike, p: ArrayLike) -> float:
    """Return the expected calibration error over BINS bins of equally many rows, equal probabilities in one bin.

    The mean over rows of |mean p - share of 1| of their bin. It is above 0 by chance even for a calibrated model, the
    more the fewer rows a bin has. Source: Naeini et al. 2015; bins of equal mass, Nguyen and O'Connor 2015.
    """
    return _point("calibration_error", label, p)


def accuracy(truth: ArrayLike, said: ArrayLike, cluster: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Return the share of rows where SAID equals TRUTH, texts or numbers, shape (n,), as `intervals.share`."""
    one, two = np.asarray(truth), np.asarray(said)
    if one.shape != two.shape or one.ndim != 1 or not one.size:
        raise UsageError(f"truth and said have shape (n,), with at least one row; got {one.shape} and {two.shape}")
    return share(one == two, cluster, level=level)


def interval(
    metric: Metric,
    label: ArrayLike,
    p: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
    draws: int = 1000,
) -> Interval:
    """Return METRIC with its bootstrap interval over rows, or over whole clusters where CLUSTER (n,) names them.

    A draw with constant labels widens the interval, as `cluster_bootstrap` says. Raises UsageError.
    """
    columns = np.stack(_prepared(metric, label, p), axis=1)
    labels = np.arange(len(columns)) if cluster is None else cluster
    return cluster_bootstrap(columns, labels, _statistic(metric, columns), level=level, draws=draws, seed=seed)


def difference(
    metric: Metric,
    label: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    cluster: ArrayLike | None = None,
    *,
    second_label: ArrayLike | None = None,
    seed: int = 0,
    level: float = 0.95,
    draws: int = 1000,
) -> Interval:
    """Return METRIC of FIRST minus METRIC of SECOND, paired by row: two models on the same rows.

    SECOND_LABEL where a label says whether the model was right, which differs between models.
    """
    ours = np.stack(_prepared(metric, label, first), axis=1)
    theirs = np.stack(_prepared(metric, label if second_label is None else second_label, second), axis=1)
    if len(ours) != len(theirs):
        raise UsageError(f"paired models answered the same rows, got {len(ours)} and {len(theirs)}")
    one, two = _statistic(metric, ours), _statistic(metric, theirs)
    labels = np.arange(len(ours)) if cluster is None else cluster

    def gap(rows: Floats, weights: Floats) -> Floats:
        return one(rows[:, :2], weights) - two(rows[:, 2:], weights)

    columns = np.concatenate([ours, theirs], axis=1)
    return cluster_bootstrap(columns, labels, gap, level=level, draws=draws, seed=seed)


# Each metric as a statistic of (label, p) rows and weights (b, n) -> (b,)


def _losses(rows: Floats) -> Callable[[Floats, Floats], Floats]:
    each = losses(rows[:, 0], rows[:, 1])
    return lambda _, weights: np.asarray(weights @ each / weights.sum(axis=1))


def _entropy(rows: Floats) -> Callable[[Floats, Floats], Floats]:
    loss, y = _losses(rows), rows[:, 0]

    def explained(_: Floats, weights: Floats) -> Floats:
        share = weights @ y / weights.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
            return np.asarray(1 - loss(rows, weights) / entropy)

    return explained


def _auc(rows: Floats) -> Callable[[Floats, Floats], Floats]:
    order = np.argsort(rows[:, 1], kind="stable")
    sorted_p, y = rows[order, 1], rows[order, 0]
    starts = np.flatnonzero(np.append(True, sorted_p[1:] != sorted_p[:-1]))

    def area(_: Floats, weights: Floats) -> Floats:
        moved = weights[:, order]
        ones = np.add.reduceat(moved * y, starts, axis=1)
        zeros = np.add.reduceat(moved * (1 - y), starts, axis=1)
        below = np.cumsum(zeros, axis=1) - zeros / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((ones * below).sum(axis=1) / (ones.sum(axis=1) * zeros.sum(axis=1)))

    return area


def _calibration(rows: Floats) -> Callable[[Floats, Floats], Floats]:
    p, y = rows[:, 1], rows[:, 0]
    edges = np.unique(np.quantile(p, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, p, side="left")
    member = (bins[:, None] == np.arange(len(edges) + 1)).astype(np.float64)

    def error(_: Floats, weights: Floats) -> Floats:
        gaps = np.abs((weights * (p - y)) @ member)
        return np.asarray(gaps.sum(axis=1) / weights.sum(axis=1))

    return error


METRICS: dict[str, Callable[[Floats], Callable[[Floats, Floats], Floats]]] = {
    "log_loss": _losses, "explained_entropy": _entropy, "auc": _auc, "calibration_error": _calibration,
}  # fmt: skip


def _statistic(metric: str, rows: Floats) -> Callable[[Floats, Floats], Floats]:
    return METRICS[metric](rows)


def _point(metric: str, label: ArrayLike, p: ArrayLike) -> float:
    rows = np.stack(_prepared(metric, label, p), axis=1)
    return float(_statistic(metric, rows)(rows, np.ones((1, len(rows))))[0])


def _prepared(metric: str, label: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    if metric not in METRICS:
        raise UsageError(f"no metric '{metric[:40]}'; there is: {', '.join(METRICS)}")
    return _checked(label, p, probability=metric != "auc")


def _checked(label: ArrayLike, p: ArrayLike, *, probability: bool = True) -> tuple[Floats, Floats]:
    y, q = finite(np.asarray(label, dtype=np.float64), "labels"), finite(np.asarray(p, dtype=np.float64), "p")
    if y.shape != q.shape or not y.size:
        raise UsageError(f"labels and p have a value for each row, at least one; got {len(y)} and {len(q)}")
    if not np.isin(y, (0.0, 1.0)).all():
        raise UsageError("labels are 0 or 1")
    if probability and ((q < 0) | (q > 1)).any():
        raise UsageError("p are probabilities, in [0, 1]; scores of another range serve for auc only")
    return y, q


def _both(label: ArrayLike) -> None:
    if len(np.unique(np.asarray(label, dtype=np.float64))) < 2:
        raise UsageError("all labels are the same, so this says nothing; give rows of both kinds")
