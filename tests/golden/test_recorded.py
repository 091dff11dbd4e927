"""The recorded traffic: the golden table, and what the sites were wired to leak (range/README.md), told by hand."""

from typing import Any

import pyarrow as pa
import pytest

from tests.golden.recorded import claims, expected, scanned

BAD, FINE = "potential violation", "allowed"
IDENTIFIERS = {"device.id", "device.advertising_id"}
# Host sites of the bidders of range/adunits.mjs; two of them have another site for visits without consent.
BIDDERS = [
    "rubiconproject.com", "pubmatic.com", "openx.net", "casalemedia.com", "criteo.com", "3lift.com", "lijit.com",
    "smartadserver.com", "media.net", "teads.tv", "33across.com", "sharethrough.com", "seedtag.com", "onetag-sys.com",
    "taboola.com", "dotomi.com", "yellowblue.io",
]  # fmt: skip
ADNXS, IMPROVE = {"adnxs.com", "adnxs-simple.com"}, {"360yield.com", "360yield-basic.com"}
WITHOUT_CONSENT = ["no_action", "reject", "gpc"]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> tuple[pa.Table, pa.Table]:
    return scanned(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def findings(scan: tuple[pa.Table, pa.Table]) -> list[Row]:
    return scan[0].to_pylist()


@pytest.fixture(scope="module")
def consent(scan: tuple[pa.Table, pa.Table]) -> list[Row]:
    return scan[1].to_pylist()


def some(findings: list[Row], **wanted: str | set[str]) -> list[Row]:
    """Return the findings whose fields have the WANTED text, or one of the wanted texts."""
    return [f for f in findings if all(f[k] in (v if isinstance(v, set) else {v}) for k, v in wanted.items())]


def test_the_golden_table(scan: tuple[pa.Table, pa.Table]) -> None:
    found, wanted = claims(scan[0]), expected()
    told = "if the change is right: python -m tests.golden.recorded"
    assert [row for row in wanted if row not in found] == [], f"no longer found; {told}"
    assert [row for row in found if row not in wanted] == [], f"found now; {told}"
    assert len(found) == len(wanted)


def test_a_page_with_hundreds_of_requests_ends_in_tens_of_lines(findings: list[Row]) -> None:
    for scenario in ("accept", *WITHOUT_CONSENT):
        n = len(some(findings, subject="shop.test", scenario=scenario))
        assert 10 < n < 150


# library.test: everything right


@pytest.mark.parametrize("scenario", ["accept", "reject", "no_action"])
def test_the_library_leaks_nothing(findings: list[Row], scenario: str) -> None:
    assert some(findings, subject="library.test", scenario=scenario, outcome=BAD) == []


def test_the_library_measures_after_consent_only(findings: list[Row]) -> None:
    of = {f["scenario"] for f in findings if f["subject"] == "library.test"}
    assert of == {"accept"}
    who = {f["recipient"] for f in some(findings, subject="library.test", outcome=FINE, type="device.id")}
    assert who == {"posthog.test", "snowplow.test"}


# shop.test: component by component


def test_after_the_choice_to_accept_nothing_is_wrong(findings: list[Row], consent: list[Row]) -> None:
    visit = {c["visit_id"] for c in consent if c["source"] == "cmp" and c["state"] == "granted"}
    chosen = [c["valid_from"] for c in consent if c["source"] == "cmp" and c["state"] == "granted"]
    assert len(visit) == len(chosen) == 2  # the library and the shop
    choice = next(
        c["valid_from"]
        for c in consent
        if c["source"] == "cmp" and c["state"] == "granted" and c["subject"] == "shop.test"
    )
    wrong = some(findings, subject="shop.test", scenario="accept", outcome=BAD)
    assert wrong
    assert [f["fingerprint"] for f in wrong if f["last"] >= choice] == []
    fine = some(findings, subject="shop.test", scenario="accept", outcome=FINE)
    assert fine
    assert [f["fingerprint"] for f in fine if f["first"] < choice] == []


@pytest.mark.parametrize("scenario", ["accept", "reject", "no_action"])
def test_posthog_starts_before_the_choice(findings: list[Row], scenario: str) -> None:
    before = some(findings, scenario=scenario, recipient="posthog.test", consent_state="before", outcome=BAD)
    assert {"device_identifier", "storage_before_consent"} <= {f["rule"] for f in before}
    assert "device.id" in {f["type"] for f in before}


@pytest.mark.parametrize("scenario", WITHOUT_CONSENT)
def test_posthog_never_stops_and_is_told_the_hashed_address(findings: list[Row], scenario: str) -> None:
    state = {"no_action": "before", "reject": "denied", "gpc": "opted_out"}[scenario]
    ids = some(
        findings, scenario=scenario, recipient="posthog.test", type="device.id", consent_state=state, outcome=BAD
    )
    assert {f["carrier"] for f in ids} >= {"body"}
    mail = some(findings, scenario=scenario, recipient="posthog.test", type="contact.email_hashed", carrier="body")
    assert [(f["outcome"], f["proof"], f["consent_state"]) for f in mail] == [(BAD, "P0", state)]


@pytest.mark.parametrize("scenario", ["no_action", "reject"])
def test_snowplow_sends_no_identifier_but_the_exact_position(findings: list[Row], scenario: str) -> None:
    sent = [f for f in some(findings, scenario=scenario, recipient="snowplow.test") if f["carrier"] != "storage"]
    assert {f["type"] for f in sent} == {"location.precise"}
    assert [(f["outcome"], f["severity"], f["rule"]) for f in sent] == [(BAD, "critical", "tcf_denied")]


def test_under_gpc_snowplow_sends_the_exact_position_all_the_same(findings: list[Row]) -> None:
    sent = some(findings, scenario="gpc", recipient="snowplow.test", type="location.precise")
    assert [(f["outcome"], f["severity"], f["rule"], f["proof"]) for f in sent] == [
        (BAD, "critical", "gpc_ignored", "P1")
    ]


@pytest.mark.parametrize(
    ("scenario", "runs"), [("no_action", False), ("reject", True), ("gpc", True), ("accept", True)]
)
def test_any_choice_starts_the_fingerprint(findings: list[Row], scenario: str, runs: bool) -> None:
    sent = [f for f in some(findings, scenario=scenario, recipient="visitor-id.test") if f["carrier"] == "body"]
    assert bool(sent) == runs
    if runs:
        assert {f["outcome"] for f in sent} == {FINE if scenario == "accept" else BAD}
        assert {f["type"] for f in sent} >= {"fingerprint.surface", "device.id"}


@pytest.mark.parametrize("scenario", WITHOUT_CONSENT)
def test_nothing_enforces_the_string_at_the_bidders(findings: list[Row], scenario: str) -> None:
    wrong = [f for f in some(findings, subject="shop.test", scenario=scenario, outcome=BAD) if f["type"] in IDENTIFIERS]
    told = {f["recipient"] for f in wrong}
    assert [b for b in BIDDERS if b not in told] == []
    assert told & ADNXS
    assert told & IMPROVE
    proved = {f["recipient"] for f in wrong if f["proof"] == "P0"}
    assert len(proved & {*BIDDERS}) >= 10  # the shop's visitor id, planted
    rule = "gpc_ignored" if scenario == "gpc" else "tcf_denied"
    assert {f["rule"] for f in some(wrong, recipient=set(BIDDERS))} == {rule}


@pytest.mark.parametrize(
    ("scenario", "states"),
    [("no_action", {"before"}), ("accept", {"before"}), ("reject", {"before", "denied"}), ("gpc", {"opted_out"})],
)
def test_nothing_is_denied_before_somebody_denied_it(findings: list[Row], scenario: str, states: set[str]) -> None:
    assert {f["consent_state"] for f in some(findings, scenario=scenario, outcome=BAD)} == states


def test_after_the_refusal_it_is_denied_and_before_it_was_before(findings: list[Row], consent: list[Row]) -> None:
    [choice] = [
        c["valid_from"]
        for c in consent
        if c["source"] == "cmp" and c["state"] == "denied" and c["subject"] == "shop.test"
    ]
    got = some(findings, subject="shop.test", scenario="reject", outcome=BAD)
    assert [f["fingerprint"] for f in got if f["consent_state"] == "before" and f["last"] >= choice] == []
    assert [f["fingerprint"] for f in got if f["consent_state"] == "denied" and f["first"] < choice] == []


def test_the_account_of_the_publisher_is_no_user(findings: list[Row]) -> None:
    asked = some(findings, recipient="criteo.com")
    assert "device.id" in {f["type"] for f in asked}
    assert "user.id" not in {f["type"] for f in asked}


@pytest.mark.parametrize("scenario", WITHOUT_CONSENT)
def test_mixpanel_waits_for_consent(findings: list[Row], scenario: str) -> None:
    assert some(findings, scenario=scenario, recipient="mixpanel.test") == []


def test_mixpanel_runs_with_consent(findings: list[Row]) -> None:
    got = some(findings, scenario="accept", recipient="mixpanel.test")
    assert {f["outcome"] for f in got} == {FINE}
    assert {"contact.email", "contact.email_hashed", "device.id"} <= {f["type"] for f in got}


@pytest.mark.parametrize("scenario", ["accept", "reject", "no_action"])
def test_the_shop_stores_its_visitor_id_before_the_choice(findings: list[Row], scenario: str) -> None:
    got = some(findings, scenario=scenario, recipient="shop.test", type="device.id", rule="storage_before_consent")
    assert [(f["keys"], f["consent_state"], f["outcome"], f["proof"]) for f in got] == [
        (["shop_vid"], "before", BAD, "P0")
    ]


def test_in_california_the_shop_says_no_opt_out_and_the_browser_says_otherwise(consent: list[Row]) -> None:
    said = {(c["source"], c["gpc"], c["sale_opt_out"]) for c in consent if c["subject"] == "shop.test"}
    assert {("us_privacy", None, False), ("gpc", True, None)} <= said


def test_in_california_nothing_is_judged_by_the_law_of_europe(findings: list[Row]) -> None:
    got = some(findings, scenario="gpc", outcome=BAD)
    assert {f["consent_state"] for f in got} == {"opted_out"}
    assert all("Cal. Civ. Code" in f["basis"] for f in got)
    assert some(findings, scenario="gpc", rule="storage_before_consent") == []
