"""Where the entries of a ledger are kept: one table that only grows, in an SQLite file (WAL) or on PostgreSQL by URL.

A connection stays open, because a ledger is asked often and has to refuse fast. Writers take turns (BEGIN IMMEDIATE;
an advisory lock), each entry has the number after the last, and the numbers are a primary key: of two writers who
overlap in spite of that, one fails. What a COMMIT has confirmed is on the disk. SQLite needs nothing else installed,
PostgreSQL the extra [review]. Beside the entry stand copies of what explanations look for; they decide nothing.
"""

import os
import re
import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from consentinel.core.errors import BadInput, ConsentinelError, UsageError
from consentinel.core.extras import need
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_totals import Entry
from consentinel.core.state import CONNECT_S, PATIENCE_S, shown, trouble

__all__ = ["PAGE", "PostgresStore", "Row", "SqliteStore", "Store", "columns", "store_at"]

Row = tuple[int, str, bytes, bytes]  # seq, kind, body, mac
PAGE = 5_000  # rows read at once
TURN = 0x6C6564676572  # number of the advisory lock
TABLE = (
    "CREATE TABLE IF NOT EXISTS consentinel_ledger (seq BIGINT PRIMARY KEY, kind TEXT NOT NULL, body BYTEA NOT NULL, "
    "mac BYTEA NOT NULL, account TEXT, principal TEXT, purpose TEXT, mechanism TEXT, micro BIGINT, "
    "charge TEXT, share BIGINT, UNIQUE (charge, share))",
    "CREATE INDEX IF NOT EXISTS consentinel_ledger_used ON consentinel_ledger (account, principal, micro DESC) "
    "WHERE kind = 'spent'",
    "CREATE INDEX IF NOT EXISTS consentinel_ledger_totals ON consentinel_ledger (seq) WHERE kind = 'totals'",
)
COLUMNS = ("seq", "kind", "body", "mac", "account", "principal", "purpose", "mechanism", "micro", "charge", "share")
INSERT = f"INSERT INTO consentinel_ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
Values = tuple[int | str | bytes | None, ...]


def _bytes(found: Any) -> bytes:
    """What stands in a column for bytes; SQLite keeps a text there, too, if somebody writes one."""
    return found.encode() if isinstance(found, str) else bytes(found)


def columns(entry: Entry) -> Values:
    """Return the row that ENTRY is kept as, in the order of COLUMNS."""
    says = entry.says
    more: Values = (None,) * 7
    if entry.kind == "spent":
        charge = says["charge"]
        account = str(Account(charge["dataset"], charge["unit"], charge["epoch"]))
        more = (account, charge["principal"], charge["purpose"], charge["mechanism"], says["pays"], None, None)
    elif entry.kind == "redeemed":
        more = (None,) * 5 + (says["charge"], says["share"])
    return (entry.seq, entry.kind, entry.body, entry.mac, *more)


class Store(ABC):
    """The table of entries behind one connection; made by `store_at`, which see."""

    def __init__(self, where: str) -> None:
        self.name = shown(where)  # may be written and logged
        self.where = where

    @abstractmethod
    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of STATEMENT, its values marked by ? in order."""

    @abstractmethod
    def append(self, entries: Sequence[Entry]) -> None:
        """Add ENTRIES; only inside a turn."""

    @abstractmethod
    def place(self) -> str:
        """Return what changes when the database is copied or moved."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def since(self, seq: int, most: int) -> list[Row]:
        """Return the first MOST entries from number SEQ on."""
        statement = "SELECT seq, kind, body, mac FROM consentinel_ledger WHERE seq >= ? ORDER BY seq LIMIT ?"
        found = self.rows(statement, seq, most)
        return [(number, kind, _bytes(body), _bytes(mac)) for number, kind, body, mac in found]

    def code(self, seq: int) -> str:
        """Return the code of entry SEQ in hexadecimal; empty where there is none."""
        found = self.rows("SELECT mac FROM consentinel_ledger WHERE seq = ?", seq)
        return _bytes(found[0][0]).hex() if found else ""

    def copies(self, seq: int, most: int) -> list[Values]:
        """Return the columns of the first MOST entries from number SEQ on, in the order of COLUMNS, no body and mac."""
        names = ", ".join(("seq", "kind", *COLUMNS[4:]))
        return self.rows(f"SELECT {names} FROM consentinel_ledger WHERE seq >= ? ORDER BY seq LIMIT ?", seq, most)

    def last_totals(self) -> int:
        """Return the number of the last entry that holds the totals; 0: none does."""
        found = self.rows("SELECT max(seq) FROM consentinel_ledger WHERE kind = 'totals'")
        return int(found[0][0] or 0)

    def largest(self, account: str, principal: str, n: int) -> list[tuple[Any, ...]]:
        """Return the N largest charges of PRINCIPAL to ACCOUNT: seq, mechanism, purpose, micro."""
        statement = (
            "SELECT seq, mechanism, purpose, micro FROM consentinel_ledger WHERE kind = 'spent' "
            "AND account = ? AND principal = ? ORDER BY micro DESC LIMIT ?"
        )
        return self.rows(statement, account, principal, n)

    def groups(self, account: str) -> list[tuple[Any, ...]]:
        """Return what ACCOUNT was used for, the largest first: principal, purpose, mechanism, charges, micro."""
        statement = (
            "SELECT principal, purpose, mechanism, count(*), CAST(sum(micro) AS BIGINT) FROM consentinel_ledger "
            "WHERE kind = 'spent' AND account = ? GROUP BY 1, 2, 3 ORDER BY 5 DESC, 1, 2, 3"
        )
        return self.rows(statement, account)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn to write: what the block appends is kept whole, or not at all when it fails."""
        try:
            self.begin()
            yield
            self.end("COMMIT")
        except BaseException:
            with suppress(ConsentinelError):
                self.end("ROLLBACK")
            raise

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction that no other writer overlaps."""

    @abstractmethod
    def end(self, how: str) -> None:
        """End it: COMMIT or ROLLBACK; raises unless it ended like that."""


class SqliteStore(Store):
    """Entries in a file."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        if not Path(where).is_file():
            raise BadInput("there is no such ledger", where=self.name, todo="Check the name, or create it first")
        with self._faults():
            self._to = sqlite3.connect(where, isolation_level=None, check_same_thread=False)
            self._to.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000}")
            self._to.execute("PRAGMA synchronous = FULL")
            if not self._to.execute("SELECT 1 FROM sqlite_master WHERE name = 'consentinel_ledger'").fetchone():
                self._to.close()
                raise BadInput("holds no ledger", where=self.name, todo="Check the name, or create one under another")

    @classmethod
    def check_free(cls, where: str) -> None:
        """Raise UsageError where something is already."""
        if os.path.lexists(where):
            name = Path(where).name
            raise UsageError(f"{name} is there already; a ledger is never made over an existing file")

    @classmethod
    def make(cls, where: str, first: Entry) -> None:
        """Make the file with its FIRST entry, whole or not at all; an existing file is never touched."""
        path = Path(where)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            to = sqlite3.connect(beside, isolation_level=None)
            try:
                to.execute("PRAGMA journal_mode = WAL")
                to.execute("PRAGMA synchronous = FULL")
                for statement in TABLE:
                    to.execute(statement)
                to.execute(INSERT, columns(first))
            finally:
                to.close()  # brings all of it into the file itself
            os.link(beside, path)
        except OSError as why:
            raise BadInput(f"cannot be made ({why.strerror or why})", where=path.name, todo="Name another") from None
        except sqlite3.Error as why:
            raise trouble(why, path.name) from None
        finally:
            for end in ("", "-wal", "-shm"):
                with suppress(OSError):
                    beside.with_name(beside.name + end).unlink()

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._faults():
            return self._to.execute(statement, values).fetchall()

    def append(self, entries: Sequence[Entry]) -> None:
        with self._faults():
            self._to.executemany(INSERT, map(columns, entries))

    def begin(self) -> None:
        self.rows("BEGIN IMMEDIATE")

    def end(self, how: str) -> None:
        self.rows(how)

    def place(self) -> str:
        try:
            return f"file {os.stat(self.where).st_ino}"
        except OSError as why:
            todo = "Put the file back where it was"
            raise BadInput(f"the file is gone ({why.strerror})", where=self.name, todo=todo) from None

    def close(self) -> None:
        self._to.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as why:
            raise trouble(why, self.name) from None


class PostgresStore(Store):
    """Entries in a database on a server; one ledger a database."""

    def __init__(self, where: str, *, there: bool = True) -> None:
        super().__init__(where)
        self._psycopg = need("psycopg", extra="review")
        self._address = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", where)
        self._to: Any = None
        self._turning, self._place = False, ""
        if there and not self._there():
            raise BadInput("holds no ledger", where=self.name, todo="Check the address, or create one there")

    def _there(self) -> bool:
        return bool(self.rows("SELECT to_regclass('consentinel_ledger') IS NOT NULL")[0][0])

    @classmethod
    def check_free(cls, where: str) -> None:
        """Raise UsageError where a ledger is already."""
        store = cls(where, there=False)
        try:
            if store._there():
                raise UsageError(f"{store.name} holds a ledger already; make another database for another ledger")
        finally:
            store.close()

    @classmethod
    def make(cls, where: str, first: Entry) -> None:
        """Make the table with its FIRST entry, whole or not at all; an existing ledger is never touched."""
        store = cls(where, there=False)
        try:
            with store.turn():
                for statement in TABLE:
                    store.rows(statement)
                store.append([first])
        finally:
            store.close()

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._faults():
            cursor = self._connection().execute(statement.replace("?", "%s"), values or None)
            return list(cursor) if cursor.description else []

    def append(self, entries: Sequence[Entry]) -> None:
        with self._faults(), self._connection().cursor() as cursor:
            cursor.executemany(INSERT.replace("?", "%s"), [columns(entry) for entry in entries])

    def begin(self) -> None:
        self.rows("BEGIN ISOLATION LEVEL READ COMMITTED")
        self._turning = True
        self.rows("SELECT pg_advisory_xact_lock(?)", TURN)

    def end(self, how: str) -> None:
        self._turning = False
        with self._faults():  # on the connection that began; and a server answers ROLLBACK where something had failed
            if self._to.execute(how).statusmessage != how:
                raise BadInput("the transaction was not kept", where=self.name, todo="Try again")

    def place(self) -> str:
        with self._faults():
            self._connection()
        return self._place

    def close(self) -> None:
        if self._to is not None:
            self._to.close()

    def _connection(self) -> Any:
        """The connection; made again when the one before was lost outside a transaction."""
        if self._to is None or (self._to.closed and not self._turning):
            wait = {} if "connect_timeout" in self._address else {"connect_timeout": CONNECT_S}
            self._to = self._psycopg.connect(self._address, autocommit=True, **wait)
            self._to.execute(f"SET lock_timeout = '{PATIENCE_S}s'")
            if self._to.execute("SHOW synchronous_commit").fetchone()[0] == "off":
                self._to.execute("SET synchronous_commit = on")  # a confirmed COMMIT has to be on the disk
            self._place = self._found_at()
        return self._to

    def _found_at(self) -> str:
        """Name the database and, where the server lets it be asked, the installation: a restored dump has others."""
        name = "SELECT oid, datname FROM pg_database WHERE datname = current_database()"
        found = list(self._to.execute(name).fetchone())
        if self._to.execute("SELECT has_function_privilege('pg_control_system()', 'execute')").fetchone()[0]:
            found += self._to.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
        return f"database {found}"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as why:
            raise trouble(why, self.name) from None


def store_at(where: str) -> type[SqliteStore] | type[PostgresStore]:
    """Return the kind of store that WHERE names: a file, or postgresql://... Raises UsageError for another address."""
    scheme, separator, _ = where.partition("://")
    if not separator:
        return SqliteStore
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise UsageError("the address of a ledger should begin with postgresql:// , or be the name of a file")
    return PostgresStore
