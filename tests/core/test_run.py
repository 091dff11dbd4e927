import getpass
import hashlib
import json
import os
import platform
import socket
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.run import Run, atomic

TABLE = pa.table({"run_id": pa.array([None, None], pa.dictionary(pa.int32(), pa.string())), "n": [1, 2]})


def told(out: Path) -> Any:
    return json.loads((out / "run.json").read_text("utf-8"))


def test_a_run_that_finishes_tells_what_it_read_kept_and_assumed(tmp_path: Path) -> None:
    source, out = tmp_path / "in" / "a.har", tmp_path / "new" / "out"
    source.parent.mkdir()
    source.write_bytes(b"abc")
    asked = {
        "traffic": [source],
        "policy": None,
        "seed": 7,
        "of": {"x": Path("/srv/secret/p.toml")},
        "kind": frozenset(),
    }
    with Run.open("detect.scan", out, **asked) as run:
        assert told(out)["outcome"] == {"state": "running"}
        assert run.read(source) == source
        run.keep("t", TABLE)
        run.assume(policy="default")
        run.note("one row was left out")
    found = told(out)
    assert found["outcome"] == {"state": "finished"}
    assert found["verb"] == "detect.scan"
    assert found["asked"] == {
        "traffic": ["a.har"], "policy": None, "seed": 7, "of": {"x": "p.toml"}, "kind": "frozenset()"
    }  # fmt: skip
    assert found["read"] == [{"name": "a.har", "bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}]
    kept = found["kept"][0]
    assert (kept["name"], kept["rows"]) == ("t.parquet", 2)
    assert kept["sha256"] == hashlib.sha256((out / "t.parquet").read_bytes()).hexdigest()
    assert (found["assumed"], found["notes"]) == ({"policy": "default"}, ["one row was left out"])
    assert pq.read_table(out / "t.parquet")["run_id"].to_pylist() == [found["run_id"]] * 2
    assert sorted(p.name for p in out.iterdir()) == [".lock", "run.json", "t.parquet"]


def test_nothing_of_the_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENTINEL_TEST", "value-of-the-environment")
    out = tmp_path / "folder-of-somebody" / "out"
    with pytest.raises(BadInput), Run.open("v", out, traffic=out, columns="a=b") as run:
        run.read(out / "missing.har")
    text = (out / "run.json").read_text()
    hidden = [str(tmp_path), "folder-of-somebody", "value-of-the-environment", socket.gethostname(), platform.node()]
    for word in [*hidden, str(Path.home()), f'"{getpass.getuser()}"']:
        assert word not in text


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (BudgetRefused("nothing is left"), {"state": "failed", "error": "BudgetRefused", "message": "nothing is left"}),
        (ValueError("jane@example.com"), {"state": "failed", "error": "ValueError"}),
        (KeyboardInterrupt(), {"state": "stopped"}),
        (SystemExit(3), {"state": "failed", "error": "SystemExit"}),
    ],
)
def test_a_run_that_fails_says_so_and_keeps_what_was_done(
    error: BaseException, outcome: object, tmp_path: Path
) -> None:
    def go() -> None:
        with Run.open("v", tmp_path) as run:
            run.keep("t", TABLE)
            raise error

    with pytest.raises(type(error)):
        go()
    found = told(tmp_path)
    assert found["outcome"] == outcome
    assert [k["name"] for k in found["kept"]] == ["t.parquet"]
    assert "jane" not in (tmp_path / "run.json").read_text()


def test_a_run_that_was_stopped_but_ended_well_says_stopped(tmp_path: Path) -> None:
    with Run.open("v", tmp_path) as run:
        run.interrupted = True
    assert told(tmp_path)["outcome"] == {"state": "stopped"}


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with Run.open("first", tmp_path):
        with pytest.raises(UsageError, match="another run"), Run.open("second", tmp_path):
            pass
        assert told(tmp_path)["verb"] == "first"
    with Run.open("third", tmp_path):
        pass
    assert told(tmp_path)["verb"] == "third"


def test_of_many_runs_at_once_one_gets_the_folder(tmp_path: Path) -> None:
    gate, done, won = threading.Barrier(6), threading.Barrier(6), []

    def go() -> None:
        gate.wait()
        try:
            with Run.open("v", tmp_path) as run:
                won.append(run.run_id)
                done.wait(10)
        except UsageError:
            done.wait(10)

    threads = [threading.Thread(target=go) for _ in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert [told(tmp_path)["run_id"]] == won


@pytest.mark.parametrize("out", ["file", "file/in", "locked"])
def test_a_folder_that_cannot_be_written_to_is_told(out: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "locked" / ".lock").mkdir(parents=True)
    with pytest.raises(BadInput, match="--out") as why, Run.open("v", tmp_path / out):
        pass
    assert str(tmp_path) not in str(why.value)


@pytest.mark.parametrize("name", ["missing.har", "folder", "pipe"])
def test_what_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match=f"^{name}: "), Run.open("v", tmp_path / "out") as run:
        run.read(tmp_path / name)


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_told_and_the_old_table_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Run.open("v", tmp_path) as run:
        run.keep("t", TABLE)
    old = (tmp_path / "t.parquet").read_bytes()
    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(BadInput, match=r"t.parquet: cannot be written \(No space left"), Run.open("v", tmp_path) as run:
        run.keep("t", TABLE.slice(1))
    assert (tmp_path / "t.parquet").read_bytes() == old
    assert told(tmp_path)["outcome"]["state"] == "failed"
    assert told(tmp_path)["kept"] == []
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


def test_a_disk_that_is_full_from_the_start_ends_in_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BadInput, match=r"run\.json: cannot be written"), Run.open("v", tmp_path):
        pytest.fail("the body must not run")
    monkeypatch.undo()
    with Run.open("v", tmp_path):
        pass


@pytest.mark.parametrize("error", [OSError(28, "full"), ValueError("x"), KeyboardInterrupt()])
def test_a_write_that_breaks_off_leaves_the_old_file(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def go() -> None:
        with atomic(path) as beside:
            beside.write_text("ne")
            raise error

    with pytest.raises((BadInput, ValueError, KeyboardInterrupt)):
        go()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_table_written_in_pieces_appears_whole(tmp_path: Path) -> None:
    with Run.open("v", tmp_path) as run:
        with run.writer("t", TABLE.schema) as put:
            put(TABLE)
            put(TABLE.slice(0, 0))
            assert not (tmp_path / "t.parquet").exists()
            put(TABLE)
        with run.writer("none", TABLE.schema):
            pass
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 4
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
    assert [k["rows"] for k in told(tmp_path)["kept"]] == [4, 0]


def test_a_charge_is_written_at_once(tmp_path: Path) -> None:
    with Run.open("protect.measure", tmp_path) as run:
        run.charge("count", 250, "3.ab", ("shop", "person", "2026"))
        before = json.loads((tmp_path / "run.json").read_text("utf-8"))
    record = {"mechanism": "count", "micro_rho": 250, "charge": "3.ab", "account": ["shop", "person", "2026"]}
    assert before["outcome"] == {"state": "running"}
    assert before["charges"] == [record]
    assert json.loads((tmp_path / "run.json").read_text("utf-8"))["charges"] == [record]
