"""One sentence about the rows of an answer; every number in it stands in a row."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from consentinel.core.text import one_line
from consentinel.understand.asking.checking import Answer
from consentinel.understand.asking.query import Query

__all__ = ["plain", "sentence"]

_SHOWN = 3


def plain(value: Any) -> str:
    """Return VALUE as a person reads it."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.1f}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date) else one_line(str(value), 80)


def sentence(answer: Answer, query: Query | None) -> str:
    """Return what the rows of ANSWER say."""
    if not answer.rows:
        return "There are no such rows."
    where = _where(query)
    if query and query.part and len(answer.rows) == 1 and not query.keys:
        share, part, whole = answer.rows[0]
        if share is None:
            return f"There is nothing to take a share of{where}."
        said = " and ".join(c.said for c in query.part)
        return f"{share:.1%} ({plain(part)} of {plain(whole)}){where}: {said}."
    if query and query.pair and not query.keys:
        return _changed(answer.rows[0], query, where)
    if len(answer.rows) == 1 and len(answer.columns) == 1:
        called = query.measures[0].said if query and query.measures and not query.over else "the answer"
        return f"{called.capitalize()}{where}: {plain(answer.rows[0][0])}."
    count = f"the first {len(answer.rows):,} rows" if answer.more else f"{len(answer.rows):,} row" + "s" * (
        len(answer.rows) > 1)  # fmt: skip
    told = "; ".join(", ".join(_cells(answer.columns, row)) for row in answer.rows[:_SHOWN])
    return f"{count.capitalize()}{where}: {told}{'; ...' if len(answer.rows) > _SHOWN else ''}."


def _changed(row: Sequence[Any], query: Query, where: str) -> str:
    pair = query.pair
    assert pair is not None
    sides = f"{plain(row[0])} with {pair.first.said}, {plain(row[1])} with {pair.second.said}"
    if pair.ratio:
        compared = f"ratio {plain(row[2])}"
    else:
        compared = f"{row[2]:+,.6g}" + ("" if row[3] is None else f", {row[3]:+.1%}")
    return f"{query.measures[0].said.capitalize()}{where}: {sides} ({compared})."


def _cells(columns: Sequence[str], row: Sequence[Any]) -> list[str]:
    return [f"{plain(value)} ({name})" if isinstance(value, float) else plain(value)
            for name, value in zip(columns, row, strict=True)]  # fmt: skip


def _where(query: Query | None) -> str:
    said = [c.said for c in query.where if c.said] if query else []
    return f" where {' and '.join(said)}" if said else ""
