"""Global Privacy Control: the browser's request not to sell or share personal data.

The header is sent as 1 or not at all, so that another value of it is malformed; the script property is true or false.
Source: W3C, "Global Privacy Control (GPC)", the Sec-GPC header and navigator.globalPrivacyControl.
"""

from consentinel.detect.signals._reading import Reading

__all__ = ["KEYS", "read"]

KEYS: tuple[str, ...] = ("globalprivacycontrol", "gpc", "gpc_signal", "sec-gpc")
_BOOLS = {"1": True, "true": True, "0": False, "false": False}


def read(key: str, text: str) -> Reading | None:
    """Return what the value TEXT found under KEY says about GPC; None where it is no such signal."""
    value = _BOOLS.get(text.strip().strip('"').lower())
    if key == "sec-gpc" and text.strip() != "1":
        return Reading("gpc", "malformed", "the header has another value than 1")
    return None if value is None else Reading("gpc", "ok", gpc=value)
