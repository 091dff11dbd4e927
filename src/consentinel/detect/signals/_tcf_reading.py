"""What a TC string says, as a Reading: shared by the TCF part and the TCF section of the GPP part."""

from collections.abc import Mapping
from typing import Any

from consentinel.detect.signals._tcstring import decode

__all__ = ["read_tc"]


def read_tc(text: str, problems: list[str]) -> dict[str, Any] | None:
    """Return what the TC string TEXT says, as arguments of a Reading; None where no purpose could be read.

    What is wrong with the text is appended to PROBLEMS.
    """
    fields = decode(text, problems)
    if "purposeConsents" not in fields:
        if not problems:
            problems.append("TC string: it has no core segment")
        return None
    restrictions: dict[tuple[int, int], int] = {}
    for purpose, kind, mask in fields.get("publisherRestrictions", ()):
        restrictions[purpose, kind] = restrictions.get((purpose, kind), 0) | mask
    return {
        "purposes_consent": fields["purposeConsents"],
        "purposes_li": fields.get("purposeLegitimateInterests"),
        "special": fields.get("specialFeatureOptins"),
        "vendors_consent": _vendors(fields, "vendorConsents"),
        "vendors_li": _vendors(fields, "vendorLegitimateInterests"),
        "vendors_disclosed": _vendors(fields, "vendorsDisclosed"),
        "restrictions": tuple([(p, k, _bytes(mask)) for (p, k), mask in sorted(restrictions.items())]),
        "policy_version": fields["policyVersion"],
        "cmp_id": fields["cmpId"],
        "created": fields["created"],
        "updated": fields["lastUpdated"],
    }


def _vendors(fields: Mapping[str, Any], name: str) -> bytes | None:
    return _bytes(fields[name]) if name in fields else None


def _bytes(mask: int) -> bytes:
    mask >>= 1
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
