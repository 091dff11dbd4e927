"""The TCF part: which values are TC signals, what they say, and what it makes of broken ones."""

import re

import pytest

from consentinel.detect.signals import _tcstring, tcf
from consentinel.detect.signals._reading import Reading

FIELDS = {
    "created": 1_700_000_000_000_000,
    "lastUpdated": 1_700_000_500_000_000,
    "cmpId": 31,
    "policyVersion": 5,
    "specialFeatureOptins": 0b10,
    "purposeConsents": 0b101,
    "purposeLegitimateInterests": 0b1000010,
    "vendorConsents": 1 << 1 | 1 << 9 | 1 << 755,
    "vendorLegitimateInterests": 0,
    "publisherRestrictions": ((2, 1, 1 << 9 | 1 << 12), (2, 0, 1 << 1)),
    "vendorsDisclosed": 1 << 8,
}
TEXT = _tcstring.encode(FIELDS)
CORE = TEXT.split(".")[0]


def vendors(data: bytes | None) -> set[int]:
    assert data is not None
    return {v for v in range(1, len(data) * 8 + 1) if data[(v - 1) // 8] >> (v - 1) % 8 & 1}


@pytest.mark.parametrize("key", ["gdpr_consent", "euconsent-v2", "tcstring", "tc", "consent", "gdpr"])
def test_a_tc_string_under_any_of_its_names(key: str) -> None:
    said = tcf.read(key, f" {TEXT}\n")
    assert said is not None
    assert (said.source, said.quality, said.reason) == ("tcf", "ok", "")
    assert (said.purposes_consent, said.purposes_li, said.special) == (0b101, 0b1000010, 0b10)
    assert vendors(said.vendors_consent) == {1, 9, 755}
    assert said.vendors_consent is not None
    assert said.vendors_consent[-1]  # no zeros at its end
    assert said.vendors_li == b""
    assert vendors(said.vendors_disclosed) == {8}
    assert [(p, k, vendors(v)) for p, k, v in said.restrictions] == [(2, 0, {1}), (2, 1, {9, 12})]
    assert (said.policy_version, said.cmp_id) == (5, 31)
    assert (said.created, said.updated) == (1_700_000_000_000_000, 1_700_000_500_000_000)
    assert said.gdpr_applies is None
    assert said.sections == ()


def test_vendors_that_were_not_disclosed_differ_from_no_such_segment() -> None:
    said = tcf.read("gdpr_consent", CORE)
    assert said is not None
    assert said.vendors_disclosed is None


@pytest.mark.parametrize(
    ("key", "text", "applies"),
    [("gdpr", "1", True), ("gdpr", "0", False), ("gdprapplies", "true", True), ("gdpr_applies", "False", False)],
)
def test_the_flag(key: str, text: str, applies: bool) -> None:
    assert tcf.read(key, text) == Reading("tcf", "ok", gdpr_applies=applies)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("gdpr", "maybe"),
        ("gdpr", "2"),
        ("gdpr_consent", ""),
        ("gdpr_consent", "undefined"),
        ("gdpr_consent", "1"),
        ("tc", "Copenhagen-and-some-more-letters"),
        ("tc", "CAESEIbZbnQk0u3vO4e0RbSlPBQ"),
        ("consent", "a=1&b=2&c=3&d=4&e=5&f=6"),
        ("consent", "${GDPR_CONSENT_7}"),
        ("cs", CORE[:40]),
    ],
)
def test_what_is_no_such_signal(key: str, text: str) -> None:
    assert tcf.read(key, text) is None


@pytest.mark.parametrize(
    ("text", "quality", "reason"),
    [
        ("${GDPR_CONSENT_755}", "malformed", "placeholder"),
        ("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA", "malformed", "no TC string of version 2"),
        ("not a consent string at all", "malformed", "no TC string of version 2"),
        (CORE[:24], "malformed", "core segment, .*: cut off"),
        ("C" * 40_000, "malformed", "more than 32768"),
        (CORE[:44], "partial", "core segment, .*: cut off"),
        (f"{CORE}.IAQ", "partial", "disclosed vendors segment"),
        (f"{CORE}.gAAA", "partial", "no segment type 4"),
        (_tcstring.encode(FIELDS | {"cmpId": 0}), "partial", "no CMP"),
    ],
)
def test_broken_strings_say_why(text: str, quality: str, reason: str) -> None:
    said = tcf.read("gdpr_consent", text)
    assert said is not None
    assert said.quality == quality
    assert re.search(reason, said.reason)
    assert (said.purposes_consent == 0b101) == (quality == "partial")


def test_a_string_without_its_core_says_nothing() -> None:
    said = tcf.read("gdpr_consent", "IAAAAAAAAAAAAAAAAAAAAAAA")
    assert said is not None
    assert said.quality == "malformed"
