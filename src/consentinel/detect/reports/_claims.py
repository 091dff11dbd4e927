"""Findings as the claims that SARIF and JUnit are made of."""

from typing import Any, Literal

from consentinel.core.finding_words import type_name
from consentinel.core.sarif import Claim, Rule
from consentinel.detect.explain import explain, title
from consentinel.detect.reports._result import Result, ranked

__all__ = ["claims"]

_KINDS: dict[str | None, Literal["fail", "open", "pass"]] = {"potential violation": "fail", "allowed": "pass"}
_STATES: dict[str, Literal["", "new", "unchanged"]] = {"new": "new", "known": "unchanged", "": ""}
_TOLD = (
    "subject", "scenario", "recipient", "owner", "category", "type", "carrier", "purpose", "consent_state",
    "consent_source", "basis", "outcome", "proof", "severity", "p", "n", "n_visits", "n_subjects",
)  # fmt: skip


def claims(result: Result) -> tuple[list[Claim], list[Rule]]:
    """Return one claim for each finding, in the order of every report, and the rules that they name."""
    findings = ranked(result.findings)
    said = explain(findings).to_pylist()
    made = [_claim(result, row, text) for row, text in zip(findings.to_pylist(), said, strict=True)]
    rules = sorted({claim.rule for claim in made})
    return made, [Rule(name, title(name)) for name in rules]


def _claim(result: Result, row: dict[str, Any], text: str) -> Claim:
    fingerprint = row["fingerprint"] or ""
    stands = (result.reviews or {}).get(row["finding_id"])
    places = [(row["recipient"], "resource"), (type_name(row["type"]), "data")]
    if row["carrier"] == "column":
        places.insert(0, (".".join([row["subject"] or "table", *(row["keys"] or [])[:1]]), "column"))
    return Claim(
        rule=row["rule"] or "unknown",
        message=row["explanation"] or text,
        fingerprint=fingerprint,
        kind="fail" if stands and stands.status == "violation" else _KINDS.get(row["outcome"], "open"),
        severity=row["severity"] or "medium",
        uri=row["location"] or row["subject"] or "",
        line=row["line"] if row["location"] else None,
        column=row["col"] if row["location"] else None,
        places=tuple((name, kind) for name, kind in places if name),
        state=_STATES[result.mark(fingerprint)],
        accepted=stands.why if stands and stands.closed else None,
        properties={name: row[name] for name in _TOLD if row[name] is not None and row[name] == row[name]}
        | ({"review": stands.status, "review_why": stands.why} if stands else {}),
    )
