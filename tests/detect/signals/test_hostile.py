"""Hostile text for every part on the shelf: nothing escapes `read`, and nothing takes long."""

import time
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.shelf import Shelf
from consentinel.detect.signals import _bits, _gpp, _tcstring
from consentinel.detect.signals._reading import Reading

SHELF = Shelf("consentinel.detect.signals", "read")
PARTS = SHELF.names()
TC = _tcstring.encode({"cmpId": 31, "vendorConsents": (1 << 700) - 1, "vendorsDisclosed": 1 << 44})
GPP = _gpp.encode({"usnat": {"SaleOptOut": 1, "Gpc": True}, "tcfcav1": {"VendorExpressConsent": (1 << 99) - 2}})
GOOD = (TC, GPP, f"DBABMA~{TC}", "1YNN", "G111", "11p1p1p1p5", "1", "true", "2,7")
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def range_bombs() -> list[str]:
    """Return strings that claim every vendor as often as they can."""
    every = f"1{1:016b}{65_535:016b}"
    ranges = f"{65_535:016b}1{4095:012b}" + every * 4095
    entry = f"{2:06b}01{1:012b}{every}"
    core = _bits.from_text(_tcstring.encode({}))[:213]
    coded = f"{65_535:016b}1{4095:012b}" + "1110000000000000011" * 4095
    canada = _bits.from_text(_gpp.encode({"tcfcav1": {}}).split("~")[1])[:207]
    header = _gpp.encode({"tcfcav1": {}}).split("~")[0]
    announced = _bits.to_text(f"{3:06b}{1:06b}{4095:012b}" + "1110000000000000011" * 4095, 8)
    return [
        _bits.to_text(core + ranges, 24),
        _bits.to_text(core + "0" * 34 + f"{4095:012b}" + entry * 3000, 24),
        ".".join([_bits.to_text("001" + ranges[: 17 + 12 + 33 * 60], 24)] * 60),
        f"{header}~{_bits.to_text(canada + coded, 8)}",
        announced,
        "~".join(["DB" + announced[2:], *["B"] * 9000]),
        "." * 32_000,
        "DBABMA~" + "." * 32_000,
    ]


def damaged() -> st.SearchStrategy[str]:
    good = st.sampled_from(GOOD)
    cut = st.tuples(good, st.integers(0, 400)).map(lambda x: x[0][: x[1]])
    swap = st.tuples(good, st.integers(0, 400), st.characters()).map(lambda x: x[0][: x[1]] + x[2] + x[0][x[1] + 1 :])
    doubled = st.tuples(good, good, st.sampled_from(".~,-")).map(lambda x: x[2].join(x[:2]))
    letters = st.tuples(st.sampled_from(["C", "DB", "DBABMA~", "1", "G1", ""]), st.text(BASE64 + ".~", max_size=300))
    raw = st.binary(max_size=200).map(lambda b: b.decode("latin-1"))
    return st.one_of(cut, swap, doubled, letters.map("".join), raw, st.text(max_size=100))


def check(part: str, key: str, text: str) -> None:
    start = time.perf_counter()
    said = SHELF.take(part).read(key, text)
    assert time.perf_counter() - start < 1
    if said is None:
        return
    assert isinstance(said, Reading)
    assert said.source == part
    assert said.quality in ("ok", "partial", "malformed")
    assert bool(said.reason) == (said.quality != "ok")
    for name in ("vendors_consent", "vendors_li", "vendors_disclosed"):
        vendors = getattr(said, name)
        assert vendors is None or (len(vendors) <= 8192 and not vendors.endswith(b"\0"))


@pytest.mark.parametrize("part", PARTS)
@settings(max_examples=200, deadline=None)
@given(text=damaged(), data=st.data())
def test_no_text_breaks_a_part(part: str, text: str, data: st.DataObject) -> None:
    check(part, data.draw(st.sampled_from(SHELF.take(part).KEYS)), text)


@pytest.mark.parametrize("part", PARTS)
def test_long_and_greedy_texts_are_bounded(part: str) -> None:
    keys = SHELF.take(part).KEYS
    for text in [*range_bombs(), "A" * 5_000_000, "{" * 100_000, "1" * 100_000, "%%" * 50_000, "C" + "_" * 30_000]:
        for key in {keys[0], keys[-1], keys[len(keys) // 2]}:
            check(part, key, text)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_says_what_it_is(part: str) -> None:
    keys = SHELF.take(part).KEYS
    assert SHELF.summary(part).endswith(".")
    assert len(set(keys)) == len(keys) > 0
    assert all(key == key.lower() for key in keys)


def test_a_reading_is_small_and_cannot_change() -> None:
    assert [f.name for f in fields(Reading)][:3] == ["source", "quality", "reason"]
    assert not hasattr(Reading("gpc", "ok"), "__dict__")
    assert get_args(Reading.__annotations__["gpc"]) == (bool, type(None))
