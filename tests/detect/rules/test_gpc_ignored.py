"""What the rule gpc_ignored must catch and what it must let pass."""

from typing import Any

import pytest

from tests.detect.made_visits import AD, ANALYTICS, GPC, HOSTING, SITE, T0, UNKNOWN, Row, judged
from tests.detect.rules.cases import BAD

SENT = {"type": "device.id"}
CLAIM = [("opted_out", BAD)]
DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("row", "said", "at", "found"),
    [
        pytest.param({}, GPC, {"region": "US-CA"}, CLAIM, id="California"),
        pytest.param({}, GPC, {"region": "US-CO"}, CLAIM, id="Colorado"),
        pytest.param({}, GPC, {"region": "US-CO", "started": T0 - 500 * DAY}, [], id="Colorado before July 2024"),
        pytest.param({}, GPC, {"region": "US-IA"}, [], id="Iowa, which names no such signal"),
        pytest.param({}, GPC, {"region": "EU"}, [], id="EU"),
        pytest.param({}, GPC, {"region": "US"}, [], id="a state without a law"),
        pytest.param({}, GPC | {"gpc": False}, {"region": "US-CA"}, [], id="switched off"),
        pytest.param({}, GPC | {"source": "gpp"}, {"region": "US-CA"}, CLAIM, id="GPC inside GPP"),
        pytest.param({}, {"source": "us_privacy", "sale_opt_out": True}, {"region": "US-CA"}, [], id="another opt-out"),
        pytest.param({"recipient": ANALYTICS}, GPC, {"region": "US-CA"}, CLAIM, id="analytics"),
        pytest.param({"recipient": "facebook.com"}, GPC, {"region": "US-CA"}, CLAIM, id="social"),
        pytest.param({"recipient": "googletagmanager.com"}, GPC, {"region": "US-CA"}, CLAIM, id="tag management"),
        pytest.param({"recipient": UNKNOWN}, GPC, {"region": "US-CA"}, CLAIM, id="purpose not known"),
        pytest.param({"recipient": UNKNOWN}, GPC, {"region": "US-VA"}, [], id="purpose not known, no sale for value"),
        pytest.param({"recipient": HOSTING}, GPC, {"region": "US-CA"}, [], id="a service provider"),
        pytest.param({"recipient": SITE}, GPC, {"region": "US-CA"}, [], id="to the site itself"),
        pytest.param({"type": "fingerprint.surface"}, GPC, {"region": "US-CA"}, CLAIM, id="a fingerprint surface"),
        pytest.param({"type": "contact.phone"}, GPC, {"region": "US-CA"}, CLAIM, id="contact data"),
        pytest.param({"type": "location.precise"}, GPC, {"region": "US-CA"}, CLAIM, id="a position"),
        pytest.param({"type": "device.screen"}, GPC, {"region": "US-CA"}, [], id="no identifier"),
        pytest.param({"action": "stored"}, GPC, {"region": "US-CA"}, [], id="stored, not sent"),
        pytest.param({"time": T0 - 1}, GPC, {"region": "US-CA"}, [], id="before the signal"),
        pytest.param({"carrier": "header"}, GPC, {"region": "US-CA"}, CLAIM, id="in a header"),
    ],
)
def test_a_case(row: Row, said: Row, at: Row, found: list[Any]) -> None:
    assert judged("gpc_ignored", [SENT | {"recipient": AD} | row], [said], at=[at]) == found


@pytest.mark.parametrize("later", [0, 1])
def test_a_tag_that_sends_no_gpc_does_not_hide_that_the_browser_did(later: int) -> None:
    said = [GPC, GPC | {"gpc": False, "valid_from": T0 + later}]
    assert judged("gpc_ignored", [SENT | {"time": T0 + 5}], said, at=[{"region": "US-CA"}]) == CLAIM
