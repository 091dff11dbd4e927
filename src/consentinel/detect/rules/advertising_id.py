"""An advertising id reached a third party before, without or against consent."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick

VERSION = "1"
PROOF = "P4"


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings of advertising ids (GAID, IDFA, click ids, ids of ad cookies) sent to third parties."""
    return pick(visits, flag(visits, "regulated") & is_one_of(visits, "type", ("device.advertising_id",)))
