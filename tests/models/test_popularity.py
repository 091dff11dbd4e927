"""Popularity by hand."""

import pyarrow as pa

from consentinel.models.recommend import popularity


def test_the_score_is_the_share_of_people_and_repeats_count_once() -> None:
    table = pa.table({"user": ["a", "a", "b", "c", "c"], "item": ["x", "x", "y", "y", "z"]})
    model = popularity.trainer(popularity.SETTINGS()).train(table, seed=0)
    found = model.predict(pa.table({"query": ["a", "new"]})).to_pylist()
    assert [(row["query"], row["item"], round(row["score"], 6)) for row in found] == [
        ("a", "y", 0.666667), ("a", "z", 0.333333),
        ("new", "y", 0.666667), ("new", "x", 0.333333), ("new", "z", 0.333333),
    ]  # fmt: skip
