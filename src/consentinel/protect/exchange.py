"""Publisher and partner tables: which columns they have, her names for them, and the checks before anything is counted.

A role is one table of one measurement. Lists may stand in one row per person (a CSV cell `[100, 200]`, an Arrow list)
or as one row per event; both become the canonical form that lift and attribution read: lists, one row per person.
A column map is TOML: `[publisher]` and `[partner]` with `canonical_name = "her name"`; columns that are not in it keep
their names. Values are whole numbers in their smallest unit (cents), times whole seconds since 1970 UTC.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from consentinel.core.errors import BadInput, UsageError

__all__ = ["ROLES", "ColumnMap", "Role", "checked", "load_map", "raw_table", "read", "take"]

_NAME = re.compile(r"[^\x00-\x1f\"]{1,200}")
LATEST = 10**11  # seconds; a later time is one in milliseconds or microseconds


@dataclass(frozen=True)
class Role:
    """The columns of one table. once: one value per person; each: a list per person; `optional` of either may be
    absent. Lists of one role have equal lengths. times: columns that hold seconds."""

    once: tuple[str, ...]
    each: tuple[str, ...]
    optional: frozenset[str]
    times: frozenset[str]
    flags: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every canonical column, the identifier first."""
        return ("id", *self.once, *self.each)


def _role(once: str, each: str, optional: str, times: str, flags: str) -> Role:
    return Role(
        tuple(once.split()),
        tuple(each.split()),
        frozenset(optional.split()),
        frozenset(times.split()),
        frozenset(flags.split()),
    )


ROLES: dict[str, Role] = {
    "lift.publisher": _role(
        "opportunity test_flag opportunity_timestamp num_impressions num_clicks total_spend breakdown_id",
        "",
        "opportunity num_impressions num_clicks total_spend breakdown_id",
        "opportunity_timestamp",
        "opportunity test_flag",
    ),
    "lift.partner": _role("cohort_id", "event_timestamps values", "cohort_id values", "event_timestamps", ""),
    "attribution.publisher": _role(
        "",
        "ad_ids timestamps is_click campaign_metadata target_id action_type",
        "campaign_metadata target_id action_type",
        "timestamps",
        "is_click",
    ),
    "attribution.partner": _role(
        "",
        "conversion_timestamps conversion_values conversion_metadata conversion_target_id conversion_action_type",
        "conversion_metadata conversion_target_id conversion_action_type",
        "conversion_timestamps",
        "",
    ),
}
# What the same columns are called in a table with one row per event.
SINGULAR = {
    "event_timestamps": "event_timestamp",
    "values": "value",
    "ad_ids": "ad_id",
    "timestamps": "timestamp",
    "conversion_timestamps": "conversion_timestamp",
    "conversion_values": "conversion_value",
}
ColumnMap = Mapping[str, str]


def load_map(path: Path) -> dict[str, dict[str, str]]:
    """Return the column maps in the TOML file PATH: {"publisher": {...}, "partner": {...}}, either may be absent.

    Raises BadInput for a file that is no such TOML, UsageError for another table name.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        raise BadInput(f"is no TOML file ({type(why).__name__})", where=path.name, todo="See exchange.py") from None
    for table, names in found.items():
        if table not in ("publisher", "partner") or not isinstance(names, dict):
            raise UsageError(f"{path.name}: '{table}' is neither [publisher] nor [partner]")
        if not all(isinstance(name, str) for name in names.values()):
            raise UsageError(f'{path.name}: [{table}] maps names to names, for example test_flag = "arm"')
    return found


def read(connection: duckdb.DuckDBPyConnection, path: Path, role: str, columns: ColumnMap | None = None) -> str:
    """Open the Parquet or CSV file PATH as the table of ROLE on CONNECTION and return the name of the checked view.

    CSV cells may hold lists in brackets. Raises BadInput naming the column, what is wrong with it and how many rows
    have it, never a value.
    """
    _wanted(role)
    return checked(connection, raw_table(connection, path, f"raw {role}"), role, columns, path.name)


def take(connection: duckdb.DuckDBPyConnection, table: pa.Table, role: str, columns: ColumnMap | None = None) -> str:
    """Do what `read` does with the Arrow TABLE."""
    raw = f"raw {role}"
    connection.register(raw, table)
    return checked(connection, raw, role, columns, f"the {role} table")


def raw_table(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> str:
    """Open the Parquet or CSV file PATH as NAME, columns as they are there, and return NAME; raises BadInput."""
    if not path.is_file():
        raise BadInput("there is no such file", where=path.name, todo="Check the name")
    try:
        if path.suffix == ".parquet":
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {_q(name)} AS SELECT * FROM read_parquet({_s(str(path))})")
        else:
            _bracket_csv(connection, path, name)
    except duckdb.Error as why:
        kind = type(why).__name__
        raise BadInput(f"cannot be read as a table ({kind})", where=path.name, todo="Give Parquet or CSV") from None
    return name


def _bracket_csv(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Commas inside brackets do not split; columns are found by the header's order, extra cells are left."""
    with path.open("rb") as file:
        try:
            header = file.readline(1_000_000).decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise BadInput("is not text in UTF-8", where=path.name, todo="Give Parquet or CSV") from None
    names = [cell.strip().strip('"') for cell in header.split(",")]
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(one) for one in names):
        raise BadInput("has an empty or repeated column name", where=path.name, todo="Name every column once")
    cells = ", ".join(f"trim(cells[{at}], ' \"\r') AS {_q(one)}" for at, one in enumerate(names, 1))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE {_q(f"csv {name}")} AS
        SELECT {cells} FROM (
            SELECT regexp_extract_all(line, '("[^"]*"|\\[[^\\]]*\\]|[^,]*)(?:,|$)', 1) AS cells
            FROM read_csv({_s(str(path))}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '',
                header = true, auto_detect = false, new_line = '\\n', strict_mode = false)
            WHERE trim(line, ' \r') <> '')"""
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {_q(name)} AS SELECT * FROM {_q(f'csv {name}')}")


def checked(connection: duckdb.DuckDBPyConnection, raw: str, role: str, columns: ColumnMap | None, where: str) -> str:
    """Make the canonical table of ROLE from the table RAW, check it, and return its name; WHERE names it in errors."""
    wanted, columns = _wanted(role), columns or {}
    have = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE {_q(raw)}").fetchall()}
    unknown = sorted(set(columns) - set(wanted.names))
    if unknown:
        raise UsageError(f"{role} has no column {', '.join(unknown)}; it has: {', '.join(wanted.names)}")
    absent = sorted(name for name in columns.values() if name not in have)
    if absent:
        raise BadInput(f"has no column {', '.join(absent)}, which the column map names", where=where, todo=_has(have))
    found = {name: _find(name, columns, have) for name in wanted.names}
    missing = [name for name, hers in found.items() if hers is None and name not in wanted.optional]
    if missing:
        raise BadInput(
            f"has no column {', '.join(missing)}", where=where, todo=f"Name it in the column map. {_has(have)}"
        )
    present = {name: hers for name, hers in found.items() if hers is not None}
    listed = [name for name in wanted.each if name in present]
    per_event = bool(listed) and all(_scalar(connection, raw, present[name]) for name in listed)
    texts = ", ".join(
        [f"CAST({_q(present['id'])} AS VARCHAR) AS id"]
        + [f"{_whole(_q(present[n]), have[present[n]])} AS {_q(n)}" for n in wanted.once if n in present]
        + [f"{(_whole if per_event else _list)(_q(present[n]), have[present[n]])} AS {_q(n)}" for n in listed]
    )
    typed = f"typed {role}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_q(typed)} AS SELECT {texts} FROM {_q(raw)}")
    _check(connection, raw, typed, role, present, per_event, where)
    view = role.replace(".", "_")
    once = [name for name in wanted.once if name in present]
    if per_event:
        order = ", ".join(_q(n) for n in sorted(listed, key=lambda n: n not in wanted.times))  # by time first
        gathered = [f"any_value({_q(n)}) AS {_q(n)}" for n in once]
        gathered += [f"list({_q(n)} ORDER BY {order}) AS {_q(n)}" for n in listed]
        query = f"SELECT id, {', '.join(gathered)} FROM {_q(typed)} GROUP BY id"
    else:
        query = f"SELECT * FROM {_q(typed)}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_q(view)} AS {query}")
    connection.execute(f"DROP TABLE {_q(typed)}")
    return view


def _check(
    connection: duckdb.DuckDBPyConnection,
    raw: str,
    typed: str,
    role: str,
    present: Mapping[str, str],
    per_event: bool,
    where: str,
) -> None:
    """Refuse what cannot be counted, with the number of rows that have it; nothing was charged yet."""
    wanted = _wanted(role)
    listed = [name for name in wanted.each if name in present]
    tests: list[tuple[str, str, str]] = [("id IS NULL OR id = ''", present["id"], "is empty")]
    for name in present:
        if name == "id":
            continue
        column, lists = _q(name), name in wanted.each and not per_event
        one = f"list_bool_or(list_transform({column}, lambda v: {{}}))" if lists else "({})"
        null = one.format("v IS NULL" if lists else f"{column} IS NULL")
        tests.append((f"{column} IS NULL OR {null}", present[name], "is empty or is no whole number (cents, seconds)"))
        value = "v" if lists else column
        if name in wanted.flags:
            tests.append((one.format(f"{value} NOT IN (0, 1)"), present[name], "is neither 0 nor 1"))
        if name in wanted.times:
            tests.append(
                (one.format(f"{value} > {LATEST}"), present[name], "is later than the year 5000: seconds are wanted")
            )
    if not per_event:
        tests += [
            (f"len({_q(listed[0])}) <> len({_q(name)})", present[name], f"has lists of other lengths than {listed[0]}")
            for name in listed[1:]
        ]
    counts = ", ".join(f"count(*) FILTER (WHERE {test})" for test, _, _ in tests)
    found = connection.execute(f"SELECT {counts} FROM {_q(typed)}").fetchall()[0]
    wrong = [f"{column} {what} in {n} rows" for n, (_, column, what) in zip(found, tests, strict=True) if n]
    if not per_event and not wrong:
        twice = connection.execute(f"SELECT count(*) - count(DISTINCT id) FROM {_q(typed)}").fetchall()[0][0]
        if twice:
            wrong.append(f"{present['id']} stands in {twice} rows more than once")
    if per_event and any(name in present for name in wanted.once):
        once = [n for n in wanted.once if n in present]
        differ = " OR ".join(f"min({_q(n)}) <> max({_q(n)})" for n in once)
        people = connection.execute(
            f"SELECT count(*) FROM (SELECT id FROM {_q(typed)} GROUP BY id HAVING {differ})"
        ).fetchall()[0][0]
        if people:
            wrong.append(f"{', '.join(once)} differs between rows of the same person for {people} people")
    if wrong:
        raise BadInput("; ".join(wrong), where=where, todo="Correct these rows or leave them out, nothing was counted")


def _find(name: str, columns: ColumnMap, have: Mapping[str, str]) -> str | None:
    if name in columns:
        return columns[name]
    other = {"id": "id_"}.get(name, SINGULAR.get(name, name))
    return next((one for one in (name, other) if one in have), None)


def _scalar(connection: duckdb.DuckDBPyConnection, raw: str, column: str) -> bool:
    """Whether COLUMN holds single numbers, not lists."""
    row = connection.execute(
        f"SELECT typeof({_q(column)}) LIKE '%]' OR CAST({_q(column)} AS VARCHAR) LIKE '[%' FROM {_q(raw)} "
        f"WHERE {_q(column)} IS NOT NULL LIMIT 1"
    ).fetchall()
    return bool(row) and not row[0][0]


def _whole(value: str, kind: str) -> str:
    """The expression VALUE of type KIND as a whole number, or null: text and floats must be whole and finite."""
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "BOOLEAN"):
        return f"CAST({value} AS BIGINT)"
    if kind in ("UBIGINT", "HUGEINT"):
        return f"TRY_CAST({value} AS BIGINT)"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return f"CASE WHEN {value} = floor({value}) AND abs({value}) < 1e15 THEN CAST({value} AS BIGINT) END"
    text = f"lower(trim(CAST({value} AS VARCHAR)))"
    return (
        f"CASE WHEN {text} IN ('true', 'false') THEN CAST({text} = 'true' AS BIGINT) "
        f"WHEN regexp_full_match({text}, '[+-]?[0-9]{{1,18}}([.]0+)?') "
        f"THEN TRY_CAST(string_split({text}, '.')[1] AS BIGINT) END"
    )


def _list(value: str, kind: str) -> str:
    if kind.endswith("[]"):
        return value if kind == "BIGINT[]" else f"list_transform({value}, lambda c: {_whole('c', kind[:-2])})"
    inner = f"trim(CAST({value} AS VARCHAR), '[] ')"
    cells = f"CASE WHEN {inner} = '' THEN [] ELSE string_split({inner}, ',') END"
    return f"list_transform({cells}, lambda c: {_whole('c', 'VARCHAR')})"


def _wanted(role: str) -> Role:
    if role not in ROLES:
        raise UsageError(f"there is no table '{role}'; there is: {', '.join(ROLES)}")
    return ROLES[role]


def _has(have: Mapping[str, str]) -> str:
    return f"It has: {', '.join(sorted(have))[:500]}"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
