"""Personal data was sent although the TC string in force denies the purpose or the vendor."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, pick, starts_with, told_as

VERSION = "1"
PROOF = "P1"


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings sent to third parties whose purposes or vendor id the decoded TC string denies.

    Source: IAB Europe TCF Policies, chapter III (vendors), and the TC string format.
    """
    personal = starts_with(
        visits, "type", "device.advertising_id", "device.id", "user.", "location.precise", "contact."
    )
    surface = starts_with(visits, "type", "fingerprint.")
    claims = pick(visits, flag(visits, "regulated") & (personal | surface) & flag(visits, "tcf_denies"))
    return told_as(claims, "consent_source", "tcf")
