import math

import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.core.resample import cluster_bootstrap, cluster_totals, mean, permutation_test, ratio
from consentinel.core.rng import generator


def test_equal_seeds_give_equal_intervals() -> None:
    rng = generator(3, "test")
    values, people = rng.normal(size=300), rng.integers(0, 60, 300)
    first = cluster_bootstrap(values, people, level=0.9, draws=500, seed=1)
    assert first == cluster_bootstrap(values, people, level=0.9, draws=500, seed=1)
    assert first != cluster_bootstrap(values, people, level=0.9, draws=500, seed=2)
    assert first.low < first.value < first.high
    assert first.n == len(np.unique(people))


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = generator(4, "test")
    values, people = rng.normal(size=200), np.arange(200) % 50
    whole = cluster_bootstrap(values, people, draws=400, seed=1)
    monkeypatch.setattr("consentinel.core.resample._CELLS", 7 * 200)
    parts = cluster_bootstrap(values, people, draws=400, seed=1)
    assert parts.low == pytest.approx(whole.low)
    assert parts.high == pytest.approx(whole.high)


def test_totals_bootstrap_the_same_as_rows() -> None:
    rng = generator(5, "test")
    values = np.stack([rng.normal(2, 1, 400), rng.uniform(0.5, 1.5, 400)], axis=1)
    people = rng.integers(0, 80, 400)
    rows = cluster_bootstrap(values, people, ratio, draws=300, seed=9)
    totals = cluster_totals(values, people)
    few = cluster_bootstrap(totals, np.arange(len(totals)), ratio, draws=300, seed=9)
    assert (few.value, few.low, few.high) == pytest.approx((rows.value, rows.low, rows.high))
    assert cluster_totals([1.0, 2.0, 4.0], ["b", "a", "b"]).tolist() == [2.0, 5.0]


def test_clusters_matter() -> None:
    people = np.repeat(np.arange(40), 25)
    values = generator(6, "test").normal(size=40)[people]  # all rows of a person are equal
    by_person = cluster_bootstrap(values, people, draws=500, seed=1)
    by_row = cluster_bootstrap(values, np.arange(1000), draws=500, seed=1)
    assert by_person.high - by_person.low > 3 * (by_row.high - by_row.low)


def test_bca_leans_towards_the_long_tail() -> None:
    values = generator(7, "test").lognormal(0, 1.2, 60)
    bca = cluster_bootstrap(values, np.arange(60), draws=4000, seed=1)
    plain = cluster_bootstrap(values, np.arange(60), draws=4000, seed=1, method="percentile")
    assert bca.high > plain.high
    assert bca.low > plain.low


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_fewer_than_two_clusters_support_no_interval(values: list[float]) -> None:
    got = cluster_bootstrap(values, ["a"] * len(values), seed=1)
    assert (got.low, got.high) == (-math.inf, math.inf)


def test_undefined_draws_widen_and_never_vanish() -> None:
    # the denominator lives in one cluster of five: about a third of all draws lack it
    values = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0], [3.0, 0.0], [1.0, 2.0]])
    for method in ("percentile", "bca"):
        got = cluster_bootstrap(values, np.arange(5), ratio, draws=500, seed=1, method=method)  # type: ignore[arg-type]
        assert got.value == 4.0
        assert (got.low, got.high) == (-math.inf, math.inf) or got.high == math.inf


def test_coverage_of_a_mean_over_clusters_of_unequal_size() -> None:
    rng = generator(8, "coverage")
    hits = 0
    for at in range(400):
        sizes = rng.integers(1, 8, 60)
        person = np.repeat(np.arange(60), sizes)
        values = rng.normal(0, 1, 60)[person] + rng.normal(0, 1, len(person))
        got = cluster_bootstrap(values, person, draws=400, seed=at)
        hits += got.low <= 0 <= got.high
    assert 0.91 <= hits / 400 <= 0.98


def test_bad_input_of_the_bootstrap() -> None:
    good = np.ones(4)
    for call in (
        lambda: cluster_bootstrap(good, [1, 2], seed=1),
        lambda: cluster_bootstrap([1.0, math.nan], [1, 2], seed=1),
        lambda: cluster_bootstrap(good, [1.0, 2.0, math.nan, 3.0], seed=1),
        lambda: cluster_bootstrap(good, ["a", None, "b", "c"], seed=1),
        lambda: cluster_bootstrap(good, range(4), draws=10, seed=1),
        lambda: cluster_bootstrap(good, range(4), level=1.0, seed=1),
        lambda: cluster_bootstrap(good, range(4), method="normal", seed=1),  # type: ignore[arg-type]
        lambda: cluster_bootstrap(good, range(4), lambda v, w: mean(v, w)[:1], draws=200, seed=1),
    ):
        with pytest.raises(UsageError):
            call()


def test_permutation_test_by_hand() -> None:
    got = permutation_test([3.0, 4.0, 5.0], [0.0, 1.0, 2.0], seed=1)
    assert got.statistic == 3.0
    assert got.p == pytest.approx(2 / 20)  # of the 20 ways to choose three, the first and its mirror image
    assert got.method == "permutation, exact"
    paired = permutation_test([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], paired=True, seed=1)
    assert paired.p == pytest.approx(2 / 8)


def test_permutation_p_values_are_uniform_without_an_effect() -> None:
    rng = generator(9, "null")
    for paired in (False, True):
        p = [permutation_test(rng.normal(size=15), rng.normal(size=15), paired=paired, draws=199, seed=at).p
             for at in range(300)]  # fmt: skip
        assert min(p) >= 1 / 200  # never 0
        assert abs(np.mean(np.array(p) <= 0.1) - 0.1) < 0.06


def test_monte_carlo_agrees_with_exact() -> None:
    rng = generator(10, "both")
    one, two = rng.normal(0.6, 1, 8), rng.normal(0, 1, 8)
    for paired in (False, True):
        exact = permutation_test(one, two, paired=paired, draws=20_000, seed=1)
        random = permutation_test(one, two, paired=paired, draws=250 if paired else 12_000, seed=1)
        assert exact.method == "permutation, exact"
        assert random.method == "permutation, Monte Carlo"
        assert random.p == pytest.approx(exact.p, abs=0.09 if paired else 0.015)


def test_bad_input_of_the_permutation_test() -> None:
    for call in (
        lambda: permutation_test([], [1.0], seed=1),
        lambda: permutation_test([1.0], [1.0, 2.0], paired=True, seed=1),
        lambda: permutation_test([math.inf], [1.0], seed=1),
        lambda: permutation_test([1.0], [1.0], draws=1, seed=1),
    ):
        with pytest.raises(UsageError):
            call()


def test_many_values_do_not_count_every_exchange() -> None:
    got = permutation_test(np.arange(3000.0), np.arange(3000.0) + 200, draws=200, seed=1)
    assert got.method == "permutation, Monte Carlo"
    assert got.p == pytest.approx(1 / 201)
