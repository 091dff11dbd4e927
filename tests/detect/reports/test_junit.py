"""The JUnit report: XML that parses, with counts that add up."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from consentinel.detect.reports import junit
from consentinel.detect.reports._result import Result
from consentinel.detect.reviews.standing import Standing
from tests.detect.reports.made_scans import build, finding, many


def test_it_parses_and_adds_up(result: Result, tmp_path: Path) -> None:
    root = ElementTree.parse(junit.write(result, tmp_path)).getroot()
    cases = root.findall("testsuite/testcase")
    assert int(root.attrib["tests"]) == len(cases) == result.findings.num_rows
    assert int(root.attrib["failures"]) == len(root.findall(".//failure")) == result.outcomes()["potential violation"]
    assert int(root.attrib["skipped"]) == len(root.findall(".//skipped"))
    assert sum(int(suite.attrib["tests"]) for suite in root) == len(cases)


def test_cases_are_told_apart(tmp_path: Path) -> None:
    root = ElementTree.parse(junit.write(build(many(300)), tmp_path)).getroot()
    names = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_an_accepted_finding_does_not_fail_the_build(tmp_path: Path) -> None:
    result = replace(build([finding(0)]), reviews={"f0": Standing("c_0", "not_violation", "by counsel")})
    root = ElementTree.parse(junit.write(result, tmp_path)).getroot()
    assert (root.attrib["failures"], root.attrib["skipped"]) == ("0", "1")
