"""What the SQL of a model has to keep of the question: every value, number and date, and nothing beside.

A model proposes; this decides. Where a word of the question is not understood there is nothing to check against, and
the question is refused.
"""

import re
from datetime import date
from typing import Any

from consentinel.core.extras import need
from consentinel.understand.asking.lexing import Item, cut, lexicon_of, names
from consentinel.understand.asking.live import Live
from consentinel.understand.asking.refusal import Refused

__all__ = ["crossed", "linked"]

_CALLS = {"AVG": "avg", "MEDIAN": "median", "MIN": "min", "MAX": "max"}


def linked(question: str, live: Live, today: date) -> dict[str, list[Item]]:
    """Return what QUESTION says, for each table that understands all of its words; raises Refused where none does."""
    named = [table for table in live.tables.values() if names(question, table)]
    found, unknown = {}, []
    for table in named or live.tables.values():
        items = cut(question, lexicon_of(live, table, question), today)
        strange = [item.text for item in items if item.tag == "UNKNOWN"]
        if strange:
            unknown.append(strange)
            continue
        if any(item.tag == "VALUE" and len({(one.column, one.value) for one in item.what}) > 1 for item in items):
            raise Refused("a value in it may be several; a model would have to guess")
        found[table.name] = items
    if not found:
        fewest = min(unknown, key=len, default=["it"])
        raise Refused(
            f"{', '.join(map(repr, fewest[:3]))} means nothing here; what a model makes of it cannot be checked"
        )
    return found


def crossed(statement: str, question: str, live: Live, today: date) -> None:
    """Raise Refused where the STATEMENT of a model does not say what QUESTION does."""
    sqlglot: Any = need("sqlglot", extra="ask")
    exp = sqlglot.exp
    tree = sqlglot.parse_one(statement, dialect="duckdb")
    tables = {node.name.lower() for node in tree.find_all(exp.Table)} & set(live.tables)
    readings = linked(question, live, today)
    if len(tables) != 1 or not tables <= set(readings):
        raise Refused("the model asks other tables than the question does")
    items = readings[tables.pop()]
    tags = {item.tag for item in items}
    texts = {node.this for node in tree.find_all(exp.Literal) if node.is_string}
    numbers = {float(node.this) for node in tree.find_all(exp.Literal) if not node.is_string}
    _values(items, texts)
    _numbers(items, numbers)
    lower = statement.lower()
    for tag, function in _CALLS.items():
        if (tag in tags) != (f"{function}(" in lower) and not ({"MOST", "LEAST", "OLDEST", "NEWEST"} & tags):
            raise Refused(f"the model and the question do not agree on {function}")
    said = {
        "NOT": r"<>|!=|\bnot\b|distinct from|except", "NULL": r"is (?:not )?null", "KNOWN": r"is (?:not )?null",
        "SHARE": r"/", "DISTINCT": r"distinct", "BY": r"group by|order by", "EVERY": r"group by", "GROW": r"-|/",
        "MOST": r"order by .* desc|max\(", "LEAST": r"order by|min\(", "DAYS": r"dayofweek|isodow|dayname|weekday",
    }  # fmt: skip
    for tag, pattern in said.items():
        if tag in tags and not re.search(pattern, lower):
            raise Refused(f"the model's SQL leaves out '{next(i.text for i in items if i.tag == tag)}'")
    columns = {node.name.lower() for node in tree.find_all(exp.Column)}
    for item in items:
        if item.tag == "VALUE" and not _compared(tree, item.what[0].column, item.what[0].value, exp):
            raise Refused(f"the model's SQL does not compare {item.what[0].column} with '{item.what[0].value}'")
    for item in items:
        if item.tag == "COLUMN" and not columns & set(item.what):
            raise Refused(f"the model's SQL leaves out '{item.text}'")


def _compared(tree: Any, column: str, value: str, exp: Any) -> bool:
    """Whether TREE sets COLUMN against VALUE somewhere."""
    literals = (node for node in tree.find_all(exp.Literal) if node.is_string and node.this == value)
    return any(column in {one.name.lower() for one in node.parent.find_all(exp.Column)} for node in literals)


def _values(items: list[Item], texts: set[str]) -> None:
    """Refuse where values differ; dates and the units of date_trunc are no values."""
    wanted = {item.what[0].value for item in items if item.tag == "VALUE"}
    days = {
        text
        for text in texts
        if re.fullmatch(r"\d{4}(-\d\d){0,2}( [\d:.]+)?|year|quarter|month|week|day", text.lower())
    }
    if not wanted <= texts:
        raise Refused(f"the model's SQL leaves out '{sorted(wanted - texts)[0]}'")
    if texts - wanted - days:
        raise Refused("the model's SQL has a value that the question does not name")
    named = [span for item in items if item.tag == "PERIOD" for span in item.what.spans]
    years = {str(edge.year) for span in named for edge in (span.start, span.end)}
    found = {year for text in texts for year in re.findall(r"(?:19|20)\d\d", text)}
    if named and not {str(span.start.year) for span in named} & found:
        raise Refused("the model's SQL leaves out the period")
    if found - years - {year for value in wanted for year in re.findall(r"(?:19|20)\d\d", value)}:
        raise Refused("the model's SQL has a date that the question does not name")


def _numbers(items: list[Item], numbers: set[float]) -> None:
    wanted = {float(value) for item in items if item.tag == "NUMBERS" for _, value in item.what[0]}
    wanted |= {float(item.what) for item in items if item.tag == "NUM"}
    if not wanted <= numbers:
        raise Refused(f"the model's SQL leaves out {min(wanted - numbers):g}")
    years = {float(e.year) for item in items if item.tag == "PERIOD" for s in item.what.spans for e in (s.start, s.end)}
    if {n for n in numbers if n not in (0.0, 1.0, 100.0)} - wanted - years:
        raise Refused("the model's SQL has a number that the question does not name")
