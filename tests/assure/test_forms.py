"""Forms of rows: what is cast, what is filled in, and what is refused in plain words."""

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.forms import formed
from consentinel.assure.ranked_forms import posed
from consentinel.core.errors import UsageError


def pictures(values: list[list[float]], kind: pa.DataType) -> pa.Table:
    size = pa.array([1] * len(values), pa.int64())
    return pa.table({"image": pa.array(values, pa.list_(kind)), "height": size, "width": size, "channels": size})


@pytest.mark.parametrize("kind", [pa.uint8(), pa.int64(), pa.float32(), pa.float64()])
def test_whole_pixels_become_bytes(kind: pa.DataType) -> None:
    made = formed(pictures([[0], [255], [7]], kind), "vision")
    assert made.schema.field("image").type == pa.list_(pa.uint8())
    assert made["image"].to_pylist() == [[0], [255], [7]]
    assert made.schema.field("height").type == pa.int32()
    assert made["label"].null_count == 3


def test_other_pixels_become_float32_and_what_is_no_number_is_refused() -> None:
    made = formed(pictures([[0.5], [-1.0]], pa.float64()), "vision")
    assert made.schema.field("image").type == pa.list_(pa.float32())
    assert made["image"].to_pylist() == [[0.5], [-1.0]]
    for wrong in ([[0.5], [None]], [[0.5], [float("nan")]]):
        with pytest.raises(UsageError, match="1 pixels are null or not finite"):
            formed(pictures(wrong, pa.float64()), "vision")
    texts = pictures([[1]], pa.int64()).set_column(0, "image", pa.array([["a"]]))
    with pytest.raises(UsageError, match="column 'image'"):
        formed(texts, "vision")
    with pytest.raises(UsageError, match="column 'image' should be list"):
        formed(texts.set_column(0, "image", pa.array([3])), "vision")


def test_a_graph_may_do_without_names_and_features() -> None:
    made = formed(pa.table({"neighbours": [[1], [0]], "label": [1, 0]}), "graph")
    assert made["node"].to_pylist() == ["0", "1"]
    assert made["label"].to_pylist() == ["1", "0"]
    assert made["features"].null_count == 2
    with pytest.raises(UsageError, match="no column 'neighbours'"):
        formed(pa.table({"node": ["a"]}), "graph")


def test_links_are_asked_for_both_ways_without_the_learned_ones() -> None:
    data = pa.table({"node": ["a", "b", "c"], "neighbours": [[1, 2], [0], [0]], "side": ["x", "y", "x"]})
    learned = pa.table({"node": ["a", "b", "c"], "neighbours": [[1], [0], []]})
    notes: list[str] = []
    made = posed(data, learned, 0, notes)
    assert sorted(zip(made.rows["query"].to_pylist(), made.rows["item"].to_pylist(), strict=True)) == [
        ("a", "c"), ("c", "a"),
    ]  # fmt: skip
    assert "2 of 4 ends of links were learned from" in notes[0]
    assert made.who["query"].to_pylist() == ["a", "b", "c"]
    with pytest.raises(UsageError, match="1 neighbours are no row"):
        posed(pa.table({"node": ["a"], "neighbours": [[5]]}), None, 0, notes)


def test_pictures_alike_are_those_of_the_same_label() -> None:
    learned = pictures([[1], [2], [3]], pa.int64()).append_column("label", pa.array(["u", "v", "u"]))
    data = pictures([[4], [5], [6]], pa.int64()).append_column("label", pa.array(["u", "w", "v"]))
    made = posed(data, learned, 0, [])
    pairs = list(zip(made.rows["query"].to_pylist(), made.rows["item"].to_pylist(), strict=True))
    assert pairs == [("picture 0", "0"), ("picture 0", "2"), ("picture 2", "1")]
    assert made.content is not None
    assert made.content["image"].to_pylist() == [[4], [6]]


def test_questions_among_documents_are_shown_with_their_text() -> None:
    rows = pa.table({"query": ["q", "q", None], "item": [None, "d", "d"], "text": ["what", None, "a document"],
                     "label": [None, 1.0, None], "features": pa.nulls(3, pa.list_(pa.float32()))})  # fmt: skip
    made = posed(rows, rows, 0, [])
    assert made.rows["item"].to_pylist() == ["d"]
    assert made.content is not None
    assert made.content.to_pylist() == [{"query": "q", "text": "what"}]
    assert made.candidates is None
    judged = pa.table({"query": ["q"], "item": ["d"], "label": [1.0], "features": np.ones((1, 2)).tolist()})
    candidates = posed(judged, None, 0, []).candidates
    assert candidates is not None
    assert candidates.schema.field("features").type == pa.list_(pa.float32())
