"""Social security and driving licence numbers of the United States, where they are written as such."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("NATIONAL_ID",)
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_SAID = re.compile(
    r"\b(?:ssn|social security(?: number| no\.?)?|driver'?s? licen[cs]e(?: number| no\.?)?|passport(?: number| no\.?)?"
    r"|licen[cs]e number|national id|tax id)\b(?: ?(?:is|was|:|#|-)){0,3} {0,2}"
    r"((?=[A-Z0-9-]*\d{3})[A-Z0-9][A-Z0-9-]{4,19})\b",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Span]:
    """Yield the numbers in TEXT. Source: Social Security Administration, assignment of numbers since 2011."""
    for hit in _SSN.finditer(text):
        yield Span(hit.start(), hit.end(), "NATIONAL_ID", 0.97)
    for hit in _SAID.finditer(text):
        yield Span(hit.start(1), hit.end(1), "NATIONAL_ID", 0.96)
