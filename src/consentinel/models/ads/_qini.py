"""The Qini coefficient of an uplift model on randomised rows, with an interval over rows."""

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.resample import cluster_bootstrap
from consentinel.core.stats import Interval

__all__ = ["qini"]

Floats = NDArray[np.float64]


def qini(
    score: Floats, treatment: Floats, label: Floats, *, seed: int, draws: int = 500, points: int = 200
) -> Interval:
    """Return the Qini coefficient of SCORE with a bootstrap interval.

    Arguments, shape (n,): the estimated uplift; who was treated at random, 0 or 1; the outcome. Rows are cut into about
    POINTS groups of falling score, equal scores together. The value is the mean over groups of the gain in outcomes per
    row when the best groups are treated, over treating as many at random; 0 for random scores. Raises UsageError.
    Source: Radcliffe 2007.
    """
    treated = np.asarray(treatment, dtype=np.float64)
    if not np.isin(treated, (0.0, 1.0)).all() or len(np.unique(treated)) < 2:
        raise UsageError("treatment is 0 or 1, and both are there")
    _, falling = np.unique(-np.asarray(score, dtype=np.float64), return_inverse=True)
    share = np.cumsum(np.bincount(falling)) / len(falling)
    group = np.minimum((share * points - 1e-9).astype(np.int64), points - 1)[falling]
    kinds = group * 4 + 2 * treated.astype(np.int64) + np.asarray(label, dtype=np.int64)

    def value(values: Floats, weights: Floats) -> Floats:
        found = np.empty(len(weights))
        for at, weight in enumerate(weights):
            count = np.bincount(values.astype(np.int64), weight, 4 * points).reshape(points, 2, 2)
            rows, ones = np.cumsum(count.sum(axis=2), axis=0), np.cumsum(count[:, :, 1], axis=0)
            with np.errstate(invalid="ignore", divide="ignore"):
                rate = np.where(rows > 0, ones / rows, 0.0)
            upto = rows.sum(axis=1)
            gain = (rate[:, 1] - rate[:, 0]) * upto / upto[-1]
            found[at] = (gain - gain[-1] * upto / upto[-1]).mean()
        return found

    return cluster_bootstrap(kinds, np.arange(len(kinds)), value, draws=draws, seed=seed, method="percentile")
