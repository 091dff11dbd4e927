"""Something that is not strictly necessary was stored on the device before or against consent."""

import pyarrow as pa

from consentinel.detect.rules._select import flag, is_one_of, pick, starts_with, told_as

VERSION = "1"
PROOF = "P4"
IDENTIFYING = ("device.advertising_id", "device.id", "user.id", "contact.", "location.precise")


def find(visits: pa.Table) -> pa.Table:
    """Return the writes of cookies and local storage, by any party, under names that are not strictly necessary.

    Identifiers and contact data keep their type; other contents do not change what the law asks and are told alike.
    """
    stored = is_one_of(visits, "action", ("stored",)) & is_one_of(visits, "needs", ("opt_in",))
    claims = pick(visits, stored & ~flag(visits, "necessary"))
    return told_as(claims, "type", None, ~starts_with(claims, "type", *IDENTIFYING))
