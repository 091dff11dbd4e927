"""Segments as tables: each field is a name, a kind and a size, read and written in order.

Values are plain: int, bool, str, a tuple of ints, microseconds since 1970 for times, an integer mask for flags
(bit i-1 is flag i) and for sets of ids (bit v is id v), and (purpose, type, id mask) triples for restrictions.
"""

from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from consentinel.core.errors import BadInput
from consentinel.detect.signals._bits import (
    fixed_ranges,
    ids,
    optimized,
    uint,
    write_fixed_ranges,
    write_optimized,
    write_uint,
)

__all__ = [
    "BOOL",
    "BOOLS",
    "COUNTRY",
    "FLAGS",
    "INT",
    "LETTERS",
    "PAIRS",
    "RESTRICTIONS",
    "RESTRICTIONS_CODED",
    "RESTRICTIONS_LOOSE",
    "TIME",
    "VENDORS",
    "VENDORS_CODED",
    "WORD",
    "Field",
    "Kind",
    "Layout",
    "decode",
    "encode",
    "plain",
]


class Kind(NamedTuple):
    """How a value of one kind is read at a bit, written, shown as JSON, and what stands for an absent one."""

    read: Callable[[str, int, int], tuple[Any, int]]
    write: Callable[[Any, int], str]
    show: Callable[[Any, int], Any]
    absent: Any


class Field(NamedTuple):
    """One field: its size is in bits, letters or items (by kind), or the name of the field that holds the size."""

    name: str
    kind: Kind
    size: int | str = 0
    default: Any = None


Layout = tuple[Field, ...]
Restriction = tuple[int, int, int]


def _as_is(value: Any, size: int) -> Any:
    return value


def _ids(value: int, size: int) -> list[int]:
    return ids(value)


def _flag_ids(value: int, size: int) -> list[int]:
    return [i + 1 for i in range(size) if value >> i & 1]


def _bools(value: int, size: int) -> list[bool]:
    return [bool(value >> i & 1) for i in range(size)]


def _iso(value: int | None, size: int) -> str | None:
    if value is None:
        return None
    return datetime.fromtimestamp(value / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_flags(bits: str, at: int, size: int) -> tuple[int, int]:
    if at + size > len(bits):
        raise BadInput(f"cut off: {len(bits) - at} of {size} flags")
    return int(bits[at : at + size][::-1] or "0", 2), at + size


def _write_flags(value: int, size: int) -> str:
    return write_uint(value, size)[::-1] if size else ""


def _letters(bits: str, at: int, size: int) -> str:
    return "".join([chr(65 + uint(bits, at + 6 * i, 6)) for i in range(size)])


def _read_letters(bits: str, at: int, size: int) -> tuple[str, int]:
    return _letters(bits, at, size), at + 6 * size


def _read_word(bits: str, at: int, size: int) -> tuple[str, int]:
    return _letters(bits, at, size).replace(chr(65 + 63), " ").strip(), at + 6 * size


def _read_country(bits: str, at: int, size: int) -> tuple[str, int]:
    # The reference takes the ASCII codes 65 to 122, which holds six signs between the two alphabets.
    word = _letters(bits, at, size)
    if max(word) > "z":
        raise BadInput("these are no letters")
    return word.upper(), at + 6 * size


def _write_word(value: str, size: int) -> str:
    return "".join([write_uint(63 if c == " " else ord(c) - 65, 6) for c in value.ljust(size)[:size]])


def _read_pairs(bits: str, at: int, size: int) -> tuple[tuple[int, ...], int]:
    chunk = bits[at : at + 2 * size]
    if len(chunk) < 2 * size:
        raise BadInput(f"cut off: {len(chunk) // 2} of {size} values")
    return tuple([int(chunk[i : i + 2], 2) for i in range(0, 2 * size, 2)]), at + 2 * size


def _write_pairs(value: tuple[int, ...], size: int) -> str:
    return "".join([write_uint(v, 2) for v in value]).ljust(2 * size, "0")


def _read_entries(
    bits: str, at: int, ranges: Callable[[str, int], tuple[int, int]]
) -> tuple[tuple[Restriction, ...], int]:
    count, at, out = uint(bits, at, 12), at + 12, []
    for _ in range(count):
        purpose, kind = uint(bits, at, 6), uint(bits, at + 6, 2)
        mask, at = ranges(bits, at + 8)
        out.append((purpose, kind, mask))
    return tuple(out), at


def _write_entries(value: tuple[Restriction, ...], ranges: Callable[[int], str]) -> str:
    out = [write_uint(len(value), 12)]
    for purpose, kind, mask in value:
        out.append(write_uint(purpose, 6) + write_uint(kind, 2) + ranges(mask))
    return "".join(out)


def _read_restrictions(bits: str, at: int, size: int) -> tuple[tuple[Restriction, ...], int]:
    entries, at = _read_entries(bits, at, lambda b, i: fixed_ranges(b, i, ordered=True))
    merged: dict[tuple[int, int], int] = {}
    for purpose, kind, mask in entries:
        if mask:
            if not purpose or kind == 3:
                raise BadInput(f"purpose {purpose} with restriction type {kind} does not exist")
            merged[purpose, kind] = merged.get((purpose, kind), 0) | mask
    return tuple([(*key, mask) for key, mask in merged.items()]), at


def _loose(ranges: Callable[[str, int], tuple[int, int]]) -> Callable[[str, int, int], tuple[Any, int]]:
    # GPP: restrictions came late, so that a section which ends before them (or in them) has none.
    def read(bits: str, at: int, size: int) -> tuple[tuple[Restriction, ...], int]:
        try:
            return _read_entries(bits, at, ranges)
        except BadInput:
            return (), at

    return read


def _read_coded(bits: str, at: int, size: int = 0) -> tuple[int, int]:
    return optimized(bits, at, coded=True)


def _write_coded(mask: int, size: int = 0) -> str:
    return write_optimized(mask, coded=True)


def _show_tcf(value: tuple[Restriction, ...], size: int) -> list[dict[str, Any]]:
    return [{"purposeId": p, "type": k, "vendors": ids(m)} for p, k, m in value]


def _show_gpp(value: tuple[Restriction, ...], size: int) -> list[dict[str, Any]]:
    return [{"key": p, "type": k, "ids": ids(m)} for p, k, m in value]


def _write_restrictions(value: tuple[Restriction, ...], size: int) -> str:
    return _write_entries(value, write_fixed_ranges)


INT = Kind(lambda b, i, n: (uint(b, i, n), i + n), write_uint, _as_is, 0)
BOOL = Kind(lambda b, i, n: (uint(b, i, 1) == 1, i + 1), lambda v, n: "1" if v else "0", _as_is, False)
TIME = Kind(lambda b, i, n: (uint(b, i, 36) * 100_000, i + 36), lambda v, n: write_uint(v // 100_000, 36), _iso, None)
LETTERS = Kind(_read_letters, _write_word, _as_is, "")
WORD = Kind(_read_word, _write_word, _as_is, "")
COUNTRY = Kind(_read_country, _write_word, _as_is, "AA")
FLAGS = Kind(_read_flags, _write_flags, _flag_ids, 0)
BOOLS = FLAGS._replace(show=_bools)
PAIRS = Kind(_read_pairs, _write_pairs, lambda v, n: list(v) if v else [0] * n, ())
VENDORS = Kind(lambda b, i, n: optimized(b, i), lambda m, n: write_optimized(m), _ids, 0)
VENDORS_CODED = Kind(_read_coded, _write_coded, _ids, 0)
RESTRICTIONS = Kind(_read_restrictions, _write_restrictions, _show_tcf, ())
RESTRICTIONS_LOOSE = Kind(_loose(fixed_ranges), _write_restrictions, _show_gpp, ())
RESTRICTIONS_CODED = Kind(_loose(_read_coded), lambda v, n: _write_entries(v, _write_coded), _show_gpp, ())


def decode(bits: str, at: int, layout: Layout, into: MutableMapping[str, Any]) -> int:
    """Read LAYOUT from bit AT into INTO field by field and return where it ends.

    Raises BadInput naming the field; INTO then holds the fields before it.
    """
    for name, kind, size, _ in layout:
        try:
            into[name], at = kind.read(bits, at, into[size] if isinstance(size, str) else size)
        except BadInput as error:
            raise BadInput(error.what, where=name) from None
    return at


def _value(fields: Mapping[str, Any], field: Field) -> Any:
    absent = field.kind.absent if field.default is None else field.default
    return fields.get(field.name, absent)


def _size(fields: Mapping[str, Any], field: Field) -> int:
    return fields.get(field.size, 0) if isinstance(field.size, str) else field.size


def encode(fields: Mapping[str, Any], layout: Layout) -> str:
    """Return the bits of LAYOUT with the values of FIELDS, defaults where a field is absent."""
    out = []
    for field in layout:
        try:
            value = _value(fields, field)
            out.append(field.kind.write(0 if value is None else value, _size(fields, field)))
        except BadInput as error:
            raise BadInput(error.what, where=field.name) from None
    return "".join(out)


def plain(fields: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """Return FIELDS as JSON values: ids listed, times in ISO 8601, defaults where a field is absent."""
    return {f.name: f.kind.show(_value(fields, f), _size(fields, f)) for f in layout}
