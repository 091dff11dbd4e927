"""Make text that came from outside safe to show: on a page, in a terminal, in XML."""

import re
from functools import lru_cache

__all__ = ["cell", "one_line", "plain_cell", "shown"]

# C0 and C1 controls but tab and newline, marks and overrides of writing direction, line separators, surrogates and
# non-characters: they reorder what a person reads, drive a terminal, or are not allowed in XML 1.0 (section 2.2).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SPACE = re.compile(r"\s+")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  the full-width forms are read as formulas too


def shown(text: str) -> str:
    """Return TEXT with every character that could mislead a reader or break a format replaced by U+FFFD."""
    return _UNSAFE.sub("\ufffd", text)


@lru_cache(maxsize=16_384)
def one_line(text: str, limit: int = 0) -> str:
    """Return TEXT made safe, on one line, and cut to LIMIT characters (0: not cut) with an ellipsis at the end."""
    line = _SPACE.sub(" ", shown(text)).strip()
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def cell(text: str) -> str:
    """Return TEXT on one line for a cell of a spreadsheet, which must not read it as a formula: ' goes before it.

    Source: OWASP, CSV injection.
    """
    safe = one_line(text)
    return f"'{safe}" if text.startswith(_FORMULA) or safe.startswith(_FORMULA) else safe


def plain_cell(text: str) -> str:
    """Return what `cell` made the cell TEXT from, on one line."""
    text = text.replace("\r\n", "\n")
    return one_line(text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text)
