"""IAB TCF: the TC string and the flag that says whether the GDPR applies.

The string is read as version 2 of the format, TCF 2.0 to 2.4; version 1 ended in 2020 and is reported as malformed.
Source: IAB Tech Lab, "Consent string and vendor list formats v2" and "CMP API v2" (names in storage and in requests).
"""

import re

from consentinel.detect.signals._reading import Reading, unfilled
from consentinel.detect.signals._tcf_reading import read_tc

__all__ = ["KEYS", "read"]

_FLAGS = ("gdpr", "gdpr_applies", "gdprapplies", "iabtcf_gdprapplies")
_STRINGS = (
    "consent_string",
    "consentstring",
    "euconsent-v2",
    "euconsent_v2",
    "eupubconsent-v2",
    "gdpr_consent",
    "gdpr_consent_string",
    "gdpr_string",
    "gdprconsent",
    "gdprconsentstring",
    "gdprstring",
    "iabtcf_tcstring",
    "tc_string",
    "tcf_consent",
    "tcf_string",
    "tcfstring",
    "tcstring",
)
_SHARED = ("cmp_consent", "consent", "consentdata", "cs", "iab", "iab_consent", "tc", "tcf")
KEYS: tuple[str, ...] = (*_FLAGS, *_STRINGS, *_SHARED)  # shared keys also carry what is no TC string
_OWN = frozenset(_STRINGS)
_BOOLS = {"1": True, "true": True, "0": False, "false": False}
_SHAPE = re.compile(r"[A-Za-z0-9_.-]+").fullmatch
_SHORTEST = 20  # characters; a core segment alone has 44, cut-off ones have fewer


def read(key: str, text: str) -> Reading | None:
    """Return what the value TEXT found under KEY says about TCF consent; None where it is no such signal."""
    text = text.strip()
    if unfilled(text):
        return None if key in _SHARED else Reading("tcf", "malformed", "the sender left a placeholder unfilled")
    if key in _FLAGS and text.lower() in _BOOLS:
        return Reading("tcf", "ok", gdpr_applies=_BOOLS[text.lower()])
    if len(text) < _SHORTEST:
        return None
    if not text.startswith("C") or not _SHAPE(text):
        return Reading("tcf", "malformed", "it is no TC string of version 2") if key in _OWN else None
    problems: list[str] = []
    said = read_tc(text, problems)
    if problems and key not in _OWN:
        return None
    if said is None:
        return Reading("tcf", "malformed", problems[0])
    return Reading("tcf", "partial" if problems else "ok", problems[0] if problems else "", **said)
