"""Tables of requests: Parquet, CSV or NDJSON with one request per row and a column map."""

import re
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.mask import field_names, path_templates
from consentinel.core.tables import VISITS
from consentinel.detect import parties
from consentinel.detect.collectors import _open
from consentinel.detect.collectors._address import sent, split_url
from consentinel.detect.collectors._batch import SCENARIOS, Batch, Options, Rows, micros, told_region
from consentinel.detect.collectors._request_table import SUFFIXES
from consentinel.detect.collectors._request_table import rows as table_rows

__all__ = ["FIELDS", "SUFFIXES", "holds", "read"]

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
_COLUMN_NAME = re.compile(r"[A-Za-z_][\w .:-]{0,60}")


def read(path: Path, options: Options, notes: list[str]) -> Iterator[Batch]:
    """Yield batches of the request table PATH; rows without a usable URL are left out and told in NOTES.

    Column map (`options.columns`): field=column, for the fields url, time, visit, page, method, status, headers,
    response_headers, body, mime, resource_type, initiator, scenario, region. `url` is required. Headers are JSON: an
    object or a list of pairs. Raises BadInput for a file that cannot be read or lacks a column, and UsageError for a
    field that there is not.
    """
    for name, stream in _open.members(path, options.key):
        with _open.unpacking(name):
            columns, batches = table_rows(name, stream, path, notes)
        yield from _requests(name, _mapped(columns, options.columns, name), batches, options, notes)


def holds(path: Path, options: Options) -> bool:
    """Return whether the table PATH has a column of URLs, usual or mapped; False for what cannot be read."""
    with suppress(BadInput):
        for name, stream in _open.members(path, options.key):
            with _open.unpacking(name):
                columns, _ = table_rows(name, stream, path, [])
                return "url" in _mapped(columns, {f: c for f, c in options.columns.items() if f in FIELDS}, name)
    return False


def _mapped(have: list[str], asked: dict[str, str], where: str) -> dict[str, str]:
    """Return field -> column; raises UsageError for an unknown field and BadInput for a column that is not there."""
    for name, column in asked.items():
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(FIELDS)}"
            raise UsageError(f"--columns: unknown field '{name}'; {hint}")
        if column not in have:
            near = get_close_matches(column, _shown(have), n=1)
            todo = f"Did you mean '{near[0]}'?" if near else f"There is: {', '.join(_shown(have))}"
            raise BadInput(f"there is no column '{column}' for {name}", where=where, todo=todo)
    found = {f: next((c for c in names if c in have), "") for f, names in FIELDS.items()} | asked
    if not found["url"]:
        todo = f"Name it with --columns url=COLUMN. There is: {', '.join(_shown(have))}"
        raise BadInput("no column holds the URL", where=where, todo=todo)
    return {f: c for f, c in found.items() if c}


def _shown(columns: list[str]) -> list[str]:
    """Column names for a message; a table without a head has data in their place, which is not repeated."""
    return [name for name in field_names(columns[:40]) if _COLUMN_NAME.fullmatch(name)]


def _requests(
    name: str, columns: dict[str, str], batches: Iterator[dict[str, list[Any]]], options: Options, notes: list[str]
) -> Iterator[Batch]:
    rows, visits = Rows(), _Visits(name, options)
    bad = 0
    for batch in _whole(name, batches, rows, visits, notes):
        n = len(next(iter(batch.values()), []))
        got = {f: batch[c] for f, c in columns.items()}
        nothing = [None] * n
        for url, time, visit, page, method, status, head, back, body, mime, kind, script, scenario, region in zip(
            *(got.get(f, nothing) for f in FIELDS), strict=True
        ):
            if not sent(url):
                bad += 1
                continue
            headers = _pairs(head)
            number = visits.number(rows, visit, page, url, time, scenario, region)
            rows.request(
                number,
                visits.time,
                str(method or "GET"),
                url,
                headers,
                body=body if isinstance(body, (str, bytes)) else None,
                mime=str(mime or next((v for k, v in headers if k.lower() == "content-type"), "")),
                set_cookies=[v for k, v in _pairs(back) if k.lower() == "set-cookie"],
                status=_status(status),
                resource_type=None if kind is None else str(kind),
                initiator=script if isinstance(script, str) else None,
            )
        if len(rows) >= options.batch_requests:
            yield Batch(*rows.flush())
    if bad:
        notes.append(f"{name}: {bad:,} rows without a usable URL were left out")
    traffic, raw = rows.flush()
    yield Batch(traffic, raw, visits.table(rows), done=True)


def _whole(
    name: str, batches: Iterator[dict[str, list[Any]]], rows: Rows, visits: "_Visits", notes: list[str]
) -> Iterator[dict[str, list[Any]]]:
    """Yield BATCHES; a table that breaks off after some requests ends there, which is told in NOTES."""
    try:
        with _open.unpacking(name):
            yield from batches
    except BadInput as why:
        if not rows.visit_ids:
            raise
        notes.append(f"{why}. The rows before that were read")


def _status(value: object) -> int | None:
    text = str(value)
    number = int(text) if text.isdecimal() and len(text) == 3 else value
    return int(number) if isinstance(number, (int, float)) and 0 < number < 1000 else None


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
            told = str(scenario) if str(scenario) in SCENARIOS - {"unknown"} else self.options.scenario
            known = self._number[key] = rows.visit(f"{self.options.file_no:04d}.0.{len(self._number)}", site)
            self._rows.append(
                {
                    "source_kind": "requests", "source_name": self.name, "page_template": path, "started": self.time,
                    "scenario": told,
                    "scenario_proof": "unknown", "repeat": 0, "region": told_region(region) or self.options.region,
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
