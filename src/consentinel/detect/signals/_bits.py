"""Bits of consent strings: base64url without padding, integers, Fibonacci codes and id ranges.

A segment is handled as a string of '0' and '1': slices are bounds-checked in one place, `int(..., 2)` is fast, and
searching the end of a Fibonacci code is `str.find`. A set of ids is one integer in which bit v stands for id v.
Sources: IAB Tech Lab TCF 2 "Consent string and vendor list formats"; IAB Tech Lab GPP "Consent String Specification".
"""

import re
from binascii import a2b_base64

from consentinel.core.errors import BadInput

__all__ = [
    "MAX_CHARS",
    "fibonacci",
    "fibonacci_ranges",
    "fixed_ranges",
    "from_text",
    "ids",
    "optimized",
    "runs",
    "to_text",
    "uint",
    "write_fibonacci_ranges",
    "write_fixed_ranges",
    "write_optimized",
    "write_uint",
]

MAX_CHARS = 32_768  # the longest real strings have a few thousand; the bound keeps hostile ones cheap
_MAX_ID = 65_535
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TEXT = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_SIXES = {format(i, "06b"): c for i, c in enumerate(_ALPHABET)}
_ONES = re.compile("1+")
_FIBONACCI = [1, 2]
while _FIBONACCI[-1] <= _MAX_ID:
    _FIBONACCI.append(_FIBONACCI[-1] + _FIBONACCI[-2])


def from_text(text: str) -> str:
    """Return the bits of base64url TEXT, six for each character.

    Raises BadInput for an empty text, a foreign character, or more than MAX_CHARS characters.
    """
    if len(text) > MAX_CHARS:
        raise BadInput(f"it has {len(text)} characters, more than {MAX_CHARS}")
    if not _TEXT(text):
        raise BadInput("it is empty" if not text else "a character is not in the base64url alphabet")
    raw = a2b_base64(text.encode().translate(_TO_STANDARD) + b"A" * (-len(text) % 4))
    return format(int.from_bytes(raw, "big"), f"0{len(raw) * 8}b")[: len(text) * 6]


def to_text(bits: str, multiple: int) -> str:
    """Return BITS as base64url after padding them with zeros to a MULTIPLE (8 or 24) of bits."""
    bits += "0" * (-len(bits) % multiple)
    bits += "0" * (-len(bits) % 6)
    return "".join([_SIXES[bits[i : i + 6]] for i in range(0, len(bits), 6)])


def uint(bits: str, at: int, width: int) -> int:
    """Return the WIDTH-bit unsigned integer that starts at bit AT; raises BadInput where the bits end before."""
    end = at + width
    if end > len(bits):
        raise BadInput(f"cut off: {len(bits)} bits, {end} needed")
    return int(bits[at:end], 2)


def write_uint(value: int, width: int) -> str:
    """Return VALUE as WIDTH bits; raises BadInput where it does not fit."""
    if not 0 <= value < 1 << width:
        raise BadInput(f"{value} does not fit in {width} bits")
    return format(value, f"0{width}b")


def runs(mask: int) -> list[tuple[int, int]]:
    """Return the runs of neighbouring ids in MASK as (first, last), ascending."""
    return [(m.start(), m.end() - 1) for m in _ONES.finditer(bin(mask)[:1:-1])]


def ids(mask: int) -> list[int]:
    """Return the ids in MASK, ascending."""
    return [i for i, bit in enumerate(bin(mask)[:1:-1]) if bit == "1"]


def fixed_ranges(bits: str, at: int, *, ordered: bool = False) -> tuple[int, int]:
    """Read a range list with 16-bit ids at bit AT; return the ids and where the list ends.

    A range that ends before it starts holds no id, or is BadInput where ORDERED asks for that.
    """
    count, at, mask = uint(bits, at, 12), at + 12, 0
    for _ in range(count):
        first = uint(bits, at + 1, 16)
        if bits[at] == "0":
            mask |= 1 << first
            at += 17
            continue
        last = uint(bits, at + 17, 16)
        at += 33
        if last >= first:
            mask |= (2 << last) - (1 << first)
        elif ordered:
            raise BadInput(f"a range goes from {first} to {last}")
    return mask, at


def write_fixed_ranges(mask: int) -> str:
    """Return the ids in MASK as a range list with 16-bit ids."""
    found = runs(mask)
    out = [write_uint(len(found), 12)]
    for first, last in found:
        out.append("0" + write_uint(first, 16) if first == last else f"1{write_uint(first, 16)}{write_uint(last, 16)}")
    return "".join(out)


def fibonacci(bits: str, at: int) -> tuple[int, int]:
    """Read a Fibonacci-coded integer (1 to 65,535) at bit AT; return it and where its code ends."""
    end = bits.find("11", at)
    if end < 0:
        raise BadInput("cut off inside a Fibonacci code")
    if end - at >= len(_FIBONACCI):
        raise BadInput(f"a Fibonacci code is above {_MAX_ID}")
    return sum([f for f, bit in zip(_FIBONACCI, bits[at : end + 1], strict=False) if bit == "1"]), end + 2


def _write_fibonacci(value: int) -> str:
    if value < 1:
        raise BadInput(f"{value} has no Fibonacci code")
    out = ""
    for step in reversed(_FIBONACCI):
        if step <= value:
            value -= step
            out += "1"
        elif out:
            out += "0"
    return out[::-1] + "1"


def fibonacci_ranges(bits: str, at: int) -> tuple[int, int]:
    """Read a Fibonacci-coded range list at bit AT; return the ids and where the list ends."""
    count, at, mask, last = uint(bits, at, 12), at + 12, 0, 0
    for _ in range(count):
        grouped = uint(bits, at, 1)
        step, at = fibonacci(bits, at + 1)
        first = last = last + step
        if grouped:
            step, at = fibonacci(bits, at)
            last += step
        if last > _MAX_ID:
            raise BadInput(f"an id is above {_MAX_ID}")
        mask |= (2 << last) - (1 << first)
    return mask, at


def write_fibonacci_ranges(mask: int) -> str:
    """Return the ids in MASK as a Fibonacci-coded range list."""
    found = runs(mask)
    out, before = [write_uint(len(found), 12)], 0
    for first, last in found:
        code = _write_fibonacci(first - before)
        out.append(f"0{code}" if first == last else f"1{code}{_write_fibonacci(last - first)}")
        before = last
    return "".join(out)


def optimized(bits: str, at: int, *, coded: bool = False) -> tuple[int, int]:
    """Read an optimized id set at bit AT: the highest id, then a bit field or a range list.

    CODED says that the range list is Fibonacci-coded (GPP) rather than one of 16-bit ids (TCF).
    """
    highest = uint(bits, at, 16)
    if uint(bits, at + 16, 1):
        return fibonacci_ranges(bits, at + 17) if coded else fixed_ranges(bits, at + 17)
    at += 17
    if at + highest > len(bits):
        raise BadInput(f"cut off: {len(bits) - at} bits of a bit field of {highest}")
    return int(bits[at : at + highest][::-1] or "0", 2) << 1, at + highest


def write_optimized(mask: int, *, coded: bool = False) -> str:
    """Return the ids in MASK as an optimized id set in the shorter of its two forms."""
    highest = max(mask.bit_length() - 1, 0)
    head = write_uint(highest, 16)
    few = mask & 1 or len(runs(mask)) < 4096  # id 0 exists only in a range list; its count has 12 bits
    if few:
        ranges = write_fibonacci_ranges(mask) if coded else write_fixed_ranges(mask)
        if mask & 1 or len(ranges) <= highest:
            return f"{head}1{ranges}"
    return f"{head}0{bin(mask >> 1)[:1:-1]}" if highest else f"{head}0"
