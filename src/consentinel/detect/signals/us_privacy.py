"""IAB US Privacy: the four-character string of the CCPA.

A specification version, then notice given, opted out of sale, and covered by the service-provider agreement, each
Y, N or - (not applicable). Source: IAB Tech Lab, "U.S. Privacy String", version 1 (deprecated in 2024, still sent).
"""

import re

from consentinel.detect.signals._reading import Reading, unfilled

__all__ = ["KEYS", "read"]

KEYS: tuple[str, ...] = (
    "ccpa",
    "iabusprivacy_string",
    "us_privacy",
    "us_privacy_string",
    "usp",
    "usp_consent",
    "usp_string",
    "usprivacy",
    "usprivacystring",
    "uspstring",
)
_SHAPE = re.compile(r"[0-9][A-Za-z-]{3}").fullmatch
_OPT_OUT = {"Y": True, "N": False, "-": None}


def read(key: str, text: str) -> Reading | None:
    """Return what the value TEXT found under KEY says about the sale of data; None where it is no such signal."""
    text = text.strip().upper()
    if unfilled(text):
        return Reading("us_privacy", "malformed", "the sender left a placeholder unfilled")
    if not _SHAPE(text):
        return None
    if text[0] != "1":
        return Reading("us_privacy", "malformed", f"version {text[0]} does not exist")
    if not set(text[1:]) <= set("YN-"):
        return Reading("us_privacy", "malformed", "a character after the version is not Y, N or -")
    return Reading("us_privacy", "ok", sale_opt_out=_OPT_OUT[text[2]])
