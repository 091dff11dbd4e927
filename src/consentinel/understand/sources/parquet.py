"""Parquet files: structs become columns with dots in their names, times become ISO 8601."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from consentinel.understand.sources import _columns
from consentinel.understand.sources._asking import Asking

__all__ = ["COLUMNS", "KIND", "fits", "read"]

COLUMNS: Mapping[str, str] = {}
KIND = ""


def fits(path: Path) -> int:
    """Return 1 when PATH ends as a Parquet file does, else 0."""
    return int(path.name.lower().endswith(".parquet"))


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the rows of PATH; raises BadInput."""
    return _columns.parquet(path, asking)
