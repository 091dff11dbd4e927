"""Intervals, tests, multiple testing and power: the one statistical engine of every room.

Wilson's interval, multiple testing and power need no SciPy; exact and t intervals and Fisher's test take it from the
[learn] extra when they are called. Bootstrap and permutation live in `resample.py`. An interval that the data cannot
support is returned as wide as it is ([0, 1] or all numbers), never dropped.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need

__all__ = [
    "Interval",
    "Test",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "clopper_pearson",
    "cluster_ratio_interval",
    "finite",
    "fisher_exact",
    "holm",
    "korn_graubard",
    "mean_interval",
    "power_two_proportions",
    "sample_size_zero_errors",
    "sigmoid",
    "tail",
    "wilson",
]

Floats = NDArray[np.float64]
Side = Literal["both", "lower", "upper"]
_FEW = 12  # clusters at which half of a measured skewness counts


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval [low, high] from n observations (rows, or clusters where there are)."""

    value: float
    low: float
    high: float
    n: int
    level: float
    method: str


@dataclass(frozen=True)
class Test:
    """The statistic of a test and its two-sided p-value."""

    __test__ = False  # not for pytest to collect

    statistic: float
    p: float
    method: str


# Proportions and means


def wilson(successes: int, n: int, level: float = 0.95, *, side: Side = "both") -> Interval:
    """Return Wilson's score interval of a proportion.

    Arguments: successes out of n independent trials; level in (0, 1); side "lower" or "upper" bounds one side only.
    n = 0 gives [0, 1]. Raises UsageError. Source: Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1.
    """
    _counts(successes, n)
    z = NormalDist().inv_cdf(1 - tail(level, side))
    if n == 0:
        return Interval(math.nan, 0.0, 1.0, 0, level, "wilson")
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 or side == "upper" else max(0.0, centre - half)
    high = 1.0 if successes == n or side == "lower" else min(1.0, centre + half)
    return Interval(share, low, high, n, level, "wilson")


def clopper_pearson(successes: int, n: int, level: float = 0.95, *, side: Side = "both") -> Interval:
    """Return the exact interval of a proportion, which covers at least LEVEL whatever the truth is.

    Arguments as `wilson`. Raises UsageError; MissingExtra without SciPy. Source: Clopper and Pearson 1934.
    """
    _counts(successes, n)
    alpha = tail(level, side)
    if n == 0:
        return Interval(math.nan, 0.0, 1.0, 0, level, "clopper-pearson")
    beta = need("scipy.special", extra="learn").betaincinv
    low = 0.0 if successes == 0 or side == "upper" else float(beta(successes, n - successes + 1, alpha))
    high = 1.0 if successes == n or side == "lower" else float(beta(successes + 1, n - successes, 1 - alpha))
    return Interval(successes / n, low, high, n, level, "clopper-pearson")


def korn_graubard(hits: ArrayLike, clusters: ArrayLike, level: float = 0.95) -> Interval:
    """Return the exact interval of a share of HITS (0 or 1, shape (n,)) that come in CLUSTERS (labels, shape (n,)).

    Clopper-Pearson with the effective number of trials that the variance between clusters gives: at most n, and never
    below the number of clusters, which it is where a cluster's rows all say the same or nothing varies. No rows give
    [0, 1]. Raises UsageError; MissingExtra without SciPy. Source: Korn and Graubard 1998.
    """
    said, labels = finite(hits, "hits"), np.asarray(clusters)
    alpha = tail(level, "both")
    if labels.shape != said.shape or not np.isin(said, (0.0, 1.0)).all():
        raise UsageError("hits are 0 or 1, with one cluster for each")
    if not said.size:
        return Interval(math.nan, 0.0, 1.0, 0, level, "korn-graubard")
    beta = need("scipy.special", extra="learn").betaincinv
    share, (names, cluster) = float(said.mean()), np.unique(labels, return_inverse=True)
    off = np.bincount(cluster, said - share)
    spread = len(names) / max(1, len(names) - 1) * float((off * off).sum()) / said.size**2
    trials = min(said.size, max(len(names), share * (1 - share) / spread)) if spread else len(names)
    low = float(beta(share * trials, trials - share * trials + 1, alpha)) if share > 0 else 0.0
    high = float(beta(share * trials + 1, trials - share * trials, 1 - alpha)) if share < 1 else 1.0
    return Interval(share, low, high, said.size, level, "korn-graubard")


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Return Student's t interval of the mean of independent VALUES, shape (n,).

    Fewer than two values give all numbers. Raises UsageError for NaN; MissingExtra without SciPy.
    """
    numbers = finite(values, "values")
    alpha = tail(level, "both")
    n = numbers.size
    centre = float(numbers.mean()) if n else math.nan
    if n < 2:
        return Interval(centre, -math.inf, math.inf, n, level, "t")
    t = float(need("scipy.special", extra="learn").stdtrit(n - 1, 1 - alpha))
    half = t * float(numbers.std(ddof=1)) / math.sqrt(n)
    return Interval(centre, centre - half, centre + half, n, level, "t")


def cluster_ratio_interval(top: ArrayLike, bottom: ArrayLike, clusters: ArrayLike, level: float = 0.95) -> Interval:
    """Return the interval of sum(TOP) / sum(BOTTOM), both (n,), of rows in CLUSTERS (labels, (n,)).

    Student's t of what each cluster adds, bent for its skewness, which is drawn towards none where clusters are few.
    Clusters count by how even their parts of the bottom are. A mean has ones at the BOTTOM. Fewer than two clusters
    give all numbers. Raises UsageError; MissingExtra without SciPy.
    Source: Cochran 1977, section 9A (ratios); Hall 1992 (removing skewness by a cubic).
    """
    above, below = finite(top, "top"), finite(bottom, "bottom")
    alpha, names = tail(level), np.unique(np.asarray(clusters), return_inverse=True)[1]
    n, total = int(names.max(initial=-1)) + 1, float(below.sum())
    value = float(above.sum()) / total if total else math.nan
    if n < 2 or not total:
        return Interval(value, -math.inf, math.inf, n, level, "clusters, t bent for skewness")
    share = np.bincount(names, below) / total
    part = np.bincount(names, above - value * below) / total / np.sqrt(np.maximum(1 - share, 1 / n))
    error, free = math.sqrt(float(part @ part)), max(1.0, 1 / float(share @ share) - 1)
    t = float(need("scipy.special", extra="learn").stdtrit(free, 1 - alpha))
    bend = float(((part / error) ** 3).sum()) * n / (n + _FEW) if error > 0 else 0.0
    arms = [value - error * _unbent(side, bend) for side in (t, -t)]
    return Interval(value, min(arms), max(arms), n, level, "clusters, t bent for skewness")


def _unbent(t: float, bend: float) -> float:
    """Return the statistic whose cubic is T, for skewness over the square root of n BEND."""
    if abs(bend) < 1e-9:
        return t
    return 3 / bend * (math.copysign(abs(1 + bend * (t - bend / 6)) ** (1 / 3), 1 + bend * (t - bend / 6)) - 1)


def fisher_exact(successes_a: int, n_a: int, successes_b: int, n_b: int) -> Test:
    """Test whether two proportions are equal, exactly. Statistic: the difference of the two proportions.

    Raises UsageError; MissingExtra without SciPy. Source: Fisher 1935, two-sided by probabilities.
    """
    _counts(successes_a, n_a)
    _counts(successes_b, n_b)
    if n_a == 0 or n_b == 0:
        return Test(math.nan, 1.0, "fisher")
    table = [[successes_a, n_a - successes_a], [successes_b, n_b - successes_b]]
    p = float(need("scipy.stats", extra="learn").fisher_exact(table).pvalue)
    return Test(successes_a / n_a - successes_b / n_b, p, "fisher")


# Multiple testing: adjusted p-values, shape (m,), in the order given; reject where adjusted <= the wanted rate


def holm(p: ArrayLike) -> Floats:
    """Return p-values adjusted so that the chance of any false rejection is bounded (Holm 1979)."""
    numbers = _p_values(p)
    m = numbers.size
    order = np.argsort(numbers, kind="stable")
    stepped = np.maximum.accumulate(numbers[order] * (m - np.arange(m)))
    return _back(np.minimum(stepped, 1.0), order)


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(x))
    found: Floats = np.where(x >= 0, 1.0, small) / (1 + small)
    return found


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Return p-values adjusted for the false discovery rate of independent or positively dependent tests.

    Source: Benjamini and Hochberg 1995.
    """
    return _step_up(_p_values(p), 1.0)


def benjamini_yekutieli(p: ArrayLike) -> Floats:
    """Return p-values adjusted for the false discovery rate under any dependence (Benjamini and Yekutieli 2001)."""
    numbers = _p_values(p)
    return _step_up(numbers, float((1.0 / np.arange(1, numbers.size + 1)).sum()))


def _step_up(numbers: Floats, factor: float) -> Floats:
    m = numbers.size
    order = np.argsort(numbers, kind="stable")
    scaled = numbers[order] * (factor * m / np.arange(1, m + 1))  # the factor is at least 1: never below p
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _back(ordered: Floats, order: NDArray[np.intp]) -> Floats:
    out = np.empty_like(ordered)
    out[order] = ordered
    return out


# Power


def power_two_proportions(p1: float, p2: float, n1: int, n2: int, level: float = 0.95) -> float:
    """Return the chance that the two-sided z-test at LEVEL tells proportion P1 (n1 trials) from P2 (n2 trials).

    Source: Fleiss, Levin and Paik 2003, section 4.3 (pooled variance under the null hypothesis).
    """
    alpha = tail(level, "both")
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1):  # also false for NaN
        raise UsageError(f"proportions are in [0, 1], got {p1} and {p2}")
    if n1 < 1 or n2 < 1:
        raise UsageError(f"power needs at least one trial on each side, got {n1} and {n2}")
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    true = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    reach, gap = NormalDist().inv_cdf(1 - alpha) * null, p1 - p2
    if true == 0:
        return float(abs(gap) > reach)
    return NormalDist().cdf((gap - reach) / true) + NormalDist().cdf((-gap - reach) / true)


def sample_size_zero_errors(bound: float, level: float = 0.95) -> int:
    """Return how many trials without one error prove a success rate of at least BOUND, one-sided at LEVEL.

    It is the smallest n whose `clopper_pearson(n, n, level, side="lower")` reaches the bound: 498 for 0.994.
    """
    alpha = tail(level, "lower")
    if not 0 < bound < 1:
        raise UsageError(f"a bound is in (0, 1), got {bound}")
    n = max(1, math.ceil(math.log(alpha) / math.log(bound) - 1e-9))
    return n if bound**n <= alpha * (1 + 1e-12) else n + 1


# Checks


def tail(level: float, side: str = "both") -> float:
    """Return the error rate in one tail of an interval at LEVEL; raises UsageError for a level outside (0, 1)."""
    if not 0 < level < 1:  # also false for NaN
        raise UsageError(f"a level is in (0, 1), for example 0.95; got {level}")
    if side not in ("both", "lower", "upper"):
        raise UsageError(f"no side '{side}'; there is: both, lower, upper")
    return (1 - level) / (2 if side == "both" else 1)


def _counts(successes: int, n: int) -> None:
    whole = all(isinstance(count, int | np.integer) for count in (successes, n))
    if not whole or not 0 <= successes <= n:
        raise UsageError(f"counts are whole numbers with 0 <= successes <= n; got {successes} of {n}")


def finite(values: ArrayLike, name: str) -> Floats:
    """Return VALUES as float64, shape (n,); raises UsageError naming NAME and the first NaN or infinity."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise UsageError(f"{name} should have shape (n,), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        at = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise UsageError(f"{name} has {numbers[at]} at position {at}; remove or impute such values first")
    return numbers


def _p_values(p: ArrayLike) -> Floats:
    numbers = finite(p, "p-values")
    if ((numbers < 0) | (numbers > 1)).any():
        raise UsageError("p-values are in [0, 1]")
    return numbers
