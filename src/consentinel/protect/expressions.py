"""Row-wise expressions: which SQL may be computed from one row, and how it is written for DuckDB.

What a question says is parsed into a tree and the SQL that runs is written anew from that tree, node by node, so that
nothing passes which is not named here. Every expression depends on its own row only, has no side effect and the same
value each time. It is run inside TRY(...): a value that cannot be computed is null instead of an error, because
whether an error occurs would tell about rows.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from consentinel.core.errors import UsageError

__all__ = ["Scope", "columns", "quoted", "render", "resolve", "text_literal"]

Scope = Callable[[str, str], exp.Expression]  # (table or "", column) -> what stands for it

_ROW_WISE = "ask for one of: + - * / %, comparisons, AND OR NOT, IN, BETWEEN, LIKE, CASE, CAST"
_NUMBER = re.compile(r"[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_UNITS = frozenset(["year", "quarter", "month", "week", "day", "hour", "minute", "second", "isodow", "dow", "doy"])
_TYPES = {
    "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INTEGER", "BIGINT": "BIGINT", "FLOAT": "DOUBLE",
    "DOUBLE": "DOUBLE", "DECIMAL": "DOUBLE", "TEXT": "VARCHAR", "VARCHAR": "VARCHAR", "BOOLEAN": "BOOLEAN",
    "DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMPNTZ": "TIMESTAMP", "TIME": "TIME",
}  # fmt: skip
_COMPARED: Mapping[type[exp.Expression], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.And: "AND", exp.Or: "OR",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM", exp.DPipe: "||", exp.Mod: "%",
    exp.IntDiv: "//",
}  # fmt: skip
_ARITHMETIC: Mapping[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
# functions of one text, number or time
_ONE: Mapping[type[exp.Expression], str] = {
    exp.Lower: "lower", exp.Upper: "upper", exp.Length: "length", exp.Trim: "trim", exp.Abs: "abs", exp.Sign: "sign",
    exp.Floor: "floor", exp.Ceil: "ceil", exp.Sqrt: "sqrt", exp.Ln: "ln", exp.Exp: "exp", exp.Year: "year",
    exp.Month: "month", exp.Day: "day", exp.Hour: "hour", exp.Minute: "minute", exp.Second: "second",
    exp.Week: "week", exp.DayOfWeek: "dayofweek", exp.DayOfYear: "dayofyear", exp.Quarter: "quarter",
    exp.TimeToUnix: "epoch",
}  # fmt: skip
_NUMERIC = (exp.Abs, exp.Sign, exp.Floor, exp.Ceil, exp.Sqrt, exp.Ln, exp.Exp)
_HARMLESS = frozenset(["safe", "typed", "ignore_nulls", "coalesce", "big_int", "array_wrapper", "is_left_assoc"])
_INSTEAD: tuple[tuple[tuple[Any, ...], str], ...] = (
    ((exp.Window,), "a window function looks at other rows; put the column into the table beforehand"),
    ((exp.Subquery, exp.Select, exp.Exists), "a subquery inside an expression; use FROM (SELECT ... FROM table), or a"
     " join with a declared table"),
    ((exp.AggFunc,), "an aggregate inside another expression; ask for each aggregate as a column of its own and "
     "combine the released numbers afterwards, which costs nothing"),
    ((exp.Star,), "a * outside COUNT(*); name the columns"),
    ((exp.Parameter, exp.Placeholder), "a placeholder; write the value"),
)  # fmt: skip


def quoted(name: str) -> str:
    """Return NAME as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return TEXT as an SQL literal; raises UsageError for a zero character."""
    if "\0" in text:
        raise UsageError("a text has no zero character")
    return "'" + text.replace("'", "''") + "'"


def resolve(node: exp.Expression, scope: Scope) -> exp.Expression:
    """Return NODE with each column replaced by what SCOPE says; SCOPE raises UsageError for one that is unknown."""

    def swap(at: exp.Expression) -> exp.Expression:
        if not isinstance(at, exp.Column):
            return at
        if at.args.get("db") or at.args.get("catalog") or isinstance(at.this, exp.Star):
            raise UsageError(f"'{at.sql()[:60]}' is not a column; write column or table.column")
        found = scope(at.table, at.name)
        return found.copy() if isinstance(found, exp.Column) else exp.Paren(this=found.copy())

    return node.transform(swap)


def columns(node: exp.Expression) -> set[tuple[str, str]]:
    """Return the (alias, column) pairs of a resolved NODE."""
    return {(c.table, c.name) for c in node.find_all(exp.Column)}


def render(node: exp.Expression) -> str:
    """Return the SQL of a resolved row-wise NODE; raises UsageError, with what to do instead, for anything else."""
    if not isinstance(node, exp.Expression):
        raise UsageError("the question has an operator or a function without all of its arguments")
    kind = type(node)
    if kind in _COMPARED:
        _only(node, "this", "expression")
        return f"({render(node.this)} {_COMPARED[kind]} {render(node.expression)})"
    if kind in _ARITHMETIC:  # in floating point: whole numbers would overflow
        _only(node, "this", "expression")
        return f"({_double(node.this)} {_ARITHMETIC[kind]} {_double(node.expression)})"
    if kind in _ONE:
        _only(node, "this")
        return f"{_ONE[kind]}({_double(node.this) if isinstance(node, _NUMERIC) else render(node.this)})"
    writer = _WRITERS.get(kind)
    if writer:
        return writer(node)
    for kinds, instead in _INSTEAD:
        if isinstance(node, kinds):
            raise UsageError(f"the question has {instead}")
    name = node.name if isinstance(node, exp.Anonymous) else node.key
    raise UsageError(f"the question has '{name[:60]}', which is not a row-wise expression known here; {_ROW_WISE}")


def _double(node: exp.Expression) -> str:
    return f"CAST({render(node)} AS DOUBLE)"


def _only(node: exp.Expression, *names: str) -> None:
    """Refuse NODE when it has an argument beyond NAMES: an argument that is not written would silently be lost."""
    for name, value in node.args.items():
        if value not in (None, False, []) and name not in names and name not in _HARMLESS:
            raise UsageError(f"the question has '{node.key}' with '{name}', which is not known here; leave it out")


def _column(node: exp.Expression) -> str:
    return f"{node.text('table')}.{quoted(node.name)}"


def _literal(node: exp.Expression) -> str:
    if node.is_string:
        return text_literal(node.name)
    if not _NUMBER.fullmatch(node.name):
        raise UsageError(f"'{node.name[:60]}' is not a plain number")
    return node.name


def _list(nodes: list[exp.Expression]) -> str:
    return ", ".join(map(render, nodes))


def _in(node: exp.Expression) -> str:
    if node.args.get("query") is not None:
        raise UsageError("the question has a subquery inside IN; list the values, or join with a declared table")
    _only(node, "this", "expressions")
    if not node.expressions:
        raise UsageError("IN is followed by a list of values")
    return f"({render(node.this)} IN ({_list(node.expressions)}))"


def _is(node: exp.Expression) -> str:
    _only(node, "this", "expression")
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise UsageError("IS is followed by NULL, TRUE or FALSE; write = for a value")
    return f"({render(node.this)} IS {render(node.expression)})"


def _between(node: exp.Expression) -> str:
    _only(node, "this", "low", "high")
    return f"({render(node.this)} BETWEEN {render(node.args['low'])} AND {render(node.args['high'])})"


def _like(node: exp.Expression) -> str:
    _only(node, "this", "expression")
    if not isinstance(node.expression, exp.Literal) or not node.expression.is_string:
        raise UsageError("LIKE is followed by a text")
    return f"({render(node.this)} {'ILIKE' if isinstance(node, exp.ILike) else 'LIKE'} {render(node.expression)})"


def _case(node: exp.Expression) -> str:
    _only(node, "this", "ifs", "default")
    subject = node.args.get("this")
    parts = [f"WHEN {render(i.this)} THEN {render(i.args['true'])}" for i in node.args["ifs"]]
    other = node.args.get("default")
    words = ["CASE", *([render(subject)] if subject else []), *parts, *([f"ELSE {render(other)}"] if other else [])]
    return f"({' '.join(words)} END)"


def _if(node: exp.Expression) -> str:
    _only(node, "this", "true", "false")
    other = node.args.get("false")
    tail = f" ELSE {render(other)}" if other else ""
    return f"(CASE WHEN {render(node.this)} THEN {render(node.args['true'])}{tail} END)"


def _cast(node: exp.Expression) -> str:
    _only(node, "this", "to")
    wanted = node.args["to"]
    if wanted.this.name not in _TYPES or any(k != "this" and v and k != "expressions" for k, v in wanted.args.items()):
        have = ", ".join(sorted(set(_TYPES.values())))
        raise UsageError(f"CAST to '{wanted.sql()[:40]}' is not known here; there is: {have}")
    return f"TRY_CAST({render(node.this)} AS {_TYPES[wanted.this.name]})"


def _many(name: str) -> Callable[[exp.Expression], str]:
    def write(node: exp.Expression) -> str:
        _only(node, "this", "expressions")
        first = [node.this] if node.args.get("this") is not None else []
        return f"{name}({_list([*first, *node.expressions])})"

    return write


def _round(node: exp.Expression) -> str:
    _only(node, "this", "decimals")
    places = node.args.get("decimals")
    if places is not None and not re.fullmatch(r"-?[0-9]{1,2}", places.sql()):
        raise UsageError("ROUND has a whole number of decimals")
    return f"round({_double(node.this)}, {places.sql() if places is not None else 0})"


def _two(name: str, second: str, convert: Callable[[exp.Expression], str]) -> Callable[[exp.Expression], str]:
    def write(node: exp.Expression) -> str:
        _only(node, "this", second)
        return f"{name}({convert(node.this)}, {convert(node.args[second])})"

    return write


def _substring(node: exp.Expression) -> str:
    _only(node, "this", "start", "length")
    return f"substring({_list([n for n in (node.args.get(k) for k in ('this', 'start', 'length')) if n is not None])})"


def _truncated(node: exp.Expression) -> str:
    _only(node, "this", "unit")
    return f"date_trunc({text_literal(_unit(node.args['unit']))}, {render(node.this)})"


def _extract(node: exp.Expression) -> str:
    _only(node, "this", "expression")
    return f"date_part({text_literal(_unit(node.this))}, {render(node.expression)})"


def _unit(node: exp.Expression) -> str:
    unit = node.name.lower()
    if unit not in _UNITS:
        raise UsageError(f"'{unit[:40]}' is not a part of a time known here; there is: {', '.join(sorted(_UNITS))}")
    return unit


_WRITERS: Mapping[type[exp.Expression], Callable[[exp.Expression], str]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Boolean: lambda node: "TRUE" if node.this else "FALSE",
    exp.Null: lambda node: "NULL",
    exp.Paren: lambda node: f"({render(node.this)})",
    exp.Neg: lambda node: f"(- {_double(node.this)})",
    exp.Not: lambda node: f"(NOT {render(node.this)})",
    exp.In: _in,
    exp.Is: _is,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Case: _case,
    exp.If: _if,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Coalesce: _many("coalesce"),
    exp.Least: _many("least"),
    exp.Greatest: _many("greatest"),
    exp.Concat: _many("concat"),
    exp.Nullif: _two("nullif", "expression", render),
    exp.StartsWith: _two("starts_with", "expression", render),
    exp.Pow: _two("pow", "expression", _double),
    exp.Round: _round,
    exp.Substring: _substring,
    exp.TimestampTrunc: _truncated,
    exp.DateTrunc: _truncated,
    exp.Extract: _extract,
}
