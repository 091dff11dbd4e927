"""A question cut into what each of its words means for one table; a word that means nothing here is told.

Every word counts: a question with a word that is not understood is refused, never answered without it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from consentinel.understand.asking import periods
from consentinel.understand.asking.live import Live, Table
from consentinel.understand.asking.phrases import NUMBER, PHRASES, amount, compared
from consentinel.understand.asking.words import COLUMNS, NOUNS, SAME, STATES, folded, spelled, stem

__all__ = ["Item", "Lexicon", "Value", "cut", "lexicon_of", "names"]

LONGEST = 12  # words of a value
FEW = 200  # distinct values: a part of one is understood too
_NO_VALUES = re.compile(r"(^|_)(id|ids|digest|fingerprint|text|explanation|record|title|action|why|basis)$")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_QUOTED = re.compile("[\"\u201c]([^\"\u201c\u201d]{1,200})[\"\u201d]|(?<![a-z0-9])'([^']{1,200})'(?![a-z0-9])")
_DAYS = re.compile(
    r"(?:on |on a |on the )?(?:(?P<day>mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|(?P<end>weekends?)|(?P<work>weekdays|working days))\b"
)


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
    parts: list[tuple[frozenset[str], Value, bool]] = field(default_factory=list)  # words, value, whether of few
    short: dict[str, list[Value]] = field(default_factory=dict)  # of at most three letters, in their own case

    def __post_init__(self) -> None:
        known, own = COLUMNS.get(self.table.name, {}), self.table.name
        self.nouns = {folded(noun) for noun in (*NOUNS.get(own, ()), own.replace("_", " "))}
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

    def _index(self, column: str) -> None:
        all_values = self.live.values(self.table.name, column)
        codes = set(all_values)
        for value in all_values:
            words = folded(value)
            if len(value) <= 3 and value.isalpha() and value.isupper():
                self.short.setdefault(value, []).append(Value(column, value))
            elif words and len(words) <= LONGEST:
                self.values.setdefault(words, []).append(Value(column, value))
                raw = re.findall(r"[a-z0-9]+", spelled(value.lower()))
                self.parts.append((frozenset(map(_root, raw)), Value(column, value), len(all_values) <= FEW))
        for place, code in STATES.items():
            for written in (code, f"US-{code}"):
                if written in codes:
                    self.values.setdefault(folded(place), []).append(Value(column, written))

    def part(self, words: tuple[str, ...], *, proper: bool) -> list[Value]:
        """Return the values that WORDS are a part of: those that no other of them is a list of."""
        wanted = {_root(SAME.get(word, word)) for word in words}
        found = [one for roots, one, few in self.parts if wanted <= roots and (few or proper)]
        plain = {(one.column, one.value) for one in found}
        return [
            one
            for one in found
            if not any((one.column, piece.strip()) in plain for piece in one.value.split(",") if piece != one.value)
        ]


def _root(word: str) -> str:
    cut_ = re.sub(r"(?:ing|ed)$", "", word)
    return cut_ if len(cut_) >= 4 else word


def names(question: str, table: Table) -> bool:
    """Whether QUESTION names TABLE by one of its nouns."""
    words = folded(question)
    nouns = {folded(noun) for noun in (*NOUNS.get(table.name, ()), table.name.replace("_", " "))}
    return any(words[i : i + len(noun)] == noun for noun in nouns for i in range(len(words)))


def lexicon_of(live: Live, table: Table, question: str) -> Lexicon:
    """Return what words mean in a QUESTION about TABLE; made once for all questions."""
    at = (table.name, names(question, table))
    if at not in live.lexicons:
        live.lexicons[at] = Lexicon(live, table, at[1])
    found: Lexicon = live.lexicons[at]
    return found


def cut(question: str, lexicon: Lexicon, today: date) -> list[Item]:
    """Return what QUESTION says, in order; an item tagged UNKNOWN is a word that means nothing here."""
    plain = re.sub("[\u2018\u2019`]", "'", question)
    low = "".join(c.lower() if len(c.lower()) == 1 else c for c in plain)
    items: list[Item] = []
    at = 0
    while at < len(low):
        quoted = _QUOTED.match(low, at)
        if quoted:
            items.append(_quoted(quoted, lexicon))
            at = quoted.end()
            continue
        if not low[at].isalnum() and not low.startswith((">", "<", "=", "≥", "≤"), at):
            if low[at] == ",":
                items.append(Item("COMMA", ","))
            elif low[at] == "%":
                items.append(Item("SHARE", "%"))
            at += 1
            continue
        item, at = _next(plain, low, at, lexicon, today)
        items.append(item)
    return items


def _next(plain: str, low: str, at: int, lexicon: Lexicon, today: date) -> tuple[Item, int]:
    words = list(_words(low, at))
    counted = re.match(r"(?:for|of|over|on|in) (?:the )?(?:first|last) (?!half|quarter|week|month|year|\d)", low[at:])
    found = None if counted else periods.period(low[at:], today)
    if found and not _is_amount(low, at, found[1], lexicon):
        return Item("PERIOD", low[at : at + found[1]], found[0]), at + found[1]
    if cmp := compared(low, at):
        signs, between, end = cmp
        return Item("NUMBERS", low[at:end], (signs, between)), end
    if day := _DAYS.match(low, at):
        days = [d for d in periods.WEEKDAYS if day["day"] and d.startswith(day["day"])]
        numbers = [periods.WEEKDAYS.index(d) + 1 for d in days] or ([6, 7] if day["end"] else [1, 2, 3, 4, 5])
        if day["day"] or day["end"] or day[0].startswith("on "):
            return Item("DAYS", day[0], numbers), day.end()
    if month := periods.bare_month(low[at:]):
        return Item("MONTH", low[at : at + month[1]], month[0]), at + month[1]
    number = re.compile(NUMBER + r"(?![\w.]*[a-z\d])").match(low, at)
    if number and not (number[0] == "one" and low.startswith(" of", number.end())):
        return Item("NUM", number[0], amount(number[0])), number.end()
    return _phrase(plain, low, at, words, lexicon)


def _is_amount(low: str, at: int, size: int, lexicon: Lexicon) -> bool:
    """Whether what looks like a year is a number of something: 2000 people."""
    following = re.compile(r" ([a-z]+)").match(low, at + size)
    bare = re.fullmatch(r"(?:19|20)\d\d|between (?:19|20)\d\d and (?:19|20)\d\d", low[at : at + size])
    if not bare or not following:
        return False
    columns = lexicon.columns.get((stem(following[1]),), [])
    return any(lexicon.table.columns[one].role == "number" for one in columns)


def _phrase(plain: str, low: str, at: int, words: list[tuple[str, int]], lexicon: Lexicon) -> tuple[Item, int]:
    """Return the longest phrase at AT: of questions, of tables and columns, of values, then parts of values."""
    best: tuple[int, Item] | None = None
    first = plain[at : words[0][1]]
    if first in lexicon.short:
        best = (1, Item("VALUE", first, lexicon.short[first]))
    for size in range(min(LONGEST, len(words)), 0, -1):
        said = low[at : words[size - 1][1]]
        key = tuple(word for word, _ in words[:size])
        fold = folded(said)
        tag = PHRASES.get(key)
        named = lexicon.columns.get(fold)
        if tag and size == 1 and fold in lexicon.values and at > 0:
            best = best or (1, _either(low, at, words, lexicon, tag))
        elif tag and not (tag == "WEAK" and named):
            best = best if best and best[0] >= size else (size, Item(*_tagged(tag, said)))
        elif fold in lexicon.nouns and not (named and size > 1):
            best = best if best and best[0] >= size else (size, Item("ROW", said))
        if named and not (best and best[0] >= size):
            best = (size, Item("COLUMN", said, named))
        if fold in lexicon.values and not (best and best[0] >= size):
            best = (size, Item("VALUE", said, lexicon.values[fold]))
        if best:
            break
    part = _part(plain, low, at, words, lexicon, best[0] if best else 0)
    if part and (best is None or part[0] > best[0]):
        best = part
    if best is None:
        best = _typo(low, at, words, lexicon)
    if best is None:
        return Item("UNKNOWN", low[at : words[0][1]]), words[0][1]
    best[1].start = at
    return best[1], words[best[0] - 1][1]


def _either(low: str, at: int, words: list[tuple[str, int]], lexicon: Lexicon, tag: str) -> Item:
    """Return what a word is that is a word of questions and a value too, such as count: what stands beside it tells."""
    said = low[at : words[0][1]]
    values = lexicon.values[folded(said)]
    columns = {one.column for one in values}
    after = folded(words[1][0]) if len(words) > 1 else ()
    before = re.search(r"([a-z]+) (?:the )?$", low[:at])
    word = before[1] if before else ""
    near = {*lexicon.columns.get(after, []), *lexicon.columns.get(folded(word), [])}
    if columns & near or word in ("of", "for", "on", "is"):
        return Item("VALUE", said, values)
    return Item(*_tagged(tag, said)) if word in ("by", "what", "and") or tag == "WEAK" else Item("UNKNOWN", said)


def _part(
    plain: str, low: str, at: int, words: list[tuple[str, int]], lexicon: Lexicon, over: int
) -> tuple[int, Item] | None:
    """Return the longest run of words, more than OVER of them, that is a part of values."""
    for size in range(min(6, len(words)), over, -1):
        said = low[at : words[size - 1][1]]
        fold = folded(said)
        key = tuple(word for word, _ in words[:size])
        if "," in said or key in PHRASES or (words[0][0],) in PHRASES or (words[size - 1][0],) in PHRASES:
            continue
        if fold in lexicon.nouns or fold in lexicon.columns:
            continue
        if size > 1 and fold[-1:] in lexicon.nouns and _means(fold[:-1], plain[at : words[0][1]], lexicon):
            continue
        proper = plain[at].isupper() and at > 0
        found = lexicon.part(fold, proper=proper)
        if found and all(len(word) > 1 for word in fold):
            note = f"took '{said}' for {' or '.join(sorted({repr(one.value) for one in found})[:5])}"
            return size, Item("VALUE", said, found, note=note)
    return None


def _means(fold: tuple[str, ...], said: str, lexicon: Lexicon) -> bool:
    return bool(fold in lexicon.values or said in lexicon.short or lexicon.part(fold, proper=False))


def _typo(low: str, at: int, words: list[tuple[str, int]], lexicon: Lexicon) -> tuple[int, Item] | None:
    """Return what the word at AT was meant to be, where only one word is that near."""
    word = words[0][0]
    if len(word) < 5 or not word.isalpha():
        return None
    near: dict[str, Item] = {}
    for key, tag in PHRASES.items():
        if len(key) == 1 and tag != "WEAK" and _near(word, key[0]):
            near[tag] = Item(*_tagged(tag, key[0]))
    for noun in lexicon.nouns:
        if len(noun) == 1 and _near(stem(word), noun[0]):
            near["ROW"] = Item("ROW", noun[0])
    for phrase, names in lexicon.columns.items():
        if len(phrase) == 1 and _near(stem(word), phrase[0]):
            near[f"COLUMN {names}"] = Item("COLUMN", phrase[0], names)
    for known, ones in lexicon.values.items():
        few = [one for one in ones if len(lexicon.live.values(lexicon.table.name, one.column)) <= FEW]
        if few and any(_near(stem(word), one) for one in known):
            whole = known if len(known) == 1 else next((one,) for one in known if _near(stem(word), one))
            picked = lexicon.values.get(whole) or lexicon.part(whole, proper=False)
            near[f"VALUE {[one.value for one in picked]}"] = Item("VALUE", word, picked)
    if len(near) != 1:
        return None
    item = next(iter(near.values()))
    meant = item.what[0].value if item.tag == "VALUE" else item.text
    item.note = f"took '{word}' for '{meant}'"
    return 1, item


def _near(word: str, other: str) -> bool:
    """Whether WORD is OTHER with one slip of the pen, two where it is long: a letter more, less, other or swapped."""
    if len(other) < 5 or word[0] != other[0] or abs(len(word) - len(other)) > 2:
        return False
    before, row = [], list(range(len(other) + 1))
    for i, a in enumerate(word, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                row[-1] = min(row[-1], older[j - 2] + 1)
    return row[-1] <= (1 if len(other) < 8 else 2)


def _quoted(found: re.Match[str], lexicon: Lexicon) -> Item:
    said = found[1] or found[2]
    values = (
        lexicon.values.get(folded(said)) or lexicon.short.get(said.upper()) or lexicon.part(folded(said), proper=True)
    )
    return Item("VALUE", said, values) if values else Item("UNKNOWN", said)


def _tagged(tag: str, said: str) -> tuple[str, str, Any]:
    head, _, rest = tag.partition(" ")
    return head, said, rest or None


def _words(low: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the next words from AT with where each ends, up to a mark that ends a phrase."""
    for n, found in enumerate(_WORD.finditer(low, at)):
        if n == LONGEST or re.search(r"[,;?!:]|\.\s", low[at : found.start()]):
            return
        yield found[0], found.end()
