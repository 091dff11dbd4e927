"""A fingerprint surface, or enough device properties to make one, reached a third party without consent."""

import numpy as np
import pyarrow as pa

from consentinel.core.columns import floats, ints
from consentinel.detect.rules._select import by_label, codes, flag, is_one_of, pick, starts_with, told_as

VERSION = "2"
PROOF = "P4"
TOGETHER = 4  # distinct kinds of device property that one recipient got in one visit
PROPERTIES = (
    "device.hardware", "device.screen", "device.os", "device.browser", "device.locale", "device.time_zone",
    "device.network",
)  # fmt: skip


def find(visits: pa.Table) -> pa.Table:
    """Return sightings of canvas, WebGL, audio or font surfaces, and of device properties sent together.

    A single property such as the language says little; several together single a browser out (Eckersley, "How unique
    is your web browser?", PETS 2010). What a browser puts into the headers of every request is not counted: the
    recipient did not ask for it. A datum that tells several properties, as a browser's name does, counts as the most
    probable of them: bids carry four properties in three fields, and are no fingerprint yet. All are told as one
    fingerprint surface.
    """
    out = flag(visits, "regulated") & ~is_one_of(visits, "carrier", ("header",))
    surface = out & starts_with(visits, "type", "fingerprint.")
    part = np.flatnonzero(out & is_one_of(visits, "type", PROPERTIES))
    if len(part):
        who = codes(visits, "recipient")
        recipient = codes(visits, "visit_id")[part] * (int(who.max()) + 2) + who[part] + 1
        kinds = codes(visits, "type")[part]
        enough = np.isin(recipient, _many(recipient, kinds))
        part, recipient, kinds = part[enough], recipient[enough], kinds[enough]
        first = _told_once(visits, part, recipient)
        surface[part[np.isin(recipient, _many(recipient[first], kinds[first]))]] = True
    return told_as(pick(visits, surface), "type", "fingerprint.surface")


def _many(recipient: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return the recipients that got enough distinct kinds together."""
    n = int(kinds.max(initial=0)) + 1
    many, n_kinds = np.unique(np.unique(recipient * n + kinds) // n, return_counts=True)
    return many[n_kinds >= TOGETHER]


def _told_once(visits: pa.Table, part: np.ndarray, recipient: np.ndarray) -> np.ndarray:
    """Return which of the rows PART to keep so that every datum has one: that of its most probable type."""
    field = codes(visits, "key")[part]
    listed = by_label(visits, "key", lambda key: key.endswith("[]"))[part]  # one name for several data
    field = np.where(listed, -2 - np.arange(len(part)), field)
    datum = np.column_stack([recipient, ints(visits["seq"], -1)[part], field])
    order = np.lexsort((-floats(visits["type_p"])[part], *datum.T))
    return order[np.append(True, (datum[order][1:] != datum[order][:-1]).any(axis=1))] if len(order) else order
