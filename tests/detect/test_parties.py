import csv
import io
from importlib.resources import files

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consentinel.detect import parties
from consentinel.detect.policy import PURPOSES

CSV = files("consentinel.detect").joinpath("data/parties.csv").read_bytes()
ROWS = list(csv.DictReader(io.StringIO(CSV.decode())))


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("example.com", "example.com"),
        ("WWW.Example.COM", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.co.uk:8443", "example.co.uk"),
        ("example.com.", "example.com"),
        (" example.com ", "example.com"),
        ("_dmarc.example.com", "example.com"),
        ("a..example.com", "example.com"),
        ("shop.github.io", "shop.github.io"),  # private section: one customer, one site
        ("img.shop.github.io", "shop.github.io"),
        ("github.io", "github.io"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("tracker.test", "tracker.test"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),  # exception rule of the list
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),  # wildcard rule: b.kawasaki.jp is a suffix
        ("www.bücher.example", "xn--bcher-kva.example"),
        ("www.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("www.食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("shop。example。com", "example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("\uff11\uff19\uff12.\uff10.\uff12.\uff11", "192.0.2.1"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("[2001:DB8:0::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[fe80::1%eth0]", "fe80::1"),  # the zone names an interface of a machine
        ("", ""),
        ("...", ""),
        ("a b.com", ""),
        ("user@example.com", ""),
        ("example.com/path", ""),
        ("example.com:99x", ""),
        ("[::g]", ""),
        ("a" * 5000 + ".com", ""),
        (".".join(["a"] * 200), ""),
    ],
)
def test_registrable(host: str, site: str) -> None:
    assert parties.registrable(host) == site


@given(st.text(max_size=300))
@example("\ud800.com")
@example("xn--\u0130.com")
@example("xn--a.b-.com")
@example("xn--99999999999.com")
def test_registrable_never_raises_and_is_stable(host: str) -> None:
    site = parties.registrable(host)
    assert site.isascii()
    assert parties.registrable(site) == site


@given(st.from_regex(r"[a-z][a-z0-9]{0,20}(\.[a-z][a-z0-9]{0,10}){1,4}", fullmatch=True))
def test_registrable_is_a_suffix_of_its_host(host: str) -> None:
    site = parties.registrable(host)
    assert host == site or host.endswith("." + site)
    assert parties.registrable(f"sub.{site}:8080") in (site, f"sub.{site}")


@settings(deadline=None)  # the first Arrow array imports pandas where that is installed
@given(st.lists(st.text(max_size=40), max_size=30))
def test_lookup_takes_any_text(hosts: list[str]) -> None:
    table = parties.lookup(hosts)
    assert table.schema.equals(parties.PARTIES)
    assert table.num_rows == len(hosts)


@pytest.mark.parametrize(
    ("host", "owner", "purpose", "vendor"),
    [
        ("sync.criteo.com", "Criteo", "advertising", 91),
        ("static.criteo.net:443", "Criteo", "advertising", 91),
        ("ib.ADNXS.com.", "AppNexus", "advertising", 32),
        ("securepubads.g.doubleclick.net", "Google", "advertising", 755),
        ("id5-sync.com", "ID5", "advertising", 131),
        ("region1.google-analytics.com", "Google", "analytics", None),
        ("www.clarity.ms", "Microsoft", "analytics", None),
        ("eu.i.posthog.com", "PostHog", "analytics", None),
        ("www.facebook.com", "Facebook", "social", None),
        ("www.googletagmanager.com", "Google", "tag_management", None),
        ("cdn.cookielaw.org", "Optanon", "consent_management", None),
        ("js.hcaptcha.com", "Intuition Machines", "security", None),
        ("fonts.googleapis.com", "Google", "hosting", None),
        ("something-new.google.com", "Google", "unknown", None),  # the owner is sure, the purpose is not
        ("d0000example.cloudfront.net", None, "hosting", None),  # rented room: not Amazon's own
        ("shop.github.io", None, "functional", None),
        ("tracker.test", None, "unknown", None),
        ("192.0.2.1", None, "unknown", None),
        ("", None, "unknown", None),
    ],
)
def test_lookup(host: str, owner: str | None, purpose: str, vendor: int | None) -> None:
    row = parties.lookup([host]).to_pylist()[0]
    assert (row["owner"], row["purpose"], row["vendor_id"]) == (owner, purpose, vendor)
    assert row["host"] == host
    assert row["recipient"] == parties.registrable(host)


def test_an_exact_row_does_not_cover_its_subdomains() -> None:
    assert {"ad.mail.ru", "*.facebook.com"} <= {row["domain"] for row in ROWS}
    ad, portal = parties.lookup(["ad.mail.ru", "www.mail.ru"]).to_pylist()
    assert (ad["purpose"], portal["purpose"]) == ("advertising", "unknown")


@pytest.mark.parametrize(
    ("subject", "recipient", "ours", "theirs", "expected"),
    [
        ("example.com", "example.com", None, None, "first"),
        ("example.com", "example.net", None, None, "third"),
        ("example.com", "examplecdn.net", "Example", "Example", "first"),
        ("example.com", "tracker.test", "Example", "Tracker", "third"),
        ("example.com", "tracker.test", "Example", None, "third"),
        ("shop.github.io", "blog.github.io", None, None, "third"),
        ("", "", None, None, "third"),
        ("example.com", "", "", "", "third"),
    ],
)
def test_party(subject: str, recipient: str, ours: str | None, theirs: str | None, expected: str) -> None:
    assert parties.party(subject, recipient, ours, theirs) == expected


def test_tenants_of_one_host_are_third_parties_to_each_other() -> None:
    rows = parties.lookup(["shop.github.io", "blog.github.io", "github.com"]).to_pylist()
    for other in rows[1:]:
        assert parties.party("shop.github.io", other["recipient"], rows[0]["owner"], other["owner"]) == "third"


def test_every_category_has_a_purpose_of_the_policy() -> None:
    assert set(parties.PURPOSE.values()) <= set(PURPOSES)
    assert {row["category"] for row in ROWS} - {""} <= set(parties.PURPOSE)


def test_the_table_is_sorted_compact_and_says_where_each_row_is_from() -> None:
    domains = [row["domain"] for row in ROWS]
    assert domains == sorted(set(domains))
    assert len(CSV) < 400_000
    assert all(row["source"] for row in ROWS)
    assert all(row["owner"] or row["category"] for row in ROWS)
    for domain in domains:
        name = domain.removeprefix("*.")
        assert parties.registrable(name), domain
        assert name == name.lower()


def test_one_site_has_at_most_one_vendor() -> None:
    vendors: dict[str, set[str]] = {}
    for row in ROWS:
        if row["vendor_id"]:
            vendors.setdefault(parties.registrable(row["domain"].removeprefix("*.")), set()).add(row["vendor_id"])
    assert {site: ids for site, ids in vendors.items() if len(ids) > 1} == {}
    assert len(vendors) > 300


def test_nobody_owns_lent_room_as_a_vendor() -> None:
    lent = [row["domain"] for row in ROWS if row["vendor_id"] and row["category"] in ("cdn", "hosting")]
    assert lent == []


def test_lookup_keeps_order_and_repeats() -> None:
    table = parties.lookup(["b.test", "a.test", "b.test"])
    assert table["recipient"].to_pylist() == ["b.test", "a.test", "b.test"]
    assert table.schema.field("recipient").type == pa.dictionary(pa.int32(), pa.string())


def test_the_visitors_own_machine_is_no_third_party() -> None:
    assert parties.party("shop.test", "localhost") == "first"
