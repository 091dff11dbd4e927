"""E-mail addresses, also written with (at) and (dot)."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("EMAIL",)
_LABEL = r"[\w-]{1,63}"
_PLAIN = re.compile(rf"(?<![\w.%+-])[\w.%+'-]{{1,64}}@(?:{_LABEL}\.){{1,8}}[^\W\d_]{{2,24}}(?![\w-])")
_SPELT = re.compile(
    rf"(?<![\w.%+-])[\w.%+-]{{1,64}} ?[(\[{{] ?at ?[)\]}}] ?(?:{_LABEL}(?:\.| ?[(\[{{] ?dot ?[)\]}}] ?)){{1,8}}"
    r"[^\W\d_]{2,24}(?![\w-])",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Span]:
    """Yield the addresses in TEXT. Source: RFC 5321 section 4.1.2, without quoted local parts."""
    for pattern in (_PLAIN, _SPELT):
        for hit in pattern.finditer(text):
            yield Span(hit.start(), hit.end(), "EMAIL", 0.99)
