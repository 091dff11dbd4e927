"""TC strings, version 2 (TCF 2.0 to 2.4): core, disclosed vendors, allowed vendors and publisher TC segments.

Field names are those of the reference implementation's model (npm @iabtechlabtcf/core, TCModel).
Source: IAB Tech Lab, "Consent string and vendor list formats v2", the TC string.
"""

from collections.abc import Mapping
from typing import Any

from consentinel.core.errors import BadInput
from consentinel.detect.signals import _layout as kinds
from consentinel.detect.signals._bits import MAX_CHARS, from_text, to_text, write_uint
from consentinel.detect.signals._layout import Field, Layout

__all__ = ["decode", "encode", "plain"]

_CORE: Layout = (
    Field("version", kinds.INT, 6, 2),
    Field("created", kinds.TIME),
    Field("lastUpdated", kinds.TIME),
    Field("cmpId", kinds.INT, 12),
    Field("cmpVersion", kinds.INT, 12),
    Field("consentScreen", kinds.INT, 6),
    Field("consentLanguage", kinds.LETTERS, 2, "EN"),
    Field("vendorListVersion", kinds.INT, 12),
    Field("policyVersion", kinds.INT, 6, 5),
    Field("isServiceSpecific", kinds.BOOL, 1, True),
    Field("useNonStandardTexts", kinds.BOOL),
    Field("specialFeatureOptins", kinds.FLAGS, 12),
    Field("purposeConsents", kinds.FLAGS, 24),
    Field("purposeLegitimateInterests", kinds.FLAGS, 24),
    Field("purposeOneTreatment", kinds.BOOL),
    Field("publisherCountryCode", kinds.COUNTRY, 2),
    Field("vendorConsents", kinds.VENDORS),
    Field("vendorLegitimateInterests", kinds.VENDORS),
    Field("publisherRestrictions", kinds.RESTRICTIONS),
)
_DISCLOSED: Layout = (Field("vendorsDisclosed", kinds.VENDORS),)
_ALLOWED: Layout = (Field("vendorsAllowed", kinds.VENDORS),)
_PUBLISHER: Layout = (
    Field("publisherConsents", kinds.FLAGS, 24),
    Field("publisherLegitimateInterests", kinds.FLAGS, 24),
    Field("numCustomPurposes", kinds.INT, 6),
    Field("publisherCustomConsents", kinds.FLAGS, "numCustomPurposes"),
    Field("publisherCustomLegitimateInterests", kinds.FLAGS, "numCustomPurposes"),
)
# By the three bits that open a segment; the core has none, its version is written in six bits instead.
_SEGMENTS = {
    0: ("core segment", _CORE),
    1: ("disclosed vendors segment", _DISCLOSED),
    2: ("allowed vendors segment", _ALLOWED),
    3: ("publisher TC segment", _PUBLISHER),
}
_VENDOR_SETS = ("vendorConsents", "vendorLegitimateInterests", "vendorsDisclosed", "vendorsAllowed")


def decode(text: str, problems: list[str] | None = None) -> dict[str, Any]:
    """Return the fields of the TC string TEXT, those of absent segments left out.

    Raises BadInput naming segment and field. Given PROBLEMS, it raises nothing: what is wrong is appended there, and
    the fields that could be read are returned.
    """
    fields: dict[str, Any] = {}
    if len(text) > MAX_CHARS:
        _tell(BadInput(f"it has {len(text)} characters, more than {MAX_CHARS}", where="TC string"), problems)
        return fields
    for part in text.split("."):
        try:
            _decode_segment(part, fields)
        except BadInput as error:
            _tell(error, problems)
    for name in _VENDOR_SETS:
        if fields.get(name, 0) & 1:
            _tell(BadInput("it lists vendor 0, which does not exist", where=f"TC string, {name}"), problems)
    if fields.get("cmpId", 2) < 2:
        _tell(BadInput(f"{fields['cmpId']} is no CMP's number", where="TC string, cmpId"), problems)
    return fields


def _tell(error: BadInput, problems: list[str] | None) -> None:
    if problems is None:
        raise error
    problems.append(str(error))


def _decode_segment(part: str, fields: dict[str, Any]) -> None:
    where = "TC string"
    try:
        bits = from_text(part)
        kind = int(bits[:3], 2)
        if kind not in _SEGMENTS:
            raise BadInput(f"there is no segment type {kind}")
        where, layout = _SEGMENTS[kind]
        if layout is _CORE and bits[:6] != "000010":
            raise BadInput(f"version {int(bits[:6], 2)} is not version 2")
        kinds.decode(bits, 0 if layout is _CORE else 3, layout, fields)
    except BadInput as error:
        raise BadInput(error.what, where=f"{where}, {error.where}" if error.where else where) from None


def encode(fields: Mapping[str, Any]) -> str:
    """Return FIELDS as a TC string: the core, then each other segment of which a field is given.

    Raises BadInput naming the field whose value does not fit.
    """
    parts = []
    for kind, (_, layout) in _SEGMENTS.items():
        if layout is _CORE:
            parts.append(to_text(kinds.encode(fields, layout), 24))
        elif any(f.name in fields for f in layout):
            parts.append(to_text(write_uint(kind, 3) + kinds.encode(fields, layout), 24))
    return ".".join(parts)


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return FIELDS as JSON values, with the defaults of the reference for absent segments."""
    return {name: value for _, layout in _SEGMENTS.values() for name, value in kinds.plain(fields, layout).items()}
