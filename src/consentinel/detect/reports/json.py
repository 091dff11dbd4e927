"""JSON for scripts: the facts of the scan, its summary and every finding.

The document is one object: `schema` ("consentinel.findings/1"), `run_id`, `facts` (counts, policy, notes), `summary`
(findings by outcome, severity and data type, and new, known and gone ones when a baseline was given) and `findings`,
each with the columns of FINDINGS, times in ISO 8601 UTC, `baseline` ("new", "known" or null) and `review` (null, or an
object with the status, why and by whom). Where visits tell their drawn profiles there is also `differences` (power,
claims, refusals). Keys are added within a version of the
schema, never renamed.
"""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from consentinel.core.columns import values
from consentinel.detect.explain import explain
from consentinel.detect.reports._differences import plain
from consentinel.detect.reports._result import SCHEMA, Result, instant, place, ranked, verdict


def write(result: Result, out: Path) -> Path:
    """Write findings.json into OUT."""
    findings = ranked(result.findings)
    if None in findings.column("explanation").to_pylist():  # findings of an older run
        at = findings.schema.get_field_index("explanation")
        findings = findings.set_column(at, findings.schema.field(at), explain(findings))
    columns = [values(findings.column(name)) for name in findings.schema.names]
    names = findings.schema.names
    rows = [_finding(result, dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
    document = {
        "schema": SCHEMA,
        "run_id": _run_id(result),
        "facts": asdict(result.facts) | {"started": instant(result.facts.started)},
        "summary": _summary(result, rows),
        "findings": rows,
    }
    if result.differences is not None:
        document["differences"] = plain(result.differences)
    return place(out, "findings.json", msgspec.json.format(msgspec.json.encode(document), indent=1))


def _finding(result: Result, row: dict[str, Any]) -> dict[str, Any]:
    p, stands = row["p"], (result.reviews or {}).get(row["finding_id"])
    changed = {
        "first": instant(row["first"]),
        "last": instant(row["last"]),
        "p": None if p is None or p != p else round(p, 6),  # JSON has no NaN
        "baseline": result.mark(row["fingerprint"]) or None,
        "review": {"status": stands.status, "why": stands.why, "reviewer": stands.reviewer} if stands else None,
    }
    del row["run_id"]
    return row | changed


def _summary(result: Result, rows: list[dict[str, Any]]) -> dict[str, Any]:
    def counts(column: str, outcome: str | None = None) -> dict[str, int]:
        values = Counter(row[column] or "unknown" for row in rows if outcome in (None, row["outcome"]))
        return dict(sorted(values.items()))

    made: dict[str, Any] = {
        "verdict": verdict(result),
        "outcome": counts("outcome"),
        "severity": counts("severity", "potential violation"),
        "type": counts("type", "potential violation"),
    }
    if result.baseline is not None:
        made["baseline"] = dict(Counter(row["baseline"] for row in rows)) | {"gone": len(result.baseline.gone)}
    if result.reviews is not None:
        made["review"] = dict(sorted(Counter(stands.status for stands in result.reviews.values()).items()))
    return made


def _run_id(result: Result) -> str | None:
    for table in (result.findings, result.visits):
        if table.num_rows:
            run_id: str | None = table.column("run_id")[0].as_py()
            return run_id
    return None
