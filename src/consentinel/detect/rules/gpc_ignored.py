"""Personal data went to an advertising, social or analytics third party although Global Privacy Control was set."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick, starts_with, told_as

VERSION = "1"
PROOF = "P1"
PURPOSES = ("advertising", "social", "analytics", "tag_management")


def find(visits: pa.Table) -> pa.Table:
    """Return identifying data sent to such recipients while GPC was on, where the policy honours an opt-out.

    Source: Global Privacy Control specification (W3C), section on the meaning of the signal; Cal. Code Regs. tit. 11,
    section 7025.
    """
    opted_out = is_one_of(visits, "needs", ("opt_out",)) & flag(visits, "gpc")
    identifying = starts_with(
        visits, "type", "device.advertising_id", "device.id", "user.", "location.precise", "contact.", "fingerprint."
    )
    claims = pick(visits, flag(visits, "regulated") & opted_out & identifying & is_one_of(visits, "purpose", PURPOSES))
    return told_as(claims, "consent_source", "gpc")
