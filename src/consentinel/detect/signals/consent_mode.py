"""Google Consent Mode: gcs, gcd and npa as sent to Google's collection addresses.

Google publishes the four consent types but not how gcs and gcd encode them. What is read here rests on public
explanations by practitioners, checked against each other (2023 to 2025):

gcs, "G1" and two signs. The first is ad_storage (1 granted, 0 denied, - not set), on which they agree. They do not
agree on the sign after it, usually given as analytics_storage: it is treated as unknown, gcd states it better.

gcd, "1" and then a separator and a letter for each of ad_storage, analytics_storage, ad_user_data and
ad_personalization, then flags that are not read. A letter tells the default and the later update; the update wins.
The nine letters of the table are explained alike by consent-platform vendors' help pages and fit the one numbering
found in analyses of the tag itself (two bits each: 1 not set, 2 denied, 3 granted). Any other letter is unknown.
"Granted" includes granted by default, before the person did anything.

npa, 1 asks for ads that are not personalised; 0 grants nothing. gcut, dma and dma_cps have no agreed public meaning
and are not read.
"""

import re
from typing import Any

from consentinel.detect.signals._reading import Reading, unfilled

__all__ = ["GCD", "KEYS", "read"]

KEYS: tuple[str, ...] = ("gcd", "gcs", "npa", "x-ga-gcd", "x-ga-gcs")
# Letter: (default, update); True granted, False denied, None not set.
GCD: dict[str, tuple[bool | None, bool | None]] = {
    "l": (None, None),
    "m": (None, False),
    "n": (None, True),
    "p": (False, None),
    "q": (False, False),
    "r": (False, True),
    "t": (True, None),
    "u": (True, False),
    "v": (True, True),
}
_TYPES = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
_GCS = re.compile(r"G1([01-])[01-]").fullmatch
_GCD = re.compile(r"1[0-9A-Za-z_-]{8,15}").fullmatch
_SIGN = {"1": True, "0": False, "-": None}


def read(key: str, text: str) -> Reading | None:
    """Return what the value TEXT found under KEY says in Consent Mode; None where it is no such signal."""
    text = text.strip()
    if unfilled(text):
        return Reading("consent_mode", "malformed", "the sender left a placeholder unfilled")
    if key.endswith("gcs"):
        return _read_gcs(text)
    if key.endswith("gcd"):
        return _read_gcd(text)
    if key == "npa" and text in ("0", "1"):
        return Reading("consent_mode", "ok", ad_personalization=False if text == "1" else None)
    return None


def _read_gcs(text: str) -> Reading | None:
    found = _GCS(text)
    if found:
        return Reading("consent_mode", "ok", ad_storage=_SIGN[found[1]])
    if re.fullmatch(r"G[0-9-]{1,8}", text):
        return Reading("consent_mode", "malformed", "it is not G1 and two signs of 0, 1 or -")
    return None


def _read_gcd(text: str) -> Reading | None:
    if not _GCD(text):
        if re.fullmatch(r"1[0-9][0-9a-z]{1,8}", text):
            return Reading("consent_mode", "malformed", "it is too short for four consent types")
        return None
    letters = text[2:9:2]
    states: dict[str, Any] = {name: _effective(letter) for name, letter in zip(_TYPES, letters, strict=True)}
    strange = [name for name, letter in zip(_TYPES, letters, strict=True) if letter not in GCD]
    if len(strange) == len(_TYPES):
        return Reading("consent_mode", "malformed", "none of its letters has a public meaning")
    reason = f"no public meaning is known for the letter of {', '.join(strange)}" if strange else ""
    return Reading("consent_mode", "partial" if strange else "ok", reason, **states)


def _effective(letter: str) -> bool | None:
    default, update = GCD.get(letter, (None, None))
    return default if update is None else update
