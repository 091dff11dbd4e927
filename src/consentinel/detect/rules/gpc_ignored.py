"""Personal data went to a third party although Global Privacy Control was set and the law honours it."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick, starts_with, told_as

VERSION = "1"
PROOF = "P1"


def find(visits: pa.Table) -> pa.Table:
    """Return identifying data sent to third parties while GPC was on, where the policy takes it as an opt-out.

    To which recipients and of which data an opt-out reaches is the policy's to say.

    Source: Global Privacy Control specification (W3C), section on the meaning of the signal; Cal. Code Regs. tit. 11,
    section 7025.
    """
    opted_out = is_one_of(visits, "needs", ("opt_out",)) & flag(visits, "gpc")
    identifying = starts_with(
        visits, "type", "device.advertising_id", "device.id", "user.", "location.precise", "contact.", "fingerprint."
    )
    claims = pick(visits, flag(visits, "regulated") & opted_out & identifying)
    return told_as(claims, "consent_source", "gpc")
