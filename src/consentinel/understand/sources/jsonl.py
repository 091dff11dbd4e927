"""JSON: one object a line, an array of objects, or an object with an array of them; inner names joined by dots."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from consentinel.understand.sources._asking import Asking, batches
from consentinel.understand.sources._records import flat, objects

__all__ = ["COLUMNS", "KIND", "fits", "read"]

COLUMNS: Mapping[str, str] = {}
KIND = ""
SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")


def fits(path: Path) -> int:
    """Return 1 when PATH ends as a JSON file does, else 0."""
    return int(path.name.lower().endswith(SUFFIXES))


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the objects of PATH; lines that are no object are counted as unreadable. Raises BadInput."""
    return batches(map(flat, objects(path, asking)), asking)
