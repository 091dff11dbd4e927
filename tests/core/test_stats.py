import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core import stats
from consentinel.core.errors import MissingExtra, UsageError


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.5, 0.999))
def test_wilson_holds_the_estimate_and_mirrors(a: int, b: int, level: float) -> None:
    n, k = max(a, b), min(a, b)
    got = stats.wilson(k, n, level)
    other = stats.wilson(n - k, n, level)
    assert 0 <= got.low <= got.high <= 1
    assert got.low == pytest.approx(1 - other.high, abs=1e-12)
    if n:
        assert got.low <= got.value <= got.high


@pytest.mark.parametrize("method", [stats.wilson, stats.clopper_pearson])
def test_nothing_seen_means_everything_is_possible(method: object) -> None:
    got = method(0, 0)  # type: ignore[operator]
    assert (got.low, got.high, got.n) == (0.0, 1.0, 0)
    assert math.isnan(got.value)


@pytest.mark.parametrize("method", [stats.wilson, stats.clopper_pearson])
def test_one_sided_bounds(method: object) -> None:
    both = method(40, 50, 0.9)  # type: ignore[operator]
    lower, upper = (method(40, 50, 0.95, side=side) for side in ("lower", "upper"))  # type: ignore[operator]
    assert (lower.low, lower.high) == (pytest.approx(both.low), 1.0)
    assert (upper.low, upper.high) == (0.0, pytest.approx(both.high))


@pytest.mark.parametrize(
    ("successes", "n", "level"),
    [(2, 1, 0.95), (-1, 3, 0.95), (0, -1, 0.95), (1.5, 3, 0.95), (math.nan, 3, 0.95), (1, math.nan, 0.95)]
    + [(1, 2, level) for level in (0, 1, -0.1, 95, math.nan)],
)
@pytest.mark.parametrize("method", [stats.wilson, stats.clopper_pearson])
def test_bad_counts_and_levels_are_refused(method: object, successes: float, n: float, level: float) -> None:
    with pytest.raises(UsageError):
        method(successes, n, level)  # type: ignore[operator]


def test_unknown_side_is_refused() -> None:
    with pytest.raises(UsageError, match="both, lower, upper"):
        stats.wilson(1, 2, side="left")  # type: ignore[arg-type]


def test_mean_interval_of_little_and_of_nan() -> None:
    assert stats.mean_interval([3.0]).low == -math.inf
    assert stats.mean_interval([]).n == 0
    with pytest.raises(UsageError, match="position 1"):
        stats.mean_interval([1.0, math.nan])


def test_constant_values_have_a_point_interval() -> None:
    got = stats.mean_interval([2.0, 2.0, 2.0])
    assert (got.low, got.value, got.high) == (2.0, 2.0, 2.0)


def test_adjusted_p_values_keep_the_order_given() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert stats.holm(p).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.benjamini_hochberg(p).tolist() == pytest.approx([0.02, 0.04, 0.04, 0.02])
    for adjust in (stats.holm, stats.benjamini_hochberg, stats.benjamini_yekutieli):
        assert adjust([]).size == 0
        for bad in ([0.1, math.nan], [1.1], [-0.1]):
            with pytest.raises(UsageError):
                adjust(bad)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_are_ordered_by_strictness(p: list[float]) -> None:
    bh, by, holm = stats.benjamini_hochberg(p), stats.benjamini_yekutieli(p), stats.holm(p)
    assert (bh >= p).all()
    assert (bh <= by + 1e-12).all()
    assert (bh <= holm + 1e-12).all()
    assert max(bh.max(), by.max(), holm.max()) <= 1


def test_sample_size_of_zero_errors() -> None:
    assert stats.sample_size_zero_errors(0.994) == 498
    assert stats.sample_size_zero_errors(0.5, 0.5) == 1
    assert stats.sample_size_zero_errors(0.5, 0.75) == 2
    for bad in (0, 1, math.nan):
        with pytest.raises(UsageError):
            stats.sample_size_zero_errors(bad)


@pytest.mark.parametrize("bound", [0.8, 0.95, 0.99, 0.994, 0.999])
def test_sample_size_agrees_with_the_exact_interval(bound: float) -> None:
    n = stats.sample_size_zero_errors(bound)
    assert stats.clopper_pearson(n, n, side="lower").low >= bound - 1e-12
    assert stats.clopper_pearson(n - 1, n - 1, side="lower").low < bound


def test_power_grows_with_the_gap_and_is_the_level_without_one() -> None:
    assert stats.power_two_proportions(0.3, 0.3, 200, 100) == pytest.approx(0.05)
    assert stats.power_two_proportions(0.3, 0.5, 200, 100) > stats.power_two_proportions(0.3, 0.4, 200, 100)
    assert stats.power_two_proportions(0.0, 0.0, 10, 10) == 0.0
    assert stats.power_two_proportions(0.0, 1.0, 10, 10) == 1.0
    for bad in ((math.nan, 0.5, 5, 5), (0.5, 1.5, 5, 5), (0.5, 0.5, 0, 5)):
        with pytest.raises(UsageError):
            stats.power_two_proportions(*bad)


def test_fisher_without_trials_says_nothing() -> None:
    assert stats.fisher_exact(0, 0, 3, 5).p == 1.0


def test_without_scipy_the_light_part_works(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_NoSciPy(), *sys.meta_path])
    assert stats.wilson(9, 10).low < 0.9
    assert stats.benjamini_hochberg([0.5]).tolist() == [0.5]
    assert 0 < stats.power_two_proportions(0.1, 0.2, 50, 50) < 1
    for call in (lambda: stats.clopper_pearson(9, 10), lambda: stats.mean_interval([1.0, 2.0])):
        with pytest.raises(MissingExtra, match=r"consentinel\[learn\]"):
            call()


class _NoSciPy:
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "scipy":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.real
def test_importing_it_loads_no_scipy() -> None:
    program = "import sys, consentinel.core.resample; assert not any(m.startswith('scipy') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})


@given(st.integers(0, 40), st.integers(1, 40), st.integers(1, 6))
def test_clusters_that_all_say_the_same_count_once(yes: int, no: int, rows: int) -> None:
    pytest.importorskip("scipy")
    said, names = [1] * yes + [0] * no, list(range(yes + no))
    wanted = stats.clopper_pearson(yes, yes + no)
    got = stats.korn_graubard([s for s in said for _ in range(rows)], [n for n in names for _ in range(rows)])
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert got.n == rows * (yes + no)


def test_rows_that_spread_over_clusters_count_nearly_for_themselves() -> None:
    pytest.importorskip("scipy")
    said = [1] * 399 + [0]
    one, all_ = stats.clopper_pearson(99, 100), stats.clopper_pearson(399, 400)
    got = stats.korn_graubard(said, [n % 100 for n in range(400)])
    assert one.low < got.low <= all_.low + 1e-12
    assert got.value == 399 / 400


def test_hits_and_clusters_have_to_fit() -> None:
    pytest.importorskip("scipy")
    assert (stats.korn_graubard([], []).low, stats.korn_graubard([], []).high) == (0.0, 1.0)
    for hits, clusters in (([1, 0], ["a"]), ([0.5], ["a"])):
        with pytest.raises(UsageError, match="one cluster"):
            stats.korn_graubard(hits, clusters)


def test_a_ratio_over_clusters() -> None:
    rng = np.random.default_rng(1)
    half = rng.normal(size=20)
    even = np.concatenate([half, -half])  # no skewness: Student's t itself
    ours, theirs = stats.cluster_ratio_interval(even, np.ones(40), np.arange(40)), stats.mean_interval(even)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    rows = np.repeat(np.arange(30), 2)  # two equal rows of each are worth one
    values = rng.gamma(2.0, 1.0, 30)
    once = stats.cluster_ratio_interval(values, np.ones(30), np.arange(30))
    twice = stats.cluster_ratio_interval(values[rows], np.ones(60), rows)
    assert (twice.value, twice.low, twice.high) == pytest.approx((once.value, once.low, once.high))
    assert once.high - once.value > once.value - once.low  # the long tail is above
    alike = stats.cluster_ratio_interval([0.5, 0.5], [1.0, 1.0], ["a", "b"])
    assert (alike.low, alike.high) == (0.5, 0.5)
    assert stats.cluster_ratio_interval([0.5], [1.0], ["a"]).high == math.inf


def test_the_interval_of_a_skewed_ratio_holds_the_truth() -> None:
    rng = np.random.default_rng(2)
    below = above = 0
    for _ in range(1500):
        size = rng.uniform(0.5, 2.0, 60)
        found = stats.cluster_ratio_interval(size * rng.gamma(1.0, 0.01, 60), size, np.arange(60))
        below, above = below + (found.high < 0.01), above + (found.low > 0.01)
    assert 0.015 < below / 1500 < 0.05
    assert 0.01 < above / 1500 < 0.04
