"""Files of every format come back as they were written, and a bad one is told by its line."""

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.models import files

ROUNDS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="#"), min_size=1, max_size=8)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"), min_size=1, max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32)


def text(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return table.to_pylist()


# RecBole atomic

COLUMNS = {
    "user": (st.none() | CELLS, pa.string()),
    "weight": (st.none() | SINGLES, pa.float32()),
    "time": (st.none() | st.integers(-(10**15), 4 * 10**15), pa.int64()),
    "price": (st.none() | FLOATS, pa.float64()),
    "genres": (st.none() | st.lists(WORDS, min_size=1, max_size=3), pa.list_(pa.string())),
    "where": (st.none() | st.lists(FLOATS, min_size=1, max_size=3), pa.list_(pa.float64())),
}


@ROUNDS
@given(st.data())
def test_atomic_files_come_back(tmp_path: Path, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, unique=True))
    row = st.tuples(*(COLUMNS[name][0] for name in names))
    made = data.draw(st.lists(row, min_size=1, max_size=6).filter(lambda rows: any(x is not None for x in rows[0])))
    cells = {name: pa.array([row[n] for row in made], COLUMNS[name][1]) for n, name in enumerate(names)}
    got = files.read(files.write(pa.table(cells), tmp_path / "a.inter"))
    assert got.column_names == names
    assert rows(got) == [row for row in rows(pa.table(cells)) if any(cell is not None for cell in row.values())]


def test_atomic_names_become_ours(tmp_path: Path) -> None:
    path = text(
        tmp_path / "a.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\tgenres:token_seq\tat:float_seq",
        "u1\ti 1\t3\t978300760.25\tDrama War\t0.5 1e3",
        'u2\t"quoted\t\t978300761\t\t',
    )
    got = files.read(path)
    assert got.schema.field("user").type == pa.dictionary(pa.int32(), pa.string())
    assert rows(got) == [
        {
            "user": "u1", "item": "i 1", "weight": 3.0, "time": 978300760250000, "genres": ["Drama", "War"],
            "at": [0.5, 1000.0],
        },
        {"user": "u2", "item": '"quoted', "weight": None, "time": 978300761000000, "genres": None, "at": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("user_id\titem_id",), "line 1 is no header"),
        (("a:token\ta:token", "1\t2"), "line 1 names a column twice"),
        (("a:token\tb:float",), "no rows below its header"),
        (("a:token\tb:float", "1\t2", "1\t2\t3"), "line 3 has 3 fields, not 2"),
        (("a:token\tb:float", "1\t2", "", "\t", "1\t2 3"), "line 5: 'b' is not a finite number"),
        (("a:token\tb:float", "1\t2", "1\tx"), "line 3: 'b' is not a finite number"),
        (("a:token\tb:float", "1\tnan", "1\t2"), "line 2: 'b' is not a finite number"),
        (("a:token\tb:float_seq", "1\t2 3", "1\t2 x"), "line 3: 'b' is not a finite number"),
    ],
)
def test_bad_atomic_files_are_told_by_line(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        files.read(text(tmp_path / "a.inter", *lines))


@pytest.mark.parametrize("cell", ["", "a\tb", "a\nb"])
def test_atomic_files_refuse_texts_that_they_cannot_hold(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UsageError, match="'user' is empty or has a character"):
        files.write(pa.table({"user": [cell]}), tmp_path / "a.user")
    with pytest.raises(UsageError, match="no place for column 'seen'"):
        files.write(pa.table({"seen": [True]}), tmp_path / "a.user")
    assert not list(tmp_path.iterdir())


# LETOR


@ROUNDS
@given(st.integers(0, 5), st.data())
def test_letor_files_come_back(tmp_path: Path, width: int, data: st.DataObject) -> None:
    row = st.tuples(WORDS, WORDS, SINGLES, st.lists(SINGLES, min_size=width, max_size=width))
    made = data.draw(st.lists(row, min_size=1, max_size=6))
    kinds = (pa.string(), pa.string(), pa.float32(), pa.list_(pa.float32()))
    cells = {
        name: pa.array([one[n] for one in made], kind)
        for n, (name, kind) in enumerate(zip(("query", "item", "label", "features"), kinds, strict=True))
    }
    got = rows(files.read(files.write(pa.table(cells), tmp_path / "a.letor")))
    wide = max((n + 1 for one in made for n, x in enumerate(one[3]) if x), default=0)
    wanted = [one | {"features": one["features"][:wide]} for one in rows(pa.table(cells))]
    assert got == wanted


def test_letor_reads_what_scikit_learn_writes(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    rng = np.random.default_rng(1)
    x, y, q = np.round(rng.random((20, 6)), 4) * (rng.random((20, 6)) < 0.5), rng.integers(0, 3, 20), np.arange(20) // 5
    x[0, 5] = 1
    datasets.dump_svmlight_file(x, y, str(tmp_path / "a.svmlight"), zero_based=False, query_id=q, comment="made")
    got = files.read(tmp_path / "a.svmlight")
    assert got["query"].to_pylist() == [str(n) for n in q]
    assert got["label"].to_pylist() == y.tolist()
    assert np.array(got["features"].to_pylist()) == pytest.approx(x)
    back = files.write(got, tmp_path / "b.svmlight")
    again, label, query = datasets.load_svmlight_file(str(back), query_id=True)
    assert again.toarray() == pytest.approx(x)
    assert (label.tolist(), query.tolist()) == (y.tolist(), q.tolist())


def test_letor_items_come_from_comments_or_lines(tmp_path: Path) -> None:
    path = text(
        tmp_path / "a.letor", "# a head", "2 qid:10 1:0.5 3:1 # docid = GX00 inc = 1", "", "0\tqid:10 2:1 #docid=GX01"
    )
    assert rows(files.read(path)) == [
        {"query": "10", "item": "GX00", "label": 2, "features": [0.5, 0, 1]},
        {"query": "10", "item": "GX01", "label": 0, "features": [0, 1, 0]},
    ]
    bare = files.read(text(tmp_path / "b.letor", "2 qid:10 1:0.5 # docid = GX00", "1 qid:11"))
    assert bare["item"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 1:0.5 2:0.5", "line 2 has no qid"),
        ("1", "line 2 has no qid"),
        ("1 qid: 1:2", "line 2 has no qid"),
        ("x qid:1 1:0.5", "line 2: the label is not a finite number"),
        ("1 qid:1 0:0.5", "line 2 counts features from 0"),
        ("1 qid:1 1:0.5 1:0.5", "line 2 names a feature twice"),
        ("1 qid:1 2:0.5 1:0.5", "line 2 names a feature twice or out of order"),
        ("1 qid:1 2:inf", "line 2: a feature is not a finite number"),
        ("1 qid:1 a:2", "line 2: the number of a feature is not a whole number"),
        ("1 qid:1 2", "line 2 has a field that is no feature:value"),
        ("1 qid:1 2000000000:1", "line 2 names feature 2000000000, too many"),
    ],
)
def test_bad_letor_lines_are_told(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        files.read(text(tmp_path / "a.letor", "1 qid:1 1:0.5", line))


# TREC


@ROUNDS
@given(st.dictionaries(st.tuples(WORDS, WORDS), SINGLES, min_size=1, max_size=8))
def test_judgments_come_back(tmp_path: Path, made: dict[tuple[str, str], float]) -> None:
    table = pa.table({"query": [q for q, _ in made], "item": [i for _, i in made], "label": list(made.values())})
    got = rows(files.read(files.write(table, tmp_path / "a.qrels")))
    assert got == rows(table)


@ROUNDS
@given(st.dictionaries(WORDS, st.lists(st.tuples(WORDS, FLOATS), min_size=1, max_size=5), min_size=1, max_size=4))
def test_rankings_come_back(tmp_path: Path, made: dict[str, list[tuple[str, float]]]) -> None:
    flat = [(q, i, s) for q, ranked in made.items() for i, s in sorted(ranked, key=lambda pair: -pair[1])]
    table = pa.table({name: [row[n] for row in flat] for n, name in enumerate(("query", "item", "score"))})
    assert rows(files.read(files.write(table, tmp_path / "a.run"))) == rows(table)


def test_a_ranking_is_ordered_by_score_then_rank(tmp_path: Path) -> None:
    path = text(tmp_path / "a.run", "q1 Q0 d1 2 0.5 x", "q2 Q0 d1 1 9 x", "q1\tQ0  d2 1 0.5 x", "q1 Q0 d3 3 0.7 x")
    got = [(row["query"], row["item"]) for row in rows(files.read(path))]
    assert got == [("q1", "d3"), ("q1", "d2"), ("q1", "d1"), ("q2", "d1")]


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("a.qrels", "q 0 d", "line 2 has 3 fields, not 4"),
        ("a.qrels", "q 0 d high", "line 2: the label is not a finite number"),
        ("a.run", "q 0 d 1", "line 2 has 4 fields, not 6"),
        ("a.run", "q Q0 d 1.5 2 x", "line 2: the rank is not a whole number"),
        ("a.run", "q Q0 d 1 nan x", "line 2: the score is not a finite number"),
    ],
)
def test_bad_trec_lines_are_told(tmp_path: Path, name: str, line: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        files.read(text(tmp_path / name, "q 0 d 1" if name == "a.qrels" else "q Q0 d 1 0.5 x", line))


@pytest.mark.parametrize("name", ["a.qrels", "a.run", "a.letor"])
def test_ids_with_spaces_are_refused_where_spaces_part_fields(tmp_path: Path, name: str) -> None:
    table = pa.table({"query": ["a b"], "item": ["c"], "label": [1.0], "score": [1.0], "features": [[1.0]]})
    with pytest.raises(UsageError, match="'query' of row 0"):
        files.write(table, tmp_path / name)
    with pytest.raises(UsageError, match="missing"):
        files.write(
            table.set_column(0, "query", pa.array(["a"])).set_column(1, "item", pa.array([None], pa.string())),
            tmp_path / name,
        )
    odd = table.set_column(0, "query", pa.array(["a"])).set_column(2, "label", pa.array([math.nan]))
    with pytest.raises(UsageError, match="finite"):
        files.write(odd.set_column(3, "score", pa.array([math.nan])), tmp_path / name)


# Every format


@pytest.mark.parametrize("name", ["a.inter", "a.letor", "a.qrels", "a.run", "a.parquet"])
def test_files_that_are_none_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(BadInput):
        files.read(path)
    path.write_bytes(b"")
    with pytest.raises(BadInput):
        files.read(path)
    path.write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(BadInput, match="Parquet" if name == "a.parquet" else "line 2 is not UTF-8"):
        files.read(path)


def test_parquet_files_come_back(tmp_path: Path) -> None:
    table = pa.table({"user": pa.array(["a", None]).dictionary_encode(), "history": [["b"], []]})
    assert files.read(files.write(table, tmp_path / "a.parquet")).equals(table)


def test_the_suffix_decides_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no format for '\.csv'; there is: .*\.inter"):
        files.read(tmp_path / "a.csv")
    assert len(files.suffixes()) == len(set(files.suffixes())) >= 9


def test_columns_can_be_renamed() -> None:
    table = pa.table({"session": ["s"], "user": ["u"], "track": ["t"]})
    assert files.renamed(table, "user=session, item=track").column_names == ["user", "item"]
    assert files.renamed(table, "") is not None
    with pytest.raises(UsageError, match="columns: 'user=nobody' is not ours=theirs"):
        files.renamed(table, "user=nobody")


@ROUNDS
@given(st.binary(max_size=60), st.sampled_from([".inter", ".letor", ".qrels", ".run"]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, end: str) -> None:
    path = tmp_path / f"a{end}"
    path.write_bytes(data)
    with contextlib.suppress(BadInput):
        assert files.read(path).num_rows
