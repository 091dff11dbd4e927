"""What the reports share: baselines, order, verdict, and writing whole files."""

import json as stdlib
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.detect.reports import csv, html, json, junit, parquet, sarif, terminal
from consentinel.detect.reports._result import Result, instant, place, ranked, read_baseline, reviewed, verdict
from consentinel.detect.reviews.standing import STATUSES, Standing
from tests.detect.reports.made_scans import build, finding, fingerprint, many

FILES = {
    "csv": "findings.csv", "html": "report.html", "json": "findings.json", "junit": "findings.junit.xml",
    "parquet": "findings.parquet", "sarif": "findings.sarif", "terminal": "findings.txt",
}  # fmt: skip


@pytest.mark.parametrize(("part", "name"), FILES.items())
def test_every_report_writes_its_file_and_nothing_else(result: Result, part: str, name: str, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    written = import_module(f"consentinel.detect.reports.{part}").write(result, out)
    assert written == out / name
    assert [path.name for path in out.iterdir()] == [name]


@pytest.mark.parametrize("part", [csv, html, json, junit, parquet, sarif, terminal])
def test_a_report_does_not_depend_on_the_order_of_the_rows(part: object, tmp_path: Path) -> None:
    rows = many(40)
    one, two = build(rows), build(rows)
    turned = Result(two.findings.take(list(range(39, -1, -1))), two.visits, two.consent, two.evidence, two.facts)
    first = part.write(one, tmp_path / "a").read_bytes()  # type: ignore[attr-defined]
    assert part.write(turned, tmp_path / "b").read_bytes() == first  # type: ignore[attr-defined]


@pytest.mark.parametrize("part", [json, parquet])
def test_a_baseline_is_what_an_earlier_run_wrote(part: object, tmp_path: Path) -> None:
    result = build(many(30))
    wanted = frozenset(result.findings.column("fingerprint").to_pylist())
    path = part.write(result, tmp_path)  # type: ignore[attr-defined]
    assert read_baseline(path) == wanted
    assert read_baseline(tmp_path) == wanted


def test_a_sarif_baseline_has_what_needed_action_and_not_what_was_absent(tmp_path: Path) -> None:
    result = build([finding(0), finding(1, outcome="no signal"), finding(2, outcome="allowed")], baseline=True)
    assert read_baseline(sarif.write(result, tmp_path)) == {fingerprint(0), fingerprint(1)}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"schema": "consentinel.findings/1"}', b"\xff\xfe\x00", b"[" * 100_000,
     b'{"schema": "consentinel.findings/1", "findings": [3]}', b'{"version": "2.1.0", "runs": [{}]}'],
)  # fmt: skip
@pytest.mark.parametrize("name", ["findings.json", "findings.sarif", "findings.parquet"])
def test_a_bad_baseline_is_refused_with_a_way_out(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=r"findings\.\w+: .*Give findings\.json") as why:
        read_baseline(tmp_path / name)
    assert str(tmp_path) not in str(why.value)


def test_a_missing_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="missing"):
        read_baseline(tmp_path / "nothing.json")
    with pytest.raises(BadInput, match="no findings"):
        read_baseline(tmp_path)


def test_a_file_in_the_way_is_said_and_what_was_written_stays(tmp_path: Path) -> None:
    place(tmp_path, "kept.txt", b"before")
    with pytest.raises(UsageError, match=r"cannot be written into 'kept\.txt'"):
        place(tmp_path / "kept.txt", "report.html", b"x")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UsageError, match=r"report\.html cannot be written"):
        place(tmp_path, "report.html", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.txt", "report.html"]
    assert (tmp_path / "kept.txt").read_bytes() == b"before"


def test_the_verdict_counts_and_never_claims_more() -> None:
    bad, open_, fine = finding(0), finding(1, outcome="no signal"), finding(2, outcome="allowed")
    assert verdict(build([bad, open_, fine])) == (
        "1 potential violation (1 high); 1 flow could not be decided (no signal) and 1 flow was allowed."
    )
    assert verdict(build([bad])) == "1 potential violation (1 high)."
    assert verdict(build([open_])).startswith("No potential violation, but not clean")
    assert verdict(build([fine])) == "No potential violation: 1 flow was allowed."
    assert verdict(build([])) == "No potential violation: the rules found no flow of personal or device data to judge."


def test_the_most_serious_come_first() -> None:
    rows = [finding(0, severity="low"), finding(1, outcome="allowed"), finding(2, severity="critical", proof="P4"),
            finding(3, severity="critical", proof="P0"), finding(4, outcome=None, severity=None)]  # fmt: skip
    assert ranked(build(rows).findings).column("finding_id").to_pylist() == ["f3", "f2", "f0", "f1", "f4"]


def test_a_time_that_no_calendar_has_is_unknown() -> None:
    assert (instant(None), instant(2**62), instant(0)) == (None, None, "1970-01-01T00:00:00.000000Z")


def test_json_and_csv_are_not_the_modules_of_python() -> None:
    assert stdlib.__name__ == "json"
    assert json.__name__ == "consentinel.detect.reports.json"


def test_what_reviews_closed_is_counted_apart() -> None:
    rows = [finding(0), finding(1), finding(2, outcome="no signal"), finding(3, outcome="allowed")]
    stand = {"f0": Standing("c", "waived"), "f1": Standing("c", "stale"), "f2": Standing("c", "not_violation")}
    result = replace(build(rows), reviews=stand)
    assert verdict(result) == "1 potential violation (1 high); 1 flow was allowed and 2 findings were closed by review."
    assert reviewed(result) == (
        "Reviews: 2 closed (1 not a violation, 1 waived), 0 confirmed as violations; no longer decided: 1 stale."
    )
    assert result.left()["finding_id"].to_pylist() == ["f1", "f3"]
    assert verdict(replace(build(rows[:1]), reviews=stand)) == "No potential violation: 1 finding was closed by review."
    assert reviewed(build(rows)) == ""


@pytest.mark.parametrize("part", [csv, html, json, junit, sarif, terminal])
def test_every_report_says_where_a_finding_stands(part: Any, tmp_path: Path) -> None:
    stand = {f"f{n}": Standing("c", s, f"reason {n} <b>") for n, s in enumerate(STATUSES)}
    rows = [finding(n) for n in range(len(STATUSES))]
    text = part.write(replace(build(rows), reviews=stand), tmp_path).read_text("utf-8")
    assert "2 closed (1 not a violation, 1 waived)" in text or "reason 3" in text
    assert ("<b>" in text) == (part in (csv, json, sarif))


def test_a_confirmed_claim_without_signal_fails_in_tools(tmp_path: Path) -> None:
    result = replace(build([finding(0, outcome="no signal")]), reviews={"f0": Standing("c", "violation", "seen")})
    assert 'failures="1"' in junit.write(result, tmp_path).read_text("utf-8")
