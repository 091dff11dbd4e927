"""A device or user identifier reached a third party before, without or against consent."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick

VERSION = "1"
PROOF = "P4"
TYPES = ("device.id", "user.id", "device.ip")


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings of identifiers of a device, browser or account sent to third parties."""
    return pick(visits, flag(visits, "regulated") & is_one_of(visits, "type", TYPES))
