"""What other systems say of one recorded request, offline: filter lists, tables of parties, patterns, trackers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import zstandard

from _claim import ROOT, Measured, measure

__all__ = ["PEERS", "Asked", "Request", "requests"]

Asked = tuple[Measured, list[bool], str]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a HAR to another site than the one visited."""

    site: str
    scenario: str
    host: str
    url: str
    kind: str
    body: str

    def fields(self) -> Iterator[tuple[str, str]]:
        """Yield names and values of its query and of a form or JSON body, as a table would hold them."""
        yield from parse_qsl(urlsplit(self.url).query)
        try:
            yield from _leaves("", loads(self.body))
        except (JSONDecodeError, RecursionError):
            yield from parse_qsl(self.body)


def requests(file: Path) -> Iterator[Request]:
    """Yield the requests of one recorded visit that went to another host than the site and its subdomains."""
    log = loads(zstandard.ZstdDecompressor().stream_reader(file.open("rb")).read())["log"]
    about = log["_consentinel"]
    for entry in log["entries"]:
        asked = entry["request"]
        host = urlsplit(asked["url"]).hostname or ""
        if host == about["site"] or host.endswith(f".{about['site']}") or not host:
            continue
        body = (asked.get("postData") or {}).get("text") or ""
        yield Request(about["site"], about["scenario"], host, asked["url"], entry.get("_resourceType") or "other", body)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif value is not None:
        yield name, str(value)


def filter_lists(sent: list[Request]) -> Asked:
    """EasyList and EasyPrivacy: is the request blocked?"""
    import adblock

    from speed.har import filter_rules

    rules, note = filter_rules()
    known = adblock.FilterSet()
    known.add_filters(rules)
    engine = adblock.Engine(known)
    with measure() as spent:
        flags = [engine.check_network_urls(r.url, f"https://{r.site}/", r.kind).matched for r in sent]
    return spent, flags, f"adblock-rust {version('adblock')}, {note}"


def party_table(sent: list[Request]) -> Asked:
    """third-party-web: is the host known for advertising, analytics, social or marketing?"""
    import csv

    table = ROOT / "src" / "consentinel" / "detect" / "data" / "parties.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"].startswith("third-party-web")]
    tracking = {row["domain"] for row in rows if row["category"] in ("ad", "analytics", "social", "marketing")}

    def known(host: str) -> bool:
        parts = host.split(".")
        return host in tracking or any("*." + ".".join(parts[at:]) in tracking for at in range(len(parts)))

    with measure() as spent:
        flags = [known(r.host) for r in sent]
    return spent, flags, f"third-party-web, {len(tracking):,} domains in four categories"


def presidio(sent: list[Request]) -> Asked:
    """Presidio's patterns: is there personal data in address or body?"""
    import tldextract
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # as in speed/har.py: offline
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    parts = [
        r for r in registry.recognizers
        if isinstance(r, PatternRecognizer) and not {"URL", "DATE_TIME"} & set(r.supported_entities)
    ]  # fmt: skip

    def flagged(text: str) -> bool:
        return any(hit.score >= 0.5 for r in parts for hit in r.analyze(text, r.supported_entities, None))

    with measure() as spent:
        flags = [flagged(f"{unquote_plus(r.url)}\n{unquote_plus(r.body)}"[:20_000]) for r in sent]
    return (
        spent,
        flags,
        f"presidio-analyzer {version('presidio-analyzer')}, {len(parts)} pattern recognisers, score 0.5",
    )


def cookieradar(sent: list[Request]) -> Asked:
    """CookieRadar: is the host on its list of trackers?"""
    from cookieradar.scanner import is_tracker

    with measure() as spent:
        flags = [is_tracker(r.url) for r in sent]
    return spent, flags, f"cookieradar {version('cookieradar')}, its tracker list; the crawler itself is not used"


def colscan(sent: list[Request]) -> Asked:
    """colscan: do the fields that a host gets hold a column of personal data?"""
    from colscan import scan_column

    columns: dict[tuple[str, str], list[str]] = {}
    for request in sent:
        for name, value in request.fields():
            columns.setdefault((request.host, name), []).append(value)
    with measure() as spent:
        personal = {host for (host, name), held in columns.items() if scan_column(held[:200], name)["gdpr"]["personal"]}
        flags = [r.host in personal for r in sent]
    return spent, flags, f"colscan {version('colscan')}, {len(columns):,} fields as columns"


PEERS: dict[str, Callable[[list[Request]], Asked]] = {
    "EasyList and EasyPrivacy": filter_lists,
    "third-party-web": party_table,
    "Presidio": presidio,
    "CookieRadar": cookieradar,
    "colscan": colscan,
}
