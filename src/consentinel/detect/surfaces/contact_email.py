"""An e-mail address as plain text.

The shape is the addr-spec of RFC 5322 without quoting and comments. Look-alikes with a file ending or a version after
the "@" do not count; addresses of a role (info@, support@) usually belong to the site and count as a hint.
"""

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "contact.email"

NAMED = r"(e-?mail|^em$|[.\[_]em\]?$|user_?name|login|contact)"
ADDRESS = r"(?i)^(mailto:)?\"?[\pL0-9][\pL0-9._%+'-]*(@|%40)([a-z0-9-]+\.)+[a-z]{2,}\"?$"
ENDINGS = (
    r"(?i)\.(png|jpe?g|gif|svg|webp|avif|ico|css|m?js|jsx|tsx?|map|json|xml|html?|php|woff2?|ttf|otf|mp4|webm|zip)\"?$"
)
ROLE = (
    r"(?i)^(mailto:)?(info|support|sales|contact|help|hello|admin|webmaster|no-?reply|privacy|press|office|team|legal|dpo"
    r"|feedback|service|marketing|abuse|postmaster|customer-?service)@"
)
# What forms show until something is typed.
PLACEHOLDER = r"(?i)^(you|your|yours|name|your[._-]?(name|email)|e?mail|someone|username|first[._-]?last(name)?)@"
KEYED_URL = r"(?i)^[0-9a-f]{32}@[a-z0-9.-]*(sentry|ingest)\."


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds an e-mail address."""
    marked = (pairs.length >= 6) & (pairs.length <= 254)
    marked &= pairs.contains("@") | pairs.contains("%40")
    address = pairs.by_value(ADDRESS, marked)
    address &= ~pairs.by_value(f"{ENDINGS}|{KEYED_URL}|{PLACEHOLDER}", address)
    role = pairs.by_value(ROLE, address)
    person = address & ~role
    return best(pairs.n, (role, HINT), (person, LIKELY), (person & pairs.by_key(NAMED), SURE))
