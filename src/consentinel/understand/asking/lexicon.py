"""What words mean for one table: its rows, columns and values, and what is a part or another form of a value."""

import re
from dataclasses import dataclass, field
from typing import Any

from consentinel.understand.asking.live import Live, Table
from consentinel.understand.asking.words import (
    COLUMNS,
    IMPLIED,
    NEGATING,
    NOUNS,
    SAME,
    STATES,
    WHOLES,
    folded,
)

__all__ = ["FEW", "LONGEST", "Item", "Lexicon", "Value", "lexicon_of", "names", "tagged"]

LONGEST = 12  # words of a value
FEW = 200  # distinct values: a part of one is understood too
_NO_VALUES = re.compile(r"(^|_)(id|ids|digest|fingerprint|text|explanation|record|title|action|why|basis)$")


@dataclass(frozen=True)
class Value:
    """A value that stands in a column of the table."""

    column: str
    value: str


@dataclass
class Item:
    """One thing that a question says: a tag, what it stands for, its words, whether the parser has used it."""

    tag: str
    text: str
    what: Any = None
    used: bool = False
    note: str = ""
    start: int = 0


@dataclass
class Lexicon:
    """What words mean for one table."""

    live: Live
    table: Table
    named: bool  # whether the question names the table
    columns: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    values: dict[tuple[str, ...], list[Value]] = field(default_factory=dict)
    nouns: set[tuple[str, ...]] = field(default_factory=set)
    wholes: set[tuple[str, ...]] = field(default_factory=set)  # names of the table that its rows do not have
    implied: dict[tuple[str, ...], Value] = field(default_factory=dict)  # what a noun says of its rows
    parts: list[tuple[frozenset[str], Value, bool]] = field(default_factory=list)  # words, value, whether of few
    short: dict[str, list[Value]] = field(default_factory=dict)  # of at most three letters, in their own case

    def __post_init__(self) -> None:
        known, own = COLUMNS.get(self.table.name, {}), self.table.name
        self.nouns = {folded(noun) for noun in NOUNS.get(own, ())}
        (self.wholes if own in WHOLES else self.nouns).add(folded(own))
        self.wholes |= set(map(folded, WHOLES.get(own, ())))
        for column in self.table.columns.values():
            if column.name == "run_id":
                continue
            called = [*known.get(column.name, ())]
            called += [] if f"~{column.name}" in called else [column.name]
            called = [one for one in called if self.named or not one.startswith("~")]
            for phrase in set(map(folded, called)) - {()}:
                self.columns.setdefault(phrase, []).append(column.name)
            if column.role in ("label", "list") and not _NO_VALUES.search(column.name):
                self._index(column.name)
        for noun, (name, value) in IMPLIED.get(own, {}).items():
            held = self.table.columns.get(name)
            found = self.live.values(own, name) if held and held.role == "label" else ()
            if value in found and len(found) > 1:
                self.implied[folded(noun)] = Value(name, value)

    def _index(self, column: str) -> None:
        all_values = self.live.values(self.table.name, column)
        codes = set(all_values)
        for value in all_values:
            words = folded(value)
            if len(value) <= 3 and value.isalpha() and value.isupper():
                self.short.setdefault(value, []).append(Value(column, value))
            elif words and len(words) <= LONGEST:
                self.values.setdefault(words, []).append(Value(column, value))
                self.parts.append((frozenset(words), Value(column, value), len(all_values) <= FEW))
                if words[0] == "not":  # could not be measured
                    self.values.setdefault(("not", "be", *words[1:]), []).append(Value(column, value))
        for place, code in STATES.items():
            for written in (code, f"US-{code}"):
                if written in codes:
                    self.values.setdefault(folded(place), []).append(Value(column, written))

    def part(self, words: tuple[str, ...], *, proper: bool) -> list[Value]:
        """Return the values that WORDS are a part of: those that no other of them is a list of.

        Words are whole, other forms of them are none; and what a value says with a word such as not is never left out.
        """
        wanted = {SAME.get(word, word) for word in words}
        found = [one for own, one, few in self.parts if (few or proper) and wanted <= own and own & NEGATING <= wanted]
        plain = {(one.column, one.value) for one in found}
        return [
            one
            for one in found
            if not any((one.column, piece.strip()) in plain for piece in one.value.split(",") if piece != one.value)
        ]


def names(question: str, table: Table) -> bool:
    """Whether QUESTION names TABLE by one of the nouns that it or its rows are called by."""
    words = folded(question)
    called = (*NOUNS.get(table.name, ()), *WHOLES.get(table.name, ()), table.name.replace("_", " "))
    nouns = set(map(folded, called))
    return any(words[i : i + len(noun)] == noun for noun in nouns for i in range(len(words)))


def lexicon_of(live: Live, table: Table, question: str) -> Lexicon:
    """Return what words mean in a QUESTION about TABLE; made once for all questions."""
    at = (table.name, names(question, table))
    if at not in live.lexicons:
        live.lexicons[at] = Lexicon(live, table, at[1])
    found: Lexicon = live.lexicons[at]
    return found


def tagged(tag: str, said: str) -> tuple[str, str, Any]:
    """Return what an item is made of from TAG, which may have more behind it, and the words that were SAID."""
    head, _, rest = tag.partition(" ")
    return head, said, rest or None
