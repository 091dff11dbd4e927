"""`detect scan` from end to end: as a function and as a command."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput
from consentinel.core.evidence import verify
from consentinel.core.run import Run
from consentinel.core.tables import TABLES
from tests.detect.made_traffic import (
    SECRETS,
    TRACKER,
    bare,
    entry,
    findings,
    leaking,
    quiet,
    record,
    scanned,
    write,
)

ROOT = Path(__file__).parents[2]
OTHERS = ("audits", "incidents", "releases", "texts")  # tables of other rooms
KEPT = {name: schema for name, schema in TABLES.items() if name not in OTHERS}
FILES = [*(f"{name}.parquet" for name in KEPT), "run.json"]
REPORTS = {name: f"findings.{name}" for name in ("json", "sarif", "csv")}
REPORTS |= {"html": "report.html", "junit": "findings.junit.xml", "terminal": "findings.txt"}


def claims(folder: Path) -> list[tuple[Any, ...]]:
    """What a scan found, without what is of the run."""
    fields = ("fingerprint", "outcome", "severity", "proof", "n", "n_visits", "first", "last", "keys", "explanation")
    return sorted((tuple(map(str, (row[f] for f in fields)))) for row in findings(folder))


def test_a_leak_ends_in_1_with_everything_kept(tmp_path: Path, leak: Path) -> None:
    outcome = scanned(tmp_path, leak)
    out = tmp_path / "out"
    assert outcome.exit_code == 1
    assert "potential violation" in outcome.text
    for name in (*FILES, *REPORTS.values()):
        assert (out / name).stat().st_size > 0, name
    for name, schema in KEPT.items():
        table = pq.read_table(out / f"{name}.parquet")
        assert table.schema.names == schema.names
        assert set(table["run_id"].to_pylist()) <= {outcome.run.run_id}
    rules = {(f["rule"], f["recipient"]) for f in findings(out)}
    assert {
        ("contact_data", "hotjar.com"),
        ("precise_location", "hotjar.com"),
        ("device_identifier", "adnxs.com"),
        ("storage_before_consent", "shop.test"),
        ("storage_before_consent", "hotjar.com"),
    } <= rules
    evidence = pq.read_table(out / "evidence.parquet")
    assert verify(evidence) == []
    ids = set(evidence["evidence_id"].to_pylist())
    assert all(f["evidence_ids"] and set(f["evidence_ids"]) <= ids for f in findings(out))


def test_run_json_says_what_was_done_and_nothing_of_the_machine(tmp_path: Path, leak: Path) -> None:
    outcome = scanned(tmp_path, leak, region="UK", rules="contact_data")
    told = record(tmp_path / "out")
    assert told["verb"] == "detect.scan"
    assert told["run_id"] == outcome.run.run_id
    assert told["outcome"] == {"state": "finished"}
    assert told["asked"] | {"traffic": ["leak.har"], "rules": "contact_data", "region": "UK"} == told["asked"]
    assert [r["name"] for r in told["read"]] == ["leak.har"]
    assert {k["name"] for k in told["kept"]} == {*FILES, *REPORTS.values()} - {"run.json"}
    assert told["assumed"]["policy"] == "default"
    assert len(told["assumed"]["policy_digest"]) == 64
    text = (tmp_path / "out" / "run.json").read_text("utf-8")
    for hidden in (str(tmp_path), os.uname().nodename, "PATH"):
        assert hidden not in text


@pytest.mark.parametrize(("fail_on", "code"), [("low", 1), ("critical", 1), ("never", 0)])
def test_fail_on_a_critical_finding(tmp_path: Path, leak: Path, fail_on: Any, code: int) -> None:
    assert scanned(tmp_path, leak, fail_on=fail_on).exit_code == code


@pytest.mark.parametrize(("fail_on", "code"), [("low", 1), ("medium", 1), ("high", 1), ("critical", 0), ("never", 0)])
def test_fail_on_a_high_finding(tmp_path: Path, fail_on: Any, code: int) -> None:
    file = write(tmp_path / "a.har", quiet("reject", "denied"))
    assert scanned(tmp_path, file, fail_on=fail_on).exit_code == code
    assert {f["severity"] for f in findings(tmp_path / "out")} == {"high"}


def test_granted_traffic_is_clean(tmp_path: Path) -> None:
    outcome = scanned(tmp_path, write(tmp_path / "a.har", quiet()))
    assert outcome.exit_code == 0
    assert {f["outcome"] for f in findings(tmp_path / "out")} == {"allowed"}
    assert "No potential violation" in outcome.text


def test_traffic_without_any_signal_is_undecided(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", bare(quiet()))
    outcome = scanned(tmp_path, file)
    assert outcome.exit_code == 3
    assert {f["outcome"] for f in findings(tmp_path / "out")} == {"no signal"}


def test_no_traffic_at_all_is_undecided(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", {"log": {"version": "1.2", "entries": []}})
    assert scanned(tmp_path, file).exit_code == 3
    assert findings(tmp_path / "out") == []
    for name in (*FILES, *REPORTS.values()):
        assert (tmp_path / "out" / name).is_file(), name


@pytest.mark.parametrize(
    ("scenario", "code", "states"),
    [("unknown", 3, {"none"}), ("reject", 1, {"denied"}), ("no_action", 1, {"before"}), ("accept", 0, {"granted"})],
)
def test_a_scenario_speaks_for_traffic_that_does_not(
    tmp_path: Path, scenario: Any, code: int, states: set[str]
) -> None:
    file = write(tmp_path / "a.har", bare(quiet()))
    assert scanned(tmp_path, file, scenario=scenario).exit_code == code
    assert {f["consent_state"] for f in findings(tmp_path / "out")} == states
    assert {f["scenario"] for f in findings(tmp_path / "out")} == {scenario}


def test_a_region_speaks_for_traffic_that_does_not(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", bare(quiet()))
    assert scanned(tmp_path, file, scenario="gpc", region="US-CA").exit_code == 1
    assert {f["consent_state"] for f in findings(tmp_path / "out")} == {"opted_out"}
    assert all("Cal. Civ. Code" in f["basis"] for f in findings(tmp_path / "out"))


def test_what_the_traffic_says_of_itself_comes_first(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", quiet("reject", "denied"))
    assert scanned(tmp_path, file, scenario="accept", region="US-CA").exit_code == 1
    assert [(f["scenario"], f["consent_state"]) for f in findings(tmp_path / "out")] == [("reject", "denied")]
    assert "GDPR" in findings(tmp_path / "out")[0]["basis"]
    table = tmp_path / "requests.csv"
    table.write_text(
        "url,time,page,scenario,region\n"
        f"{TRACKER}/v1?uid={SECRETS['uid']},2025-10-09T10:00:01Z,https://www.shop.test/,gpc,US-CA\n"
    )
    assert scanned(tmp_path, table, scenario="accept", region="UK").exit_code == 1
    assert [(f["scenario"], f["consent_state"]) for f in findings(tmp_path / "out")] == [("gpc", "opted_out")]


@pytest.mark.parametrize("kind", ["json", "sarif", "parquet", "folder"])
def test_a_baseline_knows_what_an_earlier_scan_found(tmp_path: Path, leak: Path, kind: str) -> None:
    scanned(tmp_path, leak, out=tmp_path / "old")
    baseline = tmp_path / "old" if kind == "folder" else tmp_path / "old" / f"findings.{kind}"
    assert scanned(tmp_path, leak, baseline=baseline).exit_code == 0
    read = [r["name"] for r in record(tmp_path / "out")["read"]]
    assert read == (["leak.har"] if kind == "folder" else [f"findings.{kind}", "leak.har"])
    other = leaking()
    other["log"]["entries"].append(entry(f"https://bat.bing.com/x?uid={SECRETS['uid']}", 9))
    more = write(tmp_path / "more" / "leak.har", other)
    assert scanned(tmp_path, more, baseline=baseline).exit_code == 1
    told = json.loads((tmp_path / "out" / "findings.json").read_text("utf-8"))
    marks = {f["recipient"]: f["baseline"] for f in told["findings"]}
    assert marks["bing.com"] == "new"
    assert {m for who, m in marks.items() if who != "bing.com"} == {"known"}


def test_a_policy_of_ones_own(tmp_path: Path, leak: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'version = 1\nextends = "default"\n[[rule]]\nid = "all-fine"\nregions = ["EU"]\nneeds = "nothing"\n'
        'basis = "A contract that covers everything"\nfrom = 2000-01-01\n'
    )
    assert scanned(tmp_path, leak, policy=own).exit_code == 0
    told = record(tmp_path / "out")
    assert told["assumed"]["policy"] == "own.toml"
    assert [r["name"] for r in told["read"]] == ["own.toml", "leak.har"]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["no.har"], 5, "no.har: there is no such file"),
        (["empty"], 5, "empty: the folder holds no recorded traffic"),
        (["in/leak.har", "--rules", "contact_dat"], 2, "no 'contact_dat' on detect/rules; there is: advertising_id"),
        (["in/leak.har", "--formats", "pdf"], 2, "no 'pdf' on detect/reports"),
        (["in/leak.har", "--policy", "bad.toml"], 2, "bad.toml"),
        (["in/leak.har", "--policy", "none.toml"], 5, "none.toml"),
        (["in/leak.har", "--planted", "bad.toml"], 2, "bad.toml"),
        (["in/leak.har", "--region", "Atlantis"], 2, "unknown region 'Atlantis'"),
        (["in/leak.har", "--columns", "url"], 2, "--columns: 'url' should be field=column"),
        (["in/leak.har", "--columns", "ulr=x"], 2, "--columns: unknown field 'ulr'; did you mean 'url'?"),
        (["in/leak.har", "--columns", "zzz=x"], 2, "unknown field 'zzz'; there is: app, tracker, data_type"),
        (["in/leak.har", "--baseline", "in/leak.har"], 5, "leak.har: not a baseline"),
        (["in/leak.har", "--baseline", "none.json"], 5, "none.json: the baseline is missing"),
        (["in/leak.har", "--fail-on", "grave"], 2, "grave"),
        (["in/leak.har", "--scenario", "accepted"], 2, "accepted"),
        (["in/leak.har", "--out", "taken"], 5, "taken: the output folder cannot be written to"),
        (["in/leak.har", "--project-key-file", "bad.toml"], 2, "bad.toml: a project key is 64 hexadecimal digits"),
    ],
)
def test_wrong_use_is_told_before_any_reading(
    tmp_path: Path, leak: Path, cli: Callable[..., Any], argv: list[str], code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "bad.toml").write_text('version = 1\nextend = "default"\n')
    got, out, err = cli(*argv)
    assert (got, out) == (code, "")
    assert said in err
    assert err.startswith("consentinel: ")
    assert "Traceback" not in err
    assert str(tmp_path) not in err
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_command_says_what_the_verb_returns(tmp_path: Path, leak: Path, cli: Callable[..., Any]) -> None:
    code, out, err = cli(str(leak), "--out", "here", "--rules", "contact_data", "--formats", "json,csv")
    assert (code, err) == (1, "")
    assert "potential violation" in out
    assert {f["rule"] for f in findings(tmp_path / "here")} == {"contact_data"}
    assert not (tmp_path / "here" / "report.html").exists()
    assert (tmp_path / "here" / "findings.json").is_file()
    assert (tmp_path / ".consentinel" / "key").is_file()


def test_rules_may_be_left_out(tmp_path: Path, leak: Path) -> None:
    scanned(tmp_path, leak, rules="all,-contact_data,-storage_before_consent")
    assert not {f["rule"] for f in findings(tmp_path / "out")} & {"contact_data", "storage_before_consent"}


@pytest.mark.parametrize("name", REPORTS)
def test_one_format_writes_one_report(tmp_path: Path, leak: Path, name: str) -> None:
    scanned(tmp_path, leak, formats=name)
    there = {p.name for p in (tmp_path / "out").iterdir() if p.suffix != ".parquet"} - {"run.json", ".lock"}
    assert there == {REPORTS[name]}


def test_a_table_of_requests_with_a_column_map(tmp_path: Path) -> None:
    table = tmp_path / "requests.csv"
    when = "2025-10-09T10:00:0"
    table.write_text(
        "target,at,top\n"
        f"{TRACKER}/v1?uid={SECRETS['uid']},{when}1Z,https://www.shop.test/\n"
        f"https://www.shop.test/own?uid={SECRETS['uid']},{when}2Z,https://www.shop.test/\n"
    )
    told = scanned(tmp_path, table, columns="url=target, time=at, page=top", scenario="reject")
    assert told.exit_code == 1
    assert [(f["rule"], f["subject"], f["recipient"]) for f in findings(tmp_path / "out")] == [
        ("device_identifier", "shop.test", "hotjar.com")
    ]
    with pytest.raises(BadInput, match="no column 'nothing' for url"):
        scanned(tmp_path, table, columns="url=nothing")


def test_two_scans_into_one_folder_do_not_mix(tmp_path: Path, leak: Path, cli: Callable[..., Any]) -> None:
    with Run.open("detect.scan", tmp_path / "o"):
        code, _, err = cli(str(leak), "--out", "o")
    assert code == 2
    assert "another run is writing to o" in err
    assert record(tmp_path / "o")["outcome"] == {"state": "finished"}
    assert cli(str(leak), "--out", "o")[0] == 1


def test_a_scan_can_be_repeated_into_its_folder(tmp_path: Path, leak: Path) -> None:
    scanned(tmp_path, leak)
    first = claims(tmp_path / "out")
    scanned(tmp_path, leak)
    assert claims(tmp_path / "out") == first


def test_where_the_law_allows_until_an_opt_out_silence_is_allowed(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", bare(quiet()))
    assert scanned(tmp_path, file, region="US-CA").exit_code == 0
    assert {(f["consent_state"], f["outcome"]) for f in findings(tmp_path / "out")} == {("none", "allowed")}


def test_the_report_of_the_terminal_is_kept(tmp_path: Path, leak: Path) -> None:
    outcome = scanned(tmp_path, leak, formats="terminal")
    text = (tmp_path / "out" / "findings.txt").read_text("utf-8")
    assert text.splitlines()[0] == outcome.text.splitlines()[0]
    assert "findings.txt" in {k["name"] for k in record(tmp_path / "out")["kept"]}


def test_a_sealed_copy_is_judged_again_alike(tmp_path: Path, leak: Path) -> None:
    pytest.importorskip("cryptography", reason="install with: pip install 'consentinel[vault]'")
    shutil.copy(leak, leak.parent / "second.har")
    scanned(tmp_path, leak.parent, keep_raw=True)
    sealed = sorted((tmp_path / "out" / "raw").iterdir())
    assert [p.name for p in sealed] == ["leak.har.vault", "second.har.vault"]
    for secret in SECRETS.values():
        assert secret.encode() not in b"".join(p.read_bytes() for p in sealed)
    scanned(tmp_path, tmp_path / "out" / "raw", out=tmp_path / "again")
    assert claims(tmp_path / "again") == claims(tmp_path / "out")
    with pytest.raises(BadInput, match="another project key"):
        scanned(tmp_path, *sealed, out=tmp_path / "stolen", project_key_file=tmp_path / "other")


def test_files_of_one_name_from_two_folders_are_all_kept(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="install with: pip install 'consentinel[vault]'")
    for folder in "ab":
        write(tmp_path / "in" / folder / "a.har", quiet())
    scanned(tmp_path, tmp_path / "in", keep_raw=True)
    assert len(list((tmp_path / "out" / "raw").iterdir())) == 2
    assert len(set(pq.read_table(tmp_path / "out" / "visits.parquet")["visit_id"].to_pylist())) == 2
