"""Value shapes that several recognisers share: what an identifier, a digest and a placeholder look like."""

import hashlib
from functools import cache

from consentinel.detect.surfaces._pairs import Mask, Pairs

__all__ = ["BASE64_SHA256", "HEX_DIGEST", "UUID", "identifier", "of_nothing", "strong_identifier"]

UUID = r"(?i)^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$"
HEX_DIGEST = r"(?i)^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$"
BASE64_SHA256 = r"^[A-Za-z0-9+/_-]{43}=?$"

IDENTIFIER = r"^[A-Za-z0-9{][A-Za-z0-9_.:~|=+/%!*$,@^{}-]+$"
STRONG = r"(?i)^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,64}|[0-9]{15,20})$"
# Times, dates, versions, addresses, file names, plain words and repeated characters name nobody.
NOBODY = (
    r"(?i)^(1[0-9]{9}|1[0-9]{12}|1[0-9]{9}\.[0-9]{1,6}"
    r"|[12][0-9]{3}-?[01][0-9]-?[0-3][0-9]([t _].*)?"
    r"|v?[0-9]{1,4}([._][0-9]{1,5}){1,4}([-+].*)?|0?\.[0-9]+"
    r"|[a-z]+://.*|/.*|[^@]*\.(js|css|png|jpe?g|gif|svg|webp|html?|php|json|woff2?)"
    r"|[a-z]+([-_. ][a-z]+)*|[0{}-]+|[f{}-]+|x+|.*@.*\..*)$"
)
LEAST_ENTROPY = 2.0  # bits a character; "00000001" has 0.5, eight random decimal digits about 2.6


# What scripts hash when a form was left empty: it is nobody's address or number.
EMPTY = ("", "undefined", "null", "none", "None", "NaN", "false", "true", "0", "unknown", "[object Object]", "+", "@")


def of_nothing(pairs: Pairs, where: Mask) -> Mask:
    """Return where, at WHERE, the value is the digest of an empty text or of what stands for one."""
    return pairs.value_in(_digests_of_nothing(), where)


@cache
def _digests_of_nothing() -> frozenset[str]:
    hashes = (hashlib.md5, hashlib.sha1, hashlib.sha224, hashlib.sha256, hashlib.sha384, hashlib.sha512)
    return frozenset(make(text.encode()).hexdigest() for make in hashes for text in EMPTY)


def identifier(pairs: Pairs, where: Mask) -> Mask:
    """Return where, at WHERE, the value can single out one device or person: long, varied, and no look-alike."""
    shaped = pairs.by_value(IDENTIFIER, where & (pairs.length >= 8) & (pairs.length <= 400))
    shaped &= ~pairs.by_value(NOBODY, shaped)
    return shaped & (pairs.entropy(shaped) >= LEAST_ENTROPY)


def strong_identifier(pairs: Pairs, where: Mask) -> Mask:
    """Return where, at WHERE, the value is a UUID, 16 or more hexadecimal digits or 15 or more decimal ones."""
    shaped = pairs.by_value(STRONG, where & (pairs.length >= 15) & (pairs.length <= 64))
    return shaped & (pairs.entropy(shaped) >= LEAST_ENTROPY)
