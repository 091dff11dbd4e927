"""EASE against regressions solved one by one."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.models.pieces.logs import Log, log_of
from consentinel.models.recommend import ease


def made(seed: int = 3, people: int = 40, items: int = 9) -> Log:
    user, item = np.nonzero(np.random.default_rng(seed).random((people, items)) < np.linspace(0.2, 0.7, items))
    return log_of(pa.table({"user": [f"u{u}" for u in user], "item": [f"i{i}" for i in item]}))


def regressed(x: NDArray[np.float64], penalty: NDArray[np.float64]) -> NDArray[np.float64]:
    n = x.shape[1]
    found = np.zeros((n, n))
    for j in range(n):
        others = np.arange(n) != j
        gram = x[:, others].T @ x[:, others] + np.diag(penalty[others])
        found[others, j] = np.linalg.solve(gram, x[:, others].T @ x[:, j])
    return found


@pytest.mark.parametrize("double", [False, True])
def test_each_column_is_the_ridge_regression_of_an_item_on_the_others(double: bool) -> None:
    log = made()
    x = log.seen().toarray().astype(float)
    found = ease.fit(log, ease.SETTINGS(reg=7.0, double=double), 0).weights
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, regressed(x, np.full(9, 7.0)), atol=2e-5)


def test_dropout_raises_the_penalty_of_popular_items() -> None:
    log = made()
    x = log.seen().toarray().astype(float)
    found = ease.fit(log, ease.SETTINGS(reg=2.0, dropout=0.25, double=True), 0).weights
    np.testing.assert_allclose(found, regressed(x, 2 + (0.25 / 0.75) * x.sum(axis=0)), atol=1e-6)


def test_powers_scale_people_and_items() -> None:
    log = made()
    x = log.seen().toarray().astype(float)
    item = x.sum(axis=0) ** 0.3
    scaled = x / x.sum(axis=1, keepdims=True) ** 0.2 / item
    found = ease.fit(log, ease.SETTINGS(reg=0.5, person_power=0.2, item_power=0.3, double=True), 0).weights
    np.testing.assert_allclose(found, regressed(scaled, np.full(9, 0.5)) / item[:, None] * item, atol=1e-5)


def test_keep_leaves_the_strongest_weights_of_each_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "_ROWS", 4)  # several blocks
    log = made()
    whole = ease.fit(log, ease.SETTINGS(reg=7.0), 0).weights
    kept = ease.fit(log, ease.SETTINGS(reg=7.0, keep=3), 0).weights.toarray()
    for j in range(9):
        strong = np.sort(np.argsort(-np.abs(whole[:, j]), kind="stable")[:3])
        assert np.flatnonzero(kept[:, j]).tolist() == strong.tolist()
        assert kept[strong, j].tolist() == whole[strong, j].tolist()


def test_a_regularisation_that_cannot_be_solved_for_is_told() -> None:
    table = pa.table({"user": ["a", "a", "b", "b"], "item": ["x", "y", "x", "y"]})
    with pytest.raises(UsageError, match="too small to solve"):
        ease.fit(log_of(table), ease.SETTINGS(reg=1e-30), 0)
