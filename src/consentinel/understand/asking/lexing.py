"""A question cut into what each of its words means for one table; a word that means nothing here is told.

Every word counts: a question with a word that is not understood is refused, never answered without it.
"""

import re
from collections.abc import Iterator
from datetime import date

from consentinel.understand.asking import periods
from consentinel.understand.asking.lexicon import LONGEST, Item, Lexicon, tagged
from consentinel.understand.asking.phrases import NUMBER, PHRASES, amount, compared
from consentinel.understand.asking.slips import slip
from consentinel.understand.asking.words import NEGATING, folded, stem

__all__ = ["cut"]

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_QUOTED = re.compile("[\"\u201c]([^\"\u201c\u201d]{1,200})[\"\u201d]|(?<![a-z0-9])'([^']{1,200})'(?![a-z0-9])")
_DAYS = re.compile(
    r"(?:on |on a |on the )?(?:(?P<day>mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|(?P<end>weekends?)|(?P<work>weekdays|working days))\b"
)


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
            best = best if best and best[0] >= size else (size, Item(*tagged(tag, said)))
        elif fold in lexicon.wholes:
            best = best if best and best[0] >= size else (size, Item("TABLE", said))
        elif fold in lexicon.nouns and not (named and size > 1):
            best = best if best and best[0] >= size else (size, Item("ROW", said, lexicon.implied.get(fold)))
        if named and (not (best and best[0] >= size) or _elsewhere(tag, lexicon)):
            best = (size, Item("COLUMN", said, named))
        if fold in lexicon.values and not (best and best[0] >= size):
            best = (size, Item("VALUE", said, lexicon.values[fold]))
        if best:
            break
    part = _part(plain, low, at, words, lexicon, best[0] if best else 0)
    if part and (best is None or part[0] > best[0]):
        best = part
    if best is None:
        meant = slip(words[0][0], lexicon)
        best = (1, meant) if meant else None
    if best is None:
        return Item("UNKNOWN", low[at : words[0][1]]), words[0][1]
    best[1].start = at
    return best[1], words[best[0] - 1][1]


def _elsewhere(tag: str | None, lexicon: Lexicon) -> bool:
    """Whether TAG speaks of a column of times that the table does not have."""
    return bool(tag and tag.startswith("TIME ") and tag.partition(" ")[2] not in lexicon.table.columns)


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
    return Item(*tagged(tag, said)) if word in ("by", "what", "and") or tag == "WEAK" else Item("UNKNOWN", said)


def _part(
    plain: str, low: str, at: int, words: list[tuple[str, int]], lexicon: Lexicon, over: int
) -> tuple[int, Item] | None:
    """Return the longest run of words, more than OVER of them, that is a part of values."""
    for size in range(min(6, len(words)), over, -1):
        said = low[at : words[size - 1][1]]
        fold = folded(said)
        key = tuple(word for word, _ in words[:size])
        begun = words[0][0] in NEGATING and size > 1  # no effect, of 'no effect shown'
        if "," in said or key in PHRASES or (words[size - 1][0],) in PHRASES:
            continue
        if (words[0][0],) in PHRASES and not begun:
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


def _quoted(found: re.Match[str], lexicon: Lexicon) -> Item:
    said = found[1] or found[2]
    values = (
        lexicon.values.get(folded(said)) or lexicon.short.get(said.upper()) or lexicon.part(folded(said), proper=True)
    )
    return Item("VALUE", said, values) if values else Item("UNKNOWN", said)


def _words(low: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the next words from AT with where each ends, up to a mark that ends a phrase."""
    for n, found in enumerate(_WORD.finditer(low, at)):
        if n == LONGEST or re.search(r"[,;?!:]|\.\s", low[at : found.start()]):
            return
        yield found[0], found.end()
