"""The CSV report: one line per finding, and no cell that a spreadsheet would run."""

import csv as stdlib
import io
from pathlib import Path

from consentinel.core.tables import FINDINGS
from consentinel.detect.reports import csv
from consentinel.detect.reports._result import Result
from tests.detect.reports.made_scans import build, finding


def rows_of(result: Result, out: Path) -> list[list[str]]:
    return list(stdlib.reader(io.StringIO(csv.write(result, out).read_text("utf-8"), newline=""), strict=True))


def test_one_line_per_finding_and_no_formula(result: Result, tmp_path: Path) -> None:
    head, *rows = rows_of(result, tmp_path)
    assert head == [*FINDINGS.names, "baseline", "review", "review_why"]
    assert len(rows) == result.findings.num_rows
    for row in rows:
        assert len(row) == len(head)
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]


def test_formulas_are_quoted_and_still_readable(tmp_path: Path) -> None:
    row = finding(0, subject="=1+1", recipient="\t@SUM(A1)", owner="\uff1d1", keys=["-key", "b"])
    head, told = rows_of(build([row]), tmp_path)
    cells = dict(zip(head, told, strict=True))
    assert cells["subject"] == "'=1+1"
    assert cells["recipient"] == "'@SUM(A1)"
    assert cells["owner"] == "'\uff1d1"
    assert cells["keys"] == "'-key; b"
    assert cells["explanation"].startswith("'=1+1 sent")
    assert cells["first"] == "2026-01-01T00:00:02.000000Z"
