"""A coarse location, such as a city or a postal code, reached a third party before, without or against consent."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick

VERSION = "1"
PROOF = "P4"


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings of places coarser than about 1 km sent to third parties."""
    return pick(visits, flag(visits, "regulated") & is_one_of(visits, "type", ("location.coarse",)))
