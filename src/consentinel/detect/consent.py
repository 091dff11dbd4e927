"""Consent over time: readings of signals become CONSENT intervals, and each row gets the state that was in force.

An interval holds from the moment a signal was seen until the same source said something else. Sources that state
different things (a TC string, a `gdpr` flag, a GPC header) never displace each other; each is a *lane*. What a lane
says of a row depends on what the policy requires there: TCF consent to certain purposes and the vendor, a Consent
Mode storage, no opt-out. Lanes are combined to the most protective answer: denied, opted out, before, granted, none;
a denial by default, while it is known that no choice was made yet, is told as before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.core.tables import CONSENT
from consentinel.detect.policy import Requirement
from consentinel.detect.signals._reading import Reading

__all__ = ["FOREVER", "STATES", "Lane", "from_scenario", "intervals", "lanes", "tcf_allows"]

FOREVER = 2**62
STATES = ("none", "unreadable", "granted", "before", "opted_out", "denied")  # by how much each protects
NONE, UNREADABLE, GRANTED, BEFORE, OPTED_OUT, DENIED = range(6)
_OF_OPT_IN = ("tcf", "gpp", "consent_mode")
_OF_OPT_OUT = ("gpp", "us_privacy", "gpc")

_SAID = tuple(
    f.name for f in fields(Reading) if f.name not in ("source", "quality", "reason", "sections", "created", "updated")
)
_COLUMNS = tuple(n for n in _SAID if n in CONSENT.names and n != "restrictions")
# TCF 2.2, appendix A: purposes 1 and 3 to 6 need consent, the others may rest on legitimate interest.
_LI_POSSIBLE = sum(1 << (p - 1) for p in (2, 7, 8, 9, 10, 11))


def intervals(
    visit: np.ndarray,
    time: np.ndarray,
    reading: np.ndarray,
    readings: list[Reading],
    digest: np.ndarray,
    visit_ids: list[str],
    subjects: list[str],
) -> pa.Table:
    """Return CONSENT intervals of what was read.

    VISIT, TIME (µs), READING and DIGEST have one entry per sighting of a signal: the visit's number, when, the index
    in READINGS, the keyed digest of the text. Repeats of the same statement are one interval.
    """
    lane_of = _lane_numbers(readings)
    keep = np.array([r.quality != "malformed" or bool(r.reason) for r in readings], bool)[reading]
    visit, time, reading, digest = visit[keep], time[keep], reading[keep], digest[keep]
    lane = lane_of[reading]
    order = np.lexsort((time, visit, lane))
    visit, time, reading, digest, lane = visit[order], time[order], reading[order], digest[order], lane[order]
    same = np.zeros(len(order), bool)
    same[1:] = (lane[1:] == lane[:-1]) & (visit[1:] == visit[:-1]) & (reading[1:] == reading[:-1])
    starts = np.flatnonzero(~same)
    visit, time, reading, digest, lane = visit[starts], time[starts], reading[starts], digest[starts], lane[starts]
    until = np.full(len(starts), FOREVER, np.int64)
    follows = (lane[1:] == lane[:-1]) & (visit[1:] == visit[:-1])
    until[:-1][follows] = time[1:][follows]
    said = [readings[i] for i in reading.tolist()]
    n = len(said)
    columns: dict[str, object] = {
        "visit_id": [visit_ids[v] for v in visit.tolist()],
        "subject": [subjects[v] for v in visit.tolist()],
        "scope": [""] * n,
        "source": [r.source for r in said],
        "valid_from": time,
        "valid_until": until,
        "observed": time,
        "state": [_overall(r) for r in said],
        "restrictions": [[{"purpose": p, "kind": k, "vendors": v} for p, k, v in r.restrictions] for r in said],
        "string_digest": digest,
        "quality": [r.quality for r in said],
        "reason": [r.reason for r in said],
    }
    columns |= {name: [getattr(r, name) for r in said] for name in _COLUMNS}
    return _consent_table(columns, n)


def _lane_numbers(readings: list[Reading]) -> np.ndarray:
    seen: dict[tuple[object, ...], int] = {}
    stated = (
        "gdpr_applies",
        "purposes_consent",
        "gpc",
        "sale_opt_out",
        "ad_storage",
        "ad_personalization",
        "ad_user_data",
    )
    kinds = [
        (_speaker(r.source, r.gpc), _decides(r.source, r.quality), *(getattr(r, n) is not None for n in stated))
        for r in readings
    ]
    return np.array([seen.setdefault(kind, len(seen)) for kind in kinds], np.int64)


def _speaker(source: str | None, gpc: bool | None) -> tuple[str | None, bool | None]:
    """Name who says something: a script that sends gpc=0 is not the browser, whose Sec-GPC header can only say 1."""
    return source, gpc if source == "gpc" else None


def _decides(source: str | None, quality: str | None) -> bool:
    """Say whether a reading is judged by: not one that is cut off or damaged, whose bits may be anything.

    Nor does it end what was said before it.
    """
    return quality != "malformed" and not (quality == "partial" and source in ("tcf", "gpp"))


def _overall(said: Reading) -> str:
    """What a signal says as a whole, in one word for people; judgements use the fields."""
    if said.quality == "malformed":
        return "unknown"
    asked = (said.ad_storage, said.analytics_storage, said.ad_user_data, said.ad_personalization)
    stated = [s for s in asked if s is not None]
    stated += [
        not s for s in (said.gpc, said.sale_opt_out, said.sharing_opt_out, said.targeted_opt_out) if s is not None
    ]
    if said.purposes_consent is not None:
        stated += [bool(said.purposes_consent & (1 << p)) for p in range(10)]
    if not stated:
        return "unknown"
    return "granted" if all(stated) else "partial" if any(stated) else "denied"


def from_scenario(visits: pa.Table, told: pa.Table | None) -> pa.Table:
    """Return CONSENT intervals for visits whose scenario is known but whose consent manager was not read back.

    A scenario named by the user has no moment of choice: "reject" and "no_action" then hold for the whole visit.
    """
    known = set(told["visit_id"].to_pylist()) if told is not None and told.num_rows else set()
    state_of = {"no_action": "unset", "accept": "granted", "reject": "denied", "gpc": None}
    columns: dict[str, list[object]] = {n: [] for n in ("visit_id", "subject", "state", "gpc", "source", "observed")}
    for row in visits.select(["visit_id", "subject", "scenario", "started"]).to_pylist():
        if row["scenario"] not in state_of or row["visit_id"] in known:
            continue
        columns["visit_id"].append(row["visit_id"])
        columns["subject"].append(row["subject"])
        columns["state"].append(state_of[row["scenario"]] or "denied")
        columns["gpc"].append(True if row["scenario"] == "gpc" else None)
        columns["source"].append("gpc" if row["scenario"] == "gpc" else "scenario")
        columns["observed"].append(row["started"])
    n = len(columns["visit_id"])
    return _consent_table(
        columns | {"scope": [""] * n, "quality": ["ok"] * n, "valid_from": [0] * n, "valid_until": [FOREVER] * n}, n
    )


def _consent_table(columns: dict[str, object], n: int) -> pa.Table:
    out = []
    for column in CONSENT:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        value = columns.get(column.name)
        array = pa.nulls(n, kind) if value is None else pa.array(value, kind)
        out.append(array.dictionary_encode() if pa.types.is_dictionary(column.type) else array)
    return pa.table(out, schema=CONSENT)


@dataclass(frozen=True, slots=True)
class Lane:
    """The intervals of one source that state the same fields, ordered by visit and time."""

    source: str
    start: np.ndarray  # visit number and time in one sortable int64
    until: np.ndarray
    visit: np.ndarray
    rows: list[Reading]
    states: list[str]

    def at(self, visit: np.ndarray, key: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return for each row the index of the interval in force, or -1."""
        found = np.searchsorted(self.start, key, side="right") - 1
        inside = (found >= 0) & (self.visit[found] == visit) & (time < self.until[found])
        return np.where(inside, found, -1)


def sort_key(visit: np.ndarray, time: np.ndarray, started: np.ndarray) -> np.ndarray:
    """Return visit number and time as one sortable integer; STARTED has the start of every visit of the batch.

    Times count from half of the range before the start, since a capture need not be in order. The range is what the
    number of visits leaves of 62 bits: years for fifty thousand visits. What lies outside counts as its edge.
    """
    bits = 62 - len(started).bit_length()
    since = np.clip(time - started[visit], -(1 << (bits - 1)), (1 << (bits - 1)) - 1) + (1 << (bits - 1))
    return (np.asarray(visit, np.int64) << bits) | since


def lanes(consent: pa.Table, visit_number: dict[str, int], started: np.ndarray) -> list[Lane]:
    """Return the CONSENT rows of a batch as lanes; rows of other visits are left out."""
    groups: dict[tuple[Any, ...], list[tuple[int, int, int, Reading, str]]] = {}
    for row in _rows(consent):
        number = visit_number.get(row["visit_id"])
        if number is None:
            continue
        decides = _decides(row["source"], row["quality"])
        said = Reading(row["source"], "malformed")
        if decides:
            said = Reading(
                source=row["source"],
                quality=row["quality"] or "ok",
                restrictions=tuple((r["purpose"], r["kind"], r["vendors"]) for r in row["restrictions"] or ()),
                **{name: row[name] for name in _COLUMNS},
            )
        state = row["state"] if row["source"] in ("cmp", "scenario", "table") else ""
        stated = [decides and row[n] is not None for n in _COLUMNS]
        lane = (_speaker(row["source"], row["gpc"]), row["scope"], decides, *stated)
        groups.setdefault(lane, []).append((number, row["valid_from"], row["valid_until"], said, state))
    result = []
    for ((source, _), *_), items in groups.items():
        items.sort(key=lambda item: item[:3])
        visit, since, until, said, state = zip(*items, strict=True)
        start = sort_key(np.array(visit), np.array(since, np.int64), started)
        result.append(Lane(str(source), start, np.array(until), np.array(visit), list(said), list(state)))
    return result


def _rows(consent: pa.Table) -> Iterable[dict[str, Any]]:
    names = ["visit_id", "source", "scope", "state", "valid_from", "valid_until", "quality", "restrictions", *_COLUMNS]
    return consent.select(names).to_pylist()  # type: ignore[no-any-return]


@lru_cache(maxsize=200_000)
def tcf_allows(said: Reading, purposes: tuple[int, ...], vendor: int | None) -> bool:
    """Say whether a TC string allows VENDOR (TCF id, None when not known) to process for PURPOSES.

    Consent, or legitimate interest where the framework admits it, is needed for each purpose, and the vendor must
    have the same basis; publisher restrictions override (type 0 forbids, 1 needs consent, 2 needs legitimate
    interest); a vendor that the disclosed-vendors segment leaves out is not allowed.
    Source: IAB Europe TCF technical specification 2.2, "TC string format" and "publisher restrictions"; 2.3,
    disclosed vendors.
    """
    consent, interest = said.purposes_consent or 0, (said.purposes_li or 0) & _LI_POSSIBLE
    by_consent = vendor is None or _has(said.vendors_consent, vendor)
    by_interest = vendor is None or _has(said.vendors_li, vendor)
    if vendor is not None and said.vendors_disclosed and not _has(said.vendors_disclosed, vendor):
        return False
    rules = {(p, k) for p, k, vendors in said.restrictions if vendor is not None and _has(vendors, vendor)}
    for purpose in purposes:
        bit = 1 << (purpose - 1)
        consented = bool(consent & bit) and by_consent and not rules & {(purpose, 0), (purpose, 2)}
        legitimate = bool(interest & bit) and by_interest and not rules & {(purpose, 0), (purpose, 1)}
        if not (consented or legitimate):
            return False
    return True


def _has(bits: bytes | None, number: int) -> bool:
    at = (number - 1) // 8
    return bits is not None and 0 <= at < len(bits) and bool(bits[at] >> ((number - 1) % 8) & 1)


@lru_cache(maxsize=200_000)
def says(said: Reading, state: str, needs: Requirement, vendor: int | None) -> int:
    """Return the state code that one interval of one lane means for one requirement."""
    if needs.needs == "nothing":
        return NONE
    opt_in = needs.needs == "opt_in"
    if said.quality == "malformed":
        return UNREADABLE if said.source in (_OF_OPT_IN if opt_in else _OF_OPT_OUT) else NONE
    if state:
        codes = {"granted": GRANTED, "denied": DENIED if opt_in else OPTED_OUT, "unset": BEFORE if opt_in else NONE}
        return codes.get(state, NONE)
    if opt_in and said.purposes_consent is not None and said.gdpr_applies is not False:
        return GRANTED if tcf_allows(said, needs.tcf_purposes, vendor) else DENIED
    if opt_in:
        told = [getattr(said, name, None) for name in needs.storage]
        if not told or all(t is None for t in told):
            return NONE
        return DENIED if False in told else GRANTED
    told = [said.sale_opt_out, said.sharing_opt_out, said.targeted_opt_out]
    if True in told or (said.gpc and needs.gpc):
        return OPTED_OUT
    return GRANTED if False in told else NONE
