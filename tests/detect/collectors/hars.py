"""Small HAR documents written by hand, and reading them through a file."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Batch, Options

PAGE = "https://shop.test/start"


def entry(url: str = "https://t.tracker.test/p?uid=abc", **more: Any) -> dict[str, Any]:
    request = {"method": "GET", "url": url, "headers": []} | more.pop("request", {})
    return {"startedDateTime": "2026-01-02T03:04:05.678Z", "pageref": "p1", "request": request,
            "response": {"status": 200, "headers": []}} | more  # fmt: skip


def document(entries: Iterable[Any], **log: Any) -> dict[str, Any]:
    pages = [{"id": "p1", "title": PAGE, "startedDateTime": "2026-01-02T03:04:05Z"}]
    return {"log": {"version": "1.2", "creator": {"name": "made"}, "pages": pages} | log | {"entries": list(entries)}}


def read(path: Path, **options: Any) -> tuple[list[Batch], list[str]]:
    notes: list[str] = []
    return list(har.read(path, Options(**options), notes)), notes


def read_document(folder: Path, told: Any, **options: Any) -> tuple[list[Batch], list[str]]:
    path = folder / "made.har"
    path.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    return read(path, **options)


def traffic(batches: list[Batch]) -> list[dict[str, Any]]:
    return [row for b in batches if b.traffic is not None for row in b.traffic.to_pylist()]


def raw(batches: list[Batch]) -> list[tuple[str, str, bytes]]:
    tables = [b.raw for b in batches if b.raw is not None]
    return [(r["carrier"], r["key"], r["value"]) for t in tables for r in t.to_pylist()]


def visits(batches: list[Batch]) -> list[dict[str, Any]]:
    return pa.concat_tables([b.visits for b in batches if b.visits is not None]).to_pylist()
