"""SQL that may be asked: one SELECT over the tables there are, with functions that read and compute and nothing else.

It is parsed, never matched: tables have to be those of the runs, columns are bound by EXPLAIN, functions are on a list.
It runs on a connection that sees no file, network or extension, with limits on rows, memory and time.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Any

import duckdb

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.understand.asking.live import Live

__all__ = ["Answer", "checked", "ran"]

LONGEST, MOST_CELLS = 20_000, 5_000_000
# Functions of DuckDB that read and compute, by the names that sqlglot gives the ones it knows.
FUNCTIONS = frozenset([
    "abs", "avg", "count", "countif", "count_if", "sum", "min", "max", "median", "mode", "quantile",
    "quantilecont", "quantiledisc", "percentilecont", "percentiledisc", "quantile_cont", "quantile_disc", "stddev",
    "stddevpop", "stddevsamp", "variance", "variancepop", "var_samp", "var_pop", "stddev_samp", "stddev_pop",
    "corr", "coalesce", "nullif", "greatest", "least", "if", "case", "cast", "trycast", "round", "floor", "ceil",
    "ln", "log", "exp", "sqrt", "pow", "sign", "lower", "upper", "trim", "length", "substring", "strposition",
    "replace", "concat", "left", "right", "startswith", "starts_with", "endswith", "contains", "regexp_matches",
    "regexplike", "split", "split_part", "datetrunc", "timestamptrunc", "date_trunc", "datediff", "date_diff",
    "dateadd", "datesub", "extract", "year", "month", "day", "quarter", "week", "dayofweek", "dayofweekiso",
    "dayofyear", "weekofyear", "isodow", "dayname", "monthname", "strftime", "timetostr", "tochar", "make_date",
    "datefromparts", "currentdate", "arraysize", "len", "list_contains", "arraycontains", "array_length", "unnest",
    "explode", "list_distinct", "list_count", "rank", "denserank", "dense_rank", "rownumber", "row_number", "lag",
    "lead", "firstvalue", "lastvalue", "first_value", "last_value", "ntile", "percentrank", "cumedist", "and",
    "or", "not", "between", "in", "like", "ilike", "exists", "any", "all", "date", "datestrtodate", "timestamp",
    "strtodate", "tsordstodate", "timestrtotime", "anyvalue", "any_value", "argmax", "argmin", "arg_max",
    "arg_min", "filter", "withingroup", "hour", "dayofmonth", "epoch", "isinf", "isnan", "divide",
    "approx_count_distinct", "approxdistinct", "is_null", "groupconcat", "string_agg",
    "logicaland", "logicalor", "bool_and", "bool_or", "safedivide", "intdiv", "mod",
])  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """Rows with the names and types of their columns; whether there were more than were asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool
    table: Any


def checked(statement: str, live: Live) -> str:
    """Return STATEMENT written out again from what was parsed; raises UsageError for all that is not a plain SELECT."""
    if not isinstance(statement, str) or len(statement) > LONGEST or "\0" in statement:
        raise UsageError(f"a question in SQL is a text of at most {LONGEST:,} characters")
    tree = _tree(statement)
    exp: Any = need("sqlglot.expressions", extra="ask")
    if not isinstance(tree, exp.Query):
        raise UsageError("only one SELECT can be asked; statements that change anything are refused")
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.walk():
        if isinstance(node, exp.DDL | exp.DML | exp.Command | exp.Into | exp.Parameter | exp.Placeholder | exp.Pragma):
            raise UsageError("only one SELECT can be asked; statements that change anything are refused")
        if isinstance(node, exp.Table):
            _table(node, named, live, exp)
        elif isinstance(node, exp.Func):
            called = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            if called not in FUNCTIONS and called.replace("_", "") not in FUNCTIONS:
                raise UsageError(f"the function '{called[:40]}' cannot be asked with")
    written: str = tree.sql(dialect="duckdb")
    try:
        live.connection.execute(f"EXPLAIN {written}").fetchall()
    except duckdb.Error as why:
        raise UsageError(f"the SQL does not run: {str(why).splitlines()[0][:300]}") from None
    return written


def _tree(statement: str) -> Any:
    sqlglot = need("sqlglot", extra="ask")
    log = logging.getLogger("sqlglot")
    before, log.disabled = log.disabled, True  # what it cannot parse is refused here, in our words
    try:
        found = [one for one in sqlglot.parse(statement, dialect="duckdb") if one is not None]
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as why:
        told = str(why).splitlines()[0][:200] if isinstance(why, sqlglot.errors.ParseError) else "it cannot be read"
        raise UsageError(f"this is not SQL as DuckDB writes it: {told}") from None
    finally:
        log.disabled = before
    if len(found) != 1:
        raise UsageError("a question is one SELECT")
    return found[0]


def _table(node: Any, named: set[str], live: Live, exp: Any) -> None:
    if isinstance(node.this, exp.Func):
        called = (node.this.name if isinstance(node.this, exp.Anonymous) else node.this.sql_name()).lower()
        if called not in ("unnest", "explode"):
            raise UsageError(f"FROM names tables of the runs; '{called[:40]}' is none")
        return
    if node.name.lower() not in {*live.tables, *named} or node.args.get("db") or node.args.get("catalog"):
        raise UsageError(f"there is no table '{node.name[:40]}'; there is: {', '.join(live.tables)}")


def ran(statement: str, live: Live, *, rows: int, seconds: float) -> Answer:
    """Return the first ROWS rows of a checked STATEMENT; raises UsageError when it takes longer or more memory."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        live.connection.interrupt()

    clock = threading.Timer(seconds, stop)
    clock.start()
    try:
        table = live.connection.sql(f"SELECT * FROM ({statement}) LIMIT {rows + 1}").to_arrow_table()
    except duckdb.OutOfMemoryException:
        raise UsageError(
            "the question needs more memory than it may take; ask for less, or raise --memory-mb"
        ) from None
    except (duckdb.Error, RuntimeError) as why:
        if late.is_set():
            raise UsageError(
                f"the question took more than {seconds:g} seconds; ask for less, or raise --seconds"
            ) from None
        raise UsageError(f"the SQL does not run: {str(why).splitlines()[0][:300]}") from None
    finally:
        clock.cancel()
    if table.num_rows * max(1, table.num_columns) > MOST_CELLS:
        raise UsageError("the answer has too many cells; ask for fewer columns or rows")
    kept = table.slice(0, rows)
    names = _apart(kept.column_names)
    kept = kept.rename_columns(names)
    cells = [column.to_pylist() for column in kept.columns]
    return Answer(tuple(names), list(zip(*cells, strict=True)), table.num_rows > rows, kept)


def _apart(names: list[str]) -> list[str]:
    """Return NAMES, those that come again with a number behind."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return made
