"""Tables of requests: Parquet, CSV or NDJSON with one request per row and a column map."""

import csv as csv_module
import io
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.mask import path_templates
from consentinel.core.tables import VISITS
from consentinel.detect import parties
from consentinel.detect.collectors import _open
from consentinel.detect.collectors._batch import Batch, Options, Rows, micros, split_url

SUFFIXES = (
    ".parquet",
    ".csv",
    ".csv.gz",
    ".csv.zst",
    ".tsv",
    ".ndjson",
    ".jsonl",
    ".ndjson.gz",
    ".ndjson.zst",
    ".jsonl.gz",
    ".jsonl.zst",
)

# What a row may tell, and the column names under which it is looked for unless the column map says otherwise.
FIELDS: dict[str, tuple[str, ...]] = {
    "url": ("url", "request_url", "requestUrl", "uri"),
    "time": ("time", "time_stamp", "timestamp", "started", "started_date_time", "startedDateTime", "ts"),
    "visit": ("visit", "visit_id", "file", "session"),
    "page": ("page", "page_url", "top_level_url", "top_url", "document_url", "site_url"),
    "method": ("method", "request_method"),
    "status": ("status", "response_status"),
    "headers": ("headers", "request_headers"),
    "response_headers": ("response_headers",),
    "body": ("body", "post_data", "post_body", "request_body"),
    "mime": ("mime", "content_type", "post_mime"),
    "resource_type": ("resource_type", "resourceType"),
    "initiator": ("initiator", "initiator_url", "loading_script"),
    "scenario": ("scenario",),
    "region": ("region",),
}
BATCH = 4_096


def read(path: Path, options: Options, notes: list[str]) -> Iterator[Batch]:
    """Yield batches of the request table PATH; rows without a usable URL are left out and told in NOTES.

    Column map (`options.columns`): field=column, for the fields url, time, visit, page, method, status, headers,
    response_headers, body, mime, resource_type, initiator, scenario, region. `url` is required. Headers are JSON: an
    object or a list of pairs. Raises BadInput for a file that cannot be read and UsageError for a wrong column map.
    """
    for name, stream in _open.members(path, options.key):
        with _open.unpacking(name):
            columns, rows = _rows(name, stream, path, notes)
            yield from _requests(name, _mapped(columns, options.columns, name), rows, options, notes)


def _rows(
    name: str, stream: BinaryIO, path: Path, notes: list[str]
) -> tuple[list[str], Iterator[dict[str, list[Any]]]]:
    """Column names and batches of columns as lists."""
    kind = next((s for s in (".parquet", ".csv", ".tsv", ".ndjson", ".jsonl") if s in path.name.lower()), "")
    try:
        if kind == ".parquet":
            file = pq.ParquetFile(path)
            return file.schema_arrow.names, (b.to_pydict() for b in file.iter_batches(BATCH))
        if kind in (".csv", ".tsv"):
            return _csv(name, stream, "\t" if kind == ".tsv" else ",", notes)
        return _ndjson(name, stream, notes)
    except pa.ArrowException as why:
        raise BadInput(
            f"cannot be read as {kind[1:]} ({str(why).splitlines()[0][:100]})", where=name, todo="Export it again"
        ) from None


def _csv(
    name: str, stream: BinaryIO, delimiter: str, notes: list[str]
) -> tuple[list[str], Iterator[dict[str, list[Any]]]]:
    buffered = cast(io.BufferedReader, stream)
    head = (
        buffered.peek(1 << 16)[: 1 << 16].partition(b"\n")[0].decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r")
    )
    columns = next(csv_module.reader([head], delimiter=delimiter), [])
    bad = 0

    def skip(_: object) -> str:
        nonlocal bad
        bad += 1
        return "skip"

    reader = pa_csv.open_csv(
        buffered,
        read_options=pa_csv.ReadOptions(block_size=4 << 20),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True
        ),
    )

    def batches() -> Iterator[dict[str, list[Any]]]:
        for batch in reader:
            for start in range(0, batch.num_rows, BATCH):
                yield batch.slice(start, BATCH).to_pydict()
        if bad:
            notes.append(f"{name}: {bad:,} rows with a wrong number of fields were left out")

    return columns, batches()


def _ndjson(name: str, stream: BinaryIO, notes: list[str]) -> tuple[list[str], Iterator[dict[str, list[Any]]]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    first = b""
    for line in stream:
        if line.strip():
            first = line
            break
    try:
        columns = list(decoder.decode(first))
    except (msgspec.MsgspecError, UnicodeError, ValueError):
        raise BadInput(
            "the first line is not a JSON object", where=name, todo="Write one JSON object per line"
        ) from None

    def batches() -> Iterator[dict[str, list[Any]]]:
        rows, bad = [decoder.decode(first)], 0
        for line in stream:
            try:
                rows.append(decoder.decode(line))
            except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
                bad += bool(line.strip())
            if len(rows) >= BATCH:
                yield {c: [r.get(c) for r in rows] for c in columns}
                rows = []
        yield {c: [r.get(c) for r in rows] for c in columns}
        if bad:
            notes.append(f"{name}: {bad:,} lines that are not JSON objects were left out")

    return columns, batches()


def _mapped(have: list[str], asked: dict[str, str], where: str) -> dict[str, str]:
    """Return field -> column; raises UsageError when the map names what is not there or there is no url column."""
    for name, column in asked.items():
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(FIELDS)}"
            raise UsageError(f"--columns: unknown field '{name}'; {hint}")
        if column not in have:
            raise UsageError(f"{where}: there is no column '{column}' for {name}; there is: {', '.join(have)[:400]}")
    found = {f: next((c for c in names if c in have), "") for f, names in FIELDS.items()} | asked
    if not found["url"]:
        raise UsageError(
            f"{where}: no column holds the URL; name it with --columns url=COLUMN. There is: {', '.join(have)[:400]}"
        )
    return {f: c for f, c in found.items() if c}


def _requests(
    name: str, columns: dict[str, str], batches: Iterator[dict[str, list[Any]]], options: Options, notes: list[str]
) -> Iterator[Batch]:
    rows, visits = Rows(), _Visits(name, options)
    bad = 0
    for batch in batches:
        n = len(next(iter(batch.values()), []))
        got = {f: batch[c] for f, c in columns.items()}
        nothing = [None] * n
        for url, time, visit, page, method, status, head, back, body, mime, kind, script, scenario, region in zip(
            *(got.get(f, nothing) for f in FIELDS), strict=True
        ):
            if not isinstance(url, str) or "://" not in url[:12]:
                bad += 1
                continue
            headers = _pairs(head)
            number = visits.number(rows, visit, page, url, time, scenario, region)
            rows.request(
                number,
                visits.time,
                str(method or "GET")[:16].upper(),
                url,
                headers,
                body=body if isinstance(body, (str, bytes)) else None,
                mime=str(mime or next((v for k, v in headers if k.lower() == "content-type"), "")),
                set_cookies=[v for k, v in _pairs(back) if k.lower() == "set-cookie"],
                status=int(status) if isinstance(status, (int, float)) or str(status).isdecimal() else None,
                resource_type=None if kind is None else str(kind),
                initiator=script if isinstance(script, str) else None,
            )
        if len(rows) >= options.batch_requests:
            yield Batch(*rows.flush())
    if bad:
        notes.append(f"{name}: {bad:,} rows without a usable URL were left out")
    traffic, raw = rows.flush()
    yield Batch(traffic, raw, visits.table(rows), done=True)


class _Visits:
    """One visit for each value of the visit column, or for each page's site where there is none."""

    def __init__(self, name: str, options: Options) -> None:
        self.name, self.options, self.time = name, options, 0
        self._number: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []

    def number(self, rows: Rows, visit: Any, page: Any, url: str, time: Any, scenario: Any, region: Any) -> int:
        self.time = micros(time) or self.time
        host, _, path, _ = split_url(page if isinstance(page, str) and "://" in page else url)
        site = parties.registrable(host)
        key = str(visit) if visit is not None else site if page is not None else ""
        known = self._number.get(key)
        if known is None:
            told = self.options.scenario
            known = self._number[key] = rows.visit(f"{self.options.file_no:04d}.0.{len(self._number)}", site)
            self._rows.append(
                {
                    "source_kind": "requests", "source_name": self.name, "page_template": path, "started": self.time,
                    "scenario": scenario if told == "unknown" and isinstance(scenario, str) else told,
                    "scenario_proof": "unknown", "repeat": 0, "region": self.options.region or region,
                },
            )  # fmt: skip
        return known

    def table(self, rows: Rows) -> pa.Table:
        paths = path_templates([r["page_template"] for r in self._rows])
        told = [
            r | {"visit_id": v, "subject": s, "page_template": p}
            for r, v, s, p in zip(self._rows, rows.visit_ids, rows.subjects, paths, strict=True)
        ]
        columns = []
        for field in VISITS:
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            columns.append(pa.array([r.get(field.name) for r in told], kind).cast(field.type))
        return pa.table(columns, schema=VISITS)


def _pairs(headers: Any) -> list[tuple[str, str]]:
    """Header pairs of a JSON text, an object or a list; anything else has none."""
    if isinstance(headers, str):
        try:
            headers = msgspec.json.decode(headers)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return []
    if isinstance(headers, dict):
        return [(str(k), str(v)) for k, v in headers.items() if v is not None]
    pairs = []
    for item in headers if isinstance(headers, list) else ():
        if isinstance(item, (list, tuple)) and len(item) == 2:
            pairs.append((str(item[0]), str(item[1])))
        elif isinstance(item, dict) and "name" in item and "value" in item:
            pairs.append((str(item["name"]), str(item["value"])))
    return pairs
