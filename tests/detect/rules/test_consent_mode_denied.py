"""What the rule consent_mode_denied must catch and what it must let pass."""

from typing import Any

import pytest

from tests.detect.made_visits import ANALYTICS, BEFORE, SITE, UNKNOWN, Row, judged
from tests.detect.rules.cases import BAD

SENT = {"type": "device.id"}
CLAIM = [("denied", BAD)]
GOOGLE_ADS, GOOGLE_ANALYTICS = "doubleclick.net", "google-analytics.com"


def mode(**storage: bool) -> Row:
    """Return what Consent Mode says."""
    return {"source": "consent_mode", **storage}


@pytest.mark.parametrize(
    ("row", "said", "found"),
    [
        pytest.param({"recipient": GOOGLE_ADS}, mode(ad_storage=False), CLAIM, id="ads, ad storage denied"),
        pytest.param({"recipient": GOOGLE_ADS}, mode(ad_storage=True), [], id="ads, ad storage granted"),
        pytest.param({"recipient": GOOGLE_ADS}, mode(analytics_storage=False), [], id="ads, analytics storage denied"),
        pytest.param(
            {"recipient": GOOGLE_ANALYTICS}, mode(analytics_storage=False), CLAIM, id="analytics, its storage denied"
        ),
        pytest.param(
            {"recipient": GOOGLE_ANALYTICS},
            mode(ad_storage=False, analytics_storage=True),
            [],
            id="analytics, ads denied",
        ),
        pytest.param({"recipient": GOOGLE_ANALYTICS}, mode(), [], id="says nothing of storage"),
        pytest.param({"recipient": ANALYTICS}, mode(analytics_storage=False), CLAIM, id="another company's analytics"),
        pytest.param({"recipient": UNKNOWN}, mode(ad_storage=False), [], id="purpose not known"),
        pytest.param({"recipient": SITE}, mode(ad_storage=False), [], id="to the site itself"),
        pytest.param({"type": "device.screen"}, mode(ad_storage=False), [], id="no identifier"),
        pytest.param({"type": "fingerprint.surface"}, mode(ad_storage=False), [], id="left to fingerprint_surface"),
        pytest.param({"type": "contact.email_hashed"}, mode(ad_storage=False), CLAIM, id="contact data"),
        pytest.param({"type": "location.precise"}, mode(ad_storage=False), CLAIM, id="a position"),
        pytest.param({"action": "stored"}, mode(ad_storage=False), [], id="stored, not sent"),
        pytest.param({}, mode(ad_storage=False) | {"source": "table"}, [], id="said by another source"),
    ],
)
def test_a_case(row: Row, said: Row, found: list[Any]) -> None:
    assert judged("consent_mode_denied", [SENT | row], [said]) == found


def test_a_denial_before_anybody_was_asked_is_claimed_as_before() -> None:
    row = SENT | {"recipient": GOOGLE_ADS}
    assert judged("consent_mode_denied", [row], [mode(ad_storage=False), BEFORE]) == [("before", BAD)]
    assert judged("consent_mode_denied", [row], [mode(ad_storage=True), BEFORE]) == []


def test_a_denial_in_the_united_states_is_not_what_the_law_there_asks() -> None:
    at = [{"region": "US-CA"}]
    assert judged("consent_mode_denied", [SENT], [mode(ad_storage=False)], at=at) == []
