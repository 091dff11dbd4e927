"""From a question, in SQL or in Python, to the one checked form that plan and measure share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from consentinel.core.contracts import Question
from consentinel.core.errors import UsageError
from consentinel.protect.asked import Asked
from consentinel.protect.declared import Declared
from consentinel.protect.sources import digests
from consentinel.protect.sql import ask, ask_select

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ask", "ask_about", "bound_question"]


def ask_about(
    table: str,
    aggregates: Mapping[str, str],
    declared: Declared,
    *,
    by: Sequence[str] | Mapping[str, str] = (),
    where: str = "",
    joins: Mapping[str, Sequence[str]] | None = None,
    groups: int | None = None,
    rows: int | None = None,
) -> Asked:
    """Return the question for AGGREGATES of TABLE; it equals, digest included, the same question asked in SQL.

    Arguments: aggregates, name in the answer -> SQL of one aggregate ("sum(amount)"); by, keys of the groups, columns
    or name -> expression; where, a condition; joins, table -> columns that both sides have; groups and rows as for
    `ask`. Raises UsageError.

    >>> from consentinel.protect.declared import Private, column
    >>> sales = Private("sales", {"who": column(), "paid": column(low=0, high=100)}, unit="who", groups=1, rows=5)
    >>> ask_about("sales", {"total": "sum(paid)"}, Declared((sales,))).aggregates[0].kind
    'sum'
    """
    keys = dict(by) if isinstance(by, Mapping) else dict.fromkeys(by, "")
    select = exp.Select()
    wanted = [_item(text or name, name if text else "") for name, text in keys.items()]
    select.set("expressions", [*wanted, *(_item(text, name) for name, text in aggregates.items())])
    select.set("from_", exp.From(this=_table(table)))
    using = [
        exp.Join(this=_table(name), using=[exp.to_identifier(c, quoted=True) for c in columns])
        for name, columns in (joins or {}).items()
    ]
    if using:
        select.set("joins", using)
    if where:
        select.set("where", exp.Where(this=_fragment(where)))
    if wanted:
        select.set("group", exp.Group(expressions=[exp.Literal.number(at) for at in range(1, len(wanted) + 1)]))
    return ask_select(select, declared, groups=groups, rows=rows)


def bound_question(asked: Asked, declared: Declared, tables: Mapping[str, "pa.Table"] | None = None) -> Question:
    """Return the question of ASKED bound to the present bytes of its tables: a ticket for it fits no other table.

    Raises BadInput where a table cannot be read.
    """
    return asked.question(digests(asked, declared, tables))


def _item(text: str, name: str) -> exp.Expression:
    node: Any = _fragment(text)
    return exp.Alias(this=node, alias=exp.to_identifier(name, quoted=True)) if name else node


def _fragment(text: str) -> Any:
    """Return the one expression that TEXT is; raises UsageError when it is more than that."""
    if not isinstance(text, str) or len(text) > 5_000 or "\0" in text:
        raise UsageError("an expression is a text of at most 5,000 characters")
    try:
        found = sqlglot.parse(f"SELECT {text}", dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        raise UsageError(f"'{text[:100]}' is not an SQL expression") from None
    only = found[0] if len(found) == 1 else None
    if not isinstance(only, exp.Select) or len(only.expressions) != 1 or isinstance(only.expressions[0], exp.Alias):
        raise UsageError(f"'{text[:100]}' is not one SQL expression")
    if any(value and name != "expressions" for name, value in only.args.items()):
        raise UsageError(f"'{text[:100]}' is more than one SQL expression")
    return only.expressions[0]


def _table(name: str) -> exp.Table:
    if not isinstance(name, str):
        raise UsageError("a table is named by its declared name")
    return exp.Table(this=exp.to_identifier(name, quoted=True))
