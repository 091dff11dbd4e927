"""What the rule device_identifier must catch and what it must let pass."""

from typing import Any

import pytest

from tests.detect.made_visits import DENIED, Row, judged
from tests.detect.rules.cases import BAD, carriers, sent_out

TYPES = ["device.id", "user.id", "device.ip"]


@pytest.mark.parametrize(("rows", "told", "at", "found"), sent_out("device.id"))
def test_a_case(rows: list[Row], told: list[Row], at: list[Row], found: list[Any]) -> None:
    assert judged("device_identifier", rows, told, at=at) == found


@pytest.mark.parametrize("kind", TYPES)
def test_each_type(kind: str) -> None:
    assert judged("device_identifier", [{"type": kind}], [DENIED]) == [("denied", BAD)]


@pytest.mark.parametrize("row", carriers("device.id"), ids=lambda row: row["carrier"])
def test_each_place_in_a_request(row: Row) -> None:
    assert judged("device_identifier", [row], [DENIED]) == [("denied", BAD)]
