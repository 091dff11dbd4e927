"""Contact data, plain or hashed, reached a third party before, without or against consent."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, pick, starts_with

VERSION = "1"
PROOF = "P4"


def find(visits: pa.Table) -> pa.Table:
    """Return the sightings of e-mail addresses, phone numbers and names, plain or hashed, sent to third parties.

    A hashed address is still personal data: whoever holds the address computes the same hash (Article 29 Working
    Party, Opinion 05/2014 on anonymisation techniques, section 4).
    """
    return pick(visits, flag(visits, "regulated") & starts_with(visits, "type", "contact."))
