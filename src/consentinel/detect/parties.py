"""Who a host belongs to: its site, owner, category, purpose and TCF vendor id; and first party or third.

A *site* is the registrable domain by the public suffix list, private section included: two customers of one shared
host (shop.github.io, blog.github.io) are two sites, which is also how browsers partition cookies. The knowledge base
is data/parties.csv, made by tools/refresh_parties.py; nothing here uses the network.
"""

import csv
from functools import cache, lru_cache
from importlib.resources import files
from ipaddress import ip_address
from typing import NamedTuple
from unicodedata import normalize

import pyarrow as pa
from publicsuffixlist import PublicSuffixList  # type: ignore[import-untyped, unused-ignore]

from consentinel.core.tables import LABEL, TEXT

__all__ = ["PARTIES", "PURPOSE", "lookup", "party", "registrable"]

# Category of the knowledge base -> purpose of the policy. Marketing is direct marketing (popups, newsletters), so its
# purpose is advertising; "other" says nothing, so its purpose is unknown.
PURPOSE = {
    "ad": "advertising",
    "analytics": "analytics",
    "cdn": "hosting",
    "consent-provider": "consent_management",
    "content": "functional",
    "customer-success": "customer_support",
    "hosting": "hosting",
    "marketing": "advertising",
    "other": "unknown",
    "security": "security",
    "social": "social",
    "tag-manager": "tag_management",
    "utility": "functional",
    "video": "video",
}

PARTIES = pa.schema(
    [
        pa.field("host", TEXT),
        pa.field("recipient", LABEL),
        pa.field("owner", LABEL),
        pa.field("category", LABEL),
        pa.field("purpose", LABEL),
        pa.field("vendor_id", pa.int32()),
    ]
)

_LONGEST = 253  # characters of a host name (RFC 1035, section 2.3.4, without the root dot)
_FORBIDDEN = frozenset(map(chr, range(0x21))) | frozenset('\x7f"#%/<>?@[\\]^`{|}')  # WHATWG URL, section 3.2


class _Row(NamedTuple):
    owner: str | None
    category: str | None
    vendor_id: int | None


_NOBODY = _Row(None, None, None)


def registrable(host: str) -> str:
    """Return the registrable domain of HOST in lower-case ASCII; an address or a public suffix is its own site.

    A port, a trailing dot, brackets around an IPv6 address, and upper case are taken away; international names
    become punycode. Text that can be no host gives "". Never raises.
    """
    return _site(host) if len(host) <= 4 * _LONGEST else ""


@lru_cache(maxsize=65536)
def _site(host: str) -> str:
    name = _canonical(host)
    if not name or ":" in name or name.rpartition(".")[2].isdigit():
        return name
    labels = name.split(".")
    found = _suffixes().privatesuffix(".".join(map(_unicode, labels)))
    return ".".join(labels[-(found.count(".") + 1) :]) if found else name


@cache
def _suffixes() -> PublicSuffixList:
    # Hosts are compared in Unicode, so the list need not be punycoded: a third of the load time.
    return PublicSuffixList(accept_encoded_idn=False)


def _canonical(host: str) -> str:
    """Return HOST as browsers write it, without port; "" when it can be no host."""
    text = normalize("NFKC", host.strip()).lower().replace("\u3002", ".")
    if text.startswith("[") or text.count(":") > 1:
        return _address(text.removeprefix("[").partition("]")[0].partition("%")[0])
    text, colon, port = text.partition(":")
    if colon and port and not (port.isascii() and port.isdigit()):
        return ""
    labels = [label for label in text.split(".") if label]
    try:
        name = ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels)
        name.encode()
    except UnicodeError:
        return ""
    if len(name) > _LONGEST or not _FORBIDDEN.isdisjoint(name):
        return ""
    return (_address(name) if labels and labels[-1].isdigit() else "") or name


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        plain = label[4:].encode().decode("punycode")
    except UnicodeError:
        return label
    return plain if plain and "." not in plain else label


@cache
def _known() -> tuple[dict[str, _Row], dict[str, _Row]]:
    """Return the rows for exact hosts, and the rows for a domain with everything under it."""
    exact: dict[str, _Row] = {}
    under: dict[str, _Row] = {}
    text = files("consentinel.detect").joinpath("data/parties.csv").read_text("utf-8")
    for domain, owner, category, vendor, _source in list(csv.reader(text.splitlines()))[1:]:
        row = _Row(owner or None, category or None, int(vendor) if vendor else None)
        (under if domain.startswith("*.") else exact)[domain.removeprefix("*.")] = row
    return exact, under


def _row(name: str, site: str) -> _Row:
    exact, under = _known()
    if name in exact:
        return exact[name]
    at = name
    while at:
        if at in under:
            # A row above the site covers rented room (*.cloudfront.net): it says what the room is, not who rents it.
            return under[at] if len(at) >= len(site) else under[at]._replace(owner=None, vendor_id=None)
        at = at.partition(".")[2]
    return _NOBODY


def _domain_of_app(subject: str) -> str:
    """The domain behind an app: its id is one written backwards (android:com.example.game); hosts stay as they are."""
    kind, _, app = subject.partition(":")
    return ".".join(reversed(app.split("."))) if kind in ("android", "ios", "app") else subject


def lookup(hosts: list[str]) -> pa.Table:
    """Return one row of PARTIES for each of HOSTS, in order: who receives what is sent there, and for which purpose.

    Give each host once. The most specific row of the knowledge base decides: the exact host, else the nearest domain
    above it. An app (android:com.example.game) is looked up as its domain. Owner, category and vendor_id (IAB Global
    Vendor List) are null when not known; purpose is then "unknown".
    """
    names = [_domain_of_app(host) for host in hosts]
    sites = [registrable(name) for name in names]
    rows = [_row(_canonical(name) if site else "", site) for name, site in zip(names, sites, strict=True)]
    columns = [
        [host.encode("utf-8", "replace").decode() for host in hosts],
        sites,
        [row.owner for row in rows],
        [row.category for row in rows],
        [PURPOSE.get(row.category or "", "unknown") for row in rows],
        [row.vendor_id for row in rows],
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, PARTIES, strict=True)], schema=PARTIES)


def party(
    subject_site: str, recipient: str, owner_of_subject: str | None = None, owner_of_recipient: str | None = None
) -> str:
    """Return "first" when RECIPIENT is the visited site itself or has the same known owner, else "third".

    The owner test covers a company's own delivery domains (example.com and examplecdn.net). It decides who is told,
    not whether consent is needed: the policy may ask for consent from first parties too.
    """
    if recipient == "localhost" or (subject_site and subject_site == recipient):
        return "first"  # what goes to the visitor's own machine reaches nobody else
    return "first" if owner_of_subject and owner_of_subject == owner_of_recipient else "third"
