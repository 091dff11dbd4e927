"""Small state that outlives a run (reviews, jobs, labels): one SQLite file, or PostgreSQL for a team.

A room declares an `Area`: a name, and the statements that bring its tables from one version to the next. Whoever opens
the state first with a newer program brings it forward, in one transaction; an older program refuses to touch it.
Writers take turns (SQLite BEGIN IMMEDIATE in WAL mode, a PostgreSQL advisory lock), so a statement may rest on what it
has just read, and a process that is killed leaves the whole transaction or nothing of it. Statements are the SQL that
both engines know, with named values (`:name`). Needs the extra [review]; importing this module needs nothing.

The address of a server may hold a password, a host and a user: only `shown` of it may be written anywhere.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consentinel.core.errors import BadInput, ConsentinelError, NotSupported, UsageError
from consentinel.core.extras import need

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Area", "State", "Transaction", "opened", "shown", "trouble"]

PATIENCE_S = 30  # how long a writer waits for its turn
CONNECT_S = 10
TURN = 0x436F6E73656E74  # number of the advisory lock: the same in every program that opens such state
_SERVERS = ("postgresql", "postgres", "postgresql+psycopg")
# The name of the database, only where nothing of it can be a part of a password that was not escaped.
_DATABASE = re.compile(r"(?:[^/?#@]*@)?[^/?#@]*/([A-Za-z0-9_.-]+)(?:\?[^@]*)?")
_VERSIONS = "CREATE TABLE IF NOT EXISTS consentinel_areas (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"
# What the engines call their faults -> what a person can do. SQLite's names, and SQLSTATE codes of PostgreSQL.
_REMEDY = {
    "SQLITE_NOTADB": "Name a file that this program made, or a new one",
    "SQLITE_CORRUPT": "The file is damaged: take a copy from a backup",
    "SQLITE_BUSY": "Another program is writing to it: try again",
    "SQLITE_FULL": "Free space on the disk",
    "SQLITE_READONLY": "The file or its folder cannot be written to: check the rights",
    "SQLITE_CANTOPEN": "Check the folder and its rights",
    "28P01": "Check the user name and the password",
    "28000": "Check the user name and how the server lets it in",
    "3D000": "Make the database first",
    "42501": "The user needs the right to make and to write tables",
    "55P03": "Another program is writing to it: try again",
}
_REACH = "Check that the server can be reached, and the user name and the password"


@dataclass(frozen=True)
class Area:
    """The tables of one purpose: their name, and for each version the statements that lead to it from the one before.

    Statements of a version that people already have are never changed; a change of the tables is one more version.
    """

    name: str
    steps: tuple[tuple[str, ...], ...]


def shown(where: str) -> str:
    """Return the name of the state at WHERE that may be written and logged: a base name, or the name of a database."""
    scheme, separator, rest = where.partition("://")
    if not separator:
        return Path(where).name
    if scheme not in _SERVERS:
        return "an address"
    named = _DATABASE.fullmatch(rest)
    return f"postgresql:{named[1]}" if named else "postgresql"


@contextmanager
def opened(where: str, area: Area, *, make: bool = True) -> Iterator["State"]:
    """Open the state at WHERE (a file, or postgresql://...) for AREA, its tables made or brought forward.

    With MAKE false, state that is not there is refused instead of made: a mistyped name must not look like state that
    holds nothing. Raises UsageError for an address of another kind, BadInput when it cannot be opened, and
    NotSupported when a newer version of the program made it.
    """
    alchemy = need("sqlalchemy", extra="review")
    name = shown(where)
    engine = _server(alchemy, where) if "://" in where else _file(alchemy, Path(where), make)
    state = State(engine, name)
    try:
        state._bring_forward(area, make)
        yield state
    finally:
        engine.dispose()


def _server(alchemy: Any, where: str) -> "Engine":
    if where.partition("://")[0] not in _SERVERS:
        raise UsageError("the address of the state should begin with postgresql:// , or be the name of a file")
    need("psycopg", extra="review")
    try:
        url = alchemy.make_url(where).set(drivername="postgresql+psycopg")
    except (alchemy.exc.ArgumentError, ValueError):  # its message quotes the address
        raise UsageError("the address of the state cannot be read: postgresql://USER@HOST:PORT/DATABASE") from None
    wait = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_S}
    alone = alchemy.pool.NullPool  # no connection outlives its transaction, so none crosses a fork or an idle hour
    engine: Engine = alchemy.create_engine(url, poolclass=alone, connect_args=wait, hide_parameters=True)
    return engine


def _file(alchemy: Any, path: Path, make: bool) -> "Engine":
    if not path.exists():
        if not make:
            raise BadInput("there is no such state", where=path.name, todo="Check the name, or make it first")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # for its owner only; SQLite's side files follow it
        except OSError as why:
            raise BadInput(f"cannot be made ({why.strerror or why})", where=path.name, todo="Name another") from None
    url = alchemy.URL.create("sqlite", database=str(path))
    engine: Engine = alchemy.create_engine(
        url, poolclass=alchemy.pool.NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True
    )

    def prepare(raw: Any, _: Any) -> None:
        raw.execute(f"PRAGMA busy_timeout = {PATIENCE_S * 1000}")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("PRAGMA synchronous = FULL")

    alchemy.event.listen(engine, "connect", prepare)
    return engine


class Transaction:
    """Statements that take effect together."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._text = need("sqlalchemy", extra="review").text

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows of STATEMENT."""
        return [tuple(row) for row in self._connection.execute(self._text(statement), values)]

    def run(self, statement: str, each: Sequence[Mapping[str, object]] = ({},)) -> None:
        """Run STATEMENT once for each of the mappings in EACH."""
        if each:
            self._connection.execute(self._text(statement), [dict(values) for values in each])


class State:
    """Open state; made by `opened`, which see."""

    def __init__(self, engine: "Engine", name: str) -> None:
        self.name = name  # may be written and logged
        self._engine = engine
        self._file = engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Give a transaction that sees the state of one moment."""
        with self._faults(), self._begun("BEGIN", "REPEATABLE READ") as connection:
            yield Transaction(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Give a transaction that no other writer overlaps; it is kept whole or, when the block fails, not at all."""
        with self._faults(), self._begun("BEGIN IMMEDIATE", "READ COMMITTED") as connection:
            if not self._file:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")
            yield Transaction(connection)

    @contextmanager
    def _begun(self, begin: str, isolation: str) -> Iterator["Connection"]:
        """Begin and end a transaction; with SQLite by its own words, as its driver would begin one too late."""
        with self._engine.connect() as connection:
            if not self._file:
                connection.execution_options(isolation_level=isolation)
                with connection.begin():
                    yield connection
                return
            connection.exec_driver_sql(begin)
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def _bring_forward(self, area: Area, make: bool) -> None:
        if self._file:
            self._log_ahead()
        there = self._version(area)
        if there is None and not make:
            raise BadInput(f"holds no {area.name}", where=self.name, todo="Check the name, or make them first")
        if there == len(area.steps):
            return
        with self.write() as turn:  # another program may have done it by now, so the version is read again
            turn.run(_VERSIONS)
            found = turn.rows("SELECT version FROM consentinel_areas WHERE name = :name", name=area.name)
            version = int(found[0][0]) if found else 0
            if version > len(area.steps):
                raise NotSupported(
                    f"{self.name}: its {area.name} are of version {version}, this program knows {len(area.steps)}; "
                    "install a newer version of consentinel"
                )
            for step in area.steps[version:]:
                for statement in step:
                    turn.run(statement)
            values = {"name": area.name, "version": len(area.steps)}
            turn.run("DELETE FROM consentinel_areas WHERE name = :name", [{"name": area.name}])
            turn.run("INSERT INTO consentinel_areas (name, version) VALUES (:name, :version)", [values])

    def _version(self, area: Area) -> int | None:
        """The version of the tables of AREA; None where there are none."""
        with self._faults():
            from sqlalchemy import inspect

            if not inspect(self._engine).has_table("consentinel_areas"):
                return None
        with self.read() as now:
            found = now.rows("SELECT version FROM consentinel_areas WHERE name = :name", name=area.name)
        return int(found[0][0]) if found else None

    def _log_ahead(self) -> None:
        """Put the file into WAL mode, once; SQLite does not wait here for others that do the same, so this does."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with self._faults(), self._engine.connect() as connection:
                if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal":
                    return
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                except Exception as why:
                    if _fault(why) != "SQLITE_BUSY" or time.monotonic() > until:
                        raise
            time.sleep(0.02)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Say what the engine complains of without its own message, which may quote an address or values."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except ConsentinelError:
            raise
        except SQLAlchemyError as why:
            raise trouble(why, self.name) from None


def trouble(why: BaseException, name: str) -> BadInput:
    """Return the error that tells of the fault WHY of an engine in the state NAME, without the engine's own message."""
    kind = _fault(why)
    todo = next((text for code, text in _REMEDY.items() if kind.startswith(code)), _REACH)
    return BadInput(f"the state cannot be used ({kind})", where=name, todo=todo)


def _fault(why: BaseException) -> str:
    """What the engine calls the fault WHY: a name of SQLite, a SQLSTATE, else the class of the error."""
    cause = getattr(why, "orig", None) or why
    named = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return str(named or type(cause).__name__)
