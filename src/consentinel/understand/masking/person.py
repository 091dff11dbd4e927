"""Names of persons where a title, a greeting or the words around say that it is one."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("PERSON",)
_PART = (
    r"(?:(?:O['\u2019]|Mc|Mac|De|Di|La|Le|Fitz|Van)[A-Z][a-z]+"
    r"|[A-ZÀ-ÖØ-ÞĀ-Ž][a-zà-öø-ÿā-ž]+(?:['\u2019-][A-ZÀ-ÖØ-Þ]?[a-zà-öø-ÿā-ž]+)*)"
)
_NAME = rf"{_PART}(?:[ ](?:[A-Z]\.|de|van|von|der|den|la|da|di|bin|al|{_PART})){{0,3}}"
_TITLE = r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Dame|Herr|Frau|Mme|Sra?|Nurse|Attorney)\b\.?"
_BEFORE = (
    r"\b(?:[Mm]y name is|[Nn]amed|[Ii]'m called|[Ss]igned by|[Cc]all me|[Pp]atient|[Ee]mployee"
    r"|[Ss]incerely,?|[Rr]egards,?|[Dd]ear|[Hh]i|[Hh]ello|[Nn]ame:|[Ff]rom:|[Cc]ontact:|[Aa]ttn:?)"
)
_DEGREE = r"(?:MD|DDS|DMD|DO|PhD|Ph\.D\.|Esq|M\.D\.|RN|Jr|Sr)\b"
_BESIDE = re.compile(r"[\s'\u2019-]")
_PATTERNS = (
    (0.93, re.compile(rf"{_TITLE} ({_NAME})")),
    (0.8, re.compile(rf"{_BEFORE}\s{{1,2}}({_PART}(?: (?:[A-Z]\. )?{_PART}){{0,2}})(?![\w'])")),
    (0.9, re.compile(rf"(?<![\w.])({_PART}(?: (?:[A-Z]\.|{_PART})){{1,3}})(?=,? {_DEGREE})")),
)
# Words that begin a sentence or a heading behind "Dear" or "Hi" and are no names.
_NEVER = frozenset(
    ["All", "Team", "Sir", "Madam", "Customer", "Support", "There", "The", "This", "Data", "Records", "Information",
     "Health", "Care", "Services", "Portal", "Privacy", "Protected", "Name", "Names", "General",
     "Benefits", "Advisory", "Training", "Awareness", "Assistance"]
)  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Yield the names in TEXT that the words around them give away; names that nothing gives away stay."""
    for p, pattern in _PATTERNS:
        for hit in pattern.finditer(text):
            if _BESIDE.split(hit[1], maxsplit=1)[0] not in _NEVER:
                yield Span(hit.start(1), hit.end(1), "PERSON", p)
