"""What the rule coarse_location must catch and what it must let pass."""

from typing import Any

import pytest

from tests.detect.made_visits import DENIED, Row, judged
from tests.detect.rules.cases import BAD, carriers, sent_out

TYPES = ["location.coarse"]


@pytest.mark.parametrize(("rows", "told", "at", "found"), sent_out("location.coarse"))
def test_a_case(rows: list[Row], told: list[Row], at: list[Row], found: list[Any]) -> None:
    assert judged("coarse_location", rows, told, at=at) == found


@pytest.mark.parametrize("kind", TYPES)
def test_each_type(kind: str) -> None:
    assert judged("coarse_location", [{"type": kind}], [DENIED]) == [("denied", BAD)]


@pytest.mark.parametrize("row", carriers("location.coarse"), ids=lambda row: row["carrier"])
def test_each_place_in_a_request(row: Row) -> None:
    assert judged("coarse_location", [row], [DENIED]) == [("denied", BAD)]
