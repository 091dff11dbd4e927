"""CSV for spreadsheets: one line per finding, times in ISO 8601 UTC, safe to open.

A cell that a spreadsheet would read as a formula begins with an apostrophe (OWASP, CSV injection); control characters
are replaced.
"""

import csv
import io
from pathlib import Path
from typing import Any

from consentinel.core.tables import FINDINGS
from consentinel.core.text import cell
from consentinel.detect.explain import explain
from consentinel.detect.reports._result import Result, instant, place, ranked

_TIMES = {"first", "last"}


def write(result: Result, out: Path) -> Path:
    """Write findings.csv into OUT."""
    findings = ranked(result.findings)
    columns = [_column(name, findings.column(name).to_pylist()) for name in FINDINGS.names]
    said = FINDINGS.get_field_index("explanation")
    spoken = [cell(text) for text in explain(findings).to_pylist()]
    columns[said] = [own or text for own, text in zip(columns[said], spoken, strict=True)]
    marks = [result.mark(value) for value in findings.column("fingerprint").to_pylist()]
    stand = [(result.reviews or {}).get(value) for value in findings.column("finding_id").to_pylist()]
    review = [(s.status, cell(s.why)) if s else ("", "") for s in stand]
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")  # RFC 4180, section 2
    writer.writerow([*FINDINGS.names, "baseline", "review", "review_why"])
    writer.writerows(zip(*columns, marks, *zip(*review, strict=True), strict=True) if review else ())
    return place(out, "findings.csv", held.getvalue().encode())


def _column(name: str, values: list[Any]) -> list[Any]:
    if name in _TIMES:
        return [instant(value) for value in values]
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return cell("; ".join(item for item in value if item))
    return cell(value) if isinstance(value, str) else value
