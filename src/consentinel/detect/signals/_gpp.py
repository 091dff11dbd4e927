"""GPP strings: the header, the sections it announces, and their segments.

Source: IAB Tech Lab, Global Privacy Platform, "Consent String Specification". Section names and field names are those
of the reference implementation (npm @iabgpp/cmpapi).
"""

from collections.abc import Mapping
from typing import Any

from consentinel.core.errors import BadInput
from consentinel.detect.signals import _layout as kinds
from consentinel.detect.signals._bits import (
    MAX_CHARS,
    fibonacci_ranges,
    from_text,
    ids,
    to_text,
    write_fibonacci_ranges,
    write_uint,
)
from consentinel.detect.signals._gpp_sections import SECTIONS, Section
from consentinel.detect.signals._layout import Layout

__all__ = ["decode", "decode_section", "encode", "plain", "split"]

_USP = ("Notice", "OptOutSale", "LspaCovered")


def split(text: str) -> list[tuple[int, str]]:
    """Return the sections that the GPP string TEXT holds as (section number, section text).

    A bare TC string is one section 2. Raises BadInput where header and sections do not fit together.
    """
    where = "GPP string"
    if len(text) > MAX_CHARS:
        raise BadInput(f"it has {len(text)} characters, more than {MAX_CHARS}", where=where)
    if text.startswith("C"):
        return [(2, text)]
    if not text.startswith("DB"):
        raise BadInput("it starts with no GPP header of version 1", where=where)
    header, *parts = text.split("~")
    try:
        numbers = ids(fibonacci_ranges(from_text(header), 12)[0])
    except BadInput as error:
        raise BadInput(error.what, where="GPP header") from None
    if len(numbers) != len(parts):
        raise BadInput(f"the header announces {len(numbers)} sections, {len(parts)} follow", where=where)
    for number, part in zip(numbers, parts, strict=True):
        if not part.strip():
            raise BadInput("it is blank", where=f"section {number}")
    return list(zip(numbers, parts, strict=True))


def decode(text: str) -> dict[str, dict[str, Any]]:
    """Return the fields of each known section of the GPP string TEXT; sections this release does not know are left out.

    Raises BadInput naming section and field.
    """
    return {SECTIONS[n].name: decode_section(n, part) for n, part in split(text) if n in SECTIONS}


def decode_section(number: int, text: str, problems: list[str] | None = None) -> dict[str, Any]:
    """Return the fields of section NUMBER from its TEXT, those of absent segments left out.

    Raises BadInput naming section and field. Given PROBLEMS, it raises nothing: what is wrong is appended there, and
    the fields that could be read are returned.
    """
    section = SECTIONS[number]
    fields: dict[str, Any] = {}
    for place, part in enumerate(text.split(".")):
        try:
            if not section.segments:
                return _decode_usp(text.partition(".")[0])
            if section.typed and not part:
                continue
            if section.typed or place in section.segments:
                _decode_segment(section, place, part, fields)
        except BadInput as error:
            where = f"section {section.name}" + (f", {error.where}" if error.where else "")
            if problems is None:
                raise BadInput(error.what, where=where) from None
            problems.append(f"{where}: {error.what}")
    if section.name == "usnat" and fields.get("Version") == 1:
        # Version 1 has 12 and 2 of these; strings of both lengths carry its number.
        for name, items in (("SensitiveDataProcessing", 12), ("KnownChildSensitiveDataConsents", 2)):
            if name in fields:
                fields[name] = fields[name][:items]
    return fields


def _decode_segment(section: Section, place: int, part: str, fields: dict[str, Any]) -> None:
    bits = from_text(part)
    kind = int(bits[:3], 2) if section.typed else place
    if kind not in section.segments:
        raise BadInput(f"there is no segment type {kind}")
    layouts = section.segments[kind]
    if section.name == "usnat" and kind == 0:
        bits = _longer_usnat(bits)
    found = _fitting(bits, layouts) if len(layouts) > 1 else None
    if found is None:
        kinds.decode(bits, 0, layouts[0], fields)
    else:
        fields.update(found)


def _fitting(bits: str, layouts: tuple[Layout, ...]) -> dict[str, Any] | None:
    """Return the fields by the first layout that writes the BITS it read; None where none does."""
    for layout in layouts:
        found: dict[str, Any] = {}
        try:
            kinds.decode(bits, 0, layout, found)
            if bits.startswith(kinds.encode(found, layout)):
                return found
        except BadInput:
            continue
    return None


def _longer_usnat(bits: str) -> str:
    """Return the core of the shorter, older US national section at the length of the newer one.

    Its length tells, not its version: encoders wrote the longer form with version 1 for a while.
    """
    if len(bits) in (60, 66):
        return f"{bits[:48]}00000000{bits[48:52]}00{bits[52:62].ljust(10, '0')}"
    return bits


def _decode_usp(text: str) -> dict[str, Any]:
    if len(text) != 4:
        raise BadInput(f"it has {len(text)} characters, not 4")
    version = int(text[0]) if text[0] in "0123456789" else None
    return {"Version": version, **dict(zip(_USP, text[1:], strict=True))}


def encode(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return SECTIONS, fields by section name, as a GPP string.

    The first segment of each section is written, and each other one of which a field is given. Raises BadInput naming
    section and field whose value does not fit.
    """
    mask, parts = 0, []
    for number, section in SECTIONS.items():
        if section.name in sections:
            mask |= 1 << number
            try:
                parts.append(_encode_section(section, sections[section.name]))
            except BadInput as error:
                raise BadInput(error.what, where=f"section {section.name}, {error.where}") from None
    header = write_uint(3, 6) + write_uint(1, 6) + write_fibonacci_ranges(mask)
    return "~".join([to_text(header, 8), *parts])


def _encode_section(section: Section, fields: Mapping[str, Any]) -> str:
    if not section.segments:
        return f"{fields.get('Version', 1)}" + "".join([fields.get(name, "-") for name in _USP])
    parts = []
    for kind, (layout, *_) in section.segments.items():
        if kind == 0 or any(f.name in fields for f in layout):
            bits = kinds.encode(fields, layout)
            if section.name == "usnat" and kind == 0 and fields.get("Version") == 1:
                bits = bits[:48] + bits[56:60] + bits[62:]
            parts.append(to_text(bits, section.multiple))
    return ".".join(parts)


def plain(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return SECTIONS as JSON values, with the defaults of the reference for absent segments."""
    out: dict[str, dict[str, Any]] = {}
    for section in SECTIONS.values():
        fields = sections.get(section.name)
        if fields is not None:
            shown = [kinds.plain(fields, layouts[0]) for layouts in section.segments.values()]
            out[section.name] = {k: v for part in shown for k, v in part.items()} if shown else dict(fields)
    return out
