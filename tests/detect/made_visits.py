"""Small VISITS, DATA and CONSENT tables, and what a rule and the judge make of them."""

from functools import cache
from typing import Any

import pyarrow as pa

from consentinel.core.tables import CONSENT, DATA, VISITS, check
from consentinel.detect.consent import FOREVER
from consentinel.detect.judge import judge_visits
from consentinel.detect.policy import Policy, load
from consentinel.detect.shelves import RULES
from consentinel.detect.sightings import Sighter

T0 = 1_760_000_000_000_000  # 2025-10-09, microseconds
SITE = "shop.test"
AD, VENDOR = "adnxs.com", 32  # advertising, with its id on the vendor list
OTHER_AD = "criteo.com"
ANALYTICS = "hotjar.com"
HOSTING = "unpkg.com"
UNKNOWN = "collector.test"
EVERY_PURPOSE = (1 << 11) - 1

Row = dict[str, Any]
BEFORE = {"source": "cmp", "state": "unset"}
DENIED = {"source": "cmp", "state": "denied"}
GRANTED = {"source": "cmp", "state": "granted"}
GPC = {"source": "gpc", "gpc": True}


def bits(*ids: int) -> bytes:
    """Return a set of ids as TCF columns hold it."""
    mask = sum(1 << (i - 1) for i in ids)
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def tcf(purposes: int = EVERY_PURPOSE, vendors: tuple[int, ...] = (VENDOR,), **more: Any) -> Row:
    """Return a CONSENT row of a TC string that grants PURPOSES (a mask) to VENDORS."""
    plain = {"purposes_consent": purposes, "purposes_li": 0, "vendors_consent": bits(*vendors), "vendors_li": b""}
    return {"source": "tcf", **plain, **more}


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"no such columns: {unknown}"
    kinds = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in schema]
    columns = [pa.array([row.get(f.name) for row in rows], kind) for f, kind in zip(schema, kinds, strict=True)]
    return check(pa.table(columns, names=schema.names), schema, "test")


def visits(*rows: Row) -> pa.Table:
    """Return VISITS; a row names only what differs from one visit `v` of shop.test in the EU."""
    plain = {"visit_id": "v", "subject": SITE, "scenario": "unknown", "region": "EU", "started": T0, "repeat": 0}
    return _table([plain | row for row in rows or ({},)], VISITS)


def data(*rows: Row) -> pa.Table:
    """Return DATA; a row names only what differs from a query field sent to an advertiser when the visit starts."""
    plain = {
        "visit_id": "v", "seq": 0, "time": T0, "action": "sent", "carrier": "query", "key": "id", "decode_path": "",
        "depth": 0, "length": 36, "shape": "x-x", "digest": 7, "entropy": 3.5, "type_p": 0.9, "recipient": AD,
        "count": 1,
    }  # fmt: skip
    return _table([plain | row for row in rows], DATA)


def consent(*rows: Row) -> pa.Table:
    """Return CONSENT; a row names only what differs from an interval that holds for the whole visit."""
    plain = {"visit_id": "v", "subject": SITE, "scope": "", "valid_from": T0, "valid_until": FOREVER, "quality": "ok"}
    return _table([plain | row for row in rows], CONSENT)


@cache
def policy(region: str = "EU") -> Policy:
    """Return the default policy, read once."""
    return load(region=region)


def sighter(region: str = "EU") -> Sighter:
    """Return a Sighter under the default policy."""
    return Sighter(policy(region), region=region)


def sighted(rows: list[Row], told: list[Row] | None = None, *, at: list[Row] | None = None) -> pa.Table:
    """Return the SIGHTINGS of DATA rows under CONSENT rows TOLD in the visits AT."""
    return sighter().join(visits(*at or ()), data(*rows), consent(*told or ()))


def judged(
    rule: str, rows: list[Row], told: list[Row] | None = None, *, at: list[Row] | None = None
) -> list[tuple[str, str]]:
    """Return (consent_state, outcome) of each finding of RULE, sorted."""
    tables = visits(*at or ()), None, data(*rows), consent(*told or ())
    found = judge_visits(*tables, sighter(), [RULES.take(rule)])
    assert set(found["rule"].to_pylist()) <= {rule}
    return sorted(zip(found["consent_state"].to_pylist(), found["outcome"].to_pylist(), strict=True))
