"""International bank account numbers with right check digits."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("IBAN",)
_NUMBER = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", re.IGNORECASE | re.ASCII)


def find(text: str) -> Iterator[Span]:
    """Yield the numbers in TEXT whose remainder by 97 is 1; of several, the longest. Source: ISO 13616-1."""
    for hit in _NUMBER.finditer(text):
        for end in range(hit.end(), hit.start() + 14, -1):
            following = text[end : end + 1]
            if following.isalnum() or text[end - 1] == " ":
                continue
            plain = text[hit.start() : end].replace(" ", "")
            if 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
                yield Span(hit.start(), end, "IBAN", 0.99)
                break
