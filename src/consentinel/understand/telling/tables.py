"""The tables of runs in a closed database: a SELECT can read them, and nothing else."""

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.allowed_sql import CLOSED
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.understand.telling.story import Scalar, Table

__all__ = ["Tables", "opened"]

MOST_ROWS = 200  # of an answer that a story keeps: what is cited has to be small enough to read
SECONDS = 60  # that a query may take
TIMES = ("opened", "closed", "received", "first", "last", "start")


class Tables:
    """Open tables; made by `opened`, which see."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, found: dict[str, tuple[Table, list[str]]]) -> None:
        self._connection, self._found = connection, found

    @property
    def tables(self) -> list[Table]:
        """The tables, by name."""
        return [self._found[name][0] for name in sorted(self._found)]

    def has(self, name: str, *columns: str) -> bool:
        """Return whether there is a table NAME with these COLUMNS."""
        return name in self._found and set(columns) <= set(self._found[name][1])

    def rows(self, sql: str) -> tuple[list[str], list[list[Scalar]]]:
        """Return the columns and rows of the one SELECT in SQL, at most 200; raises UsageError for anything else."""
        try:
            statements = self._connection.extract_statements(sql)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                raise UsageError("a query is one SELECT")
            alarm = threading.Timer(SECONDS, self._connection.interrupt)
            alarm.start()
            try:
                answer = self._connection.execute(statements[0])
                columns = [str(column[0]) for column in answer.description or ()]
                found = answer.fetchmany(MOST_ROWS + 1)
            finally:
                alarm.cancel()
        except duckdb.InterruptException:
            raise UsageError(f"a query took longer than {SECONDS} seconds; ask for less") from None
        except duckdb.Error as why:
            raise UsageError(f"the SQL does not run: {str(why).splitlines()[0][:200]}") from None
        if len(found) > MOST_ROWS:
            raise UsageError(f"a query answers with more than {MOST_ROWS} rows; add a LIMIT or a GROUP BY")
        return columns, [[_scalar(cell) for cell in row] for row in found]

    def read_by(self, sql: str) -> list[str]:
        """Return the names of the tables that SQL reads."""
        try:
            named = self._connection.get_table_names(sql)
        except duckdb.Error:  # it knows less SQL than what runs it
            named = set(re.findall(r"\w+", sql.lower()))
        return sorted(named & set(self._found))


@contextmanager
def opened(run: Run, inputs: Sequence[Path]) -> Iterator[Tables]:
    """Give the tables of INPUTS: Parquet files, and folders of runs with such files; each is named after its file.

    Raises BadInput for a file that cannot be read, UsageError where there is no table or two have the same name.
    """
    found: dict[str, tuple[Table, list[str]]] = {}
    with duckdb.connect(":memory:", config={**CLOSED, "threads": 2, "memory_limit": "2GB"}) as connection:
        for file in _files(inputs):
            name = re.sub(r"[^a-z0-9_]", "_", file.stem.lower())
            if name in found:
                raise UsageError(f"there are two tables '{name}'; name the folder or the file of one of them")
            run.read(file)
            try:
                table, digest = pq.read_table(file), _sha256(file)
            except (OSError, pa.ArrowException):
                raise BadInput(
                    "is not a table", where=file.name, todo="Name folders of runs, or Parquet files"
                ) from None
            connection.register("given", table)
            shown = ", ".join(_shown(field) for field in table.schema)
            connection.execute(f'CREATE TABLE "{name}" AS SELECT {shown} FROM given')
            connection.unregister("given")
            found[name] = (Table(name, file.name, table.num_rows, digest), table.column_names)
        if not found:
            raise UsageError("there is no table in the inputs; name folders of runs, for example that of ingest")
        connection.execute("SET lock_configuration = true")
        yield Tables(connection, found)


def _files(inputs: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in inputs:
        if not path.exists():
            raise BadInput("there is no such file or folder", where=path.name, todo="Check the path")
        files += sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def _shown(field: pa.Field) -> str:
    """Return the column FIELD in SQL; times, whole microseconds since 1970, are shown as TIMESTAMP, as `ask` does."""
    name = '"' + field.name.replace('"', '""') + '"'
    return f"make_timestamp({name}) AS {name}" if field.name in TIMES and pa.types.is_int64(field.type) else name


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _scalar(cell: Any) -> Scalar:
    """Return CELL as JSON can hold it; dates and times are texts, lists are joined."""
    if cell is None or isinstance(cell, bool | int | str):
        return cell
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, list | tuple):
        return ", ".join(str(one) for one in cell)
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return str(cell)
    return number if number == number and abs(number) != float("inf") else None
