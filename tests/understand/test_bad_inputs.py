"""Ingest meets files that are too wide, too dense, cut off or of several minds: rows and notes, or one refusal."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput
from consentinel.core.run import Outcome
from consentinel.understand import ingest
from consentinel.understand.sources import _text


def texts(outcome: Outcome) -> list[str | None]:
    found: list[str | None] = pq.read_table(outcome.tables["texts"])["text"].to_pylist()
    return found


def test_columns_beyond_the_first_2000_are_told(ingested: Any) -> None:
    more = ",".join(f"c{n}" for n in range(10_000))
    done = ingested({"a.csv": f"id,text,date,{more}\n1,wide,2026-01-02,{',' * 9_999}\n"})
    assert texts(done) == ["wide"]
    assert "more than 2,000 columns" in done.text


def test_a_wide_parquet_file_is_read_as_far_and_that_is_told(tmp_path: Path) -> None:
    columns = {"id": ["1"], "text": ["wide"], "date": ["2026-01-02"], **{f"c{n}": [""] for n in range(10_000)}}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    done = ingest([tmp_path / "a.parquet"], out=tmp_path / "run")
    assert texts(done) == ["wide"]
    assert "more than 2,000 columns" in done.text


def test_a_parquet_file_that_is_cut_off_is_refused(ingested: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["1"], "text": ["a"]}), tmp_path / "whole.parquet")
    with pytest.raises(BadInput, match="damaged or cut off"):
        ingested({"a.parquet": (tmp_path / "whole.parquet").read_bytes()[:-20]})


def test_packed_data_that_grows_without_end_is_refused(ingested: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_text, "PACKED", 1 << 20)
    with pytest.raises(BadInput, match="200 times its size"):
        ingested({"a.csv.gz": gzip.compress(b"id,text,date\n" + b"\0" * (24 << 20))})


def test_dates_of_three_forms_and_nuls_in_one_file(ingested: Any) -> None:
    text = "id,text,date\n1,a\0b,2026-01-31\n2,c,31 January 2026\n3,d,20260131\n"
    done = ingested({"a.csv": text})
    opened = pq.read_table(done.tables["incidents"])["opened"].to_pylist()
    assert texts(done)[0] == "ab"
    assert len(set(opened)) == 1
    assert opened[0] is not None


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.csv", b"\0\0\0"), ("a.parquet", b"")])
def test_nothing_is_said_to_be_nothing(ingested: Any, name: str, content: bytes) -> None:
    with pytest.raises(BadInput, match=r"holds no rows|damaged or cut off"):
        ingested({name: content})
