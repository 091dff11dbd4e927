"""Tables that people hand over: read from Parquet, CSV or JSON lines, with columns as days, numbers and labels."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.core.text import one_line

__all__ = ["Days", "column", "days", "labels", "numbers", "read_table"]

Days = NDArray[np.datetime64]
_ROW = re.compile(r"(?<=columns, got )(\d+):.*")  # the row itself, which Arrow quotes: it may hold anything
_MOST_DAYS = 400_000  # a whole number larger than this is microseconds since 1970, smaller is nothing we know


def read_table(run: Run, path: Path) -> pa.Table:
    """Return the rows of PATH: a .parquet, .csv or .jsonl file, or the folder of a run that kept incidents.parquet.

    Raises BadInput for a file that cannot be read or has no rows, UsageError for another kind of file.
    """
    file = path
    if path.is_dir() and not (file := path / "incidents.parquet").is_file():
        raise BadInput("holds no incidents.parquet", where=path.name, todo="Name a file, or a run of understand ingest")
    run.read(file)
    try:
        table = _table(file)
    except (pa.ArrowException, UnicodeDecodeError) as why:
        said = type(why).__name__
        if isinstance(why, pa.ArrowInvalid):
            said = one_line(_ROW.sub(r"\1", str(why).splitlines()[0]), 120)
        if file.suffix.lower() == ".parquet":  # Arrow's message has the path
            said = "no Parquet file, or one that was cut off"
        todo = "Check that it is whole and what its name says"
        raise BadInput(f"cannot be read as a table ({said})", where=file.name, todo=todo) from None
    if not table.num_rows:
        raise BadInput("has no rows", where=file.name, todo="Name a table with rows")
    return table


def _table(file: Path) -> pa.Table:
    match file.suffix.lower():
        case ".parquet":
            import pyarrow.parquet as pq

            return pq.read_table(file)
        case ".csv":
            import pyarrow.csv as arrow_csv

            return arrow_csv.read_csv(file)
        case ".jsonl" | ".ndjson":
            import pyarrow.json as arrow_json

            return arrow_json.read_json(file)
        case other:
            raise UsageError(f"'{other}' is no table here; there is: .parquet, .csv, .jsonl, or a run's folder")


def column(table: pa.Table, name: str, what: str) -> pa.ChunkedArray:
    """Return the column NAME, which is asked for as WHAT; raises UsageError that lists the columns there are."""
    if name not in table.column_names:
        raise UsageError(f"{what}: no column '{name[:40]}'; there is: {', '.join(table.column_names[:30])}")
    return table.column(name)


def days(table: pa.Table, name: str) -> tuple[Days, NDArray[np.bool_]]:
    """Return the days (n,) of the column NAME and which of them are known; an unknown one is 1970-01-01.

    Dates, timestamps, whole microseconds since 1970 (as in INCIDENTS) and texts that begin with YYYY-MM-DD are days.
    Raises UsageError for other columns and for texts that are not such dates.
    """
    values = column(table, name, "date")
    if pa.types.is_dictionary(values.type):
        values = pc.cast(values, values.type.value_type)
    kind = values.type
    if pa.types.is_integer(kind):
        largest = pc.max(pc.abs(values)).as_py()
        if largest is not None and largest <= _MOST_DAYS:
            raise UsageError(f"'{name}' holds small whole numbers; days are dates, timestamps or microseconds")
        values = pc.cast(pc.cast(values, pa.int64()), pa.timestamp("us"))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(values), 0, 10)
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
        try:
            values = pc.cast(texts, pa.date32())
        except pa.ArrowInvalid:
            raise UsageError(f"'{name}' has texts that are no dates as YYYY-MM-DD; ingest the table first") from None
    elif not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        raise UsageError(f"'{name}' is a column of {kind}, not of dates")
    dated = pc.cast(values, pa.date32(), safe=False)
    known = np.asarray(pc.is_valid(dated))
    whole = np.asarray(pc.fill_null(pc.cast(dated, pa.int32()), 0)).astype("datetime64[D]")
    return whole, known


def numbers(table: pa.Table, name: str, what: str) -> NDArray[np.float64]:
    """Return the column NAME as float64 (n,), NaN where it is null; raises UsageError for what is no number."""
    values = column(table, name, what)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type)):
        raise UsageError(f"{what}: '{name}' is a column of {values.type}, not of numbers")
    return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64)


def labels(table: pa.Table, name: str, what: str) -> tuple[NDArray[np.int64], Sequence[str]]:
    """Return the code (n,) of each row in the column NAME and the labels by code, sorted; null is "(none)"."""
    values = column(table, name, what)
    if pa.types.is_dictionary(values.type):
        values = pc.cast(values, values.type.value_type)
    if pa.types.is_nested(values.type):
        raise UsageError(f"{what}: '{name}' is a column of {values.type}; name one of plain values")
    texts = pc.fill_null(pc.cast(values, pa.string()), "(none)").combine_chunks()
    names, codes = np.unique(texts.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return codes.astype(np.int64), [str(name) for name in names]
