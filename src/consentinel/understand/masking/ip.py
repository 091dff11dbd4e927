"""IPv4 and IPv6 addresses."""

import ipaddress
import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("IP",)
_FOUR = re.compile(r"(?<![\w.])(?<!ersion )\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_SIX = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{3,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])")


def find(text: str) -> Iterator[Span]:
    """Yield the addresses in TEXT; four numbers behind "version" are none. Source: RFC 791, RFC 4291 section 2.2."""
    for pattern in (_FOUR, _SIX):
        for hit in pattern.finditer(text):
            try:
                ipaddress.ip_address(hit[0])
            except ValueError:
                continue
            yield Span(hit.start(), hit.end(), "IP", 0.95)
