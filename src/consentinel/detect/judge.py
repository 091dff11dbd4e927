"""From sightings to findings: run the rules, keep the strongest claim on each row, group equal claims, keep evidence."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.evidence import canonical, evidence_id
from consentinel.core.tables import FINDINGS, check
from consentinel.detect.explain import explain
from consentinel.detect.sightings import SIGHTINGS, Sighter

__all__ = ["PROOF_BITS", "Judge", "judge_visits"]

PROOF_BITS = 64
EVIDENCE_PER_GROUP = 3
MAX_KEYS = 8
# Where on the request a datum sat, as a person would say it; findings do not tell query from fragment.
CARRIER_GROUP = {
    "query": "url", "path": "url", "fragment": "url", "header": "header", "cookie": "cookie", "form": "body",
    "json": "body", "multipart": "body", "text": "body", "body": "body", "set-cookie": "storage",
    "cookie-store": "storage", "local-storage": "storage", "session-storage": "storage",
}  # fmt: skip
OUTCOME = {"granted": "allowed", "none": "no signal"}
SEVERITIES = ("low", "medium", "high", "critical")
_GROUPED_BY = ("subject", "scenario", "recipient", "type", "carrier", "consent_state")
_TOLD = ("owner", "category", "party", "purpose", "consent_source", "action", "region")  # the same within a group


@dataclass(slots=True)
class _Group:
    """One finding in the making; merged over batches."""

    rule: ModuleType
    labels: dict[str, str | None]
    requirement: int
    n: int = 0
    n_visits: int = 0
    first: int = 0
    last: int = 0
    p: float = 0.0
    bits: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    evidence: list[str] = field(default_factory=list)
    location: tuple[str | None, int | None, int | None] = (None, None, None)


class Judge:
    """Judges batches of whole visits; `findings` returns what all batches together claim."""

    def __init__(self, sighter: Sighter, rules: list[ModuleType]) -> None:
        self.sighter = sighter
        # A contradiction of a decoded signal says more than a data type alone: such rules claim a row first.
        self.rules = sorted(rules, key=lambda r: (r.PROOF, r.__name__))
        self._groups: dict[tuple[object, ...], _Group] = {}
        self.evidence: dict[str, tuple[str, str]] = {}
        self.n_sightings = 0

    def batch(self, visits: pa.Table, traffic: pa.Table | None, data: pa.Table, consent: pa.Table) -> None:
        """Judge whole visits: their DATA and CONSENT, and TRAFFIC for where in the code a request came from."""
        seen = self.sighter.join(visits, data, consent)
        self.n_sightings += seen.num_rows
        if seen.num_rows:
            claims, rule_no = self._claims(seen)
            if len(rule_no):
                self._group(claims, rule_no, data, traffic)

    def _claims(self, seen: pa.Table) -> tuple[pa.Table, np.ndarray]:
        """The rows that rules claim, as the rules tell them, and by which rule; each row by the first that claims it."""
        start = seen["row"].to_numpy()
        free = np.ones(seen.num_rows, bool)
        tables, numbers = [], []
        for number, rule in enumerate(self.rules):
            claimed = check(rule.find(seen), SIGHTINGS, rule.__name__)
            at = np.searchsorted(start, claimed["row"].to_numpy())
            mine = free[at]
            free[at] = False
            tables.append(claimed if mine.all() else claimed.filter(pa.array(mine)))
            numbers.append(np.full(int(mine.sum()), number, np.int64))
        return pa.concat_tables(tables).unify_dictionaries().combine_chunks(), np.concatenate(numbers)

    def _group(self, seen: pa.Table, rule_no: np.ndarray, data: pa.Table, traffic: pa.Table | None) -> None:
        coded, labels = _coded(seen)
        requirement = seen["requirement"].to_numpy()
        packed = rule_no * (len(self.sighter.requirements) + 1) + requirement
        for name in _GROUPED_BY:
            packed = packed * (len(labels[name]) + 1) + coded[name] + 1
        time, visit = seen["time"].to_numpy(), coded["visit_id"]
        seq = pc.fill_null(seen["seq"], -1).to_numpy()
        order = np.argsort(packed, kind="stable")
        group = packed[order]
        first_row = np.concatenate(([True], group[1:] != group[:-1]))
        starts = np.flatnonzero(first_row)
        ends = np.append(starts[1:], len(order))
        moved = [x[order[1:]] != x[order[:-1]] for x in (visit, time, seq)]
        new_visit, new_event = first_row.copy(), first_row.copy()
        new_visit[1:] |= moved[0]
        new_event[1:] |= moved[0] | moved[1] | moved[2]
        sums = {
            "n": np.add.reduceat(np.where(new_event, seen["n"].to_numpy()[order], 0), starts),
            "n_visits": np.add.reduceat(new_visit, starts, dtype=np.int64),
            "first": np.minimum.reduceat(time[order], starts),
            "last": np.maximum.reduceat(time[order], starts),
            "p": np.maximum.reduceat(_floats(seen["type_p"])[order], starts),
            "bits": np.maximum.reduceat(pc.fill_null(seen["matched_bits"], 0).to_numpy()[order], starts),
        }
        as_lists = {name: values.tolist() for name, values in sums.items()}
        key_codes, key_names = coded["key"][order], labels["key"]
        for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            row = int(order[start])
            got = self._groups_of(row, coded, labels, int(rule_no[row]), int(requirement[row]))
            got.n += as_lists["n"][i]
            got.n_visits += as_lists["n_visits"][i]
            got.first = min(got.first, as_lists["first"][i])
            got.last = max(got.last, as_lists["last"][i])
            got.p = max(got.p, as_lists["p"][i])
            got.bits = max(got.bits, as_lists["bits"][i])
            if len(got.keys) < 4 * MAX_KEYS:
                got.keys.update(key_names[c] for c in key_codes[start : min(end, start + 200)].tolist() if c >= 0)
            if len(got.evidence) < EVIDENCE_PER_GROUP:
                self._keep_evidence(got, seen, row, data, traffic)

    def _groups_of(
        self, row: int, coded: dict[str, np.ndarray], labels: dict[str, list[Any]], rule_no: int, requirement: int
    ) -> _Group:
        of = {name: _label(labels[name], int(coded[name][row])) for name in _GROUPED_BY}
        identity = (rule_no, *of.values(), requirement)
        got = self._groups.get(identity)
        if got is None:
            of |= {name: _label(labels[name], int(coded[name][row])) for name in _TOLD}
            got = self._groups[identity] = _Group(self.rules[rule_no], of, requirement, first=2**62)
        return got

    def _keep_evidence(self, group: _Group, seen: pa.Table, row: int, data: pa.Table, traffic: pa.Table | None) -> None:
        datum = data.slice(int(seen["row"][row].as_py()), 1).to_pylist()[0]
        sight = seen.slice(row, 1).to_pylist()[0]
        request: dict[str, Any] = {}
        if traffic is not None and datum["seq"] is not None:
            request = self._request(traffic, datum["visit_id"], datum["seq"])
        names = ("action", "carrier", "key", "decode_path", "length", "shape", "type", "planted_form", "matched_bits", "lifetime_s")
        record = {n: datum[n] for n in names if datum[n] != ""} | {
            "time": datum["time"], "seq": datum["seq"], "recipient": datum["recipient"],
            "method": request.get("method"), "path": request.get("path_template"), "status": request.get("status"),
            "consent": sight["consent_state"], "consent_from": sight["consent_source"], "scenario": sight["scenario"],
        }  # fmt: skip
        if request.get("initiator_url") and group.location[0] is None:
            group.location = (request["initiator_url"], request["line"], request["col"])
        text = canonical(record)
        name = evidence_id(text)
        if name not in group.evidence:
            group.evidence.append(name)
            self.evidence[name] = (datum["visit_id"], text)

    def _request(self, traffic: pa.Table, visit_id: str, seq: int) -> dict[str, Any]:
        """The TRAFFIC row of one request, found by the visit's first row: seq counts from 0 in row order."""
        if self._traffic_of is not traffic:
            codes = _codes(traffic["visit_id"])
            names = _one(traffic["visit_id"]).dictionary.to_pylist()
            first = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))) if len(codes) else []
            self._first_row = {names[codes[i]]: int(i) for i in reversed(first)}
            self._traffic_of = traffic
        start = self._first_row.get(visit_id)
        if start is None or start + seq >= traffic.num_rows:
            return {}
        row = traffic.slice(start + seq, 1).to_pylist()[0]
        return row if row["visit_id"] == visit_id and row["seq"] == seq else {}

    _traffic_of: pa.Table | None = None
    _first_row: dict[str, int] = {}  # noqa: RUF012 (replaced, never changed in place)

    def findings(self, run_id: str = "") -> pa.Table:
        """Return all claims so far as FINDINGS, the most severe first."""
        rows = sorted((self._row(g, run_id) for g in self._groups.values()), key=_by_weight)
        columns = []
        for column in FINDINGS:
            kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
            array = pa.array([r[column.name] for r in rows], kind)
            columns.append(array.dictionary_encode() if pa.types.is_dictionary(column.type) else array)
        table = pa.table(columns, schema=FINDINGS)
        return table.set_column(FINDINGS.get_field_index("explanation"), FINDINGS.field("explanation"), explain(table))

    def _row(self, group: _Group, run_id: str) -> dict[str, Any]:
        of, rule = group.labels, group.rule
        name = rule.__name__.rpartition(".")[2]
        needs = self.sighter.requirements[group.requirement]
        outcome = OUTCOME.get(of["consent_state"] or "none", "potential violation")
        if needs.needs == "nothing":
            outcome = "allowed"
        # Not in it: the version of the rule, counts and times, so that a baseline still knows the finding.
        identity = "|".join(str(x) for x in (name, *(of[n] for n in _GROUPED_BY)))
        fingerprint = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]
        finding = hashlib.sha256(f"{fingerprint}|{group.requirement}|{outcome}|{run_id}".encode()).hexdigest()[:12]
        return {
            "run_id": run_id, "finding_id": f"f_{finding}", "fingerprint": fingerprint, "rule": name,
            "rule_version": rule.VERSION, "subject": of["subject"], "scenario": of["scenario"],
            "recipient": of["recipient"], "owner": of["owner"], "category": of["category"], "party": of["party"],
            "type": of["type"], "keys": [k for k, _ in group.keys.most_common(MAX_KEYS)], "carrier": of["carrier"],
            "purpose": of["purpose"], "consent_state": of["consent_state"], "consent_source": of["consent_source"],
            "basis": needs.basis, "outcome": outcome,
            "proof": "P0" if group.bits >= PROOF_BITS else rule.PROOF, "p": group.p or None,
            "severity": needs.severity if outcome == "potential violation" else "low",
            "first": group.first, "last": group.last, "n": group.n, "n_visits": group.n_visits, "n_subjects": None,
            "evidence_ids": group.evidence, "location": group.location[0], "line": group.location[1],
            "col": group.location[2], "explanation": "",
        }  # fmt: skip


def _by_weight(row: dict[str, Any]) -> tuple[object, ...]:
    outcome = ("potential violation", "no signal", "allowed").index(row["outcome"])
    return outcome, -SEVERITIES.index(row["severity"]), row["proof"], row["subject"] or "", -row["n"], row["fingerprint"]


def judge_visits(
    visits: pa.Table, traffic: pa.Table | None, data: pa.Table, consent: pa.Table, sighter: Sighter, rules: list[ModuleType]
) -> pa.Table:
    """Return the FINDINGS of whole visits in one call."""
    judge = Judge(sighter, rules)
    judge.batch(visits, traffic, data, consent)
    return judge.findings()


def _coded(seen: pa.Table) -> tuple[dict[str, np.ndarray], dict[str, list[Any]]]:
    """Codes and labels of the columns that claims are grouped by and told with."""
    coded, labels = {}, {}
    for name in (*_GROUPED_BY, *_TOLD, "visit_id", "key"):
        coded[name], labels[name] = _codes(seen[name]), _one(seen[name]).dictionary.to_pylist()
    groups = [CARRIER_GROUP.get(c, c) for c in labels["carrier"]]
    names = sorted(set(groups))
    coded["carrier"] = np.array([names.index(g) for g in groups] + [-1])[coded["carrier"]]
    labels["carrier"] = names
    return coded, labels


def _one(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    merged = column.unify_dictionaries().combine_chunks()
    return merged.chunk(0) if isinstance(merged, pa.ChunkedArray) else merged


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    indices = _one(column).indices
    return np.asarray((indices.fill_null(-1) if indices.null_count else indices).to_numpy(), np.int64)


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.fill_null(column, 0.0).to_numpy(), np.float64)


def _label(names: list[Any], code: int) -> str | None:
    return names[code] if code >= 0 else None
