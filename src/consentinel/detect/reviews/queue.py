"""The queue: which claims to look at first, so that an hour of a reviewer settles the most.

The expected gain of looking at a class is

    gain = H(p) x weight(severity) x findings that the decision closes

H(p) = -p log2 p - (1-p) log2 (1-p) is the entropy of the answer in bits: what looking tells on average (uncertainty
sampling). The size of the class stands for how many claims the answer carries over to (density weighting), and the
weight doubles with each step of severity: what a wrong answer costs. Where equal, the more severe comes first, then the
larger. Source: B. Settles, Active Learning Literature Survey, University of Wisconsin-Madison TR 1648 (2009),
sections 3.1 (uncertainty sampling) and 3.6 (density-weighted methods).

p is the probability that a reviewer will call it a violation:

- undecided claims (`no signal`), and those that are back for a conflict: 1/2, nothing is known;
- claims that tell a probability: the mean of it over the class;
- the others: what reviewers said about this rule before, (violations + 1) / (decisions + 2) by Laplace's rule, so 1/2
  at first; the claims of a rule that was always confirmed sink.
"""

import math
from collections import Counter
from typing import Any

import pyarrow as pa

from consentinel.core.columns import values
from consentinel.detect.explain import explain
from consentinel.detect.reviews.classes import classes, versions
from consentinel.detect.reviews.memory import CLAIMS, Memory
from consentinel.detect.reviews.standing import CLOSED, MODELLED, Standing

__all__ = ["QUEUE", "WEIGHTS", "queue", "uncertainty"]

WEIGHTS = {"critical": 8.0, "high": 4.0, "medium": 2.0, "low": 1.0}
# One row is one class that waits for a decision; the first column after what a reviewer fills in is its place.
QUEUE = pa.schema(
    [
        ("claim", pa.string()),
        ("rank", pa.int64()),  # 1 is the first to look at
        ("status", pa.string()),  # open, undecided, stale, expired, conflict
        ("because", pa.string()),  # why it is back, or what was said before
        ("closes", pa.int64()),  # findings of this scan that one decision closes
        ("explanation", pa.string()),  # of one of them
        ("subjects", pa.int64()),  # sites or apps that they are of
        ("gain", pa.float64()),
        ("uncertainty", pa.float64()),  # bits
        *((f.name, f.type) for f in CLAIMS if f.name != "claim"),
        ("owner", pa.string()),
        ("purpose", pa.string()),
        ("example", pa.string()),  # finding_id of one of them
    ]
)
_LIKE = ("rule", "rule_version", "recipient", "party", "type", "carrier", "consent_state", "basis", "owner", "purpose")


def uncertainty(p: float) -> float:
    """Return the entropy in bits of an answer that is yes with probability P; 0 at the ends."""
    return 0.0 if p <= 0 or p >= 1 else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def queue(findings: pa.Table, found: dict[str, Standing], memory: Memory, *, model: str = "") -> pa.Table:
    """Return the QUEUE of FINDINGS, which stand as FOUND says: what fails or is undecided, and is not yet decided.

    Claims that were confirmed as violations wait for no reviewer, and what the policy allows is not asked about.
    """
    names = ("finding_id", "outcome", "severity", "proof", "p", "subject", "keys", *_LIKE)
    columns = [values(findings[name]) for name in names]
    asked = classes(findings)
    said = explain(findings).to_pylist()
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in zip(*columns, asked["class"].to_pylist(), asked["alike"].to_pylist(), said, strict=True):
        told = dict(zip((*names, "class", "alike", "explanation"), row, strict=True))
        if told["outcome"] != "allowed" and found[told["finding_id"]].status not in (*CLOSED, "violation"):
            groups.setdefault(told["class"], []).append(told)
    history = _history(memory)
    rows = [_row(group, found[group[0]["finding_id"]], history, model) for group in groups.values()]
    order = list(WEIGHTS)
    rows.sort(key=lambda r: (-r["gain"], order.index(r["severity"]), -r["closes"], r["claim"]))
    return pa.Table.from_pylist([row | {"rank": rank} for rank, row in enumerate(rows, 1)], QUEUE)


def _row(group: list[dict[str, Any]], stands: Standing, history: dict[str, float], model: str) -> dict[str, Any]:
    first = group[0]
    graded = [row["severity"] if row["severity"] in WEIGHTS else "low" for row in group]
    severity = min(graded, key=list(WEIGHTS).index)
    known = [row["p"] for row in group if row["p"] is not None and row["p"] == row["p"]]  # no NaN
    if stands.status == "conflict" or first["outcome"] == "no signal":
        p = 0.5
    else:
        p = sum(known) / len(known) if known else history.get(first["rule"], 0.5)
    bits = uncertainty(p)
    model_version = model if any(row["proof"] in MODELLED for row in group) else ""
    told = {name: first[name] for name in (*_LIKE, "class", "alike", "explanation", "outcome")}
    return told | {
        "claim": f"{first['class']}.{versions(first['rule_version'] or '', model_version)}",
        "model_version": model_version,
        "status": stands.status,
        "because": stands.why,
        "closes": len(group),
        "subjects": len({row["subject"] for row in group}),
        "gain": round(bits * WEIGHTS[severity] * len(group), 6),
        "uncertainty": round(bits, 6),
        "severity": severity,
        "p": round(p, 6),
        "keys": ", ".join(sorted(set(first["keys"] or []))),
        "example": first["finding_id"],
    }


def _history(memory: Memory) -> dict[str, float]:
    """The share of classes of each rule that reviewers called a violation so far, by Laplace's rule of succession."""
    yes: Counter[str] = Counter()
    n: Counter[str] = Counter()
    for by_reviewer in memory.said.values():
        for given in by_reviewer.values():
            if given.decision in ("violation", "not_violation"):
                n[given.rule] += 1
                yes[given.rule] += given.decision == "violation"
    return {rule: (yes[rule] + 1) / (n[rule] + 2) for rule in n}
