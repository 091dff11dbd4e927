"""Bits, Fibonacci codes and ranges: known answers from the format texts, and round trips."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput
from consentinel.detect.signals import _bits

IDS = st.sets(st.one_of(st.integers(1, 200), st.integers(1, 65_535)), max_size=60)


def mask_of(ids: set[int]) -> int:
    return sum(1 << i for i in ids)


@pytest.mark.parametrize(
    ("value", "code"), [(1, "11"), (2, "011"), (3, "0011"), (4, "1011"), (5, "00011"), (6, "10011"), (7, "01011")]
)
def test_fibonacci_codes_are_those_of_the_gpp_specification(value: int, code: str) -> None:
    assert _bits.fibonacci(code, 0) == (value, len(code))
    assert _bits.write_fibonacci_ranges(1 << value) == f"0000000000010{code}"


def test_the_range_of_the_gpp_specification() -> None:
    bits = "000000000010" + "0" + "0011" + "1" + "011" + "0011"  # 3, then 5 to 8
    assert _bits.write_fibonacci_ranges(mask_of({3, 5, 6, 7, 8})) == bits
    assert _bits.ids(_bits.fibonacci_ranges(bits, 0)[0]) == [3, 5, 6, 7, 8]


def test_a_fixed_range_and_a_single_id() -> None:
    bits = "000000000010" + "1" + f"{2:016b}{5:016b}" + "0" + f"{9:016b}"
    assert _bits.fixed_ranges(bits, 0) == (mask_of({2, 3, 4, 5, 9}), len(bits))


def test_a_range_that_runs_backwards_is_empty_or_an_error() -> None:
    bits = "000000000001" + "1" + f"{5:016b}{2:016b}"
    assert _bits.fixed_ranges(bits, 0) == (0, len(bits))
    with pytest.raises(BadInput, match="from 5 to 2"):
        _bits.fixed_ranges(bits, 0, ordered=True)


@pytest.mark.parametrize(("text", "bits"), [("A", "000000"), ("-", "111110"), ("_w", "111111110000")])
def test_base64url_has_six_bits_for_each_character(text: str, bits: str) -> None:
    assert _bits.from_text(text) == bits


@pytest.mark.parametrize("text", ["", "A+", "A/", "AB==", "A B", "Ä", "A\n", "A" * (_bits.MAX_CHARS + 1)])
def test_what_is_no_base64url_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        _bits.from_text(text)


@pytest.mark.parametrize(("value", "width"), [(-1, 4), (16, 4)])
def test_a_value_that_does_not_fit_is_refused(value: int, width: int) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        _bits.write_uint(value, width)


@pytest.mark.parametrize("bits", ["", "0", "000000000001", "0000000000010", "00000000000101010"])
def test_cut_off_ranges_are_refused(bits: str) -> None:
    with pytest.raises(BadInput, match="cut off"):
        _bits.fibonacci_ranges(bits, 0)
    with pytest.raises(BadInput, match="cut off"):
        _bits.fixed_ranges(bits, 0)


@pytest.mark.parametrize("code", ["0" * 23 + "11", "0" * 300 + "11"])
def test_ids_above_sixteen_bits_are_refused(code: str) -> None:
    with pytest.raises(BadInput, match="above 65535"):
        _bits.fibonacci_ranges("000000000001" + "0" + code, 0)


@settings(deadline=None)
@given(IDS)
def test_every_form_of_an_id_set_reads_back(ids: set[int]) -> None:
    mask = mask_of(ids)
    assert _bits.ids(mask) == sorted(ids)
    for write, read in (
        (_bits.write_fixed_ranges, _bits.fixed_ranges),
        (_bits.write_fibonacci_ranges, _bits.fibonacci_ranges),
        (_bits.write_optimized, _bits.optimized),
        (lambda m: _bits.write_optimized(m, coded=True), lambda b, i: _bits.optimized(b, i, coded=True)),
    ):
        bits = "101" + write(mask)
        assert read(bits + "110", 3) == (mask, len(bits))


def test_more_runs_than_a_count_can_hold_become_a_bit_field() -> None:
    mask = mask_of(set(range(2, 12_000, 2)))
    bits = _bits.write_optimized(mask)
    assert bits[16] == "0"
    assert _bits.optimized(bits, 0) == (mask, len(bits))


@settings(deadline=None)
@given(st.text("01", min_size=1, max_size=200), st.sampled_from([8, 24]))
def test_text_holds_its_bits_and_zeros_after_them(bits: str, multiple: int) -> None:
    back = _bits.from_text(_bits.to_text(bits, multiple))
    assert back.startswith(bits)
    assert set(back[len(bits) :]) <= {"0"}
