"""Intervals of statistics without a natural range, from what each cluster adds to their error; and of ratios."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.assure.measure import Better, Measure
from consentinel.core.extras import need
from consentinel.core.stats import Interval, tail

__all__ = ["linear", "log_ratio_parts"]

Floats = NDArray[np.float64]
METHOD = "linearised over clusters, t"
POWER = 0.8


def linear(
    metric: str,
    value: float,
    influence: ArrayLike,
    level: float,
    place: str = "",
    against: str = "",
    *,
    null: float | None = None,
    better: Better = "",
    why: str = "",
) -> Measure:
    """Return METRIC with Student's t interval of VALUE, to whose error each cluster adds its INFLUENCE (n,), sum 0.

    Clusters with no influence are not counted. Fewer than two leave the interval infinite. Source: linearisation
    (Huber 1967); t with one less degrees of freedom than clusters.
    """
    parts = np.asarray(influence, np.float64)
    n = int((parts != 0).sum())
    if n < 2 or not math.isfinite(value):
        if not math.isfinite(value):
            return Measure(metric, None, place, against, why=why or "there is nothing that it counts")
        return Measure(metric, Interval(value, -math.inf, math.inf, n, level, METHOD), place, against, better=better,
                       why=why or f"{n} people stand behind it; an interval needs two")  # fmt: skip
    special = need("scipy.special", extra="learn")
    error = math.sqrt(float(parts @ parts) * n / (n - 1))
    t = float(special.stdtrit(n - 1, 1 - tail(level)))
    estimate = Interval(value, value - t * error, value + t * error, n, level, METHOD)
    if null is None:
        return Measure(metric, estimate, place, against, better=better, why=why)
    p = 2 * float(special.stdtr(n - 1, -abs(value - null) / error)) if error else float(value == null)
    reach = (t + float(special.stdtrit(n - 1, POWER))) * error
    return Measure(metric, estimate, place, against, null, p, reach, better, why)


def log_ratio_parts(top: ArrayLike, bottom: ArrayLike) -> tuple[float, Floats]:
    """Return log(sum TOP / sum BOTTOM) and what each cluster (n,) adds to its error."""
    above, below = np.asarray(top, np.float64), np.asarray(bottom, np.float64)
    a, b = float(above.sum()), float(below.sum())
    if a <= 0 or b <= 0:
        return math.nan, np.zeros(len(above))
    return math.log(a / b), above / a - below / b
