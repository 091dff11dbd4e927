"""The rows that rules look at: typed data that went to somebody, with who that is and which consent was in force.

One sighting is one DATA row that was sent to a third party with a recognised type, or that was stored or read, joined
with its visit, the recipient's party and purpose, what the policy requires and the state of consent at that time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, ints, labels, relabel
from consentinel.core.tables import LABEL
from consentinel.detect import consent as consents
from consentinel.detect import parties
from consentinel.detect.consent import STATES, Lane, lanes, says, sort_key
from consentinel.detect.policy import Policy, Requirement
from consentinel.detect.signals._reading import Reading

__all__ = ["SAID", "SIGHTINGS", "Sighter"]

SIGHTINGS = pa.schema(
    [
        ("visit_id", LABEL),
        ("row", pa.int64()),  # row number in the DATA table
        ("seq", pa.int32()),
        ("time", pa.int64()),
        ("subject", LABEL),
        ("scenario", LABEL),
        ("region", LABEL),
        ("action", LABEL),
        ("carrier", LABEL),
        ("key", LABEL),
        ("type", LABEL),
        ("type_p", pa.float32()),
        ("matched_bits", pa.int32()),
        ("recipient", LABEL),
        ("owner", LABEL),
        ("category", LABEL),
        ("purpose", LABEL),
        ("party", LABEL),
        ("needs", LABEL),  # opt_in, opt_out, nothing
        ("regulated", pa.bool_()),  # sent to a third party, and the policy requires something of that
        ("necessary", pa.bool_()),  # stored under a name that is strictly necessary
        ("consent_state", LABEL),  # granted, denied, before, opted_out, unreadable, none
        ("consent_source", LABEL),  # the lane that decided
        ("tcf_denies", pa.bool_()),
        ("mode_denies", pa.bool_()),
        ("gpc", pa.bool_()),
        ("requirement", pa.int32()),  # index into Sighter.requirements
        ("n", pa.int64()),
    ],
)


SAID = 0.4  # a type less probable than this is a candidate for models to weigh, not something that rules claim
# Storing needs consent whatever it is (ePrivacy Directive Art. 5(3)); what nobody recognised is judged as this type.
UNTYPED = "device.browser"
_BROAD = ("functional", "tag_management", "video")


@dataclass(frozen=True, slots=True)
class _Recipient:
    owner: str | None
    category: str | None
    purpose: str
    vendor_id: int | None


class Sighter:
    """Joins batches of whole visits into SIGHTINGS under one policy; remembers recipients and requirements."""

    def __init__(self, policy: Policy, *, region: str) -> None:
        self.policy, self.region = policy, region
        self.requirements: list[Requirement] = []
        self._requirement_no: dict[tuple[object, ...], int] = {}
        self._recipients: dict[str, _Recipient] = {}
        self._party: dict[tuple[str, str], str] = {}
        self._necessary: dict[tuple[str, str], bool] = {}
        self.judged: dict[str, tuple[str, float]] = {}  # purposes that a model told, and how sure it was

    def join(self, visits: pa.Table, data: pa.Table, consent: pa.Table) -> pa.Table:
        """Return the SIGHTINGS of whole visits; rows keep the order of DATA."""
        columns = {
            name: (codes(data[name]), labels(data[name])) for name in ("visit_id", "action", "type", "recipient")
        }
        visit_no, visit_rows = self._visits(visits)
        number_of = np.array([*(visit_no.get(v, -1) for v in columns["visit_id"][1]), -1], np.int64)
        keep = self._relevant(columns, ints(data["lifetime_s"], -1), number_of, visit_rows)
        at = np.flatnonzero(keep)
        small = data.take(pa.array(at)) if len(at) < data.num_rows else data
        return self._wide(small, at, number_of, visit_rows, consent, visit_no)

    def unknown(self, names: list[str]) -> set[str]:
        """Return which recipients of NAMES have no known purpose."""
        self._know(names)
        return {name for name in names if self._recipients[name].purpose == "unknown"}

    def broad(self, names: list[str]) -> set[str]:
        """Return of which recipients of NAMES the entity map tells what the company does, which may be more things."""
        self._know(names)
        return {name for name in names if self._recipients[name].purpose in _BROAD and name not in self.judged}

    def told(self, purposes: Mapping[str, tuple[str, float]]) -> None:
        """Take PURPOSES (recipient to purpose and probability) for recipients that have none, or a broad one."""
        for name in self.unknown(list(purposes)) | self.broad(list(purposes)):
            self.judged[name] = purposes[name]
            self._recipients[name] = replace(self._recipients[name], purpose=purposes[name][0])

    def _visits(self, visits: pa.Table) -> tuple[dict[str, int], list[dict[str, Any]]]:
        rows = visits.select(["visit_id", "subject", "scenario", "region", "started"]).to_pylist()
        return {row["visit_id"]: n for n, row in enumerate(rows)}, rows

    def _relevant(
        self,
        columns: dict[str, tuple[np.ndarray, list[Any]]],
        lifetime_s: np.ndarray,
        number_of: np.ndarray,
        visit_rows: list[dict[str, Any]],
    ) -> np.ndarray:
        """Stored or read rows, and typed rows that went to a third party."""
        action, actions = columns["action"]
        kept_there = np.array([a in ("stored", "read", "column") for a in actions] or [False])[action]
        kept_there &= lifetime_s != 0  # a cookie that ends at once is removed, not stored
        typed = columns["type"][0] >= 0
        third = np.zeros(len(typed), bool)
        at = np.flatnonzero(typed & ~kept_there)
        visit, _ = columns["visit_id"]
        recipient, recipients = columns["recipient"]
        third[at] = self._third(number_of[visit[at]], visit_rows, recipient[at], recipients)
        return (kept_there | third) & (number_of[visit] >= 0)

    def _third(
        self, visit: np.ndarray, visit_rows: list[dict[str, Any]], recipient: np.ndarray, recipients: list[str]
    ) -> np.ndarray:
        """Whether the recipient is a third party to the visit's subject, asked once for each pair that occurs."""
        names = [str(row["subject"] or "") for row in visit_rows]
        self._know([*recipients, *names])
        subjects = list(dict.fromkeys(names))
        place = {name: n for n, name in enumerate(subjects)}
        subject = np.array([place[n] for n in names] or [0])[visit]
        n = max(len(recipients), 1)
        pair = subject * n + recipient
        known = (visit >= 0) & (recipient >= 0)
        occurs = np.zeros(max(len(subjects), 1) * n, bool)
        occurs[pair[known]] = True
        is_third = np.zeros(len(occurs), bool)
        for code in np.flatnonzero(occurs).tolist():
            is_third[code] = self._party_of(subjects[code // n], recipients[code % n]) == "third"
        return is_third[pair] & known

    def _party_of(self, subject: str, recipient: str) -> str:
        pair = (subject, recipient)
        got = self._party.get(pair)
        if got is None:
            a, b = self._recipients[subject], self._recipients[recipient]
            got = self._party[pair] = parties.party(subject, recipient, a.owner, b.owner)
        return got

    def _know(self, names: list[str]) -> None:
        new = [n for n in dict.fromkeys(names) if n not in self._recipients]
        if new:
            for row in parties.lookup(new).to_pylist():
                self._recipients[row["host"]] = _Recipient(
                    row["owner"], row["category"], row["purpose"] or "unknown", row["vendor_id"]
                )

    def _wide(
        self,
        small: pa.Table,
        at: np.ndarray,
        number_of: np.ndarray,
        visit_rows: list[dict[str, Any]],
        consent: pa.Table,
        visit_no: dict[str, int],
    ) -> pa.Table:
        visit_code = codes(small["visit_id"])
        visit = number_of[visit_code] if len(visit_code) else np.zeros(0, np.int64)
        type_code, types = codes(small["type"]), labels(small["type"])
        action_code, actions = codes(small["action"]), labels(small["action"])
        who_code, who = codes(small["recipient"]), labels(small["recipient"])
        key_code, keys = codes(small["key"]), labels(small["key"])
        purposes = [self._recipients[w].purpose for w in who] + ["unknown"]
        time = ints(small["time"])
        region = [str(row["region"] or self.region) for row in visit_rows]
        # One number for what a requirement depends on: visit's subject, type, action, recipient.
        combo = (
            ((visit * (len(types) + 1) + type_code + 1) * max(len(actions), 1) + action_code) * (len(who) + 1)
            + who_code
            + 1
        )
        _, first, inverse = np.unique(combo, return_index=True, return_inverse=True)
        day = [_day(int(row["started"] or 0)) for row in visit_rows]
        needed, party = [], []
        for i in first.tolist():
            row = visit_rows[visit[i]]
            recipient = who[who_code[i]] if who_code[i] >= 0 else str(row["subject"])
            side = self._party_of(str(row["subject"]), recipient)
            party.append(side == "third")
            needed.append(
                self._requirement(
                    types[type_code[i]] if type_code[i] >= 0 else UNTYPED,
                    purposes[who_code[i]],
                    actions[action_code[i]],
                    side,
                    region[visit[i]],
                    day[visit[i]],
                ),
            )
        requirement = np.array(needed or [0], np.int32)[inverse] if len(at) else np.zeros(0, np.int32)
        third = np.array(party or [False])[inverse] if len(at) else np.zeros(0, bool)
        started = np.array([int(row["started"] or 0) for row in visit_rows] or [0], np.int64)
        vendor = np.array([self._recipients[w].vendor_id or 0 for w in who] + [0], np.int64)[who_code]
        state, source, tcf, mode, gpc, sources = self._states(
            lanes(consent, visit_no, started), visit, time, started, requirement, vendor
        )
        sent = np.array([a == "sent" for a in actions] + [False])[action_code]
        needed = np.array([r.needs != "nothing" for r in self.requirements] or [False])[requirement]
        necessary = self._necessary_keys(key_code, keys, who_code, purposes, action_code, actions)
        of_visit = {n: [row[n] for row in visit_rows] for n in ("subject", "scenario")} | {"region": region}
        needs = [r.needs for r in self.requirements]
        columns = {
            "visit_id": small["visit_id"],
            "row": pa.array(at),
            "n": pc.fill_null(small["count"], 1),
            "requirement": pa.array(requirement),
            "party": relabel(third.astype(np.int32), ["first", "third"]),
            "needs": relabel(requirement, needs),
            "regulated": pa.array(sent & third & needed),
            "necessary": pa.array(necessary),
            "consent_state": relabel(state, list(STATES)),
            "consent_source": relabel(source, sources),
            "tcf_denies": pa.array(tcf),
            "mode_denies": pa.array(mode),
            "gpc": pa.array(gpc),
            "purpose": relabel(who_code % len(purposes), purposes),  # nobody is known: unknown
            "owner": relabel(who_code, [self._recipients[w].owner for w in who] + [None]),
            "category": relabel(who_code, [self._recipients[w].category for w in who] + [None]),
        }
        columns |= {name: relabel(visit, values) for name, values in of_visit.items()}
        return pa.table([columns[f.name] if f.name in columns else small[f.name] for f in SIGHTINGS], schema=SIGHTINGS)

    def _requirement(self, kind: str, purpose: str, action: str, party: str, region: str, day: date) -> int:
        asked = (kind, purpose, action, party, region, day)
        got = self._requirement_no.get(asked)
        if got is None:
            requirement = self.policy.require(kind, purpose, action, party, region, day)
            if requirement not in self.requirements:
                self.requirements.append(requirement)
            got = self._requirement_no[asked] = self.requirements.index(requirement)
        return got

    def _necessary_keys(self, key_code, keys, who_code, purposes, action_code, actions) -> np.ndarray:  # type: ignore[no-untyped-def]
        """Stored names that are strictly necessary, asked once per distinct (name, purpose)."""
        result = np.zeros(len(key_code), bool)
        at = np.flatnonzero(np.array([a == "stored" for a in actions] or [False])[action_code]) if len(key_code) else []
        if len(at):
            n = len(purposes)
            unique, inverse = np.unique(key_code[at] * n + who_code[at] % n, return_inverse=True)
            names = [keys[c // n] if c >= 0 else "" for c in unique.tolist()]
            why = [purposes[c % n] for c in unique.tolist()]
            # A value that was taken apart has its inner names behind the name that it was stored under.
            outer = self.policy.necessary([name.partition(".")[0] for name in names], why)
            result[at] = (np.array(self.policy.necessary(names, why)) | np.array(outer))[inverse]
        return result

    def _states(  # type: ignore[no-untyped-def]
        self,
        all_lanes: list[Lane],
        visit: np.ndarray,
        time: np.ndarray,
        started: np.ndarray,
        requirement: np.ndarray,
        vendor: np.ndarray,
    ):
        n = len(visit)
        state, source = np.zeros(n, np.int32), np.full(n, -1, np.int32)
        tcf, mode, gpc = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
        sources = sorted({lane.source for lane in all_lanes})
        key = sort_key(visit, time, started) if n else visit
        unasked = np.full(n, -1, np.int32)  # by what source it is known that no choice was made yet
        refused = np.zeros(n, bool)  # by a choice, whatever signals say by default
        for lane in all_lanes:
            found = lane.at(visit, key, time)
            rows = np.flatnonzero(found >= 0)
            if not len(rows):
                continue
            code = _evaluate(lane, found[rows], requirement[rows], vendor[rows], self.requirements)
            stronger = code > state[rows]
            changed = rows[stronger]
            state[changed] = code[stronger]
            source[changed] = sources.index(lane.source)
            if lane.source in ("cmp", "scenario", "table"):
                unasked[rows[code == consents.BEFORE]] = sources.index(lane.source)
                refused[rows] |= code == consents.DENIED
            if lane.source in ("tcf", "gpp"):
                tcf[rows] |= code == consents.DENIED
            elif lane.source == "consent_mode":
                mode[rows] |= code == consents.DENIED
            if any(said.gpc for said in lane.rows):
                honoured = np.array([r.gpc for r in self.requirements])[requirement[rows]]
                gpc[rows] |= honoured & np.array([said.gpc is True for said in lane.rows])[found[rows]]
        # Before a choice a string denies by default: nobody denied, nobody was asked.
        early = (unasked >= 0) & (state == consents.DENIED) & ~refused
        state[early], source[early] = consents.BEFORE, unasked[early]
        return state, source, tcf, mode, gpc, sources


def _day(started: int) -> date:
    """The day that a visit started on, whose law holds; today when it is not known."""
    return datetime.fromtimestamp(started / 1e6, UTC).date() if started > 0 else datetime.now(UTC).date()


def _evaluate(
    lane: Lane, found: np.ndarray, requirement: np.ndarray, vendor: np.ndarray, requirements: list[Requirement]
) -> np.ndarray:
    """State codes, asked once per distinct (statement, requirement, vendor)."""
    statement = _statements(lane)[found]
    if lane.rows and all(r.vendors_consent is None and r.vendors_li is None for r in lane.rows):
        vendor = np.zeros_like(vendor)
    packed = (statement * len(requirements) + requirement) * 65_536 + vendor % 65_536
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    codes = [
        says(lane.rows[found[i]], lane.states[found[i]], requirements[requirement[i]], int(vendor[i]) or None)
        for i in first.tolist()
    ]
    return np.array(codes, np.int32)[inverse]


def _statements(lane: Lane) -> np.ndarray:
    """Number equal statements of a lane alike."""
    seen: dict[tuple[Reading, str], int] = {}
    pairs = zip(lane.rows, lane.states, strict=True)
    return np.array([seen.setdefault(pair, len(seen)) for pair in pairs], np.int64)
