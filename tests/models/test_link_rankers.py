"""Rankers of links: their scores are what they say, strangers are served, and bad questions are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models.asked import settings
from consentinel.models.graph import common_neighbours, links, page_rank, popularity
from consentinel.models.graph._nodes import links as matrix_of
from consentinel.models.rows import RANKED
from tests.models.made_graphs import graph, nodes

pytest.importorskip("scipy", reason="SciPy comes with the extra [models]")
# 0 - 1, 2, 3; 1 - 2; 3 - 4; 5 alone
SMALL = nodes([[1, 2, 3], [0, 2], [0, 1], [0, 4], [3], []])
PARTS = [popularity, common_neighbours, page_rank, links]


def trained(part: Any, rows: pa.Table = SMALL, asked: str = "", seed: int = 0) -> Any:
    return part.trainer(settings(part.SETTINGS, asked, "test")).train(rows, seed=seed)


def ranking(model: Any, query: str, history: list[str] | None = None, k: int = 20) -> dict[str, float]:
    told = pa.array([history], pa.list_(pa.string()))
    rows = pa.table({"query": [query], "k": pa.array([k], pa.int32()), "history": told})
    return {row["item"]: row["score"] for row in model.predict(rows).to_pylist()}


def test_popularity_and_common_neighbours_by_hand() -> None:
    assert ranking(trained(popularity), "n4") == pytest.approx({"n0": 3 / 6, "n1": 2 / 6, "n2": 2 / 6, "n5": 0.0})
    assert ranking(trained(common_neighbours), "n3") == pytest.approx({"n1": 1, "n2": 1, "n5": 0})
    assert ranking(trained(common_neighbours, asked="discount=1"), "n4") == pytest.approx(
        {"n0": 1 / 2, "n1": 0, "n2": 0, "n5": 0}
    )


def test_page_rank_is_where_the_walk_ends_up() -> None:
    rows = graph(30)
    model = trained(page_rank, rows, "restart=0.2,iterations=200,discount=0")
    matrix = matrix_of(rows, "test").toarray().astype(np.float64)
    walk = matrix / np.maximum(1, matrix.sum(axis=0))
    start = np.zeros(30)
    start[4] = 1
    exact = np.linalg.solve(np.eye(30) - 0.8 * walk, 0.2 * start)
    found = ranking(model, "n4", k=30)
    others = np.array([exact[int(name[1:])] for name in found])
    assert np.array(list(found.values())) / others == pytest.approx(1 / 0.8, rel=1e-4)  # the first step is taken
    assert len(found) == 29 - int(matrix[4].sum())


def test_embedding_of_all_directions_rebuilds_what_is_smooth() -> None:
    rows = graph(30)
    model = trained(links, rows, "width=30,power=3,popularity=0")
    matrix = matrix_of(rows, "test").toarray().astype(np.float64)
    root = 1 / np.sqrt(np.maximum(1, matrix.sum(axis=1)))
    values, vectors = np.linalg.eigh(matrix * root[:, None] * root)
    smooth = (vectors * np.where(values > 1e-6, values, 0) ** 3) @ vectors.T
    found = ranking(model, "n7", k=30)
    wanted = [smooth[7, int(name[1:])] / root[7] for name in found]
    assert list(found.values()) == pytest.approx(wanted, abs=1e-4)
    few = ranking(trained(links, rows, "width=4"), "n7", k=8)
    assert np.mean([int(name[1:]) % 2 for name in few]) > 0.8


@pytest.mark.parametrize("part", PARTS)
def test_strangers_get_what_their_links_say_and_those_without_the_most_linked(part: Any, tmp_path: Path) -> None:
    model = trained(part)
    told = ranking(model, "stranger", ["n0", "n1", "nowhere"])
    assert set(told) == {"n2", "n3", "n4", "n5"}
    if part is not popularity:
        assert next(iter(told)) == "n2"
    plain = [("n0", 3 / 6), ("n1", 2 / 6), ("n2", 2 / 6), ("n3", 2 / 6), ("n4", 1 / 6), ("n5", 0.0)]
    for nothing in (None, [], ["nowhere"]):
        assert list(ranking(model, "stranger", nothing).items()) == [(n, pytest.approx(s)) for n, s in plain]
    assert list(ranking(model, "n5")) == ["n0", "n1", "n2", "n3", "n4"]
    assert ranking(model, "n0", ["n4"]) == ranking(model, "n0")  # of a known node the graph says it
    assert len(ranking(model, "n4", k=2)) == 2
    everybody = model.predict(SMALL)
    assert everybody.schema.equals(RANKED)
    assert everybody["query"].cast(pa.string()).unique().to_pylist() == SMALL["node"].to_pylist()
    read = part.load(modelfile.load(model.save(tmp_path / "m"), kind=f"models.graph.{part.PART.name}"))
    assert read.predict(SMALL).equals(everybody)


def test_queries_of_unequal_length_keep_their_order() -> None:
    asked = pa.table({"query": ["n4", "x", "n0"], "k": pa.array([1, 3, None], pa.int32())})
    found = trained(page_rank).predict(asked)["query"].cast(pa.string()).to_pylist()
    assert found == ["n4", "x", "x", "x", "n0", "n0"]


@pytest.mark.parametrize("part", PARTS)
def test_what_cannot_be_answered_is_refused(part: Any) -> None:
    with pytest.raises(UsageError, match="no node is linked"):
        trained(part, nodes([[], []]))
    with pytest.raises(BadInput, match="same node"):
        trained(part, SMALL.set_column(0, "node", pa.array(["a"] * 6)))
    with pytest.raises(BadInput, match="have no node"):
        trained(part, SMALL.set_column(0, "node", pa.array(["a", "b", "c", "d", "e", None])))
    model = trained(part)
    with pytest.raises(UsageError, match="asked twice"):
        model.predict(pa.table({"query": ["n1", "n1"]}))
    with pytest.raises(UsageError, match="k is at least 1"):
        model.predict(pa.table({"query": ["n1"], "k": pa.array([0], pa.int32())}))
    with pytest.raises(ContractBroken, match="lists of ids"):
        model.predict(pa.table({"query": ["x"], "history": ["n1"]}))


@pytest.mark.parametrize("part", PARTS)
def test_damaged_files_are_refused(part: Any, tmp_path: Path) -> None:
    file = modelfile.load(trained(part).save(tmp_path / "m"), kind=f"models.graph.{part.PART.name}")
    ends = file.arrays["links.ends"]
    wrong: list[dict[str, Any]] = [
        {"links.ends": ends + 6}, {"links.starts": file.arrays["links.starts"][:-1]}, {"model.more": np.zeros(2)},
        {"links.ends": ends.astype(np.int64)},
    ]  # fmt: skip
    if part is links:
        wrong += [{"model.found": np.zeros((3, 2), np.float32)}, {"model.asking": file.arrays["model.asking"] * np.nan}]
    for change in wrong:
        with pytest.raises(BadInput, match="whole ranker"):
            part.load(replace(file, arrays=dict(file.arrays) | change))
    with pytest.raises(BadInput):
        part.load(replace(file, card=dict(file.card) | {"unknown": "1"}))
