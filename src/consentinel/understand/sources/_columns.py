"""Arrow tables as columns of texts, and a Parquet file read in batches."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.errors import BadInput
from consentinel.understand.sources._asking import NAMES, PART, ROWS, TOO_WIDE, Asking

_UNREADABLE = (OSError, pa.ArrowException, MemoryError)


def texts(table: pa.Table, start: int, asking: Asking) -> pa.Table:
    """Return TABLE with every column as texts, and source_row from START on; what no text can be made of is left out.

    Structs become columns with names joined by dots, items of a list are parted by U+001F, times are ISO 8601.
    """
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    made = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            made[name] = _text(column)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            asking.notes.append(f"column '{name[:60]}' holds {column.type}, which is no text: it was left out")
    rows = pa.array(range(start, start + table.num_rows), pa.int64())
    return pa.table({**made, "source_row": rows})


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _text(column.cast(kind.value_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.binary_join(column.cast(pa.list_(pa.string())), PART).cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise pa.ArrowInvalid("bytes")
    return column.cast(pa.string())


def parquet(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the rows of the Parquet file PATH as texts; raises BadInput where it is none or is damaged."""
    at = 0
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if len(names) > NAMES:
                asking.notes.append(TOO_WIDE)
            for batch in file.iter_batches(ROWS, columns=names[:NAMES] if len(names) > NAMES else None):
                yield texts(pa.Table.from_batches([batch]), at, asking)
                at += batch.num_rows
    except _UNREADABLE:
        raise BadInput(
            "is not a Parquet file, or is damaged or cut off", where=path.name, todo="Export it again"
        ) from None


def schema(path: Path) -> list[str]:
    """Return the column names of the Parquet file PATH; none where it is no such file."""
    try:
        return list(pq.read_schema(path).names) if path.is_file() else []
    except _UNREADABLE:
        return []
