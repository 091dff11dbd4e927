"""State: made, brought forward, kept whole, and silent about addresses."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, NotSupported, UsageError
from consentinel.core.state import Area, opened, shown

pytest.importorskip("sqlalchemy", reason="install with: pip install 'consentinel[review]'")

ONE = Area("notes", (("CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL)",),))
TWO = Area("notes", (*ONE.steps, ("ALTER TABLE notes ADD COLUMN mark TEXT", "UPDATE notes SET mark = 'old'")))
OTHER = Area("jobs", (("CREATE TABLE jobs (id BIGINT PRIMARY KEY)",),))
ADD = "INSERT INTO notes (id, text) VALUES (:id, :text)"


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    where = tmp_path / "deep" / "state.sqlite"
    with opened(str(where), ONE) as state:
        assert state.name == "state.sqlite"
        with state.write() as turn:
            turn.run(ADD, [{"id": 1, "text": "é'; DROP TABLE notes; --"}, {"id": 2, "text": ":id"}])
            turn.run(ADD, [])
    with opened(str(where), ONE, make=False) as state, state.read() as now:
        assert now.rows("SELECT id, text FROM notes WHERE id < :top ORDER BY id", top=9) == [
            (1, "é'; DROP TABLE notes; --"),
            (2, ":id"),
        ]
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    assert sqlite3.connect(where).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_tables_are_brought_forward_once_and_never_back(tmp_path: Path) -> None:
    where = str(tmp_path / "s")
    with opened(where, ONE) as state, state.write() as turn:
        turn.run(ADD, [{"id": 1, "text": "a"}])
    for _ in range(2):
        with opened(where, TWO, make=False) as state, state.read() as now:
            assert now.rows("SELECT id, text, mark FROM notes") == [(1, "a", "old")]
    with pytest.raises(NotSupported, match="version 2, this program knows 1"), opened(where, ONE):
        pass


def test_a_step_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    where = str(tmp_path / "s")
    broken = Area("notes", (*ONE.steps, ("ALTER TABLE notes ADD COLUMN mark TEXT", "UPDATE nothing SET a = 1")))
    with opened(where, ONE):
        pass
    with pytest.raises(BadInput, match="SQLITE_ERROR"), opened(where, broken):
        pass
    with opened(where, TWO) as state, state.read() as now:
        assert now.rows("SELECT mark FROM notes") == []


def test_two_rooms_share_a_file(tmp_path: Path) -> None:
    where = str(tmp_path / "s")
    with opened(where, ONE), opened(where, OTHER) as state, state.read() as now:
        assert now.rows("SELECT name, version FROM consentinel_areas ORDER BY name") == [("jobs", 1), ("notes", 1)]


def test_all_or_nothing(tmp_path: Path) -> None:
    with opened(str(tmp_path / "s"), ONE) as state:

        def half() -> None:
            with state.write() as turn:
                turn.run(ADD, [{"id": 1, "text": "a"}])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            half()
        with pytest.raises(BadInput, match="SQLITE_CONSTRAINT"), state.write() as turn:
            turn.run(ADD, [{"id": 1, "text": "a"}, {"id": 1, "text": "secret"}])
        with state.read() as now:
            assert now.rows("SELECT * FROM notes") == []


def test_writers_take_turns(tmp_path: Path) -> None:
    where, faults = str(tmp_path / "s"), []

    def work() -> None:
        try:
            for _ in range(10):
                with opened(where, ONE) as state, state.write() as turn:
                    top = turn.rows("SELECT coalesce(max(id), 0) FROM notes")[0][0]
                    turn.run(ADD, [{"id": top + 1, "text": "x"}])
        except Exception as why:
            faults.append(why)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with opened(where, ONE) as state, state.read() as now:
        assert now.rows("SELECT min(id), max(id), count(*) FROM notes") == [(1, 40, 40)]


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    with opened(str(tmp_path / "s"), ONE) as state, state.read() as now:
        assert now.rows("SELECT count(*) FROM notes") == [(0,)]
        with state.write() as turn:
            turn.run(ADD, [{"id": 1, "text": "a"}])
        assert now.rows("SELECT count(*) FROM notes") == [(0,)]


def test_what_is_not_there_is_not_made_when_only_read(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match=r"^typo.sqlite: there is no such state"),
        opened(str(tmp_path / "typo.sqlite"), ONE, make=False),
    ):
        pass
    assert not list(tmp_path.iterdir())
    with opened(str(tmp_path / "s"), OTHER):
        pass
    with pytest.raises(BadInput, match="s: holds no notes"), opened(str(tmp_path / "s"), ONE, make=False):
        pass


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + bytes(200)])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(BadInput, match=r"^s: the state cannot be used \(SQLITE_"), opened(str(tmp_path / "s"), ONE):
        pass
    with pytest.raises(BadInput, match="cannot be"), opened(str(tmp_path), ONE):
        pass


@pytest.mark.parametrize("where", ["mysql://u:secret@h/db", "sqlite://secret", "http://secret", "://secret"])
def test_other_addresses_are_refused_unquoted(where: str) -> None:
    with pytest.raises(UsageError, match="postgresql://") as why, opened(where, ONE):
        pass
    assert "secret" not in str(why.value)
    assert shown(where) == "an address"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("dir/reviews.sqlite", "reviews.sqlite"),
        ("postgresql://ann:secret@db.test:5432/reviews", "postgresql:reviews"),
        ("postgres://db.test/reviews?sslmode=require&password=secret", "postgresql:reviews"),
        ("postgresql+psycopg:///reviews?host=/run/secret", "postgresql:reviews"),
        ("postgresql://ann:sec/ret@db.test/reviews", "postgresql"),
        ("postgresql://ann:sec?ret@db.test/reviews", "postgresql"),
        ("postgresql://ann:sec#ret@db.test/reviews", "postgresql"),
        ("postgresql://ann:sec@ret@db.test/reviews", "postgresql"),
    ],
)
def test_what_is_shown_of_an_address(where: str, said: str) -> None:
    assert shown(where) == said


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=12))
def test_no_password_is_shown(password: str) -> None:
    said = shown(f"postgresql://ann:QQ{password}QQ@db.test/reviews")
    assert "QQ" not in said
    assert "db.test" not in said


def test_a_server_that_is_not_there() -> None:
    where = "postgresql://zoe:secret@127.0.0.1:1/reviews?connect_timeout=2"
    with pytest.raises(BadInput, match=r"^postgresql:reviews: the state cannot be used") as why, opened(where, ONE):
        pass
    assert not any(word in str(why.value) for word in ("secret", "zoe", "127.0.0.1"))
    with pytest.raises(UsageError, match="cannot be read") as why_, opened("postgresql://ann:secret@h:x/db", ONE):
        pass
    assert "secret" not in str(why_.value)
