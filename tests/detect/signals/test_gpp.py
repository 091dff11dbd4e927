"""The GPP part: opt-outs of the US sections, the TCF section, and the list of sections in force."""

from typing import Any

import pytest

from consentinel.detect.signals import _gpp, _tcstring, gpp
from consentinel.detect.signals._reading import Reading

TC = _tcstring.encode({"cmpId": 31, "purposeConsents": 0b11, "vendorConsents": 1 << 3})
OPT_OUTS = ("sale_opt_out", "sharing_opt_out", "targeted_opt_out", "gpc")


def read(sections: dict[str, Any]) -> Reading:
    said = gpp.read("gpp", _gpp.encode(sections))
    assert said is not None
    return said


@pytest.mark.parametrize(
    ("sections", "want"),
    [
        ({"usnat": {"SaleOptOut": 1, "SharingOptOut": 2}}, (True, False, None, None)),
        ({"usnat": {"TargetedAdvertisingOptOut": 2, "Gpc": True}}, (None, None, False, True)),
        ({"usca": {"SaleOptOut": 2, "SharingOptOut": 1, "Gpc": False}}, (False, True, None, False)),
        ({"usva": {"SaleOptOut": 0, "TargetedAdvertisingOptOut": 1}}, (None, None, True, None)),
        ({"usmd": {"SaleOptOut": 1}}, (True, None, None, None)),
        ({"uspv1": {"OptOutSale": "Y"}}, (True, None, None, None)),
        ({"uspv1": {"OptOutSale": "N"}}, (False, None, None, None)),
        ({"uspv1": {"OptOutSale": "-"}}, (None, None, None, None)),
        ({"usnat": {"SaleOptOut": 2}, "usca": {"SaleOptOut": 1}}, (True, None, None, None)),
        ({"usnat": {"SaleOptOut": 2, "Gpc": False}, "usco": {"SaleOptOut": 2, "Gpc": True}}, (False, None, None, True)),
        ({"tcfcav1": {"PurposesExpressConsent": 3}}, (None, None, None, None)),
    ],
)
def test_one_section_that_opts_out_is_enough(sections: dict[str, Any], want: tuple[bool | None, ...]) -> None:
    said = read(sections)
    assert (said.quality, said.reason) == ("ok", "")
    assert tuple(getattr(said, name) for name in OPT_OUTS) == want
    assert set(said.sections) == set(sections)
    assert said.purposes_consent is None


def test_the_tcf_section_fills_purposes_and_vendors() -> None:
    for text in (f"DBABMA~{TC}", TC):
        said = gpp.read("gpp", text)
        assert said is not None
        assert (said.source, said.quality, said.sections) == ("gpp", "ok", ("tcfeuv2",))
        assert (said.purposes_consent, said.vendors_consent, said.cmp_id) == (0b11, b"\x04", 31)


@pytest.mark.parametrize(
    ("text", "applies", "sections"),
    [
        ("7", None, ("usnat",)),
        ("2,6", True, ("tcfeuv2", "uspv1")),
        ("2_8", True, ("tcfeuv2", "usca")),
        ("[7]", None, ("usnat",)),
        ("-1", None, ()),
        ("0", None, ()),
        ("99", None, ("section 99",)),
    ],
)
def test_the_sections_in_force(text: str, applies: bool | None, sections: tuple[str, ...]) -> None:
    assert gpp.read("gpp_sid", text) == Reading("gpp", "ok", gdpr_applies=applies, sections=sections)


@pytest.mark.parametrize(
    ("key", "text"),
    [("gpp", ""), ("gpp", "1"), ("gpp", "true"), ("gpp", "Cookie"), ("gpp_sid", "usnat"), ("gpp", "DB")],
)
def test_what_is_no_such_signal(key: str, text: str) -> None:
    assert gpp.read(key, text) is None


@pytest.mark.parametrize(
    ("text", "quality", "reason"),
    [
        ("${GPP_STRING_7}", "malformed", "placeholder"),
        ("QQQQ~1YNN", "malformed", "no GPP header"),
        ("DBABMA", "malformed", "announces 1 sections, 0 follow"),
        ("DBABBg~B", "malformed", "section usca, SaleOptOutNotice: cut off"),
        ("DBABBg~BUUAAABY.AA", "partial", "no GPC segment"),
        (_gpp.encode({"usca": {"SaleOptOut": 3, "SharingOptOut": 1}}), "partial", "3 is no value"),
        (f"DBACNYA~{TC}~1YN", "partial", "section uspv1"),
        ("DBACNYA~IAAA~1YNN", "partial", "no core segment"),
    ],
)
def test_broken_strings_say_why(text: str, quality: str, reason: str) -> None:
    said = gpp.read("gpp", text)
    assert said is not None
    assert said.quality == quality
    assert reason in said.reason
    assert said.gpc is None
