"""Words with a slip of the pen, where only one word is that near."""

from consentinel.understand.asking.lexicon import FEW, Item, Lexicon, tagged
from consentinel.understand.asking.phrases import PHRASES
from consentinel.understand.asking.words import stem

__all__ = ["slip"]

# Ends of words: of two words that differ in them only, one is no slip of the other.
_ENDS = frozenset([
    "", "al", "d", "e", "ed", "er", "ers", "es", "ing", "ings", "ion", "ions", "ly", "ment", "ments", "or", "ors", "r",
    "rs", "s", "ure", "ures",
])  # fmt: skip
# What no word becomes by a guess: words like these may stand anywhere, so that the question would lose the word.
_IDLE = ("TIME", "ALL", "TO", "ON", "PRESENT")


def slip(word: str, lexicon: Lexicon) -> Item | None:
    """Return what WORD was meant to be, where only one word is that near and it is no other form of that."""
    if len(word) < 5 or not word.isalpha():
        return None
    near: dict[str, Item] = {}
    for key, tag in PHRASES.items():
        if len(key) == 1 and tag != "WEAK" and _near(word, key[0]):
            near[tag] = Item(*tagged(tag, key[0]))
    for noun in lexicon.nouns:
        if len(noun) == 1 and _slipped(stem(word), noun[0]):
            near["ROW"] = Item("ROW", noun[0])
    for phrase, names in lexicon.columns.items():
        if len(phrase) == 1 and _slipped(stem(word), phrase[0]):
            near[f"COLUMN {names}"] = Item("COLUMN", phrase[0], names)
    for known, ones in lexicon.values.items():
        few = [one for one in ones if len(lexicon.live.values(lexicon.table.name, one.column)) <= FEW]
        if few and any(_slipped(stem(word), one) for one in known):
            whole = known if len(known) == 1 else next((one,) for one in known if _slipped(stem(word), one))
            picked = lexicon.values.get(whole) or lexicon.part(whole, proper=False)
            if picked:
                near[f"VALUE {[one.value for one in picked]}"] = Item("VALUE", word, picked)
    if len(near) != 1:
        return None
    item = next(iter(near.values()))
    if item.tag in _IDLE:
        return None
    meant = item.what[0].value if item.tag == "VALUE" else item.text
    item.note = f"took '{word}' for '{meant}'"
    return item


def _slipped(word: str, other: str) -> bool:
    """Whether WORD is OTHER with a slip of the pen; another form of it, such as measured of measure, is none."""
    formed = any(word[at:] in _ENDS and other == word[:at] + other[at:] and other[at:] in _ENDS
                 for at in range(4, len(word) + 1))  # fmt: skip
    return not formed and _near(word, other)


def _near(word: str, other: str) -> bool:
    """Whether WORD is OTHER with one slip of the pen, two where it is long: a letter more, less, other or swapped."""
    if len(other) < 5 or word[0] != other[0] or abs(len(word) - len(other)) > 2:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(word, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                row[-1] = min(row[-1], older[j - 2] + 1)
    return row[-1] <= (1 if len(other) < 8 else 2)
