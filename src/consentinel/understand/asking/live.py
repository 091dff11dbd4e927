"""The tables of runs as they can be asked: one closed DuckDB connection, with what stands in each column.

Times (whole microseconds since 1970) are shown as TIMESTAMP, and facts as columns of their own. The connection sees no
file, no network and no extension; nobody can write through it to what the runs kept.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.allowed_sql import CLOSED
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run

__all__ = ["Column", "Live", "Role", "Table", "name", "opened", "opened_tables"]

Role = Literal["label", "number", "time", "flag", "list", "other"]
MOST_VALUES = 20_000  # of one column that questions are linked to
_MICROS = (100_000_000_000_000, 5_000_000_000_000_000)  # 1973 to 2128
_BARE = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset([
    "all", "analyse", "and", "any", "array", "as", "asc", "between", "both", "by", "case", "cast", "check",
    "collate", "column", "constraint", "create", "cross", "default", "desc", "describe", "distinct", "do", "else",
    "end", "except", "exists", "false", "fetch", "first", "for", "foreign", "from", "full", "glob", "grant",
    "group", "having", "ilike", "in", "inner", "intersect", "into", "is", "isnull", "join", "last", "lateral",
    "left", "like", "limit", "map", "natural", "not", "notnull", "null", "of", "offset", "on", "only", "or",
    "order", "outer", "over", "pivot", "placing", "positional", "primary", "qualify", "references", "returning",
    "right", "select", "semi", "set", "show", "similar", "some", "summarize", "symmetric", "table", "then", "to",
    "trailing", "true", "union", "unique", "unpivot", "using", "values", "variadic", "when", "where", "window",
    "with",
])  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column: its name, what it can be used for, how many rows have a value in it, its type in SQL."""

    name: str
    role: Role
    filled: int
    kind: str


@dataclass(frozen=True)
class Table:
    """A table with its columns by name and its number of rows."""

    name: str
    columns: dict[str, Column]
    rows: int


@dataclass
class Live:
    """The tables that can be asked, their digest, and the connection that they are asked through."""

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, Table]
    digest: str
    _values: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    lexicons: dict[tuple[str, bool], Any] = field(default_factory=dict)  # what words mean, by table: asking/lexing.py

    def values(self, table: str, column: str) -> tuple[str, ...]:
        """Return the distinct texts in COLUMN, at most MOST_VALUES of them, the most frequent first."""
        at = (table, column)
        if at not in self._values:
            role = self.tables[table].columns[column].role
            one = f"unnest({name(column)})" if role == "list" else name(column)
            found = self.connection.execute(
                f"SELECT v FROM (SELECT {one} AS v FROM {name(table)}) WHERE v IS NOT NULL GROUP BY v "
                f"ORDER BY count(*) DESC, v LIMIT {MOST_VALUES}"
            ).fetchall()
            self._values[at] = tuple(str(row[0]) for row in found)
        return self._values[at]

    @cached_property
    def spans(self) -> dict[tuple[str, str], tuple[Any, Any]]:
        """The first and the last time in each column of times."""
        found = {}
        for table in self.tables.values():
            for column in table.columns.values():
                if column.role == "time" and column.filled:
                    ends = self.connection.execute(
                        f"SELECT min({name(column.name)}), max({name(column.name)}) FROM {name(table.name)}"
                    ).fetchall()
                    found[table.name, column.name] = ends[0]
        return found


def name(text: str) -> str:
    """Return TEXT as an identifier, quoted where SQL needs it."""
    return text if _BARE.fullmatch(text) and text not in _RESERVED else '"' + text.replace('"', '""') + '"'


def opened(run: Run, paths: Sequence[Path], *, memory_mb: int) -> Live:
    """Return the tables in PATHS, folders of runs or Parquet files; those of one name are put together.

    Raises UsageError when there is none or two of one name do not fit, BadInput for a file that cannot be read.
    """
    parts: dict[str, list[pa.Table]] = {}
    seen = hashlib.sha256()
    for file in sorted(_files(paths), key=lambda f: f.name):
        run.read(file)
        seen.update(hashlib.sha256(file.read_bytes()).digest())
        try:
            parts.setdefault(_table_name(file.stem), []).append(_flat(pq.read_table(file)))
        except (pa.ArrowException, OSError):
            raise BadInput("is not a Parquet table", where=file.name, todo="Name the folder of a run") from None
    if not parts:
        raise UsageError("--tables: there is no .parquet file; name the folder of a run, for example runs/ingest")
    return made({stem: _together(stem, tables) for stem, tables in parts.items()}, seen.hexdigest(), memory_mb)


def opened_tables(tables: dict[str, pa.Table]) -> Live:
    """Return TABLES that are in memory as they can be asked."""
    return made({stem: _flat(table) for stem, table in tables.items()}, "memory")


def made(tables: dict[str, pa.Table], digest: str, memory_mb: int = 1024) -> Live:
    """Return TABLES as they can be asked."""
    connection = duckdb.connect(":memory:", config={**CLOSED, "threads": 2, "memory_limit": f"{memory_mb}MB"})
    found = {}
    for stem, table in tables.items():
        connection.register(f"_{stem}", table)
        shown = [_shown(table, column) for column in table.column_names]
        connection.execute(f"CREATE VIEW {name(stem)} AS SELECT {', '.join(shown)} FROM {name(f'_{stem}')}")
        kinds = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {name(stem)}").fetchall()}
        columns = {
            column: Column(column, _role(kind), table.num_rows - table[column].null_count, kind)
            for column, kind in kinds.items()
        }
        found[stem] = Table(stem, columns, table.num_rows)
    connection.execute("SET lock_configuration = true")
    return Live(connection, found, digest)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.parquet"))
        elif path.suffix == ".parquet":
            yield path
        else:
            raise UsageError(f"--tables: '{path.name}' is no folder of a run and no .parquet file")


def _table_name(stem: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_") or "rows"


def _together(stem: str, tables: list[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="default")
    except pa.ArrowInvalid:
        raise UsageError(f"--tables: the tables named '{stem}' have columns of different types; ask one run") from None


def _flat(table: pa.Table) -> pa.Table:
    """Return TABLE with plain texts for labels, and each fact as a column of its own."""
    for at, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(at, column.name, table.column(at).cast(column.type.value_type))
    if "facts" not in table.column_names:
        return table
    facts = table["facts"].combine_chunks()
    parents, flat = pc.list_parent_indices(facts), pc.list_flatten(facts)
    names = flat.field("name") if len(flat) else pa.array([], pa.string())
    for fact in sorted(one for one in names.unique().to_pylist() if one):
        rows: list[str | None] = [None] * table.num_rows
        mine = pc.equal(names, fact)
        for row, value in zip(parents.filter(mine).to_pylist(), flat.field("value").filter(mine).to_pylist(),
                              strict=True):  # fmt: skip
            rows[row] = value
        called = _table_name(fact)
        table = table.append_column(called if called not in table.column_names else f"fact_{called}", pa.array(rows))
    return table.drop_columns(["facts"])


def _shown(table: pa.Table, column: str) -> str:
    kind = table[column].type
    if pa.types.is_int64(kind) and column != "digest" and table[column].null_count < table.num_rows:
        ends = pc.min_max(table[column]).as_py()
        if _MICROS[0] <= ends["min"] and ends["max"] <= _MICROS[1]:
            return f"make_timestamp({name(column)}) AS {name(column)}"
    return name(column)


def _role(kind: str) -> Role:
    if kind.endswith("[]"):
        return "list" if kind == "VARCHAR[]" else "other"
    if kind == "VARCHAR":
        return "label"
    if kind == "BOOLEAN":
        return "flag"
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "time"
    return "number" if re.match(r"(TINY|SMALL|BIG|HUGE|U)?INT|FLOAT|DOUBLE|DECIMAL", kind) else "other"
