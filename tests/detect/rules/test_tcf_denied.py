"""What the rule tcf_denied must catch and what it must let pass."""

from typing import Any

import pytest

from tests.detect.made_visits import (
    AD,
    ANALYTICS,
    BEFORE,
    GRANTED,
    HOSTING,
    SITE,
    UNKNOWN,
    VENDOR,
    Row,
    bits,
    judged,
    tcf,
)
from tests.detect.rules.cases import BAD

SENT = {"type": "device.id"}
CLAIM = [("denied", BAD)]
CONSENT_1_3_4, LEGITIMATE_2_7 = 0b1101, 0b1000010  # as the default policy asks of advertising: 1, 2, 3, 4 and 7


def with_interest(**more: Any) -> Row:
    """Return a TC string that grants advertising by consent to 1, 3, 4 and by legitimate interest for 2, 7."""
    return tcf(CONSENT_1_3_4, **{"purposes_li": LEGITIMATE_2_7, "vendors_li": bits(VENDOR), **more})


def restricted(purpose: int, kind: int, *vendors: int) -> Row:
    """Return the column of one publisher restriction."""
    return {"restrictions": [{"purpose": purpose, "kind": kind, "vendors": bits(*vendors)}]}


@pytest.mark.parametrize(
    ("row", "said", "found"),
    [
        pytest.param({}, tcf(), [], id="everything is granted"),
        pytest.param({}, tcf(0), CLAIM, id="no purpose is granted"),
        pytest.param({}, tcf(vendors=()), CLAIM, id="purposes granted, vendor denied"),
        pytest.param({}, tcf(vendors=(VENDOR + 1,)), CLAIM, id="another vendor"),
        pytest.param({}, tcf(EVERY := 0b1001110), CLAIM, id="purpose 1 is missing"),
        pytest.param({}, tcf(EVERY | 1), [], id="the purposes of advertising, no other"),
        pytest.param({"recipient": "criteo.com"}, tcf(), CLAIM, id="granted to one vendor, sent to another"),
        pytest.param({"recipient": UNKNOWN}, tcf(vendors=()), [], id="vendor not known, purpose granted"),
        pytest.param({"recipient": UNKNOWN}, tcf(0), CLAIM, id="vendor not known, purpose denied"),
        pytest.param({"recipient": ANALYTICS}, tcf(0b10000001), [], id="analytics with 1 and 8"),
        pytest.param({"recipient": ANALYTICS}, tcf(0b1111), CLAIM, id="analytics without 8"),
        pytest.param({}, with_interest(), [], id="legitimate interest where it is admitted"),
        pytest.param({}, with_interest(vendors_li=b""), CLAIM, id="vendor without legitimate interest"),
        pytest.param(
            {}, tcf(0b11, purposes_li=EVERY, vendors_li=bits(VENDOR)), CLAIM, id="legitimate interest where it is not"
        ),
        pytest.param({}, tcf(**restricted(2, 0, VENDOR)), CLAIM, id="restriction 0 forbids the purpose"),
        pytest.param({}, tcf(**restricted(2, 0, VENDOR + 1)), [], id="restriction 0 of another vendor"),
        pytest.param({}, tcf(**restricted(9, 0, VENDOR)), [], id="restriction 0 of a purpose that is not needed"),
        pytest.param({}, tcf(**restricted(2, 1, VENDOR)), [], id="restriction 1 and consent"),
        pytest.param({}, with_interest(**restricted(2, 1, VENDOR)), CLAIM, id="restriction 1 without consent"),
        pytest.param({}, tcf(**restricted(2, 2, VENDOR)), CLAIM, id="restriction 2 without legitimate interest"),
        pytest.param({}, with_interest(**restricted(2, 2, VENDOR)), [], id="restriction 2 and legitimate interest"),
        pytest.param({}, tcf(**restricted(3, 2, VENDOR)), CLAIM, id="restriction 2 where only consent is admitted"),
        pytest.param({}, tcf(vendors_disclosed=bits(VENDOR)), [], id="a disclosed vendor"),
        pytest.param({}, tcf(vendors_disclosed=bits(1)), CLAIM, id="a vendor that was not disclosed"),
        pytest.param({}, tcf(gdpr_applies=False, purposes_consent=0), [], id="GDPR does not apply, says the string"),
        pytest.param({}, tcf(0, source="gpp"), CLAIM, id="TCF inside GPP"),
        pytest.param({}, tcf(0, quality="malformed"), [], id="a broken string decides nothing"),
        pytest.param({}, tcf(0, visit_id="w"), [], id="the string of another visit"),
        pytest.param({"carrier": "header"}, tcf(0), CLAIM, id="in a header"),
        pytest.param({"type": "device.screen"}, tcf(0), [], id="not personal on its own"),
        pytest.param({"recipient": SITE}, tcf(0), [], id="to the site itself"),
        pytest.param({"recipient": HOSTING}, tcf(0), [], id="where the policy asks for nothing"),
        pytest.param({"action": "stored"}, tcf(0), [], id="stored, not sent"),
    ],
)
def test_a_case(row: Row, said: Row, found: list[Any]) -> None:
    assert judged("tcf_denied", [SENT | row], [said]) == found


@pytest.mark.parametrize(
    "kind",
    ["device.id", "device.advertising_id", "user.id", "contact.email", "location.precise", "fingerprint.surface"],
)
def test_each_type(kind: str) -> None:
    assert judged("tcf_denied", [{"type": kind}], [tcf(0)]) == CLAIM


def test_a_flag_that_travels_apart_does_not_lift_the_string() -> None:
    flag = {"source": "tcf", "gdpr_applies": False}
    assert judged("tcf_denied", [SENT], [tcf(0), flag]) == CLAIM


@pytest.mark.parametrize("source", ["cmp", "scenario", "table"])
@pytest.mark.parametrize("string", ["tcf", "gpp"])
def test_a_string_that_denies_before_anybody_was_asked_is_claimed_as_before(source: str, string: str) -> None:
    told = [tcf(0, source=string), BEFORE | {"source": source}]
    assert judged("tcf_denied", [SENT], told) == [("before", BAD)]
    assert judged("tcf_denied", [SENT], [tcf(0, source=string), GRANTED | {"source": source}]) == CLAIM
    assert judged("tcf_denied", [SENT], [tcf(), BEFORE | {"source": source}]) == []


def test_a_denial_in_the_united_states_is_not_what_the_law_there_asks() -> None:
    assert judged("tcf_denied", [SENT], [tcf(0)], at=[{"region": "US-CA"}]) == []


def test_it_says_which_signal_decided() -> None:
    from consentinel.detect.shelves import RULES
    from tests.detect.made_visits import DENIED, sighted

    claims = RULES.take("tcf_denied").find(sighted([SENT | {"recipient": AD}], [tcf(0), DENIED]))
    assert claims["consent_source"].to_pylist() == ["tcf"]
