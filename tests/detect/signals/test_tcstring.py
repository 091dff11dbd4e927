"""TC strings: the recorded vectors of the reference, strings worked out by hand, and round trips."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.detect.signals import _tcstring

# Fields as in the TCF text's own example of a core segment, put together by hand.
CORE = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"


def test_the_vectors_of_the_reference(vectors: Callable[[str], list[dict[str, Any]]]) -> None:
    rows = vectors("tc_string_vectors")
    assert len(rows) == 224
    for row in rows:
        if "error" in row:
            with pytest.raises(BadInput):
                _tcstring.decode(row["tc"])
            continue
        fields = _tcstring.decode(row["tc"])
        shown = _tcstring.plain(fields)
        assert {name: shown[name] for name in row["decoded"]} == row["decoded"], row["tc"]
        assert _tcstring.decode(_tcstring.encode(fields)) == fields


def test_a_core_segment_by_hand() -> None:
    bits = f"{2:06b}" + f"{15_000_000_000:036b}" * 2 + f"{31:012b}{7:012b}{1:06b}" + f"{4:06b}{13:06b}"
    bits += f"{90:012b}{5:06b}" + "10" + "100000000000" + "1010" + "0" * 20 + "0" * 6 + "1" + "0" * 17 + "0"
    bits += f"{3:06b}{4:06b}"  # DE
    bits += f"{5:016b}" + "0" + "10010" + f"{300:016b}" + "1" + f"{1:012b}" + "1" + f"{298:016b}{300:016b}"
    bits += f"{1:012b}" + f"{2:06b}" + "01" + f"{1:012b}" + "0" + f"{77:016b}"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bits += "0" * (-len(bits) % 24)
    text = "".join(alphabet[int(bits[i : i + 6], 2)] for i in range(0, len(bits), 6))
    fields = _tcstring.decode(text)
    assert fields["created"] == 1_500_000_000_000_000
    assert (fields["cmpId"], fields["cmpVersion"], fields["consentScreen"]) == (31, 7, 1)
    assert (fields["consentLanguage"], fields["publisherCountryCode"]) == ("EN", "DE")
    assert (fields["vendorListVersion"], fields["policyVersion"]) == (90, 5)
    assert fields["isServiceSpecific"]
    assert not fields["useNonStandardTexts"]
    shown = _tcstring.plain(fields)
    assert shown["specialFeatureOptins"] == [1]
    assert shown["purposeConsents"] == [1, 3]
    assert shown["purposeLegitimateInterests"] == [7]
    assert shown["vendorConsents"] == [1, 4]
    assert shown["vendorLegitimateInterests"] == [298, 299, 300]
    assert shown["publisherRestrictions"] == [{"purposeId": 2, "type": 1, "vendors": [77]}]
    assert shown["created"] == "2017-07-14T02:40:00.000Z"
    assert "vendorsDisclosed" not in fields  # no such segment is not an empty one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (f"{CORE}.", "empty"),
        ("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA", "version 1 is not version 2"),
        ("D" + CORE[1:], "version 3 is not version 2"),
        (CORE[:20], "core segment, vendorListVersion: cut off"),
        (f"{CORE}.IAQ", "disclosed vendors segment, vendorsDisclosed: cut off"),
        (f"{CORE}.gAAA", "no segment type 4"),
        (CORE.replace("P", "%", 1), "base64url"),
        ("A" * 40_000, "more than 32768"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        _tcstring.decode(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cmpId": 1}, "no CMP"),
        ({"vendorConsents": 0b1}, "vendor 0"),
        ({"publisherRestrictions": ((0, 1, 0b10),)}, "purpose 0"),
        ({"publisherRestrictions": ((2, 3, 0b10),)}, "type 3"),
    ],
)
def test_values_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    text = _tcstring.encode({"cmpId": 7} | change)
    with pytest.raises(BadInput, match=message):
        _tcstring.decode(text)
    problems: list[str] = []
    fields = _tcstring.decode(text, problems)
    assert len(problems) == 1
    assert fields["purposeConsents"] == 0


def test_a_value_that_does_not_fit_is_refused_with_its_field() -> None:
    with pytest.raises(BadInput, match="cmpId: 4096 does not fit in 12 bits"):
        _tcstring.encode({"cmpId": 4096})


TIMES = st.integers(0, (1 << 36) - 1).map(lambda t: t * 100_000)
VENDORS = st.sets(st.one_of(st.integers(1, 1200), st.integers(1, 65_535)), max_size=40).map(
    lambda ids: sum(1 << i for i in ids)
)
LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2)
CORES = st.fixed_dictionaries(
    {
        "version": st.just(2),
        "created": TIMES,
        "lastUpdated": TIMES,
        "cmpId": st.integers(2, 4095),
        "cmpVersion": st.integers(0, 4095),
        "consentScreen": st.integers(0, 63),
        "consentLanguage": LETTERS,
        "vendorListVersion": st.integers(0, 4095),
        "policyVersion": st.integers(0, 63),
        "isServiceSpecific": st.booleans(),
        "useNonStandardTexts": st.booleans(),
        "specialFeatureOptins": st.integers(0, 4095),
        "purposeConsents": st.integers(0, (1 << 24) - 1),
        "purposeLegitimateInterests": st.integers(0, (1 << 24) - 1),
        "purposeOneTreatment": st.booleans(),
        "publisherCountryCode": LETTERS,
        "vendorConsents": VENDORS,
        "vendorLegitimateInterests": VENDORS,
        "publisherRestrictions": st.dictionaries(
            st.tuples(st.integers(1, 63), st.integers(0, 2)), VENDORS.filter(bool), max_size=4
        ).map(lambda found: tuple((p, k, mask) for (p, k), mask in found.items())),
    }
)


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    fields = draw(CORES)
    for name in ("vendorsDisclosed", "vendorsAllowed"):
        if draw(st.booleans()):
            fields[name] = draw(VENDORS)
    if draw(st.booleans()):
        n = draw(st.integers(0, 63))
        flags = st.integers(0, (1 << 24) - 1)
        fields |= {"publisherConsents": draw(flags), "publisherLegitimateInterests": draw(flags)}
        fields["numCustomPurposes"] = n
        for name in ("publisherCustomConsents", "publisherCustomLegitimateInterests"):
            fields[name] = draw(st.integers(0, (1 << n) - 1))
    return fields


@settings(deadline=None)
@given(models())
def test_what_is_encoded_decodes_to_the_same(fields: dict[str, Any]) -> None:
    text = _tcstring.encode(fields)
    assert _tcstring.decode(text) == fields
    assert _tcstring.encode(_tcstring.decode(text)) == text


@settings(deadline=None)
@given(models(), st.data())
def test_a_cut_off_string_keeps_the_fields_before_the_cut(fields: dict[str, Any], data: st.DataObject) -> None:
    text = _tcstring.encode(fields)
    problems: list[str] = []
    found = _tcstring.decode(text[: data.draw(st.integers(0, len(text)))], problems)
    assert {name: fields[name] for name in found} == found
