"""The Consent Mode part: the table of gcd letters, the first sign of gcs, and npa."""

import pytest

from consentinel.detect.signals import consent_mode
from consentinel.detect.signals._reading import Reading

TYPES = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("11l1l1l1l5", (None, None, None, None)),
        ("13l3l3l3l1", (None, None, None, None)),
        ("11p1p1p1p5", (False, False, False, False)),
        ("11q1r1p1t5", (False, True, False, True)),
        ("11m1n1u1v5", (False, True, False, True)),
        ("13r3r3r2r5l1", (True, True, True, True)),
    ],
)
def test_the_letters_of_gcd(text: str, want: tuple[bool | None, ...]) -> None:
    said = consent_mode.read("gcd", text)
    assert said is not None
    assert (said.source, said.quality) == ("consent_mode", "ok")
    assert tuple(getattr(said, name) for name in TYPES) == want


def test_the_letters_are_two_bits_for_each_of_default_and_update() -> None:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    states = {1: None, 2: False, 3: True}
    for letter, (default, update) in consent_mode.GCD.items():
        number = digits.index(letter)
        assert (number >> 4, states[number >> 2 & 3], states[number & 3]) == (1, default, update)


@pytest.mark.parametrize(
    ("text", "ad_storage"), [("G100", False), ("G101", False), ("G110", True), ("G111", True), ("G1--", None)]
)
def test_gcs_says_ad_storage_only(text: str, ad_storage: bool | None) -> None:
    assert consent_mode.read("gcs", text) == Reading("consent_mode", "ok", ad_storage=ad_storage)


@pytest.mark.parametrize(("text", "value"), [("1", False), ("0", None)])
def test_npa_takes_personalisation_away_and_grants_nothing(text: str, value: bool | None) -> None:
    assert consent_mode.read("npa", text) == Reading("consent_mode", "ok", ad_personalization=value)


@pytest.mark.parametrize(
    ("key", "text", "quality", "reason"),
    [
        ("gcd", "11p1p1p1z5", "partial", "ad_personalization"),
        ("gcd", "11A1B1C1D5", "malformed", "none of its letters"),
        ("gcd", "11p1p1", "malformed", "too short"),
        ("gcs", "G2", "malformed", "not G1"),
        ("gcs", "G1111", "malformed", "not G1"),
        ("gcs", "{{gcs}}", "malformed", "placeholder"),
    ],
)
def test_broken_values_say_why(key: str, text: str, quality: str, reason: str) -> None:
    said = consent_mode.read(key, text)
    assert said is not None
    assert said.quality == quality
    assert reason in said.reason


@pytest.mark.parametrize(
    ("key", "text"), [("gcd", ""), ("gcd", "2024-01-01"), ("gcs", "banana"), ("gcs", ""), ("npa", "2"), ("npa", "")]
)
def test_what_is_no_such_signal(key: str, text: str) -> None:
    assert consent_mode.read(key, text) is None
