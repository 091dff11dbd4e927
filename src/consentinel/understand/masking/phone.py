"""Telephone numbers, in the ways that people write them."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("PHONE",)
_NUMBER = re.compile(
    r"(?<![\w.,/$£€#-])(?:\+|00)?(?:\(\+?\d{1,4}\)|\d)(?:[ \t./-]{0,2}\(?\d\)?){5,16}"
    r"(?: ?(?:x|ext\.?|extension) ?\d{1,6})?(?![\w%]|[.,-]\d)"
)
_SAID = re.compile(
    r"(?:phone|call|tel|mobile|cell|fax|number|contact|dial|reach)\W{0,4}(?:\w+\W{1,3}){0,4}$", re.IGNORECASE
)
_BEHIND = re.compile(r"\W{1,3}(?:cell|desk|direct|fax|home|mobile|office|phone|tel|work)\b", re.IGNORECASE)
_DATE = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*")
_YEARS = re.compile(r"(?:19|20)\d{2} ?[-/] ?(?:19|20)\d{2}")


def find(text: str) -> Iterator[Span]:
    """Yield the numbers of 7 to 15 digits in TEXT that are no date; fewer than 10 digits need +, ( or a word beside.

    Source: ITU-T E.164 section 6 for the number of digits.
    """
    for hit in _NUMBER.finditer(text):
        found = hit[0]
        digits = sum(c.isdigit() for c in re.split("[xe]", found, maxsplit=1)[0])
        if not 7 <= digits <= 15 or _DATE.fullmatch(found) or _YEARS.fullmatch(found):
            continue
        said = bool(_SAID.search(text, max(0, hit.start() - 60), hit.start()) or _BEHIND.match(text, hit.end()))
        marked = said or found.startswith(("+", "(", "00"))
        if marked or digits in (10, 11) or (digits > 11 and not found.isdigit()):
            yield Span(hit.start(), hit.end(), "PHONE", 0.93 if marked else 0.8)
