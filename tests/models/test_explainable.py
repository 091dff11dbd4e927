"""Models that let themselves be looked into: what they show is what they answer from."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.model_contracts import Differentiable, LinearRecommender, TreeEnsemble
from consentinel.core.modelfile import load
from consentinel.models.ads import logistic
from consentinel.models.rank import lambdarank
from consentinel.models.recommend import ease, graph_filter, ials, item_knn, slim
from consentinel.models.text import tfidf_linear
from consentinel.models.vision import scattering_linear, small_cnn

WHO, WHAT = np.nonzero(np.random.default_rng(0).random((60, 15)) < np.linspace(0.15, 0.6, 15))
LOG = pa.table({"user": [f"u{at}" for at in WHO], "item": [f"i{at}" for at in WHAT]})
PARTS = {
    "ease": (ease, {}), "sparse ease": (ease, {"keep": 5}), "slim": (slim, {"l2": 1.0}),
    "item_knn": (item_knn, {"neighbours": 6}), "graph_filter": (graph_filter, {"rank": 4}),
}  # fmt: skip


@pytest.mark.parametrize("case", PARTS)
def test_weights_of_a_history_give_its_list(case: str, tmp_path: Path) -> None:
    part, settings = PARTS[case]
    model = part.trainer(part.SETTINGS(**settings)).train(LOG, seed=0)
    again = part.load(load(model.save(tmp_path / "m"), kind=f"models.recommend.{model.name}"))
    for one in (model, again):
        assert isinstance(one, LinearRecommender)
        assert not len(one.history("a stranger"))
        weights = one.weights()
        weights = np.asarray(weights if isinstance(weights, np.ndarray) else weights.toarray(), np.float64)
        answers = one.predict(pa.table({"query": ["u3", "u7"], "k": pa.array([5, 5], pa.int32())})).to_pylist()
        place = {name: at for at, name in enumerate(one.items)}
        for row in answers:
            history = one.history(row["query"])
            assert {one.items[at] for at in history} == {f"i{i}" for i in WHAT[int(row["query"][1:]) == WHO]}
            assert abs(weights[history, place[row["item"]]].sum() - row["score"]) < 1e-5


def test_a_recommender_without_weights_does_not_say_that_it_has_them() -> None:
    assert not isinstance(ials.trainer(ials.SETTINGS(factors=4)).train(LOG, seed=0), LinearRecommender)


def test_a_shorter_history_gives_the_list_that_the_weights_say() -> None:
    model: Any = ease.trainer(ease.SETTINGS(reg=5.0)).train(LOG, seed=0)
    history = model.history("u3")
    kept = [model.items[at] for at in history[1:]]
    asked = pa.table({"query": ["new"], "k": pa.array([15], pa.int32()), "history": pa.array([kept])})
    theirs = [item for item in model.predict(asked)["item"].to_pylist() if item != model.items[history[0]]]
    scores = model.weights()[history[1:]].astype(np.float64).sum(axis=0)
    scores[history] = -np.inf
    assert theirs == [model.items[at] for at in np.argsort(-scores, kind="stable")[: 15 - len(history)]]


def test_trees_of_lambdarank_sum_to_its_scores(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 3)).astype(np.float32)
    label = (features[:, 0] > 0.5).astype(float) + (features[:, 1] > 1)
    rows = pa.table({"query": np.repeat([f"q{at}" for at in range(20)], 10), "item": [f"d{at}" for at in range(200)],
                     "features": features.tolist(), "label": label})  # fmt: skip
    settings = lambdarank.SETTINGS(trees=5, leaves=6, least=5, threads=1)
    model = lambdarank.trainer(settings).train(rows, seed=0)
    again = lambdarank.load(load(model.save(tmp_path / "m"), kind=lambdarank.KIND))
    assert isinstance(again, TreeEnsemble)
    x, trees = again.features(rows), again.trees()
    assert all(tree["cover"][0] == 200 for tree in trees)
    score = np.zeros(200)
    for tree in trees:
        for row in range(200):
            node = 0
            while tree["feature"][node] >= 0:
                side = "left" if x[row, tree["feature"][node]] <= tree["threshold"][node] else "right"
                node = tree[side][node]
            score[row] += tree["value"][node]
    said = model.predict(rows)
    theirs = dict(zip(said["item"].to_pylist(), said["score"].to_pylist(), strict=True))
    assert np.abs(score - [theirs[f"d{at}"] for at in range(200)]).max() < 1e-12


def pictures(n: int = 40) -> pa.Table:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, 16, 16))
    x[::2, :8] = 0
    size = pa.array([16] * n, pa.int32())
    return pa.table({"image": pa.array(x.reshape(n, -1).tolist(), pa.list_(pa.uint8())), "height": size, "width": size,
                     "channels": pa.array([1] * n, pa.int32()), "label": ["a", "b"] * (n // 2)})  # fmt: skip


def sentences(n: int = 60) -> pa.Table:
    rng = np.random.default_rng(0)
    text = [" ".join(rng.choice(["good", "bad", "day", "night", "road"], 6)) for _ in range(n)]
    return pa.table({"text": text, "label": ["yes" if "good" in one else "no" for one in text]})


def columns(n: int = 200) -> pa.Table:
    rng = np.random.default_rng(0)
    a = rng.normal(size=n)
    return pa.table({"a": a, "b": rng.choice(["x", "y"], n).tolist(), "label": (a > rng.normal(size=n)).astype(int)})


SCORED = {
    "small_cnn": (small_cnn, {"epochs": 1, "batch": 20}, pictures), "logistic": (logistic, {}, columns),
    "scattering_linear": (scattering_linear, {"steps": 5, "width": 32}, pictures),
    "tfidf_linear": (tfidf_linear, {"columns": 6}, sentences),
}  # fmt: skip


@pytest.mark.parametrize("case", SCORED)
def test_logits_are_those_of_the_answers_and_gradients_those_of_the_logits(case: str) -> None:
    part, settings, rows_of = SCORED[case]
    rows = rows_of()
    model: Any = part.trainer(part.SETTINGS(**settings)).train(rows, seed=0)
    assert isinstance(model, Differentiable)
    x = model.inputs(rows)
    logits = model.scores(x).astype(np.float64)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    said = model.predict(rows)
    score = p[:, 1] if case == "logistic" else p.max(axis=1)
    assert np.abs(score - np.asarray(said["score"])).max() < 1e-4
    if case != "logistic":
        assert [model.classes()[at] for at in p.argmax(axis=1)] == said["label"].to_pylist()
    target = np.arange(len(x)) % logits.shape[1]
    way = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    slope = (model.gradient(x, target) * way).reshape(len(x), -1).sum(axis=1)
    step = np.float32(1e-3)
    ends = [model.scores(x + sign * step * way)[np.arange(len(x)), target].astype(float) for sign in (1, -1)]
    whole = slice(1, None, 2) if rows_of is pictures else slice(None)  # at flat places a modulus has no gradient
    assert np.allclose(slope[whole], ((ends[0] - ends[1]) / (2e-3))[whole], rtol=0.05, atol=0.02)
