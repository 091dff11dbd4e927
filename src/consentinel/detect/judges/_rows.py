"""What judges are asked and what they answer, as Arrow schemas: nothing that names a host, a site or a path."""

import pyarrow as pa

__all__ = ["ANSWER", "CLAIM_ROWS", "COOKIE_ROWS", "DATUM_ANSWER", "DATUM_ROWS", "PURPOSE_ROWS", "TYPES"]

TYPES = (
    "contact.email", "contact.email_hashed", "contact.name", "contact.phone", "contact.phone_hashed",
    "device.advertising_id", "device.browser", "device.hardware", "device.id", "device.ip", "device.locale",
    "device.network", "device.os", "device.screen", "device.time_zone", "fingerprint.surface", "location.coarse",
    "location.precise", "user.id",
)  # fmt: skip

_LABEL = pa.dictionary(pa.int32(), pa.string())

# One distinct datum: the path of inner names (lower case, joined by dots), where it stood, the shape of its value
# (core/mask.py), and what the recognisers said of it (null: nothing).
DATUM_ROWS = pa.schema(
    [("key", _LABEL), ("carrier", _LABEL), ("shape", _LABEL), ("type", _LABEL), ("type_p", pa.float32())]
)

# One pair of a sender (subject) and a recipient: everything that went there. Subject and recipient only say which rows
# belong together; no judge may look at their text.
PURPOSE_ROWS = pa.schema(
    [
        ("subject", pa.string()),
        ("recipient", pa.string()),
        ("methods", pa.list_(pa.string())),
        ("resource_types", pa.list_(pa.string())),
        ("keys", pa.list_(pa.string())),
        ("types", pa.list_(pa.string())),
        ("carriers", pa.list_(pa.string())),
        ("n_requests", pa.int64()),
    ]
)

# One cookie that is stored or sent.
COOKIE_ROWS = pa.schema(
    [
        ("name", pa.string()),
        ("shape", pa.string()),  # of its value (core/mask.py)
        ("length", pa.int64()),
        ("entropy", pa.float32()),  # bits a character
        ("lifetime_s", pa.int64()),  # null: until the browser closes
        ("party", pa.string()),  # first or third
    ]
)

# One possible claim: a data type that went from a subject to a recipient under one state of consent.
CLAIM_ROWS = pa.schema(
    [
        ("subject", pa.string()),
        ("recipient", pa.string()),
        ("type", pa.string()),
        ("consent_state", pa.string()),
        ("needs", pa.string()),  # the purpose that the policy asks consent for
        ("party", pa.string()),
        ("purpose", pa.string()),
        ("purpose_p", pa.float32()),  # of a purpose that a model told; null where the entity map did, or nobody
        ("p_type", pa.float32()),  # the highest over the data of the claim
        ("n_fields", pa.int64()),
        ("n_requests", pa.int64()),
        ("n_visits", pa.int64()),
        ("share_of_visits", pa.float32()),
        ("n_digests", pa.int64()),
        ("stable_in_visit", pa.float32()),  # share of visits with one digest only
        ("stable_over_visits", pa.float32()),  # share of visits with the most frequent digest
        ("joinable", pa.float32()),  # share of digests that also went elsewhere or stand in first-party storage
        ("entropy", pa.float32()),  # bits a character
        ("length", pa.float32()),
        ("proof", pa.string()),
        ("rule_outcome", pa.string()),  # what the rules found; null where none claims it
        ("outcome", pa.string()),  # what policy and consent say if data of the type went there
        ("category", pa.string()),  # of the recipient in the entity map; for baselines, models do not look at it
        ("key", pa.string()),  # the field that tells most
        ("carrier", pa.string()),  # where that field stood
        ("in_storage", pa.float32()),  # share of its (visit, digest) pairs that stand in storage in that visit
        ("called_so", pa.float32()),  # share of the fields that held the same values anywhere and are of this type
        ("alike", pa.int64()),  # recipients that got its most shared digest
        ("spread", pa.float32()),  # share of all visits of the scan that have its most frequent digest
        ("varies", pa.float32()),  # digests a visit of the field at this recipient, in all states of consent
        ("kinds", pa.int64()),  # data types that the recipient got in that state
    ]
)

# What every judge answers, one row a row: see core/contracts.py.
ANSWER = pa.schema([("label", pa.string()), ("p", pa.float32()), ("undecided", pa.bool_()), ("why", pa.string())])

# A datum may be of several types: `types` are those at or above their thresholds, the most probable first, and beside
# them stands the probability of every type, in a column of its name.
DATUM_ANSWER = pa.schema(
    [
        *ANSWER,
        ("types", pa.list_(pa.string())),
        ("types_p", pa.list_(pa.float32())),
        *((t, pa.float32()) for t in TYPES),
    ]
)
