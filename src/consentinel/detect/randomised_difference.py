"""What a third party got depends on a property that was drawn at random for each visit.

This is the rule that retells what `difference` has shown. It is no part on the shelf of rules: a rule there sees the
visits of one batch, and a dependence is only seen across all repeats.
"""

import pyarrow as pa

from consentinel.detect.rules._select import flag, pick

VERSION = "1"
PROOF = "P2"


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings of dependent data sent to third parties; only such data is given."""
    return pick(visits, flag(visits, "regulated"))
