"""Identifiers were sent although Google Consent Mode says that the storage they need is denied."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick, starts_with, told_as

VERSION = "1"
PROOF = "P1"


def find(visits: pa.Table) -> pa.Table:
    """Return identifiers, contact data and precise locations sent while `gcs` or `gcd` deny the storage.

    Consent Mode's own promise: with a storage denied, pings carry no identifier that is kept on the device.
    """
    identifying = is_one_of(visits, "type", ("device.advertising_id", "device.id", "user.id", "location.precise"))
    identifying |= starts_with(visits, "type", "contact.")
    claims = pick(visits, flag(visits, "regulated") & identifying & flag(visits, "mode_denies"))
    return told_as(claims, "consent_source", "consent_mode")
