"""The terminal report: narrow, short, without control characters."""

import re

import pytest
from rich.cells import cell_len

from consentinel.detect.reports import terminal
from consentinel.detect.reports._result import Result
from tests.detect.reports.made_scans import build, finding, hostile, many


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_too_wide(result: Result, width: int) -> None:
    for line in terminal.render(result, width, False).splitlines():
        assert cell_len(line) <= width


def test_hundreds_of_findings_end_in_tens_of_lines() -> None:
    lines = terminal.render(build(many(400), baseline=True), 80, False).splitlines()
    assert len(lines) < 80
    assert sum("more" in line for line in lines) == 5


def test_every_finding_is_on_a_line_or_counted(result: Result) -> None:
    text = terminal.render(result, 120, False)
    totals = [int(n.replace(",", "")) for n in re.findall(r"^\S.*\((\d[\d,]*)\)$", text, re.MULTILINE)]
    assert sum(totals) == result.findings.num_rows - result.outcomes()["allowed"]


def test_a_line_says_what_to_whom_when_how_often_and_how_sure() -> None:
    text = terminal.render(build([finding(0, proof="P1")], baseline=True), 120, False, "runs/scan/report.html")
    assert re.search(r"device identifier +posthog\.test \(PostHog\) +before consent +14x +P1", text)
    assert text.endswith("Full report: runs/scan/report.html\n")


def test_equal_findings_of_different_rules_share_a_line() -> None:
    rows = [finding(0), finding(1, rule="tcf_denied_but_sent", carrier="query")]
    assert terminal.render(build(rows), 80, False).count("posthog.test") == 1


def test_colour_only_when_asked() -> None:
    assert "\x1b" not in terminal.render(build(hostile()), 80, False)
    assert "\x1b[" in terminal.render(build([finding(0)]), 80, True)


def test_a_long_path_to_the_report_is_not_broken() -> None:
    path = "runs/" + "deep/" * 40 + "report.html"
    assert path in terminal.render(build([]), 80, False, path)
