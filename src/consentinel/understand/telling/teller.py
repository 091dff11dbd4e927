"""Compute a story: ask the tables, take facts from the answers, and put nothing else into words."""

from collections.abc import Mapping
from datetime import date
from string import Formatter
from typing import get_args

from consentinel.core.errors import ContractBroken
from consentinel.core.stats import wilson
from consentinel.understand.telling.story import (
    Bars,
    Block,
    Fact,
    Grid,
    Heading,
    Lead,
    Piece,
    Query,
    Said,
    Scalar,
    Story,
    Tile,
    Tiles,
    Tone,
    Unit,
    Weeks,
)
from consentinel.understand.telling.tables import Tables
from consentinel.understand.telling.written import numbers

__all__ = ["LEVEL", "Teller", "interval"]

LEVEL = 0.95


class Teller:
    """What a part of understand/stories works with: tables to ask, and blocks to add."""

    def __init__(self, tables: Tables, as_of: date) -> None:
        self.tables, self.as_of = tables, as_of
        self.queries: list[Query] = []
        self.facts: dict[str, Fact] = {}
        self.blocks: list[Block] = []

    def ask(self, title: str, sql: str) -> Query:
        """Return the answer of the tables to SQL; TITLE says what is asked."""
        text = _dedented(sql)
        columns, rows = self.tables.rows(text)
        query = Query(len(self.queries) + 1, title, text, self.tables.read_by(text), columns, rows)
        self.queries.append(query)
        return query

    def fact(self, query: Query, column: str, unit: Unit = "count", row: int = 0) -> Fact:
        """Return the cell of COLUMN in ROW of QUERY as a fact; a share with columns n and of has its interval.

        Raises ContractBroken where there is no such cell.
        """
        if column not in query.columns or row >= len(query.rows):
            raise ContractBroken(f"query {query.id} ({query.title}) has no '{column}' in row {row}")
        low, high = interval(query, row, unit)
        level = None if low is None else LEVEL
        value = query.rows[row][query.columns.index(column)]
        made = Fact(f"q{query.id}.{column}.{row}", query.id, row, column, unit, value, low, high, level)
        return self.facts.setdefault(made.id, made)

    def value(self, query: Query, column: str, row: int = 0) -> Scalar:
        """Return what stands in COLUMN of ROW of QUERY: for choosing words, never for writing it."""
        return query.rows[row][query.columns.index(column)] if row < len(query.rows) else None

    def say(self, template: str, /, **facts: Fact) -> None:
        """Add TEMPLATE with FACTS in the places of their names; {n:incident|incidents} adds the noun that fits.

        Raises ContractBroken where the template itself has a number: a number is written by a fact or not at all.
        """
        self.blocks.append(Lead(self._pieces(template, facts)))

    def title(self, template: str, /, **facts: Fact) -> None:
        """Add the title, as `say`."""
        self.blocks.append(Lead(self._pieces(template, facts), "title"))

    def verdict(self, template: str, tone: Tone, /, **facts: Fact) -> None:
        """Add the sentence that says how things stand, as `say`, in its TONE."""
        self.blocks.append(Lead(self._pieces(template, facts), "verdict", tone))

    def note(self, template: str, /, **facts: Fact) -> None:
        """Add a sentence that stands apart, as `say`."""
        self.blocks.append(Lead(self._pieces(template, facts), "note"))

    def heading(self, text: str) -> None:
        """Add a heading."""
        self.blocks.append(Heading(_worded(text)))

    def tiles(self, *tiles: tuple[Fact, str] | tuple[Fact, str, Tone]) -> None:
        """Add the big figures: each a fact, what it counts, and a tone where it has one."""
        self.blocks.append(Tiles([Tile(t[0].id, _worded(t[1]), t[2] if len(t) > 2 else None) for t in tiles]))

    def bars(
        self, title: str, query: Query, label: str, value: str, *, more: tuple[tuple[str, str, Unit], ...] = (),
        unit: Unit = "count", tones: Mapping[str, Tone] | None = None, note: str = "",
    ) -> None:  # fmt: skip
        """Add a bar for each row of QUERY; MORE are further columns with heading and unit."""
        for column in (label, value, *(one[0] for one in more)):
            self._column(query, column)
        heads = [(one, _worded(head), _unit(kind)) for one, head, kind in more]
        self.blocks.append(Bars(_worded(title), query.id, label, value, unit, heads, dict(tones or {}), _worded(note)))

    def weeks(self, title: str, query: Query, *, note: str = "") -> None:
        """Add a picture of the counts of QUERY over time: columns start, n, low, high."""
        for column in ("start", "n", "low", "high"):
            self._column(query, column)
        self.blocks.append(Weeks(_worded(title), query.id, _worded(note)))

    def grid(self, caption: str, query: Query, *columns: tuple[str, str, Unit]) -> None:
        """Add the rows of QUERY as a table: each column with its heading and its unit."""
        for column, _, _ in columns:
            self._column(query, column)
        self.blocks.append(Grid(_worded(caption), query.id, [(c, _worded(h), _unit(u)) for c, h, u in columns]))

    def made(self, name: str, version: str) -> Story:
        """Return the story NAME as it was told so far."""
        tables, facts = self.tables.tables, list(self.facts.values())
        return Story(name, self.as_of.isoformat(), version, tables, self.queries, facts, self.blocks)

    def _column(self, query: Query, column: str) -> None:
        if column not in query.columns:
            raise ContractBroken(f"query {query.id} ({query.title}) has no column '{column}'")

    def _pieces(self, template: str, facts: Mapping[str, Fact]) -> list[Piece]:
        pieces: list[Piece] = []
        for words, name, nouns, _ in Formatter().parse(template):
            if words:
                pieces.append(_worded(words))
            if name is None:
                continue
            if name not in facts:
                raise ContractBroken(f"the text '{template[:60]}' has no fact '{name}'")
            one, _, several = _worded(nouns or "").partition("|")
            pieces.append(Said(facts[name].id, one, several))
        return pieces


def interval(query: Query, row: int, unit: Unit) -> tuple[float | None, float | None]:
    """Return Wilson's interval of the share in ROW of QUERY; none where it is no share or has no columns n and of."""
    if unit != "share" or not {"n", "of"} <= set(query.columns):
        return None, None
    n, of = (query.rows[row][query.columns.index(name)] for name in ("n", "of"))
    if not isinstance(n, int) or not isinstance(of, int):
        return None, None
    found = wilson(n, of, LEVEL)
    return round(found.low, 9), round(found.high, 9)


def _worded(text: str) -> str:
    """Return TEXT; raises ContractBroken where it has a number of its own."""
    if found := numbers(text):
        raise ContractBroken(f"the text '{text[:60]}' has a number of its own ({found[0]}); take it from a query")
    return text


def _unit(unit: Unit) -> Unit:
    if unit not in get_args(Unit):
        raise ContractBroken(f"there is no unit '{unit}'; there is: {', '.join(get_args(Unit))}")
    return unit


def _dedented(sql: str) -> str:
    lines = [line.rstrip() for line in sql.strip("\n").splitlines()]
    depth = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return "\n".join(line[depth:] for line in lines).strip()
