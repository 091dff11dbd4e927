"""Payment card numbers with a right check digit."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("CARD",)
_NUMBER = re.compile(r"(?<![\w-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def find(text: str) -> Iterator[Span]:
    """Yield the numbers of 12 to 19 digits in TEXT whose check digit is right. Source: ISO/IEC 7812-1, annex B."""
    for hit in _NUMBER.finditer(text):
        digits = [int(c) for c in hit[0] if c.isdigit()]
        kept = sum(digits[-1::-2]) + sum(_DOUBLED[d] for d in digits[-2::-2])
        begins = 2 <= digits[0] <= 6 or (len(digits) == 15 and digits[:4] == [1, 8, 0, 0])
        if kept % 10 == 0 and len(set(digits)) > 1 and begins:
            yield Span(hit.start(), hit.end(), "CARD", 0.98)
