"""What a plain question asks, once every word of it is understood, and the SQL that says the same."""

from dataclasses import dataclass, field, replace
from typing import Literal

from consentinel.understand.asking.live import name

__all__ = ["Condition", "Key", "Measure", "Pair", "Query", "Unit", "literal", "written"]

Unit = Literal["", "day", "week", "month", "quarter", "year", "weekday", "month of the year"]


@dataclass(frozen=True)
class Condition:
    """A condition in SQL, the same in words, where it stands in the question; whether it is of time or says not."""

    sql: str
    said: str
    at: int = 0
    timed: bool = False
    column: str = ""
    turned: bool = False


@dataclass(frozen=True)
class Measure:
    """A number to compute: SQL of an aggregate with {} where a FILTER may stand, its name, the same in words."""

    sql: str
    name: str
    said: str

    def over(self, condition: str = "") -> str:
        """Return the aggregate of the rows where CONDITION holds."""
        return self.sql.replace("{}", f" FILTER (WHERE {condition})" if condition else "")


@dataclass(frozen=True)
class Key:
    """What rows are put together by: a column, the unit of a column of times, an item of a column of lists."""

    column: str
    unit: Unit = ""
    items: bool = False

    @property
    def name(self) -> str:
        """The name in the answer."""
        return self.unit.replace(" ", "_") if self.unit else self.column

    @property
    def sql(self) -> str:
        """The SQL of the key."""
        if self.unit == "weekday":
            return f"dayname({name(self.column)})"
        if self.unit == "month of the year":
            return f"monthname({name(self.column)})"
        if self.unit:
            return f"CAST(date_trunc('{self.unit}', {name(self.column)}) AS DATE)"
        return name(f"one_of_{self.column}") if self.items else name(self.column)

    @property
    def order(self) -> str:
        """The SQL that sorts it."""
        if self.unit == "weekday":
            return f"min(isodow({name(self.column)}))"
        if self.unit == "month of the year":
            return f"min(month({name(self.column)}))"
        return name(self.name)


@dataclass(frozen=True)
class Pair:
    """Two parts of the rows that are set against each other, by the change between them or their ratio."""

    first: Condition
    second: Condition
    ratio: bool = False


@dataclass(frozen=True)
class Query:
    """A question: measures of a table by keys, of the rows where conditions hold; groups where others do; in an order.

    ROWS lists columns of single rows instead. PART is the condition of a share. PAIR compares two parts. SHARES adds
    what part each group is of all. OVER says what is made of the groups: how many there are, or their average.
    EACH takes the first LIMIT of the last key within each of the first. SUMMED adds a running total.
    """

    table: str
    measures: tuple[Measure, ...] = ()
    keys: tuple[Key, ...] = ()
    where: tuple[Condition, ...] = ()
    having: tuple[Condition, ...] = ()
    order: str = ""  # SQL, or nothing: by the keys
    limit: int = 0
    rows: tuple[str, ...] = ()
    part: tuple[Condition, ...] = ()
    pair: Pair | None = None
    shares: bool = False
    over: Literal["", "count", "avg", "median", "min", "max"] = ""
    each: bool = False
    summed: bool = False
    named: bool = False  # only what stands in the first column was asked for
    notes: tuple[str, ...] = field(default=())

    def noted(self, note: str) -> "Query":
        """Return it with NOTE, which the reader must know."""
        return replace(self, notes=(*self.notes, note))


def literal(text: str) -> str:
    """Return TEXT as a string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def written(query: Query) -> str:
    """Return the SQL of QUERY."""
    if query.pair:
        return _pair(query, query.pair)
    where = _where(query.where)
    source = _source(query)
    if query.rows:
        columns = ", ".join(name(one) for one in query.rows)
        return f"SELECT {columns} FROM {source}{where}{_ordered(query.order)}{_limited(query.limit)}"
    if query.part:
        return _share(query, source, where)
    if query.each:
        return _each(query, source, where)
    grouped = _grouped(query, source, where)
    if query.over:
        inner = _grouped(replace(query, order="", limit=0), source, where, bare=True)
        made = "count(*) AS n" if query.over == "count" else f"{query.over}({name(query.measures[0].name)}) AS value"
        return f"SELECT {made} FROM ({inner})"
    return grouped


def _source(query: Query) -> str:
    lists = [key.column for key in query.keys if key.items]
    if not lists:
        return name(query.table)
    made = ", ".join(f"unnest({name(one)}) AS {name(f'one_of_{one}')}" for one in lists)
    return f"(SELECT *, {made} FROM {name(query.table)})"


def _where(conditions: tuple[Condition, ...]) -> str:
    return " WHERE " + " AND ".join(one.sql for one in conditions) if conditions else ""


def _ordered(order: str) -> str:
    return f" ORDER BY {order}" if order else ""


def _limited(limit: int) -> str:
    return f" LIMIT {limit}" if limit else ""


def _keyed(query: Query) -> str:
    return "".join(
        key.sql + ("" if key.sql == name(key.name) else f" AS {name(key.name)}") + ", " for key in query.keys
    )


def _grouped(query: Query, source: str, where: str, *, bare: bool = False) -> str:
    made = [f"{one.over()} AS {name(one.name)}" for one in query.measures]
    if query.shares:
        base = query.measures[0].over()
        made.append(f"1.0 * {base} / sum({base}) OVER () AS share")
    if query.summed:
        base = query.measures[0].over()
        made.append(f"sum({base}) OVER (ORDER BY {query.keys[0].sql}) AS running_total")
    group = " GROUP BY " + ", ".join(key.sql for key in query.keys) if query.keys else ""
    having = " HAVING " + " AND ".join(one.sql for one in query.having) if query.having else ""
    order = query.order or ("" if bare else ", ".join(key.order for key in query.keys))
    return (
        f"SELECT {_keyed(query)}{', '.join(made)} FROM {source}{where}{group}{having}"
        f"{_ordered(order)}{_limited(query.limit)}"
    )


def _share(query: Query, source: str, where: str) -> str:
    measure, part = query.measures[0], " AND ".join(one.sql for one in query.part)
    group = " GROUP BY " + ", ".join(key.sql for key in query.keys) if query.keys else ""
    order = query.order or ", ".join(key.order for key in query.keys)
    share = f"1.0 * coalesce({measure.over(part)}, 0) / nullif({measure.over()}, 0)"
    return (
        f"SELECT {_keyed(query)}{share} AS share, {measure.over(part)} AS part, {measure.over()} AS whole "
        f"FROM {source}{where}{group}{_ordered(order)}{_limited(query.limit)}"
    )


def _pair(query: Query, pair: Pair) -> str:
    measure, group = query.measures[0], ""
    either = f"(({pair.first.sql}) OR ({pair.second.sql}))"
    where = _where((*query.where, Condition(either, "")))
    if query.keys:
        group = " GROUP BY " + ", ".join(key.sql for key in query.keys)
    first, second = (f"coalesce({measure.over(one.sql)}, 0)" for one in (pair.first, pair.second))
    order = query.order or ", ".join(key.order for key in query.keys)
    made = f"{second} - {first} AS change, 1.0 * ({second} - {first}) / nullif({first}, 0) AS growth"
    if pair.ratio:
        made = f"1.0 * {first} / nullif({second}, 0) AS ratio"
    return (
        f"SELECT {_keyed(query)}{first} AS first, {second} AS second, {made} FROM {_source(query)}{where}{group}"
        f"{_ordered(order)}{_limited(query.limit)}"
    )


def _each(query: Query, source: str, where: str) -> str:
    inner = _grouped(replace(query, order="", limit=0), source, where, bare=True)
    outer, ranked = query.keys[0], query.keys[-1]
    best = f"rank() OVER (PARTITION BY {name(outer.name)} ORDER BY {query.order})"
    return (
        f"SELECT {name(outer.name)}, {name(ranked.name)}, {name(query.measures[0].name)} FROM ({inner}) "
        f"WHERE {name(ranked.name)} IS NOT NULL QUALIFY {best} <= {query.limit} ORDER BY {name(outer.name)}"
    )
