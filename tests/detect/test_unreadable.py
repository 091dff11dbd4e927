"""What a scan does with files that cannot be read, whoever is at fault, and when it is stopped."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, MissingExtra
from consentinel.detect.collectors import har as har_reader
from tests.detect.made_traffic import findings, quiet, record, scanned, write


def broken(monkeypatch: pytest.MonkeyPatch, name: str, why: Exception) -> list[str]:
    """Let the HAR reader fail with WHY on the file NAME; returns the names of the files that it is given."""
    real, seen = har_reader.read, []

    def read(path: Path, *more: Any) -> Any:
        seen.append(path.name)
        if path.name == name:
            raise why
        return real(path, *more)

    monkeypatch.setattr(har_reader, "read", read)
    return seen


def test_one_bad_file_costs_nothing_of_the_others(tmp_path: Path, leak: Path, cli: Callable[..., Any]) -> None:
    (leak.parent / "broken.har").write_text('{"log": {"version": "1.2", "entr')
    (leak.parent / "noise.har").write_bytes(bytes(range(256)) * 20)
    code, out, err = cli("in", "--out", "o")
    assert code == 1
    assert findings(tmp_path / "o")
    assert err == ""
    notes = record(tmp_path / "o")["notes"]
    assert [n.partition(":")[0] for n in notes] == ["broken.har", "noise.har"]
    assert "broken.har" in out


def test_a_bad_file_beside_clean_ones_leaves_the_scan_undecided(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.har", quiet())
    (tmp_path / "in" / "b.har").write_text("no har")
    assert scanned(tmp_path, tmp_path / "in").exit_code == 3
    assert scanned(tmp_path, tmp_path / "in", fail_on="never").exit_code == 0


def test_a_fault_in_a_reader_costs_nothing_of_the_other_files(
    tmp_path: Path, leak: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Any]
) -> None:
    write(leak.parent / "odd.har", quiet())
    broken(monkeypatch, "odd.har", TypeError("jane@example.com is no number"))
    code, out, err = cli("in", "--out", "o")
    assert (code, err) == (1, "")
    assert {f["rule"] for f in findings(tmp_path / "o")} >= {"contact_data", "precise_location"}
    told = "odd.har: not read: a fault in the program (TypeError); please report it"
    assert record(tmp_path / "o")["notes"] == [told]
    assert record(tmp_path / "o")["outcome"] == {"state": "finished"}
    assert "odd.har: not read" in out
    assert "jane@example.com" not in (tmp_path / "o" / "run.json").read_text("utf-8") + out


def test_a_fault_beside_clean_files_leaves_the_scan_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.har", "b.har"):
        write(tmp_path / "in" / name, quiet())
    broken(monkeypatch, "b.har", KeyError("log"))
    assert scanned(tmp_path, tmp_path / "in").exit_code == 3
    assert {f["outcome"] for f in findings(tmp_path / "out")} == {"allowed"}


def test_a_fault_is_raised_when_nothing_else_could_be_read(
    tmp_path: Path, leak: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Any]
) -> None:
    broken(monkeypatch, "leak.har", TypeError("jane@example.com is no number"))
    with pytest.raises(TypeError):
        scanned(tmp_path, leak)
    assert record(tmp_path / "out")["outcome"]["state"] == "failed"
    code, out, err = cli("in", "--out", "o")
    assert (code, out) == (5, "")
    assert "jane@example.com" not in err


def test_a_missing_extra_is_raised_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.har", "b.har"):
        write(tmp_path / "in" / name, quiet())
    seen = broken(monkeypatch, "a.har", MissingExtra("install consentinel[vault]"))
    with pytest.raises(MissingExtra):
        scanned(tmp_path, tmp_path / "in")
    assert seen == ["a.har"]


def test_only_bad_files_are_an_error_and_run_json_says_so(tmp_path: Path) -> None:
    for name in ("a.har", "b.har"):
        write(tmp_path / "in" / name, {})
    with pytest.raises(BadInput):
        scanned(tmp_path, tmp_path / "in")
    assert record(tmp_path / "out")["outcome"]["state"] == "failed"
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_ctrl_c_keeps_what_was_whole(
    tmp_path: Path, leak: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Any]
) -> None:
    for name in ("b.har", "c.har"):
        shutil.copy(leak, leak.parent / name)
    real, seen = har_reader.read, []

    def read(path: Path, *more: Any) -> Any:
        seen.append(path.name)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return real(path, *more)

    monkeypatch.setattr(har_reader, "read", read)
    code, out, _ = cli("in", "--out", "o")
    assert code == 130
    assert seen == ["b.har", "c.har"]
    assert findings(tmp_path / "o")
    assert "stopped by the user after 1 of 3 files" in out
    assert record(tmp_path / "o")["outcome"] == {"state": "stopped"}
    assert pq.read_table(tmp_path / "o" / "visits.parquet").num_rows == 1
