"""IAB GPP: the string that holds a section for each privacy law, and the list of sections in force.

The TCF-EU section fills purposes and vendors. The US sections fill the opt-outs: one section that opts out is enough.
The Canadian section is named but not mapped: express and implied consent under Canadian law are no GDPR legal bases.
Source: IAB Tech Lab, Global Privacy Platform, "Consent String Specification" and "Sections".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from consentinel.core.errors import BadInput
from consentinel.detect.signals._gpp import decode_section, split
from consentinel.detect.signals._gpp_sections import SECTIONS
from consentinel.detect.signals._reading import Reading, unfilled
from consentinel.detect.signals._tcf_reading import read_tc

__all__ = ["KEYS", "read"]

_LISTS = ("gpp_sid", "gppsid", "iabgpp_gppsid")
KEYS: tuple[str, ...] = (
    *_LISTS,
    "__gpp",
    "gpp",
    "gpp_consent",
    "gpp_string",
    "gppconsent",
    "gppstring",
    "iabgpp_hdr_gppstring",
)
_SID = re.compile(r"\[?-?\d{1,3}(?:[,_.|;]-?\d{1,3}){0,40}\]?").fullmatch
_OPT_OUTS = {"SaleOptOut": "sale_opt_out", "SharingOptOut": "sharing_opt_out"}
_OPT_OUTS["TargetedAdvertisingOptOut"] = "targeted_opt_out"
_USP = {"Y": True, "N": False}


def read(key: str, text: str) -> Reading | None:
    """Return what the value TEXT found under KEY says in GPP; None where it is no such signal."""
    text = text.strip()
    if unfilled(text):
        return Reading("gpp", "malformed", "the sender left a placeholder unfilled")
    if key in _LISTS:
        return _read_list(text) if _SID(text) else None
    if not text.startswith(("DB", "C")) or len(text) < 4:
        return Reading("gpp", "malformed", "it starts with no GPP header of version 1") if "~" in text else None
    if text.startswith("C") and len(text) < 20:
        return None
    try:
        parts = split(text)
    except BadInput as error:
        return Reading("gpp", "malformed", str(error))
    return _read_sections(parts)


def _read_list(text: str) -> Reading:
    numbers = [int(n) for n in re.findall(r"-?\d+", text)]
    named = tuple([_name(n) for n in numbers if n > 0])
    return Reading("gpp", "ok", gdpr_applies=True if 2 in numbers else None, sections=named)


def _name(number: int) -> str:
    return SECTIONS[number].name if number in SECTIONS else f"section {number}"


def _read_sections(parts: list[tuple[int, str]]) -> Reading:
    problems: list[str] = []
    said: dict[str, Any] = {}
    stated: list[dict[str, bool]] = []
    for number, part in parts:
        if number == 2:
            said = read_tc(part, problems) or {}
        elif number in SECTIONS:
            stated.append(_us(_name(number), decode_section(number, part, problems), problems))
    said |= {name: any(values) for name, values in _gather(stated).items()}
    readable = bool(said) or not problems
    return Reading(
        "gpp",
        ("partial" if problems else "ok") if readable else "malformed",
        problems[0] if problems else "",
        sections=tuple([_name(number) for number, _ in parts]),
        **said,
    )


def _gather(stated: Iterable[Mapping[str, bool]]) -> dict[str, list[bool]]:
    out: dict[str, list[bool]] = {}
    for one in stated:
        for name, value in one.items():
            out.setdefault(name, []).append(value)
    return out


def _us(section: str, fields: Mapping[str, Any], problems: list[str]) -> dict[str, bool]:
    """Return the opt-outs and the GPC that one US section states: 0 not applicable, 1 opted out, 2 did not."""
    out: dict[str, bool] = {}
    if section == "uspv1" and fields.get("OptOutSale") in _USP:
        out["sale_opt_out"] = _USP[fields["OptOutSale"]]
    for name, column in _OPT_OUTS.items():
        value = fields.get(name, 0)
        if value == 3:
            problems.append(f"section {section}, {name}: 3 is no value of it")
        elif value:
            out[column] = value == 1
    if "Gpc" in fields and fields["GpcSegmentType"] == 1:
        out["gpc"] = fields["Gpc"]
    elif "Gpc" in fields:
        problems.append(f"section {section}: its second segment is no GPC segment")
    return out
