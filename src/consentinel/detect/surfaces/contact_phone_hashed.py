"""A hash of a telephone number: hexadecimal MD5, SHA-1, SHA-2, or base64 of SHA-256, under a key that says so."""

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best
from consentinel.detect.surfaces._shapes import BASE64_SHA256, HEX_DIGEST, of_nothing

TYPE = "contact.phone_hashed"

NAMED = """phone phonehash hashedphone phonesha256 phonemd5 phonesha1 sha256phonenumber sha256phone md5phone
    phonenumber hashedphonenumber phonenumberhash hashedphonenumbers phonehashed phonenumbersha256
    telephone mobilehash msisdnhash msisdn ud.ph udff.ph phone.sha256 phone.md5 userphonehash hashphone
    pn hphone telhash"""
WEAK = r"(phone|msisdn|telephone)"
ENHANCED = r"^tv\.1~(em\.[A-Za-z0-9_-]+~)?pn\.[A-Za-z0-9_-]{20,}"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a hashed telephone number."""
    long = (pairs.length >= 32) & (pairs.length <= 128)
    in_body = pairs.named("ph") & pairs.carrier_in("json", "form")  # in a query it is mostly a publisher's hash
    named = (pairs.named(NAMED) | in_body) & long
    digest = pairs.by_value(HEX_DIGEST, named)
    digest |= pairs.by_value(BASE64_SHA256, named & ~digest & (pairs.length <= 44))
    digest |= pairs.by_value(ENHANCED, pairs.named("em pn") & (pairs.length >= 24) & (pairs.length <= 400))
    weak = pairs.by_value(HEX_DIGEST, pairs.by_key(WEAK) & ~pairs.by_key("model|device|type") & long)
    digest &= ~of_nothing(pairs, digest)
    weak &= ~of_nothing(pairs, weak)
    return best(pairs.n, (weak & (pairs.entropy(weak) > 2), LIKELY), (digest & (pairs.entropy(digest) > 2), SURE))
