"""Histories in order, and who is asked about."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.histories import histories, sequences_from_file, sequences_of, spans
from tests.models.made_walks import questions, walks


def names(about, done) -> list[list[str]]:
    texts = about.items.to_pylist()
    return [[texts[i] for i in done.items[a:b]] for a, b in zip(done.starts[:-1], done.starts[1:], strict=True)]


ROWS = pa.table({"user": ["b", "a", "a", "b", "a"], "item": ["x", "y", "z", "y", "x"], "time": [5, 9, 3, 5, 7]})


def test_histories_follow_time_and_then_the_rows() -> None:
    about = sequences_of(ROWS)
    assert about.users.to_pylist() == ["a", "b"]
    assert about.items.to_pylist() == ["x", "y", "z"]  # the most frequent first, equal ones as texts
    assert names(about, about.done) == [["z", "x", "y"], ["x", "y"]]
    assert names(about, sequences_of(ROWS.drop_columns(["time"])).done) == [["y", "z", "x"], ["x", "y"]]


def test_some_times_missing_is_refused() -> None:
    rows = ROWS.set_column(2, "time", pa.array([1, None, 2, 3, 4], pa.int64()))
    with pytest.raises(BadInput, match="1 of 5 rows have no time"):
        sequences_of(rows)
    with pytest.raises(ContractBroken, match="'time' should hold microseconds"):
        sequences_of(ROWS.set_column(2, "time", pa.array(list("abcde"))))
    with pytest.raises(BadInput, match="there are no rows"):
        sequences_of(ROWS.slice(0, 0))
    with pytest.raises(ContractBroken, match="no column 'item'"):
        sequences_of(ROWS.drop_columns(["item"]))


def test_known_people_strangers_and_unknown_items() -> None:
    about = sequences_of(ROWS)
    asked = histories(questions("s", "a", "t", history=[["z", "new", "x"], ["y"], None]), about)
    assert names(about, asked.done) == [["z", "x"], ["z", "x", "y"], []]
    with pytest.raises(UsageError, match="asked twice"):
        histories(questions("a", "a"), about)
    with pytest.raises(UsageError, match="k is at least 1"):
        histories(questions("a", k=0), about)
    with pytest.raises(ContractBroken, match="lists of ids"):
        histories(questions("a").append_column("history", pa.array(["x"])), about)


def test_a_file_whose_parts_do_not_fit_is_refused() -> None:
    about = sequences_of(walks())
    arrays = about.arrays()
    again = sequences_from_file(ModelFile("k", "1", "", arrays))
    assert again.users.equals(about.users)
    assert names(again, again.done) == names(about, about.done)
    for name in ("done.starts", "done.items"):
        for wrong in (arrays[name][:-1], arrays[name] - 1, None):
            broken = {key: array for key, array in arrays.items() if key != name}
            if wrong is not None:
                broken[name] = wrong
            with pytest.raises(BadInput, match="train the model again"):
                sequences_from_file(ModelFile("k", "1", "", broken))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=8))
def test_spans_are_ranges_end_to_end(pairs: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in pairs], np.int64)
    lengths = np.array([length for _, length in pairs], np.int64)
    assert spans(starts, starts + lengths).tolist() == [at for s, n in pairs for at in range(s, s + n)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.data())
def test_taking_and_cutting_histories(lengths: list[int], data: st.DataObject) -> None:
    rows = [(f"u{who}", f"i{at}") for who, n in enumerate(lengths) for at in range(n)]
    if not rows:
        return
    users, items = zip(*rows, strict=True)
    about = sequences_of(pa.table({"user": users, "item": items}))
    whole = names(about, about.done)
    people = data.draw(st.lists(st.integers(-1, len(whole) - 1), min_size=1))
    assert names(about, about.done.take(np.array(people))) == [whole[one] if one >= 0 else [] for one in people]
    drop = np.array([data.draw(st.integers(0, len(one))) for one in whole])
    tail = about.done.part(drop, about.done.lengths)
    assert names(about, tail) == [one[cut:] for one, cut in zip(whole, drop, strict=True)]
