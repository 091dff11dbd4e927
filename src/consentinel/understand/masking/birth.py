"""Dates of birth and ages, where the words around them say so."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("BIRTH_DATE", "AGE")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = rf"\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}|{_DAY} {_MONTH},? \d{{4}}|{_MONTH} {_DAY},? \d{{4}}"
_BORN = re.compile(
    r"\b(?:born|d\.?o\.?b\.?|date of birth|birth ?date|birthday)\b(?: ?(?:is|was|on|in|:|,|-|=)){0,3} {0,2}"
    rf"({_DATE})",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(\d{1,3})[ -]?(?:(?:years?|yrs?|months?)[ -]?old|y/?o)\b"
    r"|\b(?:aged?|age of|turn(?:ed|s|ing)?)(?::| is)? (\d{1,3})\b(?!%|[.,]\d)",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Span]:
    """Yield dates of birth and ages in TEXT; other dates stay: what happened when is what a report is about."""
    for hit in _BORN.finditer(text):
        yield Span(hit.start(1), hit.end(1), "BIRTH_DATE", 0.95)
    for hit in _AGE.finditer(text):
        group = 1 if hit[1] else 2
        if int(hit[group]) <= 120:
            yield Span(hit.start(group), hit.end(group), "AGE", 0.9)
