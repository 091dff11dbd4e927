"""Device advertising id: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

UUID = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
MD5 = "9e107d9d372bb6826bd81d3542a419d6"

YES = [
    ("device.ifa", UUID, "json"),
    ("gps_adid", UUID),
    ("idfa", UUID.upper(), "form"),
    ("advertising_ids.aaid", UUID, "json"),
    ("gaid", MD5),
    ("identity.ifa", "ifa:" + UUID, "json"),
    ("_fbp", "fb.1.1690000000000.1234567890", "cookie"),
    ("_ttp", "2SnGbL7yKdQ4rT9xVhW3mZ8pCe1", "cookie"),
    ("fbclid", "IwAR0hT4kLs9PzXq2Wv8nB5cJ7dY6mF3rG1eK0aUoQ"),
    ("msclkid", MD5),
    ("MUID", "1A2B3C4D5E6F708192A3B4C5D6E7F809", "cookie"),
    ("user.ext.eids[].uids[].id", UUID, "json"),
    ("user.buyeruid", "7841029365512087463", "json"),
    ("_pubcid", UUID, "cookie"),
    ("eid_pubcid.org", UUID + "^1"),
    ("dpidmd5", MD5, "json"),
]
NO = [
    ("idfa", "00000000-0000-0000-0000-000000000000"),
    ("adid", "441"),
    ("adid", "summer-banner-2"),
    ("ifa", ""),
    ("gclid", "true"),
    ("fbc", "1"),
    ("ide", "visual studio code"),
    ("request_id", UUID),
    ("x-request-id", UUID, "header"),
    ("device.id", UUID, "json"),
    ("muid", "0"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_advertising_id", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_advertising_id", *case) == 0
