"""Two stages: candidates, what is put first, and settings of the retrievers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.pieces.logs import Log, log_of
from consentinel.models.recommend import two_stage


def made(people: int = 120, items: int = 24) -> Log:
    rng = np.random.default_rng(11)
    likes = np.where((np.arange(people)[:, None] % 3) == np.arange(items) % 3, 0.7, 0.04)
    user, item = np.nonzero(rng.random((people, items)) < likes)
    return log_of(pa.table({"user": [f"u{u:03}" for u in user], "item": [f"i{i:02}" for i in item]}))


def fitted(log: Log, **asked: Any) -> two_stage._TwoStage:
    told: dict[str, Any] = {"retrievers": "ease:reg=5:dropout=0.1+popularity", "depth": 4, "trees": 20, "held": 0.3}
    return two_stage.fit(log, two_stage.SETTINGS(**told | asked), 3)


def test_candidates_stand_above_all_others_and_the_forest_beats_popularity() -> None:
    log = made()
    model = fitted(log)
    assert sorted(model.retrievers) == ["ease", "popularity"]
    people, seen = np.arange(len(log.users), dtype=np.int32), log.seen()
    scores = model.scores(people, seen)
    stage = two_stage._candidates(list(model.retrievers.values()), people, seen, log.people(), 4)
    candidate = np.zeros(scores.shape, bool)
    candidate[stage.rows, stage.items] = True
    assert not candidate[seen.toarray() > 0].any()
    assert (np.where(candidate, scores, np.inf).min(axis=1) > np.where(candidate, -np.inf, scores).max(axis=1)).all()
    taste = np.array([int(item[1:]) % 3 for item in log.items.to_pylist()])
    mine = np.array([int(user[1:]) % 3 for user in log.users.to_pylist()])
    unseen_of_mine = (taste[None] == mine[:, None]) & (seen.toarray() == 0)
    asked = unseen_of_mine.any(axis=1)
    first = np.where(seen.toarray() > 0, -np.inf, scores).argmax(axis=1)
    assert (taste[first] == mine)[asked].mean() > 0.9


def test_features_say_score_rank_popularity_and_length() -> None:
    log = made()
    model = fitted(log)
    retrievers, one = list(model.retrievers.values()), np.array([5], np.int32)
    stage = two_stage._candidates(retrievers, one, log.seen()[one], log.people(), 4)
    assert stage.features.shape == (len(stage.rows), 6)
    ease, rank, length = stage.features[:, 0], stage.features[:, 1], stage.features[:, 5]
    assert np.argsort(-ease, kind="stable").tolist() == np.argsort(rank, kind="stable").tolist()
    np.testing.assert_allclose(np.sort(rank), np.log1p(np.arange(len(rank))), rtol=1e-6)
    np.testing.assert_allclose(length, np.log1p(log.seen()[[5]].nnz / log.people().mean()), rtol=1e-5)
    people = np.log1p(log.people())
    np.testing.assert_allclose(stage.features[:, 4], (people - people.max())[stage.items], rtol=1e-5)


def test_the_line_is_the_ridge_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 3)) * [1, 5, 0.1] + [0, 3, 1]
    told = rng.random(500) < 1 / (1 + np.exp(-rows @ [1.0, -0.3, 2.0]))
    line = two_stage._line(rows, told)
    x = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    wanted = LogisticRegression(C=1.0, tol=1e-10).fit(x, told).coef_[0]
    np.testing.assert_allclose(line[2], wanted, atol=1e-5)
    np.testing.assert_allclose(two_stage._on(line, rows.astype(np.float32)), x @ line[2], atol=1e-4)


def test_retrievers_are_parts_that_score_single_items() -> None:
    for text, words in [
        ("two_stage", "cannot retrieve"), ("nobody", "no 'nobody' on models/recommend"), ("", "names no part"),
        ("ease:rag=1", "did you mean reg"),
    ]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            fitted(made(), retrievers=text)


def test_a_log_in_which_nothing_can_be_held_back_is_told() -> None:
    table = pa.table({"user": ["a", "b"], "item": ["x", "y"]})
    with pytest.raises(UsageError, match="nobody has enough items"):
        fitted(log_of(table))


def test_its_trees_are_kept_as_checked_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pairs = np.unique(rng.integers(0, (120, 30), (3000, 2)), axis=0)
    rows = pa.table(
        {"user": pa.array([f"u{u}" for u in pairs[:, 0]]), "item": pa.array([f"i{i}" for i in pairs[:, 1]])}
    )
    model = two_stage.trainer(two_stage.SETTINGS(retrievers="ease+popularity", trees=5)).train(rows, seed=0)
    file = modelfile.load(model.save(tmp_path / "m"), kind="models.recommend.two_stage")
    assert not {"model.forest"} & set(file.arrays)  # no text of LightGBM's, whose parser trusts its input
    asked = pa.table({"query": pa.array(["u1", "u2", "a stranger"])})
    assert two_stage.load(file).predict(asked).equals(model.predict(asked))
    features = file.arrays["model.forest.split_feature"]
    for name, wrong, words in [
        ("split_feature", np.full_like(features, 99), "not among the 6"),
        ("left_child", np.zeros_like(features), "points outside itself or back"),
        ("threshold", np.zeros(len(features), np.float32), "no whole array"),
    ]:
        changed = replace(file, arrays=dict(file.arrays) | {f"model.forest.{name}": wrong})
        with pytest.raises(BadInput, match=words):
            two_stage.load(changed)
