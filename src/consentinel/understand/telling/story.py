"""What a story is made of: tables, queries with their rows, facts taken from rows, and texts that hold only facts.

A story is one JSON document. Texts are lists of words and facts, never numbers: a number is written only where a fact
is, and a fact is one cell of the answer of one query. That is what a check can compute again.
"""

from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "Bars", "Block", "Fact", "Grid", "Heading", "Lead", "Piece", "Query", "Said", "Scalar", "Story", "Table", "Tile",
    "Tiles", "Tone", "Unit", "Weeks",
]  # fmt: skip

Scalar: TypeAlias = bool | int | float | str | None
Unit = Literal["count", "number", "share", "days", "date", "name"]
Tone = Literal["danger", "warn", "caution", "info", "ok", "muted"]


class Table(msgspec.Struct, frozen=True):
    """One table that a story was told of: its name in SQL, its rows, and the SHA-256 of its file."""

    name: str
    file: str
    rows: int
    sha256: str


class Query(msgspec.Struct, frozen=True):
    """One question of the tables: number, what it asks, the SQL and the rows that it answered with."""

    id: int
    title: str
    sql: str
    tables: list[str]
    columns: list[str]
    rows: list[list[Scalar]]


class Fact(msgspec.Struct, frozen=True):
    """One cell of an answer, and of a share its interval, which is computed from the columns n and of of that row."""

    id: str
    query: int
    row: int
    column: str
    unit: Unit
    value: Scalar
    low: float | None = None
    high: float | None = None
    level: float | None = None


class Said(msgspec.Struct, frozen=True):
    """A fact inside a text: which one, and the noun that follows it, for one and for several."""

    fact: str
    one: str = ""
    several: str = ""


Piece: TypeAlias = str | Said


class Heading(msgspec.Struct, frozen=True, tag="heading"):
    """The title of what follows."""

    text: str


class Lead(msgspec.Struct, frozen=True, tag="text"):
    """A sentence or several; the one with a tone is the verdict, the ones of KIND note stand apart."""

    pieces: list[Piece]
    kind: Literal["title", "verdict", "sentence", "note"] = "sentence"
    tone: Tone = "muted"
    template: list[Piece] = []  # what stood here, where a model phrased it


class Tile(msgspec.Struct, frozen=True):
    """One big figure and what it counts."""

    fact: str
    label: str
    tone: Tone | None = None


class Tiles(msgspec.Struct, frozen=True, tag="tiles"):
    """The big figures."""

    tiles: list[Tile]


class Bars(msgspec.Struct, frozen=True, tag="bars"):
    """A bar for each row of a query: its label, its length, and further figures with their headings."""

    title: str
    query: int
    label: str
    value: str
    unit: Unit = "count"
    more: list[tuple[str, str, Unit]] = []
    tones: dict[str, Tone] = {}
    note: str = ""


class Weeks(msgspec.Struct, frozen=True, tag="weeks"):
    """Counts over time with the range that is usual: columns start, n, low and high of a query."""

    title: str
    query: int
    note: str = ""


class Grid(msgspec.Struct, frozen=True, tag="grid"):
    """Rows of a query as a table: for each column its name, its heading and its unit."""

    caption: str
    query: int
    columns: list[tuple[str, str, Unit]]


Block: TypeAlias = Heading | Lead | Tiles | Bars | Weeks | Grid


class Story(msgspec.Struct, frozen=True):
    """A story: which one, of which day, of which tables, with all that it says and how each number was found."""

    story: str
    as_of: str
    version: str
    tables: list[Table]
    queries: list[Query]
    facts: list[Fact]
    blocks: list[Block]

    def fact(self, name: str) -> Fact:
        """Return the fact with the id NAME; raises KeyError."""
        for one in self.facts:
            if one.id == name:
                return one
        raise KeyError(name)

    def query(self, number: int) -> Query:
        """Return the query NUMBER; queries are numbered from one."""
        return self.queries[number - 1]
