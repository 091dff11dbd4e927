"""State and reviews on a PostgreSQL server and in SQLite: writers at the same time, and processes that are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consentinel.cli.app import run as command
from consentinel.core.errors import BadInput, NotSupported
from consentinel.core.state import Area, opened
from consentinel.detect.reviews.labels import labels
from consentinel.detect.reviews.memory import recall, reviews_at
from consentinel.detect.reviews.reviewing import take
from tests.detect.reviews.made_reviews import findings, stand, told, waiting

pytestmark = pytest.mark.real
pytest.importorskip("sqlalchemy", reason="install with: pip install 'consentinel[review]'")

ROOT = Path(__file__).parents[2]
NOTES = Area("notes", (("CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL)",),))
NEWER = Area("notes", (*NOTES.steps, ("ALTER TABLE notes ADD COLUMN mark TEXT", "UPDATE notes SET mark = 'old'")))
# One process that adds 25 rows, each numbered after the last that it sees, two in a transaction.
WRITER = """
import sys
from consentinel.core.state import Area, opened
area = Area("notes", (("CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL)",),))
for _ in range(int(sys.argv[2])):
    with opened(sys.argv[1], area) as state, state.write() as turn:
        top = turn.rows("SELECT coalesce(max(id), 0) FROM notes")[0][0]
        for step in (1, 2):
            turn.run("INSERT INTO notes (id, text) VALUES (:id, 'x')", [{"id": top + step}])
            print("half" if step == 1 else "both", flush=True)
    print("kept", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Empty state, in a file or in a database of its own."""
    if request.param == "sqlite":
        yield str(tmp_path / "state.sqlite")
        return
    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"state_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def started(where: str, times: int) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, where, str(times)], stdout=subprocess.PIPE, text=True, env=environment
    )


def kept(where: str) -> list[int]:
    with opened(where, NOTES) as state, state.read() as now:
        return [number for (number,) in now.rows("SELECT id FROM notes ORDER BY id")]


def test_writers_at_the_same_time_lose_nothing(where: str) -> None:
    writers = [started(where, 25) for _ in range(2)]  # both make the tables, too
    assert [writer.communicate(timeout=120)[0].count("kept") for writer in writers] == [25, 25]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert kept(where) == list(range(1, 101))


def test_a_killed_writer_leaves_whole_transactions_and_no_lock(where: str) -> None:
    for moment in ("half", "both", "kept"):
        writer = started(where, 10_000)
        assert writer.stdout is not None
        seen = 0
        for line in writer.stdout:
            seen += line.strip() == moment
            if seen == 3:
                writer.send_signal(signal.SIGKILL)
                break
        rest = writer.stdout.read().count("kept")
        writer.stdout.close()
        assert writer.wait(30) == -signal.SIGKILL
        numbers = kept(where)  # at once: the lock has gone with the process
        assert len(numbers) >= 4
        assert len(numbers) % 2 == 0
        assert numbers == list(range(1, len(numbers) + 1)), rest
    assert started(where, 1).communicate(timeout=60)[0].endswith("kept\n")


def test_it_is_brought_forward_once(where: str) -> None:
    with opened(where, NOTES) as state, state.write() as turn:
        turn.run("INSERT INTO notes (id, text) VALUES (1, :text)", [{"text": "é\U0001f600'; DROP TABLE notes; --"}])
    for _ in range(2):
        with opened(where, NEWER) as state, state.read() as now:
            assert now.rows("SELECT id, text, mark FROM notes") == [(1, "é\U0001f600'; DROP TABLE notes; --", "old")]
    with pytest.raises(NotSupported, match="version 2"), opened(where, NOTES):
        pass


def test_a_read_sees_one_moment_and_a_fault_undoes_all(where: str) -> None:
    add = "INSERT INTO notes (id, text) VALUES (:id, 'secret')"
    with opened(where, NOTES) as state:
        with state.read() as now:
            assert now.rows("SELECT count(*) FROM notes") == [(0,)]
            with state.write() as turn:
                turn.run(add, [{"id": 1}])
            assert now.rows("SELECT count(*) FROM notes") == [(0,)]
        with pytest.raises(BadInput, match=r"SQLITE_CONSTRAINT|23505") as why, state.write() as turn:
            turn.run(add, [{"id": 2}, {"id": 1}])
        assert "secret" not in str(why.value)
    assert kept(where) == [1]


def test_reviews_live_there(where: str) -> None:
    nasty = "\x00=cmd|' /C calc'!A0 \U0001f600"
    found = findings({"p": 0.7}, {"recipient": nasty, "basis": nasty}, {"recipient": "third.test"})
    with pytest.raises(BadInput, match=r"no such state|holds no reviews"), reviews_at(where, make=False):
        pass
    with reviews_at(where) as state:
        claims = {row["recipient"]: row["claim"] for row in waiting(state, found, model="m")}
        one, two, three = claims.values()
        assert take(state, [told(one), told(two, "waived"), told(three, "violation")]) == (3, 0)
        assert take(state, [told(one), told(three, reviewer="engineer")]) == (1, 1)
    with reviews_at(where, make=False) as state:
        assert sorted(status for status, _ in stand(state, found, model="m")) == [
            "conflict",
            "not_violation",
            "waived",
        ]
        assert [line.seq for line in recall(state).journal] == [1, 2, 3, 4]
        assert sorted(labels(state)["weight"].to_pylist()) == [0.5, 0.5, 1.0]


def test_a_scan_with_reviews_tells_nothing_of_the_address(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").symlink_to(ROOT / "examples" / "recorded")
    monkeypatch.chdir(tmp_path)
    assert command(["detect", "scan", "in/library.test-no_action.har.zst", "--out", "a"]) in (0, 1, 3)
    assert command(["detect", "review", "a", "--reviews", where, "--out", "b"]) in (0, 3)
    assert command(["detect", "scan", "in/library.test-no_action.har.zst", "--out", "c", "--reviews", where]) in (
        0,
        1,
        3,
    )
    shown = "".join(capsys.readouterr())
    written = [file.read_bytes() for folder in "bc" for file in (tmp_path / folder).iterdir() if file.is_file()]
    assert len(written) > 10
    for secret in ("hunter22", "host=", "postgres:"):
        assert secret not in shown
        assert not [data for data in written if secret.encode() in data]
