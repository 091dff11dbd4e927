"""Calibration is isotonic, and the threshold keeps its promise for groups that nobody saw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.detect.judges._abstain import NEVER, calibrated, risk_threshold, steps


def test_it_is_the_isotonic_regression_of_scikit_learn() -> None:
    isotonic = pytest.importorskip("sklearn.isotonic", reason="needs consentinel[learn]")
    rng = np.random.default_rng(2)
    score = rng.normal(size=20_000)
    truth = (rng.random(20_000) < 1 / (1 + np.exp(-2 * score))).astype(float)
    theirs = isotonic.IsotonicRegression(out_of_bounds="clip").fit(score, truth)
    assert np.abs(calibrated(score, steps(score, truth)) - theirs.predict(score)).mean() < 0.005


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=60))
def test_probabilities_rise_with_the_score_and_are_never_certain(cases: list[tuple[int, bool]]) -> None:
    score, truth = (np.array(column, float) for column in zip(*cases, strict=True))
    p = calibrated(np.sort(score), steps(score, truth))
    assert (np.diff(p) >= 0).all()
    assert ((p > 0) & (p < 1)).all()


def drawn(groups: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    group = np.repeat(np.arange(groups), 40)
    hard = rng.beta(0.3, 3, groups)[group]  # some families are hard
    sure = rng.random(len(group))
    return sure, rng.random(len(group)) < hard * (1 - sure) ** 2, group


def test_the_risk_of_new_groups_is_at_most_the_target_on_average() -> None:
    rng = np.random.default_rng(3)
    target, risks = 0.02, []
    for _ in range(150):
        threshold = risk_threshold(*drawn(300, rng), target)
        sure, wrong, _ = drawn(300, rng)
        decided = sure >= threshold
        risks.append((wrong & decided).mean() / max(decided.mean(), 1e-9))
    assert 0.5 * target < np.mean(risks) <= target * 1.02


def test_few_groups_cannot_promise_a_small_risk() -> None:
    assert risk_threshold([0.9] * 10, [False] * 10, range(10), 0.01) == NEVER
    assert risk_threshold([], [], [], 0.1) == NEVER


def test_rows_of_equal_confidence_go_together() -> None:
    sure = np.array([0.9] * 500 + [0.8] * 500)
    wrong = np.arange(1000) >= 900
    assert risk_threshold(sure, wrong, np.arange(1000), 0.05) == 0.9
    assert risk_threshold(sure, wrong, np.arange(1000), 0.2) == 0.8
