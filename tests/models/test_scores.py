"""Metrics of probabilities agree with scikit-learn and with their definitions."""

import math
import warnings
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.models.evaluation import scores

RNG = np.random.default_rng(5)
P = np.round(RNG.beta(1, 4, 600), 2)
Y = (RNG.random(600) < P).astype(int)

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=60).filter(
    lambda rows: {y for y, _ in rows} == {0, 1}
)


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_they_equal_scikit_learn(rows: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    y, p = np.array([y for y, _ in rows]), np.array([n for _, n in rows]) / 20
    inside = np.clip(p, 0.001, 0.999)
    assert scores.log_loss(y, inside) == pytest.approx(metrics.log_loss(y, inside), rel=1e-6)
    assert scores.auc(y, p) == pytest.approx(metrics.roc_auc_score(y, p))
    base = np.full(len(y), y.mean())
    assert scores.explained_entropy(y, base) == pytest.approx(0, abs=1e-9)
    assert scores.explained_entropy(y, inside) == pytest.approx(
        1 - metrics.log_loss(y, inside) / metrics.log_loss(y, base), rel=1e-6
    )


def test_calibration_error_is_what_its_definition_says() -> None:
    edges = np.unique(np.quantile(P, np.arange(1, scores.BINS) / scores.BINS))
    wanted, low = 0.0, -math.inf
    for high in [*edges, math.inf]:
        inside = (low < P) & (high >= P)
        wanted += inside.sum() / len(P) * abs(P[inside].mean() - Y[inside].mean()) if inside.any() else 0
        low = high
    assert scores.calibration_error(Y, P) == pytest.approx(wanted)
    assert scores.calibration_error(Y, np.full(600, Y.mean())) == pytest.approx(0, abs=1e-12)
    assert scores.calibration_error(Y, np.minimum(P + 0.3, 1)) == pytest.approx(0.3, abs=0.05)


def test_several_classes_by_the_probability_of_the_true_one() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    table = RNG.dirichlet([1, 2, 3], 50)
    truth = RNG.integers(0, 3, 50)
    got = scores.several_log_loss(table[np.arange(50), truth])
    assert got == pytest.approx(metrics.log_loss(truth, table, labels=[0, 1, 2]))


@pytest.mark.parametrize("metric", get_args(scores.Metric))
def test_intervals_hold_the_value_and_follow_the_seed(metric: scores.Metric) -> None:
    got = scores.interval(metric, Y, P, draws=300)
    assert got.value == pytest.approx(getattr(scores, metric)(Y, P))
    assert math.isfinite(got.low)
    assert math.isfinite(got.high)
    assert got.low < got.high
    assert got == scores.interval(metric, Y, P, draws=300)
    people = scores.interval(metric, Y, P, np.arange(600) // 3, draws=300)
    assert people.n == 200
    assert people.value == pytest.approx(got.value)
    assert set(scores.METRICS) == set(get_args(scores.Metric))


def test_an_interval_of_auc_agrees_with_the_closed_form() -> None:
    got = scores.interval("auc", Y, P, draws=1000)
    a, ones, zeros = got.value, Y.sum(), (1 - Y).sum()
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = math.sqrt((a * (1 - a) + (ones - 1) * (q1 - a * a) + (zeros - 1) * (q2 - a * a)) / (ones * zeros))
    assert (got.high - got.low) / 2 == pytest.approx(1.96 * error, rel=0.25)


def test_paired_differences_are_narrower() -> None:
    worse = np.clip(P * 0.5 + 0.1, 0.001, 0.999)
    gap = scores.difference("explained_entropy", Y, np.clip(P, 0.001, 0.999), worse, draws=300)
    assert gap.low > 0
    same = scores.difference("auc", Y, P, P, draws=300)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_accuracy_by_wilson_and_by_people() -> None:
    truth, said = np.array(["a", "b"] * 50), np.array(["a", "a"] * 50)
    got = scores.accuracy(truth, said)
    assert got.value == 0.5
    assert got.method == "wilson"
    people = scores.accuracy(truth, said, np.arange(100) // 10)
    assert people.method == "korn-graubard"
    assert people.low < got.low < got.high < people.high
    certain = scores.accuracy(truth, truth)
    assert (certain.value, certain.high) == (1, 1)
    assert certain.low < 0.98


def test_no_warning_where_a_probability_is_certain() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scores.log_loss([1, 0], [1.0, 0.0]) == pytest.approx(0)
        assert scores.log_loss([1], [0.0]) == pytest.approx(-math.log(scores.LEAST))


@pytest.mark.parametrize(
    ("label", "p", "said"),
    [
        ([], [], "at least one"),
        ([1], [0.5, 0.5], "at least one"),
        ([2], [0.5], "labels are 0 or 1"),
        ([1], [1.5], "probabilities"),
        ([math.nan], [0.5], "labels has nan"),
        ([1], [math.nan], "p has nan"),
    ],
)
def test_bad_rows_are_refused(label: list[float], p: list[float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        scores.log_loss(label, p)


def test_constant_labels_are_refused_where_they_say_nothing() -> None:
    for metric in (scores.auc, scores.explained_entropy):
        with pytest.raises(UsageError, match="all labels are the same"):
            metric([1, 1], [0.5, 0.6])
    with pytest.raises(UsageError, match="no metric"):
        scores.interval("f2", [1, 0], [0.5, 0.6])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="truth and said"):
        scores.accuracy([], [])
