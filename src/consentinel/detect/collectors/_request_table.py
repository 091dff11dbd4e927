"""Read a table of requests as batches of columns: Parquet, CSV or NDJSON, never the whole of it at once."""

import csv as csv_module
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from consentinel.core.errors import BadInput
from consentinel.detect.collectors import _open

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
KINDS = (".parquet", ".csv", ".tsv", ".ndjson", ".jsonl")
BATCH = 4_096  # rows
MAX_LINE = 64 << 20  # bytes of one NDJSON row

Columns = dict[str, list[Any]]


def kind_of(name: str) -> str:
    """Return which of KINDS the file NAME has below its packing, or an empty text."""
    name = name.lower().removesuffix(".vault").removesuffix(".gz").removesuffix(".zst")
    return next((k for k in KINDS if name.endswith(k)), "")


def rows(name: str, stream: BinaryIO, path: Path, notes: list[str]) -> tuple[list[str], Iterator[Columns]]:
    """Return the column names of the table at PATH and an iterator over batches of its columns.

    STREAM has its unpacked bytes. What is left out is told in NOTES. Raises BadInput when it is not such a table.
    """
    kind = kind_of(path.name)
    try:
        if kind == ".parquet":
            return _parquet(name, stream, path)
        if kind in (".csv", ".tsv"):
            return _csv(name, stream, "\t" if kind == ".tsv" else ",", notes)
    except pa.ArrowException:  # its message may quote a row
        raise BadInput(
            f"is not a table in {kind[1:]} form, or is cut off", where=name, todo="Export it again"
        ) from None
    return _ndjson(name, stream, notes)


def _parquet(name: str, stream: BinaryIO, path: Path) -> tuple[list[str], Iterator[Columns]]:
    sealed = path.name.lower().endswith(".vault")
    file = pq.ParquetFile(pa.BufferReader(stream.read()) if sealed else path)
    told = file.metadata
    unpacked = sum(told.row_group(n).total_byte_size for n in range(told.num_row_groups))
    if unpacked > max(_open.RATIO_COUNTS_FROM, _open.MAX_RATIO * path.stat().st_size):
        raise BadInput("expands to far more than its size: a decompression bomb", where=name, todo="Leave it out")
    return file.schema_arrow.names, (b.to_pydict() for b in file.iter_batches(BATCH))


def _csv(name: str, stream: BinaryIO, delimiter: str, notes: list[str]) -> tuple[list[str], Iterator[Columns]]:
    buffered = cast(io.BufferedReader, stream)
    head = buffered.peek(1 << 16)[: 1 << 16].decode("utf-8", "replace").lstrip("\ufeff")
    try:
        columns = next(csv_module.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
    except csv_module.Error:
        columns = []
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
            column_types=dict.fromkeys(columns, pa.binary()), strings_can_be_null=True
        ),
    )

    def batches() -> Iterator[Columns]:
        try:
            for batch in reader:
                for start in range(0, batch.num_rows, BATCH):
                    part = batch.slice(start, BATCH)
                    yield {n: _texts(c) for n, c in zip(part.schema.names, part.columns, strict=True)}
        except pa.ArrowException:
            raise BadInput(
                "a row cannot be read: an open quote, or a row over 4 MB", where=name, todo="Export it as Parquet"
            ) from None
        finally:
            if bad:
                notes.append(f"{name}: {bad:,} rows with a wrong number of fields were left out")

    return columns, batches()


def _texts(column: pa.Array) -> list[Any]:
    if not pa.types.is_binary(column.type):
        return column.to_pylist()
    return [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]


def _ndjson(name: str, stream: BinaryIO, notes: list[str]) -> tuple[list[str], Iterator[Columns]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    bad = 0

    def parsed() -> Iterator[dict[str, Any]]:
        nonlocal bad
        first = True
        while line := stream.readline(MAX_LINE):
            if first:
                line, first = line.removeprefix(b"\xef\xbb\xbf"), False
            try:
                yield decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
                bad += bool(line.strip())

    lines = parsed()
    head = [row for _, row in zip(range(BATCH), lines, strict=False)]
    if not head:
        raise BadInput("holds no JSON object", where=name, todo="Write one JSON object per line")
    columns = list(dict.fromkeys(c for row in head for c in row))

    def batches() -> Iterator[Columns]:
        found = head
        try:
            while found:
                yield {c: [r.get(c) for r in found] for c in columns}
                found = [row for _, row in zip(range(BATCH), lines, strict=False)]
        finally:
            if bad:
                notes.append(f"{name}: {bad:,} lines that are not JSON objects were left out")

    return columns, batches()
