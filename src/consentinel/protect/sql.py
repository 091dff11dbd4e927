"""Questions in SQL: one SELECT of aggregates over a private table becomes a checked `Asked`.

Supported: SELECT keys and COUNT(*), COUNT(x), COUNT(DISTINCT unit), COUNT_IF, SUM, AVG, VARIANCE, VAR_POP, STDDEV,
STDDEV_POP, MEDIAN, QUANTILE_CONT, PERCENTILE_CONT, HISTOGRAM(x, [edges]), APPROX_TOP_K(column, k), each with FILTER
(WHERE ...); FROM a private table or a row-wise subquery of one, joined with private or public tables; WHERE; GROUP BY.
The rest is refused with what to do instead. Nothing reaches the engine as it was written.
"""

import logging
from typing import Any

import sqlglot
from sqlglot import exp

from consentinel.core.errors import UsageError
from consentinel.protect.aggregates import Bounded, aggregate_of, is_aggregate
from consentinel.protect.asked import Asked, Filter, Key
from consentinel.protect.declared import Declared, Private, whole
from consentinel.protect.expressions import columns, render, resolve
from consentinel.protect.joins import From, check_clauses, conjuncts, from_clause

__all__ = ["ask", "ask_select"]

LONGEST, MOST_GROUPS, MOST_AGGREGATES = 20_000, 10_000_000, 50


def ask(statement: str, declared: Declared, *, groups: int | None = None, rows: int | None = None) -> Asked:
    """Return what STATEMENT asks of the DECLARED tables; nothing is read and nothing spent.

    Arguments: groups and rows, other bounds for this question than the declared ones: the most groups that a unit is
    kept in, and the most of its rows in each. Every choice is as private; it trades bias against noise.
    Raises UsageError, with what to do instead.
    """
    if not isinstance(statement, str) or len(statement) > LONGEST or "\0" in statement:
        raise UsageError(f"a question is a text of at most {LONGEST:,} characters")
    log = logging.getLogger("sqlglot")
    before, log.disabled = log.disabled, True  # what it cannot parse is refused below, with our own words
    try:
        found = sqlglot.parse(statement, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as why:
        told = str(why).splitlines()[0][:200] if isinstance(why, sqlglot.errors.ParseError) else "it cannot be read"
        raise UsageError(f"this is not SQL as DuckDB writes it: {told}") from None
    finally:
        log.disabled = before
    if len(found) != 1 or not isinstance(found[0], exp.Select):
        raise UsageError("a question is one SELECT; statements that change anything are refused")
    try:
        return ask_select(found[0], declared, groups=groups, rows=rows)
    except RecursionError:
        raise UsageError("the question is nested too deeply; write it more plainly") from None


def ask_select(select: exp.Select, declared: Declared, *, groups: int | None = None, rows: int | None = None) -> Asked:
    """Return what the parsed SELECT asks; as `ask`."""
    check_clauses(select, "a question")
    source = from_clause(select, declared)
    first = source.sources[0].table
    if not isinstance(first, Private):
        raise UsageError(f"'{first.name}' is public; FROM begins with a private table")
    conditions = [part for node in source.conditions for part in conjuncts(node)]
    if select.args.get("where") is not None:
        conditions += [resolve(part, source.scope) for part in conjuncts(select.args["where"].this)]
    items = [_named(item, at) for at, item in enumerate(select.expressions, 1)]
    answers = [(name, resolve(node, source.scope)) for name, node in items if is_aggregate(node)]
    if not answers:
        for _, node in items:
            if node.find(exp.AggFunc):
                render(resolve(node, source.scope))  # says what is wrong with it
        raise UsageError("nothing is aggregated; ask for COUNT(*), SUM(x) or another aggregate")
    if len(answers) > MOST_AGGREGATES:
        raise UsageError(f"a question has at most {MOST_AGGREGATES} aggregates, this one has {len(answers)}; ask twice")
    nodes = _keys(select, items, answers, source)
    keys = tuple(_key(name, node, source) for name, node in nodes)
    if any(isinstance(node, exp.ApproxTopK) for _, node in answers) and keys[0].values is None:
        raise UsageError(
            "APPROX_TOP_K needs public values: declare them, or GROUP BY the column and sort what is released"
        )
    if source.reach > 1 and any(key.values is None for key in keys):
        raise UsageError(
            "where people meet in a join, keys are public: declare the values of each column in GROUP BY, or join by "
            "the unit column of both tables"
        )
    most_groups = whole(first.groups if groups is None else groups, "groups") if keys else 1
    most_rows = whole(first.rows if rows is None else rows, "rows")
    if most_groups * source.reach**2 > 2**31:
        raise UsageError("one person may change too much in this join; declare smaller fan-outs")
    bounded = Bounded(source, most_groups * source.reach**2, most_rows)
    aggregates = tuple(aggregate_of(name, node, bounded) for name, node in answers)
    names = [k.name.lower() for k in keys] + [a.name.lower() for a in aggregates]
    if len(set(names)) != len(names):
        raise UsageError("two columns of the answer have the same name; name them with AS")
    read = {c for node in [*conditions, *(n for _, n in nodes), *(n for _, n in answers)] for c in columns(node)}
    asked = Asked(
        keys=keys,
        aggregates=aggregates,
        filters=tuple(Filter(render(node), frozenset(a for a, _ in columns(node))) for node in conditions),
        tables=source.joined(read),
        groups=most_groups,
        rows=most_rows,
        reach=source.reach,
        fanout=tuple(source.fanout),
        epochs=tuple(_epochs(source, conditions)),
        protects=declared.protects,
    )
    if asked.width > MOST_GROUPS:
        raise UsageError(f"the keys have {asked.width:,} groups together; at most {MOST_GROUPS:,} are answered")
    return asked


def _named(item: Any, at: int) -> tuple[str, exp.Expression]:
    node = item.unalias()
    inner = node.this if isinstance(node, exp.Filter) else node
    called = inner.name.lower() if isinstance(inner, exp.Anonymous) else inner.key
    name = item.alias or (node.name if isinstance(node, exp.Column) else f"{called}_{at}")
    if len(name) > 200 or not name.isprintable():
        raise UsageError("a column of the answer has a name of at most 200 printable characters")
    return name, node


def _keys(
    select: exp.Select,
    items: list[tuple[str, exp.Expression]],
    answers: list[tuple[str, exp.Expression]],
    source: From,
) -> list[tuple[str, exp.Expression]]:
    """Return the (name, resolved expression) of each key: what is selected and is no aggregate."""
    plain = [(name, node) for name, node in items if not is_aggregate(node)]
    if any(node.is_star for _, node in plain):
        raise UsageError("SELECT * would release rows; ask for aggregates")
    found = [_canonical(name, node, resolve(node, source.scope)) for name, node in plain]
    top = [(name, node) for name, node in answers if isinstance(node, exp.ApproxTopK)]
    group = select.args.get("group")
    if top:
        if len(answers) > 1 or found or group is not None:
            raise UsageError("APPROX_TOP_K stands alone, without GROUP BY and other columns; ask twice")
        return [("value", top[0][1].this)]
    if group is None:
        if found:
            raise UsageError(f"'{found[0][0]}' is no aggregate; add it to GROUP BY")
        return []
    if any(v for k, v in group.args.items() if k not in ("expressions", "all")):
        raise UsageError("GROUP BY has columns or ALL; ask for each other grouping on its own")
    if group.args.get("all"):
        return found
    wanted = [_group_item(node, items, source) for node in group.expressions]
    if {render(n) for n in wanted} != {render(n) for _, n in found}:
        raise UsageError("SELECT has exactly the columns of GROUP BY and aggregates")
    return found


def _canonical(name: str, node: exp.Expression, resolved: exp.Expression) -> tuple[str, exp.Expression]:
    """A column that is not renamed is called as it was declared."""
    same = isinstance(resolved, exp.Column) and isinstance(node, exp.Column) and name == node.name
    return (resolved.name if same and resolved.name.lower() == name.lower() else name), resolved


def _group_item(node: exp.Expression, items: list[tuple[str, exp.Expression]], source: From) -> exp.Expression:
    if isinstance(node, exp.Literal) and not node.is_string:
        if not node.name.isdigit() or not 1 <= int(node.name) <= len(items):
            raise UsageError(f"GROUP BY {node.name[:20]}: there is no such column in SELECT")
        node = items[int(node.name) - 1][1]
    elif isinstance(node, exp.Column) and not node.table:
        aliased = [n for name, n in items if name.lower() == node.name.lower() and not isinstance(n, exp.Column)]
        node = aliased[0] if aliased else node
    if is_aggregate(node):
        raise UsageError("GROUP BY names an aggregate; group by columns")
    if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets):
        raise UsageError("ROLLUP, CUBE and GROUPING SETS are not supported; ask for each grouping on its own")
    return resolve(node, source.scope)


def _key(name: str, node: exp.Expression, source: From) -> Key:
    return Key(name, render(node), _values(node, source))


def _values(node: exp.Expression, source: From) -> tuple[str | int | bool, ...] | None:
    """Return the values that a key has by declaration, or by being a CASE of literals or a condition."""
    if isinstance(node, exp.Paren):
        return _values(node.this, source)
    if isinstance(node, exp.Column):
        return source.column(node.table, node.name).values
    if isinstance(node, exp.Predicate | exp.Not | exp.And | exp.Or):
        return (False, True)
    if isinstance(node, exp.Case | exp.If):
        ifs = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        other = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
        parts = [i.args["true"] for i in ifs] + ([other] if other is not None else [])
        if all(isinstance(p, exp.Literal) and p.is_string for p in parts):
            return tuple(dict.fromkeys(p.name for p in parts))
        if all(isinstance(p, exp.Literal) and p.name.isdigit() for p in parts):
            return tuple(dict.fromkeys(int(p.name) for p in parts))
    return None


def _epochs(source: From, conditions: list[exp.Expression]) -> list[tuple[str, tuple[str, ...]]]:
    """Return, per private table with an epoch column, the epochs that the conditions limit it to (none: all)."""
    found = []
    for one in source.sources:
        if not isinstance(one.table, Private) or one.table.epoch is None:
            continue
        named: tuple[str, ...] = ()
        for node in conditions:
            at, values = _equals(node)
            if at == (one.alias, one.table.epoch):
                named = values if not named else tuple(v for v in named if v in values)
        found.append((one.table.name, named))
    return found


def _equals(node: exp.Expression) -> tuple[tuple[str, str], tuple[str, ...]]:
    values: list[exp.Expression] = []
    if isinstance(node, exp.EQ):
        values = [node.expression]
    elif isinstance(node, exp.In):
        values = node.expressions
    if isinstance(node.this, exp.Column) and values and all(isinstance(v, exp.Literal) for v in values):
        return (node.this.table, node.this.name), tuple(v.name for v in values)
    return ("", ""), ()
