"""Web addresses and host names."""

import re
from collections.abc import Iterator
from functools import cache

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("URL",)
_WHOLE = re.compile(r"(?<![\w@])(?:[a-z][a-z0-9+.-]{1,12}://|www\.)[^\s\0<>\"'\]\[{}|\\^`]{3,2000}", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w@./-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}([a-z]{2,24})(?:/[^\s\0<>\"']{0,2000})?(?![\w@-])"
)
# Domains that are words too: "the data.it was" has a space left out.
_WORDS = frozenset(
    ["am", "app", "as", "at", "be", "by", "data", "do", "in", "is", "it", "me", "my", "no", "now", "one", "sale", "so",
     "to", "us"]
)  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Yield the addresses in TEXT: with a scheme or www., and hosts under a public suffix of ICANN's."""
    for hit in _WHOLE.finditer(text):
        yield Span(hit.start(), hit.start() + len(hit[0].rstrip(".,;:!?)*")), "URL", 0.97)
    for hit in _HOST.finditer(text):
        bare = hit[1] in _WORDS and hit[0].count(".") == 1 and "/" not in hit[0]
        if hit[1] in _suffixes() and not bare:
            yield Span(hit.start(), hit.start() + len(hit[0].rstrip(".,;:!?)*")), "URL", 0.9)


@cache
def _suffixes() -> frozenset[str]:
    """Return the top-level domains."""
    from publicsuffixlist import PublicSuffixList

    known = PublicSuffixList(only_icann=True)._publicsuffix  # its texts: rules, one of them for each top-level domain
    return frozenset(rule for rule in known if "." not in rule and rule.isascii())
