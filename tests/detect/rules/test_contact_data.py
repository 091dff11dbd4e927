"""What the rule contact_data must catch and what it must let pass."""

from typing import Any

import pytest

from tests.detect.made_visits import DENIED, Row, judged
from tests.detect.rules.cases import BAD, carriers, sent_out

TYPES = ["contact.email", "contact.email_hashed", "contact.phone", "contact.phone_hashed", "contact.name"]


@pytest.mark.parametrize(("rows", "told", "at", "found"), sent_out("contact.email"))
def test_a_case(rows: list[Row], told: list[Row], at: list[Row], found: list[Any]) -> None:
    assert judged("contact_data", rows, told, at=at) == found


@pytest.mark.parametrize("kind", TYPES)
def test_each_type(kind: str) -> None:
    assert judged("contact_data", [{"type": kind}], [DENIED]) == [("denied", BAD)]


@pytest.mark.parametrize("row", carriers("contact.email"), ids=lambda row: row["carrier"])
def test_each_place_in_a_request(row: Row) -> None:
    assert judged("contact_data", [row], [DENIED]) == [("denied", BAD)]
