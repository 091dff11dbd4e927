"""Trees as arrays give what LightGBM gives, and hostile arrays are refused."""

from dataclasses import replace

import numpy as np
import pytest

from consentinel.core.errors import BadInput
from consentinel.detect.judges._trees import Trees

STUMP = Trees(
    np.array([0], np.int32), np.array([0, 0, 0], np.int16), np.array([0.5, 0, 0]), np.array([1, 1, 2], np.int32),
    np.array([2, 1, 2], np.int32), np.array([0.0, -1.0, 2.0]),
)  # fmt: skip


def test_a_row_goes_left_where_it_is_at_most_the_cut() -> None:
    assert STUMP.score(np.array([[0.4], [0.5], [0.6]])).tolist() == [-1.0, -1.0, 2.0]


def test_scores_are_those_of_lightgbm() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="needs consentinel[learn]")
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 5))
    truth = (rows[:, 0] * rows[:, 1] > 0).astype(float)
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "use_missing": False}
    data = lightgbm.Dataset(rows, truth, params={"verbosity": -1})
    booster = lightgbm.train(settings, data, 20)
    forest = Trees.taken(booster.dump_model())
    assert np.allclose(forest.score(rows), booster.predict(rows, raw_score=True))
    again = Trees.read(forest.arrays(), 5)
    assert np.array_equal(again.score(rows), forest.score(rows))


@pytest.mark.parametrize(
    "broken",
    [
        {"left": np.array([0, 1, 2], np.int32)},  # a node that is its own left child only: a walk would not end
        {"right": np.array([9, 1, 2], np.int32)},
        {"roots": np.array([7], np.int32)},
        {"feature": np.array([4, 0, 0], np.int16)},
        {"value": np.array([0.0, np.nan, 1.0])},
        {"cut": np.array([0.5])},
    ],
)
def test_what_is_no_forest_is_refused(broken: dict[str, np.ndarray]) -> None:
    with pytest.raises(BadInput):
        Trees.read(replace(STUMP, **broken).arrays(), 1)


def test_missing_arrays_are_told() -> None:
    with pytest.raises(BadInput, match="no trees"):
        Trees.read({}, 1)
