"""A precise location reached a third party before, without or against consent."""

import pyarrow as pa

from consentinel.detect.rules._select import is_one_of, pick, sent_out

VERSION = "1"
PROOF = "P4"


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings of coordinates (about 100 m or finer) sent to third parties."""
    return pick(visits, sent_out(visits) & is_one_of(visits, "type", ("location.precise",)))
