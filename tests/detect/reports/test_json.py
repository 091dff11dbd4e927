"""The JSON report: valid, complete, stable."""

import json as stdlib
from pathlib import Path

from consentinel.core.tables import FINDINGS
from consentinel.detect.reports import json
from consentinel.detect.reports._result import Result
from tests.detect.reports.made_scans import build, finding


def test_every_finding_is_there_once(result: Result, tmp_path: Path) -> None:
    document = stdlib.loads(json.write(result, tmp_path).read_bytes())
    assert document["schema"] == "consentinel.findings/1"
    assert len(document["findings"]) == result.findings.num_rows
    assert sum(document["summary"]["outcome"].values()) == result.findings.num_rows
    for row in document["findings"]:
        assert set(row) == {*FINDINGS.names, "baseline", "review"} - {"run_id"}
        assert row["explanation"].endswith(".")


def test_times_are_iso_and_numbers_finite(tmp_path: Path) -> None:
    row = finding(0, p=float("nan"), first=1_767_225_602_000_001, last=2**62)
    document = stdlib.loads(json.write(build([row]), tmp_path).read_bytes(), parse_constant=lambda _: 1 / 0)
    told = document["findings"][0]
    assert told["first"] == "2026-01-01T00:00:02.000001Z"
    assert (told["p"], told["last"]) == (None, None)
    assert document["facts"]["started"] == "2026-01-01T00:00:00.000000Z"
    assert document["run_id"] == "run-1"
