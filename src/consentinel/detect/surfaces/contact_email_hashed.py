"""A hash of an e-mail address: hexadecimal MD5, SHA-1, SHA-2, or base64 of SHA-256, under a key that says so."""

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best
from consentinel.detect.surfaces._shapes import BASE64_SHA256, HEX_DIGEST, of_nothing

TYPE = "contact.email_hashed"

NAMED = """em he hem emailhash emailhashed hashedemail emailsha256 emailsha1 emailmd5 sha256email sha1email
    md5email emhash sha256emailaddress hashedemailaddress emailaddresshash hashemail uhem ehash email
    emailaddress useremail hashedemails emails.sha256 emails.md5 emails.sha1 email.sha256 email.md5
    email.sha1 useremailhash ud.em udff.em encryptedemail encemail emaildigest hemsha256 hemmd5 emh
    mailhash emailsha emailh ehs he256 mh"""
BRIEF = "e"  # counts with SHA-256 only
WEAK = r"(e-?mail|^hem?$|[._\[]hem?\]?$)"
ENHANCED = r"^tv\.1~em\.[A-Za-z0-9_-]{20,}"  # how Google's enhanced conversions write it


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a hashed e-mail address."""
    long = (pairs.length >= 32) & (pairs.length <= 128)
    named = pairs.named(NAMED) & long
    digest = pairs.by_value(HEX_DIGEST, named)
    digest |= pairs.by_value(BASE64_SHA256, named & ~digest & (pairs.length <= 44))
    digest |= pairs.by_value(ENHANCED, pairs.named("em") & (pairs.length >= 24) & (pairs.length <= 400))
    weak = pairs.by_value(HEX_DIGEST, pairs.by_key(WEAK) & long)
    brief = pairs.by_value(r"(?i)^[0-9a-f]{64}$", pairs.named(BRIEF) & (pairs.length == 64))
    brief &= ~of_nothing(pairs, brief)
    digest &= ~of_nothing(pairs, digest)
    weak &= ~of_nothing(pairs, weak)
    return best(
        pairs.n, (brief & (pairs.entropy(brief) > 2), HINT), (weak & (pairs.entropy(weak) > 2), LIKELY),
        (digest & (pairs.entropy(digest) > 2), SURE),
    )  # fmt: skip
