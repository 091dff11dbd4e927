"""Tables that people hand over: days, numbers and labels of many kinds, and messages for what is none."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.understand.given import days, labels, numbers, read_table


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "day,n\n2026-03-01,1\n2026-03-02,2\n"),
        ("a.jsonl", '{"day": "2026-03-01", "n": 1}\n{"day": "2026-03-02", "n": 2}\n'),
    ],
)
def test_text_files_are_tables(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with Run.open("understand.test", tmp_path / "out") as run:
        table = read_table(run, tmp_path / name)
    assert days(table, "day")[0].astype(str).tolist() == ["2026-03-01", "2026-03-02"]
    assert numbers(table, "n", "weight").tolist() == [1, 2]


def test_a_folder_of_a_run_gives_its_incidents(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"opened": pa.array([1_767_225_600_000_000, None], pa.int64())}), tmp_path / "incidents.parquet"
    )
    with Run.open("understand.test", tmp_path / "out") as run:
        dates, known = days(read_table(run, tmp_path), "opened")
    assert (str(dates[0]), known.tolist()) == ("2026-01-01", [True, False])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("a.parquet", b"no", "cannot be read as a table"), ("a.csv", b'a,b\n1\n"x', "cannot be read as a table")],
)
def test_a_broken_file_is_named(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with Run.open("understand.test", tmp_path / "out") as run, pytest.raises(BadInput, match=said):
        read_table(run, tmp_path / name)


@pytest.mark.parametrize(("name", "content"), [("a.parquet", b"no"), ("a.csv", b"a,b\n1,2\nmia@example.com,2,3\n")])
def test_a_message_about_a_file_has_neither_its_path_nor_its_rows(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with Run.open("understand.test", tmp_path / "out") as run, pytest.raises(BadInput, match=name) as told:
        read_table(run, tmp_path / name)
    assert str(tmp_path) not in str(told.value)
    assert "example.com" not in str(told.value)


def test_no_rows_and_no_incidents_are_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"opened": pa.array([], pa.date32())}), tmp_path / "a.parquet")
    (tmp_path / "folder").mkdir()
    with Run.open("understand.test", tmp_path / "out") as run:
        with pytest.raises(BadInput, match=r"a\.parquet: has no rows"):
            read_table(run, tmp_path / "a.parquet")
        with pytest.raises(BadInput, match="folder: holds no incidents"):
            read_table(run, tmp_path / "folder")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"")
    with Run.open("understand.test", tmp_path / "out") as run, pytest.raises(UsageError, match="is no table here"):
        read_table(run, tmp_path / "a.xlsx")


def test_days_are_dates_or_refused() -> None:
    table = pa.table({
        "text": ["2026-01-02T10:00", " 2026-01-03", ""], "small": [1, 2, 3], "other": ["1/2/2026", None, None],
        "flag": [True, False, None], "when": pa.array([0, 86_400_000, None], pa.timestamp("ms")),
        "kind": pa.array(["b", None, "a"]).dictionary_encode(), "many": [[1], [2], [3]],
    })  # fmt: skip
    assert days(table, "text")[1].tolist() == [True, True, False]
    assert days(table, "when")[0].astype(str).tolist()[:2] == ["1970-01-01", "1970-01-02"]
    for name, said in (("small", "small whole numbers"), ("other", "YYYY-MM-DD"), ("flag", "not of dates")):
        with pytest.raises(UsageError, match=said):
            days(table, name)
    assert np.isnan(numbers(table, "flag", "weight")[2])
    codes, names = labels(table, "kind", "segment")
    assert [names[code] for code in codes] == ["b", "(none)", "a"]
    with pytest.raises(UsageError, match="plain values"):
        labels(table, "many", "segment")
    with pytest.raises(UsageError, match="not of numbers"):
        numbers(table, "text", "weight")
