"""What the rule storage_before_consent must catch and what it must let pass."""

from typing import Any

import pytest

from consentinel.detect.shelves import RULES
from tests.detect.made_visits import AD, BEFORE, DENIED, GRANTED, SITE, UNKNOWN, Row, judged, sighted
from tests.detect.rules.cases import BAD, FINE, OPEN

STORED = {"action": "stored", "carrier": "cookie-store", "recipient": SITE, "key": "visitor", "type": "device.id"}


@pytest.mark.parametrize(
    ("row", "said", "region", "found"),
    [
        pytest.param({}, BEFORE, "EU", [("before", BAD)], id="by the site, before the choice"),
        pytest.param({}, DENIED, "EU", [("denied", BAD)], id="by the site, against the choice"),
        pytest.param({}, GRANTED, "EU", [("granted", FINE)], id="with consent"),
        pytest.param({}, BEFORE | {"state": "unknown"}, "EU", [("none", OPEN)], id="nothing was said"),
        pytest.param({"recipient": AD}, BEFORE, "EU", [("before", BAD)], id="by a third party"),
        pytest.param({"type": None}, BEFORE, "EU", [("before", BAD)], id="contents that nobody recognised"),
        pytest.param({"carrier": "local-storage"}, BEFORE, "EU", [("before", BAD)], id="local storage"),
        pytest.param({"carrier": "session-storage"}, BEFORE, "EU", [("before", BAD)], id="session storage"),
        pytest.param({"carrier": "set-cookie"}, BEFORE, "EU", [("before", BAD)], id="a cookie set by an answer"),
        pytest.param({"key": "PHPSESSID"}, BEFORE, "EU", [], id="a session"),
        pytest.param({"key": "phpsessid"}, BEFORE, "EU", [], id="a session, in another case"),
        pytest.param({"key": "csrftoken", "recipient": UNKNOWN}, BEFORE, "EU", [], id="protection of forms"),
        pytest.param({"key": "cc_cookie.categories[]"}, DENIED, "EU", [], id="a field of the consent record"),
        pytest.param(
            {"key": "cc_cookie", "recipient": AD}, DENIED, "EU", [], id="a consent record kept by an advertiser"
        ),
        pytest.param(
            {"key": "session", "recipient": AD}, BEFORE, "EU", [("before", BAD)], id="an advertiser's session"
        ),
        pytest.param({"key": ""}, BEFORE, "EU", [("before", BAD)], id="a cookie without a name"),
        pytest.param({"key": None}, BEFORE, "EU", [("before", BAD)], id="a name that is not known"),
        pytest.param({"recipient": None}, BEFORE, "EU", [("before", BAD)], id="nobody is known to have stored it"),
        pytest.param({"action": "sent", "carrier": "cookie"}, BEFORE, "EU", [], id="sent, not stored"),
        pytest.param({"action": "read"}, BEFORE, "EU", [], id="read, not stored"),
        pytest.param({}, DENIED, "US-CA", [], id="California asks for no consent to store"),
        pytest.param({"recipient": AD}, DENIED, "US-CA", [], id="California, an advertiser: an opt-out, not consent"),
        pytest.param({}, DENIED, "UK", [("denied", BAD)], id="United Kingdom"),
    ],
)
def test_a_case(row: Row, said: Row, region: str, found: list[Any]) -> None:
    assert judged("storage_before_consent", [STORED | row], [said], at=[{"region": region}]) == found


def test_identifiers_keep_their_type_and_the_rest_is_told_alike() -> None:
    kinds = [
        "device.id",
        "user.id",
        "contact.email",
        "device.advertising_id",
        "location.precise",
        "device.screen",
        None,
    ]
    claims = RULES.take("storage_before_consent").find(sighted([STORED | {"type": kind} for kind in kinds], [BEFORE]))
    assert claims["type"].to_pylist() == [*kinds[:5], None, None]
