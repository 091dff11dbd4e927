"""Contact phone: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

SHA256 = "5f2b1c9e7a4d3e8f6b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5"

YES = [
    ("phone", "+15550100199"),
    ("phone", "(555) 010-0199", "form"),
    ("tel", "+49 30 5550 1234"),
    ("user.phone", "0305550123", "json"),
    ("msisdn", "4915550123456"),
    ("phone_number", "555-010-0199", "json"),
    ("x", "tel:+15550100199"),
    ("mobile", "+447700900123"),
    ("ud[ph]", "15550100199"),
    ("whatsapp", "00353855501234"),
    ("identityMap.Phone[].id", "+4915550100199", "json"),
    ("events[].data.new.identity", "+4915550100199", "json"),
    ("events[].data.text", "+4915550100199", "json"),
    ("mobile_no", "+49 1555 0100199", "json"),
]
NO = [
    ("phone", ""),
    ("phone", "true"),
    ("mobile", "1"),
    ("mobile", "true"),
    ("phone", "1690000000000"),
    ("ts", "1690000000000"),
    ("phone", "2023-07-22"),
    ("phone", "0000000"),
    ("order", "+15550100199"),
    ("tel", SHA256),
    ("phone", "203.0.113.7"),
    ("cell", "B12"),
    ("phone", "call us now"),
    ("telemetry", "15550100199"),
    ("isbn", "9783161484100"),
    ("text", "+1", "json"),
    ("text", "15550100199", "json"),
    ("identity", "+1000000000000000000", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_phone", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_phone", *case) == 0
