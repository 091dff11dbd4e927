import csv
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.vault import seal
from consentinel.detect.collectors import _request_table, requests
from consentinel.detect.collectors._batch import Batch, Options
from tests.detect.collectors.hars import raw, traffic, visits

KEY = bytes(32)
ROWS = [
    {"url": "https://t.tracker.test/p?uid=1", "page": "https://www.shop.test/", "time": "2026-01-02T03:04:05Z",
     "method": "post", "status": "204", "headers": '{"Cookie":"a=1"}', "body": '{"x":"line\none"}'},
    {"url": "https://shop.test/a", "page": "https://www.shop.test/", "time": "2026-01-02T03:04:06Z", "method": "",
     "status": "n/a", "headers": '[["Cookie","b=2"]]', "body": ""},
    {"url": "wss://live.test/", "page": "https://news.test/x/123456", "time": "", "method": "GET",
     "status": "99999999999", "headers": '[{"name":"Cookie","value":"c=3"}]', "body": "a,b;\"c\""},
]  # fmt: skip


def read(path: Path, **options: Any) -> tuple[list[Batch], list[str]]:
    notes: list[str] = []
    return list(requests.read(path, Options(key=KEY, **options), notes)), notes


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_ndjson(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(r).encode() + b"\n" for r in rows)


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue().to_pybytes()


KINDS = {
    "a.csv": as_csv, "a.tsv": lambda r: as_csv(r, "\t"), "a.ndjson": as_ndjson, "a.jsonl": as_ndjson,
    "a.parquet": as_parquet, "a.csv.gz": lambda r: gzip.compress(as_csv(r)),
    "a.jsonl.zst": lambda r: zstandard.compress(as_ndjson(r)), "my.parquet.list.csv": as_csv,
}  # fmt: skip


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_the_same_requests(name: str, sealed: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(KINDS[name](ROWS))
    if sealed:
        path = seal(path, tmp_path / f"{name}.vault", KEY)
    batches, notes = read(path)
    rows = traffic(batches)
    assert [(r["host"], r["method"], r["status"], r["party"], r["channel"]) for r in rows] == [
        ("t.tracker.test", "POST", 204, "third", "http"), ("shop.test", "GET", None, "first", "http"),
        ("live.test", "GET", None, "third", "http"),
    ]  # fmt: skip
    assert rows[0]["time"] == 1767323045000000
    assert [v for c, _, v in raw(batches) if c == "cookie"] == [b"a=1", b"b=2", b"c=3"]
    assert [v for c, _, v in raw(batches) if c == "body:"] == [b'{"x":"line\none"}', b'a,b;"c"']
    assert [(v["subject"], v["page_template"]) for v in visits(batches)] == [("shop.test", "/"), ("news.test", "/x/{}")]
    assert notes == []


def test_a_column_map_names_the_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"where,who\nhttps://a.test/?x=1,v1\nhttps://b.test/,v2\n")
    batches, _ = read(tmp_path / "a.csv", columns={"url": "where", "visit": "who"})
    assert [(r["host"], r["visit_id"]) for r in traffic(batches)] == [("a.test", "0000.0.0"), ("b.test", "0000.0.1")]


@pytest.mark.parametrize(
    ("columns", "error", "says"),
    [
        ({"ulr": "where"}, UsageError, "did you mean 'url'"),
        ({"zzz": "where"}, UsageError, "there is: url, time"),
        ({"url": "wher"}, BadInput, "Did you mean 'where'"),
        ({"url": "q"}, BadInput, "There is: where, who"),
        ({}, BadInput, "--columns url=COLUMN"),
    ],
)
def test_a_wrong_column_map_says_what_there_is(columns: dict[str, str], error: Any, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"where,who\nhttps://a.test/?x=1,v1\n")
    with pytest.raises(error, match=says):
        read(tmp_path / "a.csv", columns=columns)


def test_a_table_without_a_head_is_refused_without_repeating_its_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"https://a.test/?e=1,jane@example.com,4155550123\nhttps://a.test/,y,z\n")
    with pytest.raises(BadInput) as told:
        read(tmp_path / "a.csv")
    assert "jane" not in str(told.value)
    assert "4155550123" not in str(told.value)


def test_rows_with_a_wrong_number_of_fields_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b'url,body\nhttps://a.test/,"x\ny"\nhttps://b.test/\nhttps://c.test/,1,2\nnot a url,\n'
    )
    batches, notes = read(tmp_path / "a.csv")
    assert len(traffic(batches)) == 1
    assert notes == [
        "a.csv: 2 rows with a wrong number of fields were left out",
        "a.csv: 1 rows without a usable URL were left out",
    ]


def test_latin_1_text_is_read_with_replacements(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"url,body\nhttps://a.test/?q=caf\xe9,caf\xe9\n")
    batches, _ = read(tmp_path / "a.csv")
    assert ("query", "", "q=caf\ufffd".encode()) in raw(batches)


def test_bad_lines_are_counted_and_later_fields_are_seen(tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"url":"https://a.test/"}',
        b"",
        b"[1]",
        b"{",
        b'{"url":"https://b.test/","body":"a=1"}',
        b"\xff",
    ]
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(lines))
    batches, notes = read(tmp_path / "a.ndjson")
    assert [r["host"] for r in traffic(batches)] == ["a.test", "b.test"]
    assert ("body:", "", b"a=1") in raw(batches)
    assert notes == ["a.ndjson: 3 lines that are not JSON objects were left out"]


def test_an_endless_line_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_request_table, "MAX_LINE", 1000)
    (tmp_path / "a.ndjson").write_bytes(
        b'{"url":"https://a.test/"}\n{"x":"' + b"y" * 5000 + b'"}\n{"url":"https://b.test/"}'
    )
    batches, notes = read(tmp_path / "a.ndjson")
    assert [r["host"] for r in traffic(batches)] == ["a.test", "b.test"]
    assert "left out" in notes[0]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""), ("a.csv", b"\n"), ("a.csv", b"\0\1\2"), ("a.csv", b"<html>"), ("a.parquet", b"PAR1nonsense"),
        ("a.parquet", as_parquet(ROWS)[:-9]), ("a.ndjson", b"[]\n"), ("a.ndjson", b"\x89PNG"),
        ("a.ndjson", b"<html>\n</html>"),
        ("a.csv.gz", gzip.compress(as_csv(ROWS), mtime=0)[:20]), ("a.csv", '"url'.encode("utf-16")),
    ],
)  # fmt: skip
def test_what_is_not_such_a_table_is_refused_with_its_name(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput) as told:
        read(tmp_path / name)
    assert str(told.value).startswith(f"{name}: ")
    assert str(tmp_path) not in str(told.value)
    assert told.value.todo


def test_a_table_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    rows = [{"url": f"https://a.test/?n={n * 7919:x}"} for n in range(60_000)]
    whole = gzip.compress(as_ndjson(rows))
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    batches, notes = read(tmp_path / "a.jsonl.gz")
    assert batches[-1].done
    assert 4_000 < len(traffic(batches)) < 60_000
    assert "rows before that were read" in notes[-1]


def test_a_parquet_bomb_is_refused(tmp_path: Path) -> None:
    table = pa.table({"url": pa.array(["x" * (1 << 20)] * 64)})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    with pytest.raises(BadInput, match="bomb"):
        read(tmp_path / "a.parquet")


def test_columns_of_any_type_do_not_stop_the_reading(tmp_path: Path) -> None:
    url = "https://a.test/"
    odd = {
        "url": [url, url], "time": [datetime(2026, 1, 2, tzinfo=UTC), None], "status": [float("nan"), 1e30],
        "region": [5, 6],
        "scenario": [["reject"], None], "headers": [[("Cookie", "a=1")], None], "body": [b"\xff", None],
        "method": [1, 2], "mime": [None, None], "resource_type": [2.5, None], "page": [None, None],
    }  # fmt: skip
    table = pa.table(
        {n: pa.array(v, pa.map_(pa.string(), pa.string()) if n == "headers" else None) for n, v in odd.items()}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    batches, _ = read(tmp_path / "a.parquet")
    assert [(r["status"], r["method"]) for r in traffic(batches)] == [(None, "1"), (None, "2")]
    assert ("cookie", "", b"a=1") in raw(batches)
    assert [(v["scenario"], v["region"]) for v in visits(batches)] == [("unknown", None)]


def test_the_recorded_entries_read_as_a_table(captures: Path) -> None:
    path = captures / "entries.parquet"
    columns = {"visit": "file", "time": "started", "page": "page_url", "body": "post_data"}
    batches, notes = read(path, columns=columns)
    told = pq.read_table(path, columns=["file", "url"]).to_pylist()
    assert sum(b.traffic.num_rows for b in batches) == sum(r["url"].startswith(("http", "ws")) for r in told)
    assert len(visits(batches)) == len({r["file"] for r in told})
    assert notes == []


ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.text(max_size=3), max_size=2)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(requests.FIELDS)), ANY), max_size=4))
def test_no_row_of_any_content_crashes_the_reader(rows: list[dict[str, Any]]) -> None:
    columns = {f: [r.get(f) for r in rows] + ["https://a.test/?q=1"] for f in requests.FIELDS}
    notes: list[str] = []
    batches = list(requests._requests("a", {f: f for f in columns}, iter([columns]), Options(), notes))
    assert any(r["host"] == "a.test" for r in traffic(batches))
