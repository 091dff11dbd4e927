"""Names of persons, places, streets, companies and peoples, and titles, told by a small network."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from consentinel.understand.masking._span import DIVIDES, Span
from consentinel.understand.masking._tagger import LABELS, PAD, TOKEN, shipped, tagged

__all__ = ["KINDS", "find"]

KINDS = LABELS[1:]
PIECE = 500_000  # characters that are looked at together
# What no span begins or ends with.
_APART = frozenset(
    ["", "\n", *',;:"()?!>|', "a", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "with",
     "it", "he", "she", "we", "they", "this", "that", "yesterday", "today", "further", "furthermore"]
)  # fmt: skip
SURE, FAIR = 0.93, 0.7  # least mean of words in small letters, in a text that has capitals and in one that has none
# What the name of a company, an office or a place of care ends with, and no name of a person.
_HOUSE = re.compile(
    r"(?:[ -](?:[A-Z][\w'\u2019.-]*|&)){0,3}?[ -](?:"
    r"Academy|Agency|Associates|Bureau|Center|Centers|Centre|Clinic|Clinics|College|Commission|"
    r"Company|Corporation|Council|Department|Diagnostics|Division|Eyecare|Foundation|Healthcare|"
    r"Hospital|Hospitals|Inc|Institute|Insurance|Laboratory|Laboratories|LLC|Ltd|Pharmacy|"
    r"Physicians|Police|School|Services|Specialists|System|Systems|Technologies|Tribe|University"
    r")\b|,? (?:Inc|LLC|Ltd|Corp|GmbH|plc)\b"
)
_BARE = r"[\W\d_\u00c2\u00c3\u00e2\u00e3]*"  # also what a wrong encoding leaves
_NOTHING = re.compile(rf"{_BARE}[^\W\d_]?{_BARE}|[a-z]+\u00c3[\u0080-\u00c3]*")
_SHORT = re.compile(r"[A-Z]{2,5}")  # of capitals alone: an abbreviation
_YEAR = re.compile(r"(?:19|20)\d\d")
_SINCE = re.compile(
    r"(?:\b(?:and|by|during|from|in|late|early|of|since|to|until|year|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*)\.?"
    r"|\b\d{1,2}(?:st|nd|rd|th)?,?) ?\Z",
    re.IGNORECASE,
)
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
    words, places, cased = [], [], list[bool]()
    at = offset
    for document in text.split(DIVIDES):
        begun = len(words)
        for hit in TOKEN.finditer(document):
            words.append(hit[0])
            places.append(at + hit.start())
        words += [""] * PAD
        places += [at + len(document)] * PAD
        cased += [not document.islower()] * (len(words) - begun)
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
        mean = sum(p[begin:end]) / (end - begin)
        if (
            (_NOTHING.fullmatch(known) and not (LABELS[kind] == "ADDRESS" and known.isascii()))
            or (LABELS[kind] == "PERSON" and _SHORT.fullmatch(known))
            or (LABELS[kind] == "ADDRESS" and _counted(text, places[begin] - offset, known))
            or (mean < (SURE if cased[begin] else FAIR) and known.islower() and LABELS[kind] != "ADDRESS")
        ):
            continue
        last = places[end - 1] + len(words[end - 1])
        yield Span(places[begin], last, _called(LABELS[kind], known, text, last - offset, mean), 0.75 * mean)


def _called(kind: str, known: str, text: str, end: int, sure: float) -> str:
    """Return KIND, or what the name KNOWN rather is: by its own words, and where it is not SURE by those behind END."""
    if kind not in ("PERSON", "ADDRESS"):
        return kind
    if known in _regions():
        return "PLACE"
    house = _HOUSE.search(f" {known}") or (sure < SURE and _HOUSE.match(text, end))
    return "ORGANISATION" if kind == "PERSON" and house else kind


@cache
def _regions() -> frozenset[str]:
    """Return the names of countries and states that are no names of persons as well."""
    return frozenset((files("consentinel.understand") / "data" / "regions.txt").read_text("utf-8").splitlines())


def _counted(text: str, start: int, known: str) -> bool:
    """Return whether what is KNOWN at START of TEXT is a piece of a number, a date or an amount, or too short."""
    cut = known[-1].isdigit() and _BEHIND.match(text, start + len(known))
    begun = known[0].isdigit() and _BEFORE.search(text[max(0, start - 2) : start])
    year = _YEAR.fullmatch(known) and _SINCE.search(text[max(0, start - 16) : start])
    return bool(cut or begun or year) or (known.isdigit() and not 4 <= len(known) <= 6)
