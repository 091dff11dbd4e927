"""What a text looks like: an identifier, a clock, a digest, an address; and the tokens that it is made of."""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import blake2b
from string import ascii_lowercase, ascii_uppercase, digits

IDENTIFIER, CLOCK, MAIL, DIGEST, PRECISE, COARSE, CONSENT, SHORT = (1 << bit for bit in range(8))

MOST_TOKENS = 32
LONGEST_TOKENED = 512
REMEMBERED = 400_000

_SEPARATORS = re.compile(r"[^A-Za-z0-9@.+_-]+")
_ID = re.compile(r"^[A-Za-z0-9_.:~|$@=+/{}-]{8,256}$")
_DECIMAL = re.compile(r"^-?(\d+)\.(\d+)$")
_VERSION = re.compile(r"^v?\d{1,4}(?:[._]\d{1,5}){1,4}(?:[-+][A-Za-z][\w.]{0,12})?$")
_ISO_TIME = re.compile(r"^(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?$")
_DIGEST = re.compile(r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}|[0-9A-F]{40}|[0-9A-F]{64})$")
_DIGEST_BASE64 = re.compile(r"^(?:[\w+/-]{22}(?:==)?|[\w+/-]{27}=?|[\w+/-]{43}=?|[\w+/-]{86}(?:==)?)$")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_LETTERS = [str.maketrans("", "", letters) for letters in (digits, ascii_lowercase, ascii_uppercase)]
# Plausible times, 2010 to 2040: seconds, milliseconds, microseconds and nanoseconds since 1970.
_SECONDS = (1_262_300_000, 2_208_990_000)


def _is_clock(text: str) -> bool:
    if _ISO_TIME.match(text):
        return True
    try:
        number = float(text)
    except ValueError:
        return False
    return any(_SECONDS[0] <= number / 10**power <= _SECONDS[1] for power in (0, 3, 6, 9))


def is_consent_text(text: str) -> bool:
    """Say whether TEXT is a consent string of the IAB: TCF (version 2 in the first six bits) or GPP ("DB")."""
    if len(text) >= 36 and text[0] == "C" and text[1] in "OPQRSTUV":
        try:
            return base64.urlsafe_b64decode(text.partition(".")[0][:4])[0] >> 2 == 2
        except (binascii.Error, ValueError):
            return False
    return text.startswith("DB") and "~" in text


def _is_identifier(text: str) -> bool:
    if not _ID.match(text) or _VERSION.match(text) or _MAIL.match(text):
        return False
    if decimal := _DECIMAL.match(text):
        return len(decimal[1]) >= 6 and len(decimal[2]) >= 6
    numbers, lower, upper = (len(text) - len(text.translate(kind)) for kind in _LETTERS)
    return (
        numbers >= 4
        or (numbers >= 2 and len(text) >= 10)
        or (len(text) >= 12 and lower >= 3 and upper >= 3 and numbers >= 1)
    )


def looks(text: str) -> int:
    """Return what TEXT looks like, as a set of the flags of this module."""
    flags = SHORT if len(text) < 6 else 0
    decimal = _DECIMAL.match(text)
    if decimal:
        flags |= PRECISE if len(decimal[2]) >= 3 else COARSE
    elif len(text) <= 4 and text.removeprefix("-").isdigit():
        flags |= COARSE
    if len(text) < 8:
        return flags
    if _is_clock(text):
        return flags | CLOCK
    if is_consent_text(text):
        return flags | CONSENT
    if "@" in text and _MAIL.search(text):
        flags |= MAIL
    if _DIGEST.match(text) or (_DIGEST_BASE64.match(text) and not text.isdigit()):
        flags |= DIGEST
    if _is_identifier(text):
        flags |= IDENTIFIER
    return flags


def value_hash(text: str) -> int:
    """Return 63 bits that stand for TEXT: equal for equal texts in every run."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") >> 1


def tokens_of(text: str) -> list[str]:
    """Return the tokens of TEXT where it has at least two and not too many, else nothing."""
    if len(text) > LONGEST_TOKENED or (len(text) < 24 and text.isalnum()):
        return []
    tokens = [token for token in _SEPARATORS.split(text) if token]
    return tokens if 2 <= len(tokens) <= MOST_TOKENS else []


Shape = tuple[str, int, int]


class Shapes:
    """The shapes of each unique text, found once: (suffix of the path, hash, flags) of the text and of its tokens."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Shape, ...]] = {}

    def of(self, text: str) -> tuple[Shape, ...]:
        """Return the shapes of TEXT and of its tokens."""
        known = self._known.get(text)
        if known is None:
            shapes = [("", value_hash(text), looks(text))]
            shapes += [(f"#{number}", value_hash(token), looks(token)) for number, token in enumerate(tokens_of(text))]
            known = tuple(shapes)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if len(text) <= 4096:
                self._known[text] = known
        return known
