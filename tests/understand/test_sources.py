"""Sources take whatever bytes there are: rows, counted faults, or one refusal in plain words."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.understand.shelves import SOURCES
from consentinel.understand.sources._asking import PART, Asking
from consentinel.understand.sources._records import flat

# What a line of text may hold: no NUL, which goes, and no half of a pair, which no file in UTF-8 can hold.
TEXT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=20)


def read(name: str, content: bytes, suffix: str) -> tuple[list[dict[str, str]], Asking]:
    with TemporaryDirectory() as folder:
        file, asking = Path(folder) / f"a{suffix}", Asking()
        file.write_bytes(content)
        rows = [row for table in SOURCES.take(name).read(file, asking) for row in table.to_pylist()]
    return rows, asking


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([("csv", ".csv"), ("jsonl", ".jsonl"), ("parquet", ".parquet")]))
def test_any_bytes(content: bytes, kind: tuple[str, str]) -> None:
    rows, said = [], f"a{kind[1]}"
    try:
        rows, _ = read(kind[0], content, kind[1])
    except BadInput as why:
        said = why.where
    assert [row["source_row"] for row in rows] == list(range(len(rows)))
    assert said == f"a{kind[1]}"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.just("x"), TEXT), min_size=1, max_size=5))
def test_csv_comes_back(cells: list[tuple[str, str]]) -> None:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b"), *cells])
    rows, asking = read("csv", made.getvalue().encode(), ".csv")
    assert [(row["a"], row["b"] or "") for row in rows] == cells
    assert asking.unreadable == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), TEXT, min_size=1), min_size=2, max_size=5))
def test_json_lines_come_back(records: list[dict[str, str]]) -> None:
    rows, asking = read("jsonl", "\n".join(map(json.dumps, records)).encode(), ".jsonl")
    assert [{name: row[name] for name in record} for row, record in zip(rows, records, strict=True)] == records
    assert asking.unreadable == 0


def test_a_record_is_flat_and_bounded() -> None:
    deep: dict[str, object] = {"x": 1}
    for _ in range(50):
        deep = {"in": deep}
    assert flat({"a": {"b": [1, None, "c"]}, "d": True, "deep": deep}) == {"a.b": f"1{PART}c", "d": "true"}
    assert len(flat({str(n): n for n in range(5000)})) == 1000


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_marks_between_fields(mark: str) -> None:
    rows, _ = read("csv", f"a{mark}b\n1{mark}2\n".encode(), ".csv")
    assert rows == [{"a": "1", "b": "2", "source_row": 0}]
