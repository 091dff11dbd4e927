"""CSV for spreadsheets: one line per finding, times in ISO 8601 UTC, safe to open.

A cell that a spreadsheet would read as a formula begins with an apostrophe (OWASP, CSV injection); control characters
are replaced.
"""

import csv
import io
from pathlib import Path
from typing import Any

from consentinel.core.tables import FINDINGS
from consentinel.core.text import one_line
from consentinel.detect.explain import explain
from consentinel.detect.reports._result import Result, instant, place, ranked

_TIMES = {"first", "last"}
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  the full-width forms are read as formulas too


def write(result: Result, out: Path) -> Path:
    """Write findings.csv into OUT."""
    findings = ranked(result.findings)
    columns = [_column(name, findings.column(name).to_pylist()) for name in FINDINGS.names]
    said = FINDINGS.get_field_index("explanation")
    spoken = [_text(text) for text in explain(findings).to_pylist()]
    columns[said] = [own or text for own, text in zip(columns[said], spoken, strict=True)]
    marks = [result.mark(value) for value in findings.column("fingerprint").to_pylist()]
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")  # RFC 4180, section 2
    writer.writerow([*FINDINGS.names, "baseline"])
    writer.writerows(zip(*columns, marks, strict=True))
    return place(out, "findings.csv", held.getvalue().encode())


def _column(name: str, values: list[Any]) -> list[Any]:
    if name in _TIMES:
        return [instant(value) for value in values]
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return _text("; ".join(item for item in value if item))
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    safe = one_line(value)
    return f"'{safe}" if value.startswith(_FORMULA) or safe.startswith(_FORMULA) else safe
