"""Parquet files, columns as they are."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.errors import BadInput
from consentinel.core.run import atomic

__all__ = ["SUFFIXES", "read", "write"]

SUFFIXES = (".parquet",)


def read(path: Path) -> pa.Table:
    """Return the table in PATH; raises BadInput where it is none."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        raise BadInput(
            "is not a Parquet file", where=path.name, todo="Check the file, or name its true suffix"
        ) from None


def write(table: pa.Table, path: Path) -> Path:
    """Write TABLE to PATH, whole or not at all, and return it."""
    with atomic(path) as beside:
        pq.write_table(table, beside, compression="zstd")
    return path
