"""Texts as they can be worked on: no markup, no control characters, nothing that is not seen but read."""

import html
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one

__all__ = ["cleaned", "damaged", "letters", "line"]

# What a person does not see and a model reads, or what reverses the order of reading: controls, marks and overrides of
# direction, zero-width spaces, tag characters (Unicode 16.0, sections 23.2, 23.3, 23.9).
_UNSEEN = r"[\x{0}-\x{8}\x{b}\x{c}\x{e}-\x{1f}\x{7f}-\x{9f}\x{61c}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}]"
_UNSEEN_TOO = r"[\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}\x{e0000}-\x{e007f}]"
_SCRIPT = r"(?is)<(?:script|style)\b[^>]*>.*?</(?:script|style)\s*>|<!--.*?-->"
_TAG = r"</?[A-Za-z][^<>]*>"
_ENTITY = r"&(?:[a-z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});"
# UTF-8 that was read as Windows-1252 or Latin-1: letters, quotes, spaces, pictures. A capital A with a tilde before
# a closing quote is the end of a Portuguese word, and only garbled where the word goes on.
_GARBLED = (
    "\ufffd|\u00c3(?:[\u0080-\u00bf\u0152-\u0192\u02c6\u02dc]|[\u2013-\u2122]\\pL)|\u00e2(?:\u20ac|[\u0080-\u009f])"
    "|\u00c2[\u0080-\u00bf]|\u00f0(?:\u0178|\u009f)"
)


def cleaned(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return COLUMN of texts without markup and unseen characters; empty texts are null."""
    texts = one(column).cast(pa.string())
    marked = np.asarray(pc.fill_null(pc.match_substring_regex(texts, f"{_TAG}|{_ENTITY}"), False))
    if marked.any():
        texts = pc.if_else(pa.array(marked), _unmarked(texts), texts)
    texts = pc.replace_substring_regex(texts, r"\r\n?|\x{2028}|\x{2029}", "\n")
    texts = pc.replace_substring_regex(pc.replace_substring_regex(texts, _UNSEEN, ""), _UNSEEN_TOO, "")
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _unmarked(texts: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(pc.replace_substring_regex(texts, _SCRIPT, " "), _TAG, " ")
    plain = pc.replace_substring_regex(plain, r"[ \t]{2,}", " ")
    written: list[Any] = [None if text is None else html.unescape(text) for text in plain.to_pylist()]
    return pa.array(written, pa.string())


def damaged(texts: pa.Array) -> int:
    """Return how many of TEXTS hold characters that were lost or read in the wrong encoding."""
    return int(pc.sum(pc.match_substring_regex(texts, _GARBLED)).as_py() or 0)


def line(texts: pa.Array) -> pa.Array:
    """Return TEXTS on one line each."""
    return pc.replace_substring_regex(texts, r"\s+", " ")


def letters(texts: pa.Array) -> pa.Array:
    """Return letters and digits of TEXTS in lower case: what is equal where two texts say the same words."""
    return pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\pL\pN]+", " ")
