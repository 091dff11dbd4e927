"""Device time zone: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

YES = [
    ("tz", "Europe/Berlin"),
    ("context.timezone", "America/New_York", "json"),
    ("properties.$timezone", "Asia/Kolkata", "json"),
    ("tz", "-120"),
    ("timezone_offset", "300", "json"),
    ("device.geo.utcoffset", "60", "json"),
    ("x", "America/Argentina/Buenos_Aires"),
    ("timezoneOffset", "+02:00"),
    ("tzo", "-7200"),
    ("components.timezone.value", "Europe/Dublin", "json"),
    ("timeZone", "UTC"),
    ("tz", "5.5"),
    ("placeContext.localTimezoneOffset", "-330", "json"),
    ("at", "Sun Mar 01 2026 10:20:30 GMT+0545 (Nepal Time)", "json"),
    ("tz", "W. Europe Standard Time"),
    ("browser_tz", "Europe/Oslo", "json"),
    ("utc_offset_minutes", "-480", "json"),
    ("timeOffset", "+02:00"),
    ("tz_offset", "(UTC+01:00)"),
]
NO = [
    ("path", "America/news"),
    ("tz", "true"),
    ("tz", "9999999"),
    ("offset", "120"),
    ("timezone", ""),
    ("category", "Europe/travel"),
    ("ts", "1690000000000"),
    ("time", "12:30"),
    ("tz", "home page"),
    ("x", "UTC time"),
    ("zone", "checkout"),
    ("page", "Asia/Pacific news"),
    ("tz", "0.123456"),
    ("events[].data.positions[].timeOffset", "-450", "json"),
    ("timezone_offset", "37", "json"),
    ("published", "2026-03-01T10:20:30+01:00", "json"),
    ("at", "Sun Mar 01 2026", "json"),
    ("client_time", "2026-03-01T10:20:30Z", "json"),
    ("megahertz", "60", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_time_zone", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("device_time_zone", *case) == 0
