"""The truth of violation: purpose, region, type and true state of consent."""

import pytest
from labels.law import NO_SIGNAL, read_law

LAW = read_law()


@pytest.mark.parametrize(
    ("region", "purpose", "kind", "state", "violation"),
    [
        ("EU", "advertising", "device.hardware", "before", "yes"),
        ("EU", "advertising", "device.hardware", "granted", "no"),
        ("EU", "advertising", "device.id", "none", "undecidable"),
        ("EU", "analytics", "device.locale", "denied", "yes"),
        ("EU", "analytics", "contact.email", "granted", "no"),
        ("EU", "functional", "device.id", "denied", "no"),
        ("EU", "functional", "user.id", "none", "no"),
        ("EU", "functional", "contact.email", "denied", "yes"),
        ("EU", "functional", "contact.email_hashed", "before", "yes"),
        ("EU", "functional", "device.advertising_id", "denied", "yes"),
        ("EU", "functional", "fingerprint.surface", "denied", "yes"),
        ("EU", "security", "fingerprint.surface", "denied", "no"),
        ("EU", "security", "location.precise", "before", "yes"),
        ("EU", "hosting", "device.browser", "none", "no"),
        ("EU", "consent_management", "device.id", "before", "no"),
        ("EU", "first_party", "contact.email", "denied", "no"),
        ("EU", "unknown", "contact.email", "denied", "undecidable"),
        ("US-CA", "advertising", "device.id", "opted_out", "yes"),
        ("US-CA", "analytics", "device.hardware", "opted_out", "yes"),
        ("US-CA", "analytics", "device.hardware", "none", "no"),
        ("US-CA", "advertising", "contact.email", "before", "no"),
        ("US-CA", "functional", "contact.email", "opted_out", "no"),
        ("JP", "advertising", "device.id", "denied", "undecidable"),
    ],
)
def test_judgement(region: str, purpose: str, kind: str, state: str, violation: str) -> None:
    assert LAW.judge(region, purpose, kind, state)[0] == violation


def test_no_signal_has_its_own_reason() -> None:
    assert LAW.judge("EU", "advertising", "device.id", "none")[1] == NO_SIGNAL


def test_purposes() -> None:
    assert LAW.purpose_of("posthog-js", "analytics", "a.test", "x.test") == "analytics"
    assert LAW.purpose_of("site", None, "a.test", "www.a.test") == "first_party"
    assert LAW.purpose_of("site", None, "a.test", "b.test") == "unknown"
    assert LAW.purpose_of("prebid.js/new", None, "a.test", "b.test") == "advertising"
    assert LAW.category("advertising") == "advertising"
