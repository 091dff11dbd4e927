"""What the SQL of a model has to keep of the question: every value, number and date, and nothing beside.

A model proposes; this decides. Where a word of the question is not understood there is nothing to check against, and
the question is refused.
"""

import re
from datetime import date
from typing import Any

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.understand.asking.checking import Answer, ran
from consentinel.understand.asking.conditions import Conditions
from consentinel.understand.asking.lexicon import Item, Value, lexicon_of, names
from consentinel.understand.asking.lexing import cut
from consentinel.understand.asking.live import Live, name
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.scope import implied

__all__ = ["crossed", "kept_to", "linked"]

_CALLS = {"AVG": "avg", "MEDIAN": "median", "MIN": "min", "MAX": "max"}


def linked(question: str, live: Live, today: date) -> dict[str, list[Item]]:
    """Return what QUESTION says, for each table that understands all of its words; raises Refused where none does."""
    named = [table for table in live.tables.values() if names(question, table)]
    found, unknown = {}, []
    for table in named or live.tables.values():
        items = cut(question, lexicon_of(live, table, question), today)
        if not items:
            raise Refused("it asks nothing")
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
    table = _asked(tables, linked(question, live, today))
    items = linked(question, live, today)[table]
    tags = {item.tag for item in items}
    texts = {node.this for node in tree.find_all(exp.Literal) if node.is_string}
    numbers = {float(node.this) for node in tree.find_all(exp.Literal) if not node.is_string}
    _values(items, texts, numbers)
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
    for one in _meant(items):
        if not _compared(tree, one.column, one.value, exp):
            raise Refused(f"the model's SQL does not compare {one.column} with '{one.value}'")
    for item in items:
        if item.tag == "COLUMN" and not columns & set(item.what):
            raise Refused(f"the model's SQL leaves out '{item.text}'")


def kept_to(statement: str, answer: Answer, question: str, live: Live, today: date, seconds: float) -> None:
    """Raise Refused where the STATEMENT of a model says something else without the rows that QUESTION is not about.

    The conditions of the question are read apart from the model. What it wrote is asked once more over the rows that
    meet them: an answer to the question stays as it is.
    """
    if answer.more:
        raise Refused("the model's answer is too long to be checked")
    sqlglot: Any = need("sqlglot", extra="ask")
    tree = sqlglot.parse_one(statement, dialect="duckdb")
    named = {node.name.lower() for node in tree.find_all(sqlglot.exp.Table)} & set(live.tables)
    table = _asked(named, linked(question, live, today))
    read = Reading(linked(question, live, today)[table], lexicon_of(live, live.tables[table], question))
    found = Conditions(read)
    found.find()
    where = [*found.where, *implied(read, found)]
    where += [found.is_in(column, values, at[0]) for column, values, at, _ in found.lists]
    where += [found.either(column, spans, at[0]) for column, spans, at, _ in found.spans]
    if not where:
        return
    only = f"SELECT * FROM main.{name(table)} WHERE {' AND '.join(one.sql for one in where)}"
    within = tree.with_(name(table), as_=only, dialect="duckdb").sql(dialect="duckdb")
    try:
        again = ran(within, live, rows=len(answer.rows), seconds=seconds)
    except UsageError:
        raise Refused("what the model wrote cannot be checked") from None
    if again.more or sorted(map(repr, again.rows)) != sorted(map(repr, answer.rows)):
        raise Refused("the model's SQL is about other rows than the question")


def _asked(tables: set[str], readings: dict[str, list[Item]]) -> str:
    """Return the one table that is asked, of TABLES in a statement; raises Refused."""
    if len(tables) != 1 or not tables <= set(readings):
        raise Refused("the model asks other tables than the question does")
    return next(iter(tables))


def _meant(items: list[Item]) -> set[Value]:
    """Return the values that ITEMS name, and what the nouns among them say of the rows."""
    named = {item.what[0] for item in items if item.tag == "VALUE"}
    return named | {item.what for item in items if item.tag == "ROW" and item.what}


def _compared(tree: Any, column: str, value: str, exp: Any) -> bool:
    """Whether TREE sets COLUMN against VALUE somewhere."""
    literals = (node for node in tree.find_all(exp.Literal) if node.is_string and node.this == value)
    return any(column in {one.name.lower() for one in node.parent.find_all(exp.Column)} for node in literals)


def _values(items: list[Item], texts: set[str], numbers: set[float]) -> None:
    """Refuse where values differ; dates and the units of date_trunc are no values."""
    wanted = {one.value for one in _meant(items)}
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
    if named and not {str(span.start.year) for span in named} & (found | {f"{one:g}" for one in numbers}):
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
