"""What the rule fingerprint_surface must catch and what it must let pass."""

from typing import Any

import pytest

from consentinel.detect.rules.fingerprint_surface import PROPERTIES, TOGETHER
from consentinel.detect.shelves import RULES
from tests.detect.made_visits import BEFORE, DENIED, GRANTED, OTHER_AD, SITE, Row, judged, sighted
from tests.detect.rules.cases import BAD, FINE

ENOUGH = [{"type": kind, "seq": n} for n, kind in enumerate(PROPERTIES[:TOGETHER])]
CANVAS = {"type": "fingerprint.surface"}


@pytest.mark.parametrize(
    ("rows", "said", "found"),
    [
        pytest.param(ENOUGH, DENIED, [("denied", BAD)], id="enough properties together"),
        pytest.param(ENOUGH, BEFORE, [("before", BAD)], id="before the choice"),
        pytest.param(ENOUGH, GRANTED, [("granted", FINE)], id="with consent"),
        pytest.param(ENOUGH[:-1], DENIED, [], id="one property too few"),
        pytest.param(
            [*ENOUGH[:-1], ENOUGH[-1] | {"seq": 0, "type_p": 0.5}], DENIED, [], id="one field that tells two of them"
        ),
        pytest.param(
            [r | {"seq": 0, "key": "device[]"} for r in ENOUGH], DENIED, [("denied", BAD)], id="a list of properties"
        ),
        pytest.param(ENOUGH[:-1] * 3, DENIED, [], id="the same properties again and again"),
        pytest.param(
            [*ENOUGH[:-1], ENOUGH[-1] | {"recipient": OTHER_AD}], DENIED, [], id="to two recipients, too few to each"
        ),
        pytest.param([*ENOUGH[:-1], ENOUGH[-1] | {"carrier": "header"}], DENIED, [], id="one of them is a header"),
        pytest.param([*ENOUGH[:-1], ENOUGH[-1] | {"action": "read"}], DENIED, [], id="one of them was not sent"),
        pytest.param([r | {"carrier": "header"} for r in ENOUGH], DENIED, [], id="headers only"),
        pytest.param([r | {"recipient": SITE} for r in ENOUGH], DENIED, [], id="to the site itself"),
        pytest.param([*ENOUGH[:-1], {"type": "device.ip"}], DENIED, [], id="an address is no property"),
        pytest.param([CANVAS], DENIED, [("denied", BAD)], id="a canvas hash alone"),
        pytest.param([CANVAS | {"carrier": "header"}], DENIED, [], id="a canvas hash in a header"),
        pytest.param([CANVAS | {"recipient": SITE}], DENIED, [], id="a canvas hash to the site itself"),
        pytest.param([CANVAS | {"recipient": "cookielaw.org"}], DENIED, [("denied", BAD)], id="to a consent manager"),
        pytest.param([CANVAS | {"recipient": "arkoselabs.com"}], DENIED, [], id="to a defence against robots"),
    ],
)
def test_a_case(rows: list[Row], said: Row, found: list[Any]) -> None:
    assert judged("fingerprint_surface", rows, [said]) == found


def test_properties_of_two_visits_do_not_add_up() -> None:
    rows = [*ENOUGH[:-1], ENOUGH[-1] | {"visit_id": "w"}]
    told = [DENIED, DENIED | {"visit_id": "w"}]
    assert judged("fingerprint_surface", rows, told, at=[{}, {"visit_id": "w"}]) == []


def test_only_the_recipient_that_got_enough_is_claimed_and_all_is_told_as_a_surface() -> None:
    seen = sighted(
        [*ENOUGH, {"type": PROPERTIES[0], "recipient": OTHER_AD}, CANVAS | {"recipient": OTHER_AD}], [DENIED]
    )
    claims = RULES.take("fingerprint_surface").find(seen)
    assert claims["row"].to_pylist() == [0, 1, 2, 3, 5]
    assert set(claims["type"].to_pylist()) == {"fingerprint.surface"}


def test_properties_with_no_recipient_are_nobodys() -> None:
    assert judged("fingerprint_surface", [r | {"recipient": None} for r in ENOUGH], [DENIED]) == []
