"""What each person may contribute is enforced here, in DuckDB: whole numbers, few groups, few rows, chosen at random.

Rows become (u, g, v0, v1, ...): unit, number of the group, values as whole lattice steps, clipped. Null and NaN are no
value; infinities are clipped like any number outside the range; a row without a unit is nobody's and is dropped.

Then, per unit u:
1. rows are counted and summed per pair (u, g), exactly;
2. a unit in more than GROUPS groups keeps the GROUPS of them that come first in the order of a hash of (u, group)
   under a key of this run;
3. a pair with more than ROWS rows keeps the ROWS of them that come first in the order of a hash of (u, values, number
   among equal rows) under that key.
What one unit keeps depends on its own rows and the key alone, never on other units, so bounding changes nothing for
the others when a unit comes or goes, whatever the key is; that the key is secret and fresh makes the choice fair, no
promise rests on it. Only units and pairs that exceed a bound are sorted.

Source: contribution bounding as in Wilson et al. 2020 (Differentially Private SQL with Bounded User Contribution).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any

import duckdb

from consentinel.core.errors import ConsentinelError, UsageError
from consentinel.protect.asked import Aggregate, Asked, Joined, Key
from consentinel.protect.expressions import quoted
from consentinel.protect.sources import SCHEMA
from consentinel.protect.statistic import Bounds, clipped_steps, lattice

__all__ = ["Bound", "bound", "check_fits", "check_room"]

_EXACT = 2**53  # whole numbers up to here are exact in floating point


@dataclass(frozen=True)
class Bound:
    """The bounded tables of a question, made by `bound`.

    `pairs` has a row per kept pair (g, n, and per value i: x<i> its sum, n<i> how many rows have it); `rows` names the
    kept rows (g, v<i>); n_groups counts the groups; slots says which value an aggregate reads, None for none; sums says
    of each value whether it has x<i>, or is a condition that is only counted.
    """

    connection: duckdb.DuckDBPyConnection
    pairs: str
    rows: str
    n_groups: int
    slots: tuple[int | None, ...]
    sums: tuple[bool, ...]


@dataclass(frozen=True)
class _Value:
    sql: str
    bounds: Bounds  # without a range: a condition, of which it only counts that it holds

    @property
    def counts(self) -> bool:
        return self.bounds.low is None


def check_room(aggregate: Aggregate) -> None:
    """Raise UsageError when the values of AGGREGATE in lattice steps would not be exact in whole numbers."""
    if aggregate.bounds.low is None:
        return
    furthest = max(map(abs, clipped_steps(aggregate.bounds)))
    if furthest >= _EXACT or furthest * aggregate.bounds.rows * aggregate.bounds.groups >= 2**63:
        raise UsageError(
            f"{aggregate.name}: the range [{aggregate.bounds.low}, {aggregate.bounds.high}] with these bounds does not "
            "fit 64 bits; subtract what values have in common, or lower groups and rows"
        )


def bound(
    connection: duckdb.DuckDBPyConnection,
    asked: Asked,
    *,
    secret: bytes,
    needs_rows: bool = False,
) -> Bound:
    """Make the bounded tables of ASKED in a locked engine (`sources.opened`) and return their names.

    Arguments: secret, the key of this run, at least 16 bytes from `core.rng.secure_bytes`; needs_rows, whether the
    kept rows are wanted too and not only their sums per unit and group. Raises UsageError where the question does not
    fit the types of the columns.
    """
    if len(secret) < 16:
        raise UsageError("the key of bounding has at least 16 bytes")
    values, slots = _values(asked)
    step = _Steps(connection, secret)
    try:
        _source(step, asked, values)
        n_groups = _groups(step, asked, values)
        pairs, rows = _keep(step, asked, values, needs_rows=needs_rows)
    except duckdb.Error as why:
        raise _told(why) from None
    return Bound(connection, pairs, rows, n_groups, slots, tuple(not v.counts for v in values))


def check_fits(connection: duckdb.DuckDBPyConnection, asked: Asked) -> None:
    """Raise UsageError when ASKED does not fit the types of the columns; reads no row."""
    try:
        connection.execute(f"DESCRIBE {_source_sql(asked, _values(asked)[0], {})}")
    except duckdb.Error as why:  # no row was read: it can quote nothing but the question
        raise UsageError(f"the question does not fit the columns: {str(why).splitlines()[0][:300]}") from None


class _Steps:
    """Runs the steps in order; salts are derived from the secret, one for each purpose."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, secret: bytes) -> None:
        self._connection, self._secret = connection, secret

    def table(self, name: str, query: str) -> None:
        self._connection.execute(f"CREATE TEMP TABLE {name} AS {query}")

    def view(self, name: str, query: str) -> None:
        self._connection.execute(f"CREATE TEMP VIEW {name} AS {query}")

    def drop(self, *names: str) -> None:
        for name in names:
            self._connection.execute(f"DROP TABLE {name}")

    def number(self, query: str) -> int:
        row = self._connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def insert(self, name: str, kind: str, rows: Sequence[Any]) -> None:
        import pyarrow as pa

        self._connection.register(
            "listed", pa.table({"k": pa.array(rows), "place": pa.array(range(len(rows)), pa.int32())})
        )
        self.table(name, f"SELECT CAST(k AS {kind}) AS k, place FROM listed")
        self._connection.unregister("listed")

    def order(self, purpose: str, of: str) -> str:
        """Return the SQL of a number that orders by a hash of the columns OF under the secret."""
        salt = int.from_bytes(sha256(self._secret + purpose.encode()).digest()[:8], "little")
        return f"hash(xor(hash({of}), {salt}::UBIGINT))"


def _told(why: duckdb.Error) -> ConsentinelError:
    """Return what to tell: the binder's complaint names columns and types; any other message could quote a value."""
    if isinstance(why, duckdb.BinderException | duckdb.CatalogException | duckdb.NotImplementedException):
        return UsageError(f"the question does not fit the columns: {str(why).splitlines()[0][:300]}")
    return ConsentinelError(f"the engine stopped ({type(why).__name__}); give it more memory or ask for less at once")


def _values(asked: Asked) -> tuple[list[_Value], tuple[int | None, ...]]:
    values: list[_Value] = []
    slots: list[int | None] = []
    for aggregate in asked.aggregates:
        if aggregate.value is None:
            slots.append(None)
            continue
        wanted = _Value(aggregate.value, aggregate.bounds)
        if wanted not in values:
            values.append(wanted)
        slots.append(values.index(wanted))
    return values, tuple(slots)


def _source(step: _Steps, asked: Asked, values: list[_Value]) -> None:
    """Make `source`: one row per joined row that passes the conditions, with unit, keys and raw values."""
    cut = {}
    for alias in dict.fromkeys(alias for alias, _, _ in asked.fanout):
        cut[alias] = _cut(step, asked, next(t for t in asked.tables if t.alias == alias))
    query = _source_sql(asked, values, cut)
    if len(asked.tables) > 1:
        step.table("source", query)
    else:
        step.view("source", query)


def _source_sql(asked: Asked, values: list[_Value], cut: Mapping[str, str]) -> str:
    """Return the SQL of `source`; CUT stands for tables by alias, the others are read as they are."""
    tables = {t.alias: f"{SCHEMA}.{quoted(t.name)}" for t in asked.tables} | dict(cut)
    first = asked.tables[0]
    unit = _unit(first)
    joins = [f"{tables[first.alias]} AS {first.alias}"]
    for t in asked.tables[1:]:
        on = " AND ".join(f"({left} = {t.alias}.{quoted(own)})" for left, own in t.on)
        joins.append(f"{t.side} JOIN {tables[t.alias]} AS {t.alias} ON {on}")
    where = [f"{unit} IS NOT NULL", *(f"TRY({f.sql})" for f in asked.filters)]
    only = {a.value for a in asked.aggregates}
    if len(only) == 1 and None not in only:  # rows without the one value that is asked for take nobody's place
        raw = _raw(values[0])
        where.append(raw if values[0].counts else f"{raw} IS NOT NULL AND NOT isnan({raw})")
    columns = [f"{unit} AS u", *(f"{_key_sql(k)} AS k{at}" for at, k in enumerate(asked.keys))]
    columns += [f"{_raw(v)} AS r{at}" for at, v in enumerate(values)]
    return f"SELECT {', '.join(columns)} FROM {' '.join(joins)} WHERE {' AND '.join(where)}"


def _unit(table: Joined) -> str:
    return f"{table.alias}.{quoted(table.unit)}"


def _key_sql(key: Key) -> str:
    """Return the SQL of a key, in the type of its public values."""
    if key.values is None:
        return f"TRY({key.sql})"
    return f"TRY_CAST(TRY({key.sql}) AS {_key_type(key)})"


def _key_type(key: Key) -> str:
    first = key.values[0] if key.values else ""
    return "BOOLEAN" if isinstance(first, bool) else "BIGINT" if isinstance(first, int) else "VARCHAR"


def _raw(value: _Value) -> str:
    return f"TRY({value.sql})" if value.counts else f"TRY(CAST({value.sql} AS DOUBLE))"


def _steps_sql(at: int, value: _Value) -> str:
    """Return the SQL of the raw value AT in whole lattice steps, clipped; null where there is no value."""
    raw = f"r{at}"
    if value.counts:
        return f"CASE WHEN {raw} THEN 1::BIGINT END"
    low, high = clipped_steps(value.bounds)
    step = lattice(value.bounds)
    least, most = _float(low * step), _float(high * step)
    inside = f"least(greatest({raw}, {least}), {most})"
    scaled = f"{inside} * {_float(1 / step)}" if step < 1 else f"{inside} / {_float(step)}"
    whole = f"least(greatest(CAST({scaled} AS BIGINT), {low}), {high})"
    return f"CASE WHEN {raw} IS NOT NULL AND NOT isnan({raw}) THEN {whole} END"


def _float(value: Fraction) -> str:
    return f"CAST('{float(value)!r}' AS DOUBLE)"


def _cut(step: _Steps, asked: Asked, table: Joined) -> str:
    """Cut TABLE to its fan-outs, one after the other; return what stands for it in the FROM."""
    names = {column: f"c{at}" for at, column in enumerate(table.columns)}
    tests = [f"TRY({f.sql})" for f in asked.filters if f.aliases == {table.alias} and table.side != "LEFT"]
    tests.append(f"{_unit(table)} IS NOT NULL")
    columns = ", ".join(f"{table.alias}.{quoted(c)} AS {n}" for c, n in names.items())
    last = f"{table.alias}_all"
    step.table(
        last, f"SELECT {columns} FROM {SCHEMA}.{quoted(table.name)} AS {table.alias} WHERE {' AND '.join(tests)}"
    )
    for alias, column, limit in asked.fanout:
        if alias == table.alias:
            now = f"{alias}_{names[column]}_cut"
            step.table(now, _at_most(step, last, [names[column]], limit, list(names.values()), []))
            step.drop(last)
            last = now
    return f"(SELECT {', '.join(f'{n} AS {quoted(c)}' for c, n in names.items())} FROM {last})"


def _at_most(step: _Steps, table: str, by: list[str], limit: int, columns: list[str], unseen: list[str]) -> str:
    """Return the SQL of the rows of TABLE, at most LIMIT for each value of the columns BY; nulls are no value.

    Which rows stay is decided by a hash of their COLUMNS (all that the table has, without the UNSEEN ones) and of their
    number among equal rows, so that equal rows count as often as they occur, and what is kept for one value depends on
    its rows alone.
    """
    group, named = ", ".join(by), ", ".join(columns)
    seen = ", ".join(c for c in columns if c not in unseen)
    over = f"(SELECT {group} FROM {table} GROUP BY {group} HAVING count(*) > {limit})"
    crowd = f"{table} SEMI JOIN {over} USING ({group})"
    numbered = f"SELECT {named}, row_number() OVER (PARTITION BY {named}) AS twin FROM {crowd}"
    hashed = f"SELECT {named}, {step.order(table, f'{seen}, twin')} AS h FROM ({numbered})"
    placed = f"SELECT {named}, row_number() OVER (PARTITION BY {group} ORDER BY h, {named}) AS place FROM ({hashed})"
    return (
        f"SELECT {named} FROM {table} ANTI JOIN {over} USING ({group}) "
        f"UNION ALL SELECT {named} FROM ({placed}) WHERE place <= {limit}"
    )


def _groups(step: _Steps, asked: Asked, values: list[_Value]) -> int:
    """Make `base`, the rows with the number of their group, and `groups`, the keys by number; return their count."""
    columns = "".join(f", {_steps_sql(at, v)} AS v{at}" for at, v in enumerate(values))
    names = [f"k{at}" for at in range(len(asked.keys))]
    joins = ""
    for at, key in enumerate(asked.keys):
        if key.values is not None:
            step.insert(f"listed{at}", _key_type(key), key.values)
            joins += f" JOIN listed{at} ON source.k{at} = listed{at}.k"
    if not asked.selects:
        number, n_groups = "0", 1
        for at, key in enumerate(asked.keys):
            number = f"{number} * {len(key.values or ())} + listed{at}.place"
            n_groups *= len(key.values or ())
        step.table("base", f"SELECT u, CAST({number} AS INTEGER) AS g{columns} FROM source{joins}")
        return n_groups
    chosen = ", ".join(f"source.{n}" for n in names)
    step.table(
        "groups",
        f"SELECT CAST(row_number() OVER (ORDER BY {', '.join(names)}) - 1 AS INTEGER) AS g, {', '.join(names)}, "
        f"hash({', '.join(names)}) AS h FROM (SELECT DISTINCT {chosen} FROM source{joins})",
    )
    same = " AND ".join(f"source.{n} IS NOT DISTINCT FROM groups.{n}" for n in names)
    step.table("base", f"SELECT u, g{columns} FROM source JOIN groups ON {same}")
    return step.number("SELECT count(*) FROM groups")


def _keep(step: _Steps, asked: Asked, values: list[_Value], *, needs_rows: bool) -> tuple[str, str]:
    """Make the bounded tables from `base` and return their names: pairs, rows."""
    slots = range(len(values))
    sums = "".join(f", count(v{at}) AS n{at}" for at in slots)
    whole = {at: f"CAST(sum(v{at}) AS BIGINT)" for at in slots if not values[at].counts}
    safe = "".join(f", CASE WHEN count(*) <= {asked.rows} THEN {sql} END AS x{at}" for at, sql in whole.items())
    step.table("every", f"SELECT u, g, count(*) AS n{sums}{safe} FROM base GROUP BY u, g")
    columns = "g, n" + "".join(f", n{at}" for at in slots) + "".join(f", x{at}" for at in whole)
    chosen, gone = f"SELECT u, {columns} FROM every", []
    if asked.keys:
        step.table("busy", f"SELECT u FROM every GROUP BY u HAVING count(*) > {asked.groups}")
        if step.number("SELECT count(*) FROM busy"):
            joined = " JOIN groups USING (g)" if asked.selects else ""
            group = "groups.h" if asked.selects else "g"
            first = f"place <= {asked.groups}"
            order = step.order("groups", f"u, {group}")
            ranked = (
                f"SELECT u, {columns}, row_number() OVER (PARTITION BY u ORDER BY {order}, g) AS place "
                f"FROM (FROM every SEMI JOIN busy USING (u)){joined}"
            )
            step.table("ranked", ranked if needs_rows else f"FROM ({ranked}) WHERE {first}")
            chosen = (
                f"SELECT u, {columns} FROM every ANTI JOIN busy USING (u) "
                f"UNION ALL SELECT u, {columns} FROM ranked WHERE {first}"
            )
            gone.append(f"SELECT u, g FROM ranked WHERE NOT {first}")
    step.view("chosen", chosen)
    step.table("crowded", f"SELECT u, g FROM chosen WHERE n > {asked.rows}")
    rows = ["u", "g", *(f"v{at}" for at in slots)]
    step.table("crowd", f"SELECT {', '.join(rows)} FROM base SEMI JOIN crowded USING (u, g)")
    step.table("sampled", _at_most(step, "crowd", ["u", "g"], asked.rows, rows, ["g"]))
    again = "".join(f", {sql} AS x{at}" for at, sql in whole.items())
    step.table(
        "pairs",
        f"SELECT {columns} FROM chosen WHERE n <= {asked.rows} "
        f"UNION ALL SELECT g, count(*) AS n{sums}{again} FROM sampled GROUP BY u, g",
    )
    if needs_rows:
        gone.append("SELECT u, g FROM crowded")
        named = ", ".join(rows[1:])
        step.table("gone", " UNION ALL ".join(gone))
        step.view(
            "rows",
            f"SELECT {named} FROM base ANTI JOIN gone USING (u, g) UNION ALL SELECT {named} FROM sampled",
        )
    return "pairs", "rows"
