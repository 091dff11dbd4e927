"""Names of persons, places, streets, companies and peoples, and titles, told by a small network."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import DIVIDES, Span
from consentinel.understand.masking._tagger import LABELS, PAD, TOKEN, shipped, tagged

__all__ = ["KINDS", "find"]

KINDS = LABELS[1:]
PIECE = 500_000  # characters that are looked at together
# What no span begins or ends with.
_APART = frozenset(
    [
        "",
        "\n",
        *',;:"()?!>|',
        "a",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "of",
        "on",
        "or",
        "the",
        "to",
        "with",
        "it",
        "he",
        "she",
        "we",
        "they",
        "this",
        "that",
        "yesterday",
        "today",
        "further",
        "furthermore",
    ]
)

_SHORT = re.compile(r"[A-Z]{2,5}")  # of capitals alone: an abbreviation
_BEFORE, _BEHIND = re.compile(r"[$€£#]\Z|\d[.,:/-]\Z"), re.compile(r"[.,:/-]\d|%")


def find(text: str) -> Iterator[Span]:
    """Yield the names in TEXT; a name that the network takes for a common word stays."""
    begin = 0
    while begin < len(text):
        end = begin + PIECE
        if end < len(text):
            cut = max(text.rfind(mark, begin, end) for mark in (DIVIDES, "\n", " "))
            end = cut + 1 if cut > begin else end
        yield from _found(text[begin:end], begin)
        begin = end


def _found(text: str, offset: int) -> Iterator[Span]:
    words, places = [], []
    at = offset
    for document in text.split(DIVIDES):
        for hit in TOKEN.finditer(document):
            words.append(hit[0])
            places.append(at + hit.start())
        words += [""] * PAD
        places += [at + len(document)] * PAD
        at += len(document) + 1
    label, sure = tagged(words, shipped())
    labels, p = label.tolist(), sure.tolist()
    n = 0
    while n < len(words):
        begin = n
        n += 1
        kind = labels[begin]
        if not kind or words[begin].lower() in _APART:
            continue
        while n < len(words) and labels[n] == kind and words[n]:
            n += 1
        end = n
        while words[end - 1].lower() in _APART:
            end -= 1
        known = text[places[begin] - offset : places[end - 1] - offset + len(words[end - 1])]
        if any(word[0].isalnum() for word in words[begin:end]) and not (
            (LABELS[kind] == "PERSON" and _SHORT.fullmatch(known))
            or (LABELS[kind] == "ADDRESS" and _counted(text, places[begin] - offset, known))
        ):
            mean = sum(p[begin:end]) / (end - begin)
            yield Span(places[begin], places[end - 1] + len(words[end - 1]), LABELS[kind], 0.75 * mean)


def _counted(text: str, start: int, known: str) -> bool:
    """Return whether what is KNOWN at START of TEXT is a piece of a number, a date or an amount, or too short."""
    cut = known[-1].isdigit() and _BEHIND.match(text, start + len(known))
    begun = known[0].isdigit() and _BEFORE.search(text[max(0, start - 2) : start])
    return bool(cut or begun) or (known.isdigit() and len(known) < 4)
