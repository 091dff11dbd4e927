"""The SQLite store: whole transactions, explanations by index, faults without values. PostgreSQL: tests/real."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.ledger_store import PostgresStore, SqliteStore, columns, store_at
from consentinel.core.ledger_totals import BEGIN, Entry, sealed
from tests.core.made_ledger import START

FIRST = sealed(bytes(32), BEGIN, 1, "opened", START, "ab", ledger="L1")


def moved(seq: int) -> Entry:
    return sealed(bytes(32), FIRST.mac, seq, "moved", START, "ab")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    SqliteStore.make(str(tmp_path / "s"), FIRST)
    return SqliteStore(str(tmp_path / "s"))


def test_what_was_appended_is_there(store: SqliteStore) -> None:
    with store.turn():
        store.append([moved(2), moved(3)])
    assert [row[0] for row in store.since(2, 9)] == [2, 3]
    assert store.since(1, 1) == [(1, "opened", FIRST.body, FIRST.mac)]
    assert store.code(3) == moved(3).mac.hex()
    assert store.code(4) == ""
    assert store.copies(3, 5) == [columns(moved(3))[:2] + columns(moved(3))[4:]]
    assert store.last_totals() == 0
    store.close()


def test_all_or_nothing_and_each_number_once(store: SqliteStore) -> None:
    def half() -> None:
        with store.turn():
            store.append([moved(2)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    with pytest.raises(BadInput, match="SQLITE_CONSTRAINT"), store.turn():
        store.append([moved(2), moved(2)])
    assert len(store.since(1, 9)) == 1
    store.close()


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"something")
    with pytest.raises(UsageError, match="is there already"):
        SqliteStore.check_free(str(tmp_path / "s"))
    with pytest.raises(BadInput, match="cannot be made"):
        SqliteStore.make(str(tmp_path / "s"), FIRST)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("s", b"something")]
    with pytest.raises(BadInput, match="cannot be made"):
        SqliteStore.make(str(tmp_path / "s" / "t"), FIRST)


def test_a_place_is_the_file_itself(tmp_path: Path, store: SqliteStore) -> None:
    place = store.place()
    with closing(sqlite3.connect(tmp_path / "s")) as file:
        file.execute("VACUUM")
    assert store.place() == place
    (tmp_path / "s").rename(tmp_path / "t")
    with pytest.raises(BadInput, match="the file is gone"):
        store.place()
    store.close()


def test_kinds_of_addresses() -> None:
    assert store_at("a/b.sqlite") is SqliteStore
    assert store_at("postgresql://db.test/x") is store_at("postgres://db.test/x") is PostgresStore
    with pytest.raises(UsageError, match="postgresql://"):
        store_at("mysql://db.test/x")


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg", reason="install with: pip install 'consentinel[review]'")
    with pytest.raises(BadInput, match=r"^postgresql:x: the state cannot be used") as why:
        PostgresStore("postgresql://zoe:secret@127.0.0.1:1/x?connect_timeout=2")
    assert not any(word in str(why.value) for word in ("secret", "zoe", "127.0.0.1"))
