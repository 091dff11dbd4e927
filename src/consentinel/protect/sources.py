"""Opens the tables of a question for reading, and nothing else: digests, schema checks, a locked engine.

A digest covers every byte of a table, so that a table which changed between plan and run is noticed before anything
is charged. The engine then sees the named files only: no other file, no network, no extension, no setting.
"""

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.asked import Asked, Joined
from consentinel.protect.declared import EVERY_ROW, Declared, Private, Public
from consentinel.protect.expressions import quoted, text_literal
from consentinel.protect.toml_values import near

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Opened", "digests", "opened"]

SCHEMA = "given"
_TYPES = {
    "bigint": "BIGINT", "double": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMP",
}  # fmt: skip
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT",
            "FLOAT", "DOUBLE", "BOOLEAN")  # fmt: skip


@dataclass
class Opened:
    """A locked engine over the tables of a question; `unchanged` is asked again when all has been read."""

    connection: duckdb.DuckDBPyConnection
    marks: dict[Path, tuple[int, ...]] = field(default_factory=dict)

    def unchanged(self) -> None:
        """Raise BadInput when a file was changed since it was opened."""
        for file, mark in self.marks.items():
            if _mark(file) != mark:
                raise BadInput("was changed while it was read", where=file.name, todo="Plan again and run again")


def digests(asked: Asked, declared: Declared, tables: Mapping[str, "pa.Table"] | None = None) -> dict[str, str]:
    """Return the SHA-256 of each table of the question, by name; raises BadInput, UsageError.

    Arguments: tables, those that were handed over as Arrow tables. Covered are all bytes of the files in order (of a
    DuckDB file also its log), or the schema and all buffers of an Arrow table.
    """
    return {name: _digest(declared.table(name), tables or {}) for name in sorted({t.name for t in asked.tables})}


@contextmanager
def opened(
    asked: Asked,
    declared: Declared,
    *,
    tables: Mapping[str, "pa.Table"] | None = None,
    threads: int | None = None,
    memory: str | None = None,
) -> Iterator[Opened]:
    """Give a locked engine with the tables of the question as views given.NAME; raises BadInput, UsageError.

    Arguments: tables, those handed over as Arrow tables; threads of the engine (default: all cores); memory, its
    limit, such as "8GB". What does not fit into memory is written encrypted to a folder that is removed at the end.
    """
    given = tables or {}
    with TemporaryDirectory(prefix="consentinel-") as folder:
        config: dict[str, Any] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "preserve_insertion_order": False,
            "temp_directory": folder,
            **({"threads": threads} if threads else {}),
            **({"memory_limit": memory} if memory else {}),
        }
        try:
            connection = duckdb.connect(":memory:", config=config)
        except duckdb.Error as why:
            raise UsageError(f"the engine does not start: {str(why).splitlines()[0]}") from None
        with connection:
            _encrypt(connection)
            found = Opened(connection)
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
            for at, name in enumerate(sorted({t.name for t in asked.tables})):
                table = declared.table(name)
                found.marks |= {file: _mark(file) for file in table.files}
                _view(connection, table, given, at)
            _check_units(connection, asked)
            paths = ", ".join(text_literal(str(file.resolve())) for file in found.marks)
            connection.execute(f"SET allowed_paths = [{paths}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield found


def _encrypt(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows that do not fit into memory are written encrypted, by engines that can."""
    with suppress(duckdb.CatalogException):
        connection.execute("SET temp_file_encryption = true")


def _view(
    connection: duckdb.DuckDBPyConnection, table: Private | Public, given: Mapping[str, "pa.Table"], at: int
) -> None:
    """Make the view of TABLE with its declared columns, after comparing them with what is there."""
    if not table.files:
        if table.name not in given:
            raise UsageError(f"'{table.name}' declares no files; hand its rows over as an Arrow table")
        connection.register(f"rows_{at}", given[table.name])
        read = f"rows_{at}"
    else:
        read = _reader(connection, table, at)
    try:
        have = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()}
    except duckdb.Error as why:
        raise _unreadable(table, why) from None
    folded = {name.lower(): name for name in have}
    columns = []
    for name, column in table.columns.items():
        if name == EVERY_ROW:
            columns.append(f"row_number() OVER () AS {quoted(EVERY_ROW)}")
            continue
        if name.lower() not in folded:
            raise BadInput(f"column '{name[:60]}' is missing; {near(name, list(have))}", where=_where(table))
        there = folded[name.lower()]
        kind = _TYPES[column.type] if column.type else have[there]
        if column.low is not None and not kind.startswith(("DECIMAL", *_NUMBERS)):
            raise BadInput(
                f"column '{name[:60]}' has a range but holds {kind}",
                where=_where(table),
                todo="Declare its type as double or bigint, or leave out its range",
            )
        if isinstance(table, Private) and name == table.unit and kind in ("FLOAT", "DOUBLE"):
            raise BadInput(
                f"the unit column '{name[:60]}' holds {kind}; not every number is equal to itself there",
                where=_where(table),
                todo="Declare its type as bigint or text",
            )
        read_as = f"TRY_CAST({quoted(there)} AS {_TYPES[column.type]})" if column.type else quoted(there)
        columns.append(f"{read_as} AS {quoted(name)}")
    connection.execute(f"CREATE VIEW {SCHEMA}.{quoted(table.name)} AS SELECT {', '.join(columns)} FROM {read}")


def _reader(connection: duckdb.DuckDBPyConnection, table: Private | Public, at: int) -> str:
    """Return the SQL that reads the files of TABLE."""
    for file in table.files:
        if not file.is_file():
            raise BadInput("there is no such file", where=file.name, todo="Check the path in the declaration")
    paths = ", ".join(text_literal(str(file.resolve())) for file in table.files)
    kind = table.files[0].suffix.lower()
    if kind == ".parquet":
        return f"read_parquet([{paths}])"
    if kind == ".csv":
        named = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in _header(table))
        return (  # nothing is guessed from the rows: a guess would depend on people
            f"read_csv([{paths}], auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
            f"columns = {{{named}}}, null_padding = true, ignore_errors = true, strict_mode = false)"
        )
    try:
        connection.execute(f"ATTACH {paths} AS source_{at} (READ_ONLY)")
    except duckdb.Error as why:
        raise _unreadable(table, why) from None
    return f"source_{at}.{quoted(str(table.table))}"


def _header(table: Private | Public) -> list[str]:
    """Return the column names of CSV files, which all have the same."""
    found: list[list[str]] = []
    for file in table.files:
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                found.append(next(csv.reader(lines), []))
        except (OSError, UnicodeDecodeError, csv.Error):
            raise BadInput("the first line cannot be read as CSV in UTF-8", where=file.name) from None
        names = found[-1]
        if not names or len({n.lower() for n in names}) != len(names) or "" in names:
            raise BadInput("the first line should name each column once", where=file.name, todo="Add a header line")
        if names != found[0]:
            raise BadInput("has other columns than the first file", where=file.name, todo="Declare it as a table")
    return found[0]


def _check_units(connection: duckdb.DuckDBPyConnection, asked: Asked) -> None:
    """Units that are joined must be compared as they are, or two persons could become one."""
    privates = [t for t in asked.tables if t.unit]
    kinds = [_unit_type(connection, t) for t in privates] if len(privates) > 1 else []
    if any(kind != kinds[0] for kind in kinds):
        raise BadInput(
            f"the unit columns hold different types: {', '.join(kinds)}",
            where=privates[0].name,
            todo="Declare the same type for both (type = 'text')",
        )


def _unit_type(connection: duckdb.DuckDBPyConnection, table: Joined) -> str:
    query = f"DESCRIBE SELECT {quoted(table.unit)} FROM {SCHEMA}.{quoted(table.name)}"
    described = connection.execute(query).fetchone()
    return str(described[1]) if described else ""


def _digest(table: Private | Public, given: Mapping[str, "pa.Table"]) -> str:
    found = hashlib.sha256()
    if not table.files:
        if table.name not in given:
            raise UsageError(f"'{table.name}' declares no files; hand its rows over as an Arrow table")
        return _arrow_digest(given[table.name])
    for file in _with_log(table.files):
        try:
            with file.open("rb") as data:
                found.update(hashlib.file_digest(data, "sha256").digest())
        except OSError as why:
            raise BadInput(f"cannot be read ({why.strerror or why})", where=file.name, todo="Check the path") from None
    return found.hexdigest()


def _with_log(files: Sequence[Path]) -> list[Path]:
    """Return FILES and, of a DuckDB file, the log of writes that are not in it yet."""
    logs = [Path(f"{file}.wal") for file in files if file.suffix.lower() in (".duckdb", ".db")]
    return [*files, *(log for log in logs if log.exists())]


def _arrow_digest(table: "pa.Table") -> str:
    import pyarrow as pa

    class Sink:
        closed = False

        def __init__(self) -> None:
            self.sum = hashlib.sha256()

        def write(self, data: bytes) -> int:
            self.sum.update(data)
            return len(data)

        def flush(self) -> None: ...

        def close(self) -> None: ...

    sink = Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), table.schema) as writer:
        writer.write_table(table)
    return sink.sum.hexdigest()


def _mark(file: Path) -> tuple[int, ...]:
    try:
        found = os.stat(file)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _where(table: Private | Public) -> str:
    return table.files[0].name if table.files else table.name


def _unreadable(table: Private | Public, why: duckdb.Error) -> BadInput:
    return BadInput(f"cannot be read ({type(why).__name__})", where=_where(table), todo="Check what kind of file it is")
