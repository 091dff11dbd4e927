"""GPP strings: the recorded vectors of the reference, the examples of the specification, and round trips."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.detect.signals import _gpp, _tcstring
from consentinel.detect.signals._bits import to_text, write_fibonacci_ranges
from consentinel.detect.signals._gpp_sections import SECTIONS

TC = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"


def test_the_vectors_of_the_reference(vectors: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = vectors("gpp_string_vectors")
    assert len(rows) == 237
    for row in rows:
        if "error" in row:
            with pytest.raises(BadInput):
                _gpp.decode(row["gpp"])
            continue
        sections = _gpp.decode(row["gpp"])
        shown = _gpp.plain(sections)
        assert list(shown) == list(row["decoded"])
        assert [n for n, _ in _gpp.split(row["gpp"])] == row["sections"]
        for name, fields in row["decoded"].items():
            for clock in ("Created", "LastUpdated"):
                if clock in fields and clock not in sections[name]:  # the reference then says when it ran
                    fields[clock] = None
            assert shown[name] == fields, row["gpp"]
        if all(sections.values()):
            assert _gpp.decode(_gpp.encode(sections)) == sections


@pytest.mark.parametrize(
    ("text", "numbers"), [(f"DBABMA~{TC}", [2]), (f"DBACNYA~{TC}~1YNN", [2, 6]), ("DBABTA~1YNN", [6]), (TC, [2])]
)
def test_the_headers_of_the_specification(text: str, numbers: list[int]) -> None:
    assert [n for n, _ in _gpp.split(text)] == numbers
    if text != TC:
        assert _gpp.encode(_gpp.decode(text)).split("~")[0] == text.split("~")[0]


def test_a_california_section_by_hand() -> None:
    core = f"{1:06b}" + "01" + "10" + "00" + "01" + "10" + "01" + "10" * 8 + "00" + "01" + "10" + "01" + "01" + "10"
    core += "0" * (-len(core) % 6)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = "".join(alphabet[int(core[i : i + 6], 2)] for i in range(0, len(core), 6))
    fields = _gpp.decode_section(8, f"{text}.Y")  # 01 1 000
    assert (fields["SaleOptOutNotice"], fields["SharingOptOutNotice"]) == (1, 2)
    assert (fields["SaleOptOut"], fields["SharingOptOut"]) == (1, 2)
    assert fields["SensitiveDataProcessing"] == (1, *[2] * 8)
    assert fields["KnownChildSensitiveDataConsents"] == (0, 1)
    assert (fields["PersonalDataConsents"], fields["MspaCoveredTransaction"]) == (2, 1)
    assert fields["Gpc"]


def test_the_us_national_section_in_its_three_lengths() -> None:
    fields = {"Version": 1, "SaleOptOut": 1, "SensitiveDataProcessing": (1,) * 12, "MspaServiceProviderMode": 2}
    short = _gpp.encode({"usnat": fields}).split("~")[1]
    assert len(short) == 11  # 60 bits, padded to bytes
    long = _gpp.encode({"usnat": fields | {"Version": 2}}).split("~")[1]
    assert len(long) == 12
    for text, items in ((short, 12), (short[:10], 12), (long, 16), ("B" + long[1:], 12)):
        found = _gpp.decode_section(7, text)
        assert len(found["SensitiveDataProcessing"]) == items
        assert (found["SaleOptOut"], found["MspaServiceProviderMode"]) == (1, 2)


def test_the_canadian_section_reads_its_outdated_ranges_too() -> None:
    fields = {"CmpId": 31, "VendorExpressConsent": 1 << 800 | 1 << 12, "DisclosedVendors": 1 << 900}
    new = _gpp.encode({"tcfcav1": fields})
    head = f"{1:06b}" + "0" * 72 + f"{31:012b}" + "0" * 18 + f"{4:06b}{13:06b}" + "0" * 12 + f"{2:06b}" + "0" * 61
    ranges = f"{800:016b}" + "1" + f"{2:012b}" + "0" + f"{12:016b}" + "0" + f"{800:016b}"
    bits = head + ranges + "0" * 17 + "0" * 12
    bits += "0" * (-len(bits) % 6)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    old = "".join(alphabet[int(bits[i : i + 6], 2)] for i in range(0, len(bits), 6))
    for text in (new.split("~")[1], old):
        found = _gpp.decode_section(5, text)
        assert (found["CmpId"], found["VendorExpressConsent"]) == (31, 1 << 800 | 1 << 12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no GPP header"),
        ("XYZ", "no GPP header"),
        ("DBABMA", "announces 1 sections, 0 follow"),
        (f"DBABMA~{TC}~1YNN", "announces 1 sections, 2 follow"),
        ("DBABMA~ ", "section 2: it is blank"),
        ("DB~1YNN", "GPP header: cut off"),
        ("DBABTA~1YN", "section uspv1: it has 3 characters"),
        ("DBABBg~B", "section usca, SaleOptOutNotice: cut off"),
        ("DBABBg~BUUAAABY.", "section usca: it is empty"),
        ("DBABMA~gAAA", "section tcfeuv2: there is no segment type 4"),
        ("DB" + "A" * 40_000, "more than 32768"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        _gpp.decode(text)


def test_a_section_that_is_not_known_is_passed_over() -> None:
    header = to_text(f"{3:06b}{1:06b}" + write_fibonacci_ranges(1 << 8 | 1 << 40), 8)
    california = _gpp.encode({"usca": {"SaleOptOut": 1}}).split("~")[1]
    assert list(_gpp.decode(f"{header}~{california}~BAAA")) == ["usca"]


def test_the_tcf_section_is_the_tc_string() -> None:
    text = _tcstring.encode({"cmpId": 9, "purposeConsents": 5, "vendorsDisclosed": 6})
    fields = _gpp.decode(f"DBABMA~{text}")["tcfeuv2"]
    assert (fields["CmpId"], fields["PurposeConsents"], fields["VendorsDisclosed"]) == (9, 5, 6)


VENDORS = st.sets(st.one_of(st.integers(1, 1200), st.integers(1, 65_535)), max_size=30).map(
    lambda ids: sum(1 << i for i in ids)
)
TIMES = st.integers(0, (1 << 36) - 1).map(lambda t: t * 100_000)


def value_of(name: str, size: int | str, fields: dict[str, Any], draw: st.DrawFn) -> Any:
    if name in ("Created", "LastUpdated"):
        return draw(TIMES)
    if "Restrictions" in name:
        entry = st.tuples(st.integers(1, 63), st.integers(0, 2), VENDORS)
        return tuple(draw(st.lists(entry, max_size=3)))
    if name.endswith("SegmentType"):
        return {"Gpc": 1, "VendorsDisclosed": 1, "DisclosedVendors": 1, "VendorsAllowed": 2}.get(name[:-11], 3)
    if "Vendor" in name and name != "VendorListVersion":
        return draw(VENDORS)
    if name in ("ConsentLanguage", "PublisherCountryCode"):
        return draw(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2))
    bits = fields[size] if isinstance(size, str) else size
    return draw(st.integers(0, (1 << bits) - 1))


@st.composite
def gpp_models(draw: st.DrawFn) -> dict[str, Any]:
    out: dict[str, Any] = {}
    numbers = draw(st.sets(st.sampled_from(sorted(SECTIONS)), min_size=1, max_size=4))
    for number in sorted(numbers):
        section, fields = SECTIONS[number], {}
        if not section.segments:
            letters = st.sampled_from("YN-")
            fields = {"Version": 1} | {n: draw(letters) for n in ("Notice", "OptOutSale", "LspaCovered")}
        for kind, (layout, *_) in section.segments.items():
            if kind and draw(st.booleans()):
                continue
            for name, how, size, default in layout:
                if isinstance(how.absent, bool):
                    fields[name] = draw(st.booleans())
                elif how.absent == () and "Restrictions" not in name:
                    fields[name] = tuple(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
                elif name in ("Version", "MspaVersion"):
                    fields[name] = default
                else:
                    fields[name] = value_of(name, size, fields, draw)
        out[section.name] = fields
    return out


@settings(deadline=None)
@given(gpp_models())
def test_what_is_encoded_decodes_to_the_same(sections: dict[str, Any]) -> None:
    text = _gpp.encode(sections)
    assert _gpp.decode(text) == sections
    assert _gpp.encode(_gpp.decode(text)) == text
