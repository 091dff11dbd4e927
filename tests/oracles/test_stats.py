"""core/stats and core/resample against SciPy, statsmodels and exact enumeration."""

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import power_proportions_2indep, proportion_confint

from consentinel.core import stats
from consentinel.core.resample import cluster_bootstrap, permutation_test
from consentinel.core.rng import generator


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(("method", "name"), [(stats.wilson, "wilson"), (stats.clopper_pearson, "beta")])
def test_intervals_of_proportions(method: object, name: str, level: float) -> None:
    for n in (1, 2, 7, 100, 123_456):
        for k in sorted({0, 1, n // 3, n - 1, n}):
            got = method(k, n, level)  # type: ignore[operator]
            low, high = proportion_confint(k, n, 1 - level, method=name)
            assert got.low == pytest.approx(low, abs=1e-9)
            assert got.high == pytest.approx(high, abs=1e-9)
            kind = "wilson" if name == "wilson" else "exact"
            other = scipy.stats.binomtest(k, n).proportion_ci(level, method=kind)
            assert (got.low, got.high) == pytest.approx((other.low, other.high), abs=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_clopper_pearson_covers_for_every_truth(level: float) -> None:
    """Exact coverage: the sum of the binomial probabilities of all counts whose interval holds the truth."""
    for n in (1, 5, 20, 60):
        intervals = [stats.clopper_pearson(k, n, level) for k in range(n + 1)]
        edges = np.array([[i.low, i.high] for i in intervals])
        truths = np.unique(np.concatenate([np.linspace(0, 1, 401), edges.ravel() + 1e-9, edges.ravel() - 1e-9]))
        truths = truths[(truths >= 0) & (truths <= 1)]
        chance = scipy.stats.binom.pmf(np.arange(n + 1)[:, None], n, truths[None, :])
        held = (edges[:, :1] <= truths) & (truths <= edges[:, 1:])
        coverage = (chance * held).sum(axis=0)
        assert coverage.min() >= level - 1e-7


def test_mean_interval() -> None:
    for seed, n in enumerate((2, 5, 300)):
        values = generator(seed, "t").normal(5, 3, n)
        low, high = scipy.stats.t.interval(0.9, n - 1, values.mean(), scipy.stats.sem(values))
        got = stats.mean_interval(values, 0.9)
        assert (got.low, got.high) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize(
    ("adjust", "name"),
    [(stats.holm, "holm"), (stats.benjamini_hochberg, "fdr_bh"), (stats.benjamini_yekutieli, "fdr_by")],
)
def test_multiple_testing(adjust: object, name: str) -> None:
    for seed, m in enumerate((1, 2, 9, 500)):
        p = np.round(generator(seed, "p").beta(0.3, 1, m), 3)  # rounded, so that there are ties
        assert adjust(p) == pytest.approx(multipletests(p, method=name)[1], abs=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize(("p1", "p2", "n1", "n2"), [(0.1, 0.2, 150, 90), (0.5, 0.45, 1000, 2000), (0.9, 0.99, 60, 60)])
def test_power(p1: float, p2: float, n1: int, n2: int) -> None:
    theirs = power_proportions_2indep(p1 - p2, p2, n1, n2 / n1, alpha=0.05, return_results=False)
    assert stats.power_two_proportions(p1, p2, n1, n2) == pytest.approx(float(theirs), abs=1e-6)


def test_fisher() -> None:
    got = stats.fisher_exact(8, 10, 1, 6)
    assert got.p == pytest.approx(scipy.stats.fisher_exact([[8, 2], [1, 5]])[1])
    assert got.statistic == pytest.approx(0.8 - 1 / 6)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_of_rows(method: str) -> None:
    values = generator(1, "skewed").gamma(2, 1, 80)
    ours = cluster_bootstrap(values, np.arange(80), draws=20_000, seed=1, method=method)  # type: ignore[arg-type]
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method=method, rng=np.random.default_rng(2)
    ).confidence_interval
    width = ours.high - ours.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


@pytest.mark.parametrize("paired", [False, True])
def test_exact_permutation(paired: bool) -> None:
    rng = generator(2, "two")
    one, two = rng.normal(0.7, 1, 7), rng.normal(0, 1, 7)
    theirs = scipy.stats.permutation_test(
        (one, two),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=np.inf,
    )
    got = permutation_test(one, two, paired=paired, seed=1)
    assert got.method == "permutation, exact"
    assert got.p == pytest.approx(theirs.pvalue)
