"""Names of persons where a title, a greeting or the words around say that it is one."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("PERSON",)
_PART = r"(?:[A-ZÀ-ÖØ-ÞĀ-Ž][a-zà-öø-ÿā-ž]+(?:['\u2019-][A-ZÀ-ÖØ-Þ]?[a-zà-öø-ÿā-ž]+)*|(?:O'|Mc|Mac)[A-Z][a-z]+)"
_NAME = rf"{_PART}(?:[ ](?:[A-Z]\.|de|van|von|der|den|la|da|di|bin|al|{_PART})){{0,3}}"
_TITLE = r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Dame|Herr|Frau|Mme|Sra?|Nurse|Attorney)\b\.?"
_BEFORE = (
    r"\b(?:[Mm]y name is|[Nn]amed|[Ii]'m called|[Ss]igned by|[Cc]all me|[Pp]atient|[Ee]mployee"
    r"|[Ss]incerely,?|[Rr]egards,?|[Dd]ear|[Hh]i|[Hh]ello|[Nn]ame:|[Ff]rom:|[Cc]ontact:|[Aa]ttn:?)"
)
_PATTERNS = (
    (0.93, re.compile(rf"{_TITLE} ({_NAME})")),
    (0.8, re.compile(rf"{_BEFORE}\s{{1,2}}({_PART}(?: (?:[A-Z]\. )?{_PART}){{0,2}})(?![\w'])")),
    (0.9, re.compile(rf"(?<![\w.])({_NAME})(?=,? (?:MD|DDS|DMD|DO|PhD|Ph\.D\.|Esq|M\.D\.|RN|Jr|Sr)\b)")),
)
# Words that begin a sentence or a heading behind "Dear" or "Hi" and are no names.
_NEVER = frozenset(
    ["All", "Team", "Sir", "Madam", "Customer", "Support", "There", "The", "This", "Data", "Records", "Information",
     "Health", "Care", "Services", "Portal", "Privacy", "Protected", "Name", "Names"]
)  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Yield the names in TEXT that the words around them give away; names that nothing gives away stay."""
    for p, pattern in _PATTERNS:
        for hit in pattern.finditer(text):
            if hit[1].split(" ", 1)[0] not in _NEVER:
                yield Span(hit.start(1), hit.end(1), "PERSON", p)
