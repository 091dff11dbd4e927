"""The consent manager recorded the opposite of what the person chose.

No part on the shelf of rules: a rule there claims data of a visit, and this is a claim about the visit itself, whose
proof is the state that was read back (`live.proof`). A refusal that is recorded as consent, a withdrawal that changes
nothing, a choice that is forgotten, and consent that nobody gave are all potential violations; an acceptance that is
recorded as a refusal harms nobody and is left out, and so is a signal that the capture itself failed to set.
Source: GDPR Art. 4(11), 7(1) and 7(3); ePrivacy Directive Art. 5(3).
"""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from consentinel.core import evidence
from consentinel.core.columns import one
from consentinel.core.tables import EVIDENCE, FINDINGS
from consentinel.core.text import one_line
from consentinel.detect.fingerprints import finding_id, fingerprint
from consentinel.detect.policy import Policy

__all__ = ["NAME", "PROOF", "VERSION", "claims"]

NAME = "choice_not_kept"
VERSION = "1"
PROOF = "P1"
EVIDENCE_PER_GROUP = 3
# Scenario -> the state of consent that was in force by the person's choice, and what happened instead.
_SAID = {
    "reject": ("denied", "recorded consent, or forgot the choice, although everything was refused"),
    "partial": ("denied", "recorded another choice than the one between purposes that was made"),
    "withdraw": ("denied", "did not keep the withdrawal of consent"),
    "no_action": ("before", "recorded consent although nobody had chosen anything"),
}


def claims(visits: pa.Table, policy: Policy, run_id: str) -> tuple[pa.Table, pa.Table]:
    """Return (FINDINGS, EVIDENCE) of VISITS whose scenario was contradicted; one finding a subject and scenario."""
    names = ["visit_id", "subject", "scenario", "scenario_proof", "region", "started"]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in visits.select(names).to_pylist():
        if row["scenario_proof"] == "contradicted" and row["scenario"] in _SAID:
            groups.setdefault((str(row["subject"]), row["scenario"]), []).append(row)
    if not groups:
        return FINDINGS.empty_table(), EVIDENCE.empty_table()
    examples = [row for rows in groups.values() for row in rows[:EVIDENCE_PER_GROUP]]
    facts = {"time": [r["started"] for r in examples]}
    facts |= {name: [r[name] for r in examples] for name in ("scenario", "scenario_proof")}
    behind = evidence.records(pa.table(facts), pa.array([r["visit_id"] for r in examples], pa.string()))
    ids = iter(one(behind["evidence_id"]).to_pylist())
    found = [_finding(rows, policy, run_id, [next(ids) for _ in rows[:EVIDENCE_PER_GROUP]]) for rows in groups.values()]
    columns = [_column(field, [row.get(field.name) for row in found]) for field in FINDINGS]
    return pa.table(columns, schema=FINDINGS), behind.cast(EVIDENCE)


def _finding(rows: list[dict[str, Any]], policy: Policy, run_id: str, ids: list[str]) -> dict[str, Any]:
    """One finding of equal visits, as the columns of FINDINGS that say something."""
    first = rows[0]
    subject, scenario = str(first["subject"]), first["scenario"]
    started = [int(r["started"] or 0) for r in rows]
    day = datetime.fromtimestamp(started[0] / 1e6, UTC).date() if started[0] > 0 else None
    needed = policy.require("device.id", "advertising", "sent", "third", first["region"], day)
    state, happened = _SAID[scenario]
    print_ = fingerprint(NAME, subject, scenario)
    times = "once" if len(rows) == 1 else f"in {len(rows):,} visits"
    return {
        "run_id": run_id,
        "finding_id": finding_id(run_id, print_),
        "fingerprint": print_,
        "rule": NAME,
        "rule_version": VERSION,
        "subject": subject,
        "scenario": scenario,
        "recipient": subject,
        "party": "first",
        "type": "consent.choice",  # no datum: reports name it by this
        "purpose": "consent_management",
        "consent_state": state,
        "consent_source": "cmp",
        "basis": needed.basis,
        "outcome": "potential violation" if needed.needs != "nothing" else "allowed",
        "proof": PROOF,
        "severity": "high" if needed.needs != "nothing" else "low",
        "first": min(started),
        "last": max(started),
        "n": len(rows),
        "n_visits": len(rows),
        "keys": [],
        "evidence_ids": list(dict.fromkeys(ids)),
        "explanation": f"The consent manager of {one_line(subject, 60)} {happened} ({times}), as its state that was "
        f"read back shows; under {one_line(needed.basis.partition(';')[0], 160)}, a choice has to be kept.",
    }


def _column(field: pa.Field, items: list[Any]) -> pa.Array:
    if pa.types.is_dictionary(field.type):
        return pa.array(items, pa.string()).dictionary_encode()
    return pa.array(items, field.type)
