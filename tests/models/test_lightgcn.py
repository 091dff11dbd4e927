"""LightGCN: its gradient, what it learns, how it is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.pieces.logs import log_of
from consentinel.models.recommend import lightgcn
from tests.models.made_walks import groups, questions, told

SMALL = lightgcn.SETTINGS(width=8, layers=2, steps=40, batch=256)


def test_people_get_items_of_their_own_kind() -> None:
    model = lightgcn.trainer(SMALL).train(groups(), seed=0)
    found = told(
        model.predict(questions(*(f"p{at:03}" for at in range(20)), "s", history=[None] * 20 + [["b1", "b2"]]))
    )
    right = [all(item[0] == "ab"[at % 2] for item in found[f"p{at:03}"]) for at in range(20)]
    assert np.mean(right) > 0.9
    assert found["s"][0][0] == "b"
    assert len(told(model.predict(questions("nobody", k=50)))["nobody"]) == 20


def test_its_gradient_is_that_of_the_loss() -> None:
    graph = lightgcn._graph(log_of(groups(6, 2, 3)).seen())
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(graph.shape[0], 3))
    who, liked, other = np.array([0, 1, 1]), np.array([6, 7, 8]), np.array([9, 9, 6])

    def loss(values: np.ndarray) -> float:
        made = lightgcn._smooth(graph.astype(float), values, 2)
        margin = (made[who] * (made[liked] - made[other])).sum(axis=1)
        return float(np.log1p(np.exp(-margin)).mean())

    made = lightgcn._smooth(graph, flat.astype(np.float32), 2)
    slope = lightgcn._smooth(graph, lightgcn._slope(made, who, liked, other), 2)
    step = np.zeros_like(flat)
    for at in ((0, 0), (1, 2), (6, 1), (9, 0), (3, 1)):
        step[:] = 0
        step[at] = 1e-5
        assert (loss(flat + step) - loss(flat - step)) / 2e-5 == pytest.approx(slope[at], abs=1e-5)


def test_it_is_the_same_again_and_from_its_file(tmp_path: Path) -> None:
    model = lightgcn.trainer(SMALL).train(groups(), seed=1)
    file = modelfile.load(model.save(tmp_path / "a.model"), kind="models.recommend.lightgcn")
    who = questions("p001", "p002", "new", k=4)
    assert lightgcn.load(file).predict(who).equals(model.predict(who))
    lightgcn.trainer(SMALL).train(groups(), seed=1).save(tmp_path / "b.model")
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()
    with pytest.raises(BadInput):
        lightgcn.load(replace(file, arrays={**file.arrays, "model.people": file.arrays["model.people"][:-1]}))


def test_nothing_to_rank_and_tickets_are_refused() -> None:
    every = pa.table({"user": list("aabb"), "item": list("xyxy")})
    with pytest.raises(UsageError, match="everyone did everything"):
        lightgcn.trainer(SMALL).train(every, seed=0)
    with pytest.raises(UsageError, match="takes no ticket"):
        lightgcn.trainer(SMALL).train(groups(), seed=0, tickets=[b"one"])
