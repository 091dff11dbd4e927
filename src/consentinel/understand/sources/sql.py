"""A SELECT in a .sql file, run read-only on the SQLite or DuckDB file or the PostgreSQL server of --database."""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from consentinel.core.allowed_sql import CLOSED, check_sql
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.state import shown
from consentinel.understand.sources import _columns
from consentinel.understand.sources._asking import ROWS, Asking, batches

__all__ = ["COLUMNS", "KIND", "fits", "read"]

COLUMNS: Mapping[str, str] = {}
KIND = ""
SECONDS = 600  # that a statement may take on a server
_SERVERS = ("postgresql://", "postgres://")


def fits(path: Path) -> int:
    """Return 1 when PATH ends in .sql, else 0."""
    return int(path.name.lower().endswith(".sql"))


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the rows of the SELECT in PATH; raises UsageError for SQL that is more than a SELECT (core/allowed_sql.py).

    The file is opened for reading only, the server in a transaction that is READ ONLY. Raises BadInput.
    """
    try:
        statement = path.read_text("utf-8-sig").strip().rstrip(";")
    except (OSError, UnicodeDecodeError):
        raise BadInput("cannot be read as text in UTF-8", where=path.name, todo="Check the path") from None
    check_sql(statement)
    if not asking.database:
        raise UsageError(f"{path.name}: name the database of the statement: --database FILE, or postgresql://...")
    if asking.database.startswith(_SERVERS):
        return _postgresql(statement, asking)
    file = Path(asking.database)
    if not file.is_file():
        raise BadInput("there is no such database", where=shown(asking.database), todo="Check --database")
    with file.open("rb") as begin:
        lite = begin.read(16) == b"SQLite format 3\0"
    return _sqlite(statement, file, asking) if lite else _duckdb(statement, file, asking)


def _sqlite(statement: str, file: Path, asking: Asking) -> Iterator[pa.Table]:
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    try:
        cursor = connection.execute(statement)
        yield from batches(_rows(cursor, [column[0] for column in cursor.description]), asking)
    except sqlite3.Error as why:
        raise UsageError(f"the SQL does not run on {file.name}: {str(why)[:200]}") from None
    finally:
        connection.close()


def _duckdb(statement: str, file: Path, asking: Asking) -> Iterator[pa.Table]:
    closed: dict[str, Any] = {**CLOSED, "lock_configuration": True}
    try:
        with duckdb.connect(str(file), read_only=True, config=closed) as connection:
            at = 0
            for batch in connection.sql(statement).to_arrow_reader(ROWS):
                yield _columns.texts(pa.Table.from_batches([batch]), at, asking)
                at += batch.num_rows
    except duckdb.Error as why:
        raise UsageError(f"the SQL does not run on {file.name}: {str(why).splitlines()[0][:200]}") from None


def _postgresql(statement: str, asking: Asking) -> Iterator[pa.Table]:
    psycopg = need("psycopg", extra="review")
    where = shown(asking.database)
    try:
        with psycopg.connect(asking.database, connect_timeout=10) as connection:
            connection.read_only = True
            connection.execute(f"SET LOCAL statement_timeout = {1000 * SECONDS}")
            with connection.cursor(name="ingest") as cursor:
                cursor.itersize = ROWS
                cursor.execute(statement)
                yield from batches(_rows(cursor, [column.name for column in cursor.description or ()]), asking)
    except psycopg.OperationalError:  # its message names hosts and users
        raise BadInput("the server cannot be reached or ended early", where=where, todo="Check --database") from None
    except psycopg.Error as why:
        raise UsageError(f"the SQL does not run on {where}: {type(why).__name__}") from None


def _rows(cursor: Any, names: list[str]) -> Iterator[dict[str, str | None]]:
    """Yield the rows of CURSOR as texts; bytes are left out."""
    for row in cursor:
        cells = (None if cell is None or isinstance(cell, bytes | memoryview) else str(cell) for cell in row)
        yield dict(zip(names, cells, strict=True))
