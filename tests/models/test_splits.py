"""Held-out rows: nothing twice, nobody on both sides, nothing from later; and sampled candidates."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from consentinel.core.errors import UsageError
from consentinel.models.evaluation import sampled, splits
from consentinel.models.rows import INTERACTIONS
from tests.models.made_rows import interactions, made


def pairs(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("how", splits.HOWS)
def test_a_split_of_interactions_keeps_every_row_once(how: splits.How) -> None:
    rows = interactions()
    learned, held = splits.split(rows, how, "interactions", share=0.25, seed=1)
    assert sorted(pairs(learned) + pairs(held)) == sorted(pairs(rows))
    assert pairs(splits.split(rows, how, "interactions", share=0.25, seed=1)[1]) == pairs(held)


def test_by_time_nothing_is_learned_from_what_came_later() -> None:
    learned, held = splits.split(interactions(), "time", "interactions", share=0.25)
    assert pc.max(learned["time"]).as_py() < pc.min(held["time"]).as_py()
    assert held.num_rows == 80


def test_the_last_of_each_user_is_held_out() -> None:
    rows = interactions()
    one = pa.table([["alone"], ["i0"], [5], [1.0]], names=INTERACTIONS.names).cast(INTERACTIONS)
    learned, held = splits.split(
        pa.concat_tables([rows.take(np.random.default_rng(0).permutation(320)), one]), "last", "interactions"
    )
    assert held.num_rows == 40
    latest = dict(rows.group_by("user").aggregate([("time", "max")]).to_pylist()[n].values() for n in range(40))
    assert {row["user"]: row["time"] for row in held.to_pylist()} == latest
    assert "alone" in learned["user"].to_pylist()


def test_at_random_each_user_keeps_a_share() -> None:
    learned, held = splits.split(interactions(), "random", "interactions", share=0.25, seed=1)
    assert set(held.group_by("user").aggregate([([], "count_all")])["count_all"].to_pylist()) == {2}
    other = splits.split(interactions(), "random", "interactions", share=0.25, seed=2)[1]
    assert pairs(other) != pairs(held)
    assert learned.num_rows == 240


def test_nobody_stands_on_both_sides_of_a_split_of_rows() -> None:
    rows = pa.table({"who": [f"p{n // 4}" for n in range(80)], "label": [n % 2 for n in range(80)]})
    learned, held = splits.split(rows, "random", "rows", share=0.25, person="who")
    assert not set(learned["who"].to_pylist()) & set(held["who"].to_pylist())
    assert held.num_rows == 20


def test_queries_and_labels_of_nodes_are_held_out_whole() -> None:
    judged, texts = (form.learn for form in made("rank")[:2])
    learned, held = splits.split(judged, "random", "documents", share=0.25)
    assert not set(learned["query"].to_pylist()) & set(held["query"].to_pylist())
    learned, held = splits.split(texts, "random", "documents", share=0.25)
    assert learned.filter(pc.is_null(learned["query"])).num_rows == 24
    assert set(held["query"].to_pylist()) & set(learned["query"].to_pylist()) == set()
    nodes = made("graph")[0].learn
    learned, held = splits.split(nodes, "random", "nodes", share=0.25)
    assert learned.num_rows == held.num_rows == 40
    known = [table["label"].is_valid().to_pylist() for table in (nodes, learned, held)]
    assert [sum(side) for side in known] == [24, 18, 6]
    assert known[0] == [a or b for a, b in zip(*known[1:], strict=True)]


def test_splits_that_cannot_be_are_refused() -> None:
    rows = interactions()
    timeless = rows.set_column(2, "time", pa.nulls(rows.num_rows, pa.int64()))
    cases: list[tuple[str, Callable[[], object]]] = [
        ("needs a time", lambda: splits.split(timeless, "time", "interactions")),
        ("between 0 and 1", lambda: splits.split(rows, "time", "interactions", share=1.0)),
        ("rows cannot be split by 'last'; there is: time, random", lambda: splits.split(rows, "last", "rows")),
        ("one side of 1 rows empty", lambda: splits.split(rows.slice(0, 1), "last", "interactions")),
        ("no column 'who'", lambda: splits.split(rows, "random", "rows", person="who")),
        ("leave out the column of people", lambda: splits.split(rows, "last", "interactions", person="user")),
    ]
    for said, ask in cases:
        with pytest.raises(UsageError, match=said):
            ask()


def test_candidates_are_the_true_item_and_as_many_others() -> None:
    items = pa.array([f"i{n}" for n in range(30)])
    ranked = pa.table({"query": ["a"] * 30 + ["b"] * 30, "item": pa.concat_arrays([items, items])})
    truth = pa.table({"query": ["a", "b", "b"], "item": ["i29", "i3", "i4"]})
    cut = sampled.candidates(ranked, truth, items, 9, seed=1)
    assert [cut["query"].to_pylist().count(name) for name in "ab"] == [10, 11]
    assert {("a", "i29"), ("b", "i3"), ("b", "i4")} <= set(zip(*cut.to_pydict().values(), strict=True))
    assert cut.equals(sampled.candidates(ranked, truth, items, 9, seed=1))
    with pytest.raises(UsageError, match="29 candidates cannot be drawn from 30 items"):
        sampled.candidates(ranked, truth, items, 29, seed=1)
