"""Dates of any kind: days, months with a year, years and days of the week."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("DATE",)
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    r"(?<![\w./-])(?:\d{4}-\d{1,2}-\d{1,2}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?|\d{1,2}([./-])\d{1,2}\1\d{2,4})"
    r"(?![\w/-]|\.\d)"
    rf"|\b{_DAY} (?:of )?{_MONTH}(?:,? \d{{4}}\b)?|\b{_MONTH} {_DAY}\b(?:,? \d{{4}}\b)?|\b{_MONTH} \d{{4}}\b"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|(?<![\w.,$€£#/-])(?:1[89]\d\d|20[0-4]\d)(?:s\b|(?![\w/-]|[.,]\d))"
)


def find(text: str) -> Iterator[Span]:
    """Yield the dates in TEXT; what happened when is masked only where that is asked for."""
    for hit in _DATE.finditer(text):
        yield Span(hit.start(), hit.end(), "DATE", 0.7)
