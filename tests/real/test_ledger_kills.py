"""The ledger on SQLite and PostgreSQL: killed at every step of a write, used by many processes, copied and set back."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks._ledger_storm import recount
from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.ledger_opening import adopted, created, now, opened
from tests.core.made_ledger import ACCOUNT, DELTA, QUESTION, charge

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
Place = tuple[str, Path]
# One process for each step of a write: it is killed there while it spends 7 or redeems; another looks at what is left.
KILLED = """
import json, os, sys
from pathlib import Path
from _ledger_storm import STEPS, doom
from consentinel.core.errors import BudgetRefused
from consentinel.core.ledger_opening import now, opened
from tests.core.made_ledger import ACCOUNT, QUESTION, charge

where, key, ends = sys.argv[1], Path(sys.argv[2]), []
def asked(book):
    return book.spend(charge(7), question=QUESTION, not_after=now() + 10**9)
def spent():
    with opened(where, key=key) as book:
        return book.accounts()[ACCOUNT].spent
for step in STEPS:
    for verb in ("spend", "redeem"):
        with opened(where, key=key) as book:
            ticket = asked(book)
        before, (out, into) = spent(), os.pipe()
        pid = os.fork()
        if pid == 0:
            with opened(where, key=key) as book:
                doom(book._chain, step)
                got = asked(book) if verb == "spend" else book.redeem(ticket) and b"used"
                os.write(into, got)
                os._exit(0)
        os.close(into)
        _, status = os.waitpid(pid, 0)
        given, cost = os.read(out, 20_000), spent() - before
        os.close(out)
        with opened(where, key=key) as book:
            asked(book)  # the ledger is not locked
            again = "refused"
            try:
                again = "given" if verb == "redeem" and book.redeem(ticket) else again
            except BudgetRefused:
                pass
        ends.append([*step, verb, os.WIFSIGNALED(status), bool(given), cost, again])
print(json.dumps(ends))
"""
STORM = """
import sys
from pathlib import Path
from _ledger_storm import storm
damage = storm(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), operations=1200, workers=3)
print(dict(damage.faults), flush=True)
assert damage.done["killed"] > 5 and damage.done["spent"] > 200 and damage.done["tickets used"] > 50, damage
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a new ledger and its key can be."""
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.sqlite"), tmp_path / "key"
        return
    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"ledger_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?"), tmp_path / "key"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def granted(place: Place, total: int = 10_000) -> None:
    created(place[0], key=place[1])
    with opened(place[0], key=place[1]) as book:
        book.grant(ACCOUNT, total, delta=DELTA)


def run(script: str, *arguments: object) -> str:
    path = os.pathsep.join(str(folder) for folder in (ROOT / "src", ROOT, ROOT / "benchmarks"))
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, text=True, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def direct(place: Place, *statements: str) -> None:
    """Change the database behind the back of the ledger."""
    if "://" in place[0]:
        import psycopg

        with psycopg.connect(place[0], autocommit=True) as server:
            for statement in statements:
                server.execute(statement)  # type: ignore[call-overload]
        return
    import sqlite3

    with closing(sqlite3.connect(place[0], isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement)


def spend(book: Any, micro: int = 5) -> bytes:
    return book.spend(charge(micro), question=QUESTION, not_after=now() + 10**9)


def test_killed_at_every_step(place: Place) -> None:
    granted(place)
    ends = json.loads(run(KILLED, *place))
    assert len(ends) == 24
    for owner, name, when, verb, killed, given, cost, again in ends:
        step = (owner, name, when, verb)
        assert killed, step
        assert not given, step
        written = (owner, name, when) == ("store", "end", "after") or owner in ("witness", "file")
        assert cost == (7 if verb == "spend" and written else 0), step
        assert (again == "given") == (verb == "redeem" and not written), step
    with opened(place[0], key=place[1]) as book:
        assert book.verify() > 48


def test_a_storm_leaves_no_damage(place: Place, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert run(STORM, *place, tmp_path / "notes").strip() == "{}"


def test_the_count_finds_damage(place: Place, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    granted(place, 100)
    with opened(place[0], key=place[1]) as book:
        ticket = spend(book)
        redeemed = book.redeem(ticket)
    assert not recount(*place, tmp_path / "notes").faults
    (tmp_path / "notes" / "1").write_text(f"R {redeemed.charge} 1 1\n" * 2 + "R 9.00 1 1\nD file replace after\n")
    (tmp_path / "notes" / "2.fault").write_text("ValueError: x")
    wrong = charge(96, params={"rho": "1/2"})
    rows = (
        (5, "spent", {"pays": 96, "charge": json.loads(wrong.to_bytes())}),
        (6, "redeemed", {"charge": redeemed.charge, "share": 1, "shares": 2}),
        (8, "redeemed", {"charge": "7.00", "share": 1, "shares": 1}),
        (9, "granted", {"account": list(ACCOUNT), "limits": {"total": 101, "quotas": {}}}),
    )
    for seq, kind, says in rows:
        body = json.dumps(says | {"seq": seq, "kind": kind}).encode().hex()
        data = f"'\\x{body}', '\\x00'" if "://" in place[0] else f"X'{body}', X'00'"
        direct(place, f"INSERT INTO consentinel_ledger (seq, kind, body, mac) VALUES ({seq}, '{kind}', {data})")
    damage = recount(*place, tmp_path / "notes")
    assert damage.faults == {
        "over-spends of a total": 1,
        "paid too little": 1,
        "rows that redeem twice": 1,
        "tickets shared in two ways": 1,
        "unpaid tickets redeemed": 1,
        "totals raised": 1,
        "entries missing": 2,
        "tickets used twice": 1,
        "uses without an entry": 1,
        "worker: ValueError: x": 1,
        "does not verify": 1,
    }


def test_a_refusal_waits_for_no_writer(place: Place) -> None:
    granted(place)
    with opened(place[0], key=place[1]) as writer, opened(place[0], key=place[1]) as book:
        with writer._chain.store.turn():
            begun = time.perf_counter()
            with pytest.raises(BudgetRefused, match="do not fit"):
                spend(book, 20_000)
            assert time.perf_counter() - begun < 5
        spend(book)


def test_an_end_that_was_cut_off(place: Place) -> None:
    granted(place)
    with opened(place[0], key=place[1]) as book:
        spend(book)
        direct(place, "DELETE FROM consentinel_ledger WHERE seq = 3")
        with pytest.raises(BadInput, match="has 2 entries, but 3 were there"):
            spend(book)
    with pytest.raises(BadInput, match="adopt with forfeit"), opened(place[0], key=place[1]):
        pass
    with pytest.raises(BudgetRefused, match="3 entries were there, it has 2"):
        adopted(place[0], key=place[1])
    assert adopted(place[0], key=place[1], forfeit=True) == 3
    with opened(place[0], key=place[1]) as book:
        assert book.accounts()[ACCOUNT].spent == 10_000
        with pytest.raises(BudgetRefused):
            spend(book)


def test_a_copied_database(postgres: str, tmp_path: Path) -> None:
    import psycopg

    names = [f"ledger_{os.getpid()}_{time.monotonic_ns()}_{part}" for part in ("one", "copy")]
    one, copy = ((postgres.replace("/postgres?", f"/{name}?"), tmp_path / "key") for name in names)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {names[0]}")
        granted(one)
        connection.execute(f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")
        with pytest.raises(BadInput, match="it was moved or copied"), opened(copy[0], key=copy[1]):
            pass
        with opened(one[0], key=one[1]) as book:
            spend(book)
        with pytest.raises(UsageError, match="holds a ledger already"):
            created(one[0], key=one[1])
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_each_machine_has_a_witness_of_its_own(postgres: str, tmp_path: Path) -> None:
    import psycopg

    name = f"ledger_{os.getpid()}_{time.monotonic_ns()}"
    where, there = postgres.replace("/postgres?", f"/{name}?"), tmp_path / "other machine"
    there.mkdir()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        granted((where, tmp_path / "key"))
        shutil.copy(tmp_path / "key", there)
        with pytest.raises(BadInput, match="witness is missing"), opened(where, key=there / "key"):
            pass
        shutil.copy(tmp_path / "key.witness", there)
        with opened(where, key=there / "key") as there_book, opened(where, key=tmp_path / "key") as book:
            ticket = spend(book)
            there_book.redeem(ticket)
            spend(there_book)
            spend(book)
            direct(
                (where, tmp_path / "key"), "DELETE FROM consentinel_ledger WHERE seq = 6"
            )  # what the first machine saw last
            with pytest.raises(BadInput, match="has 5 entries, but 6 were there"):
                spend(book)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_lost_connection_is_made_again(postgres: str, tmp_path: Path) -> None:
    import psycopg

    name = f"ledger_{os.getpid()}_{time.monotonic_ns()}"
    place = (postgres.replace("/postgres?", f"/{name}?"), tmp_path / "key")
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        granted(place)
        with opened(*place[:1], key=place[1]) as book:
            connection.execute(end)
            with pytest.raises(BadInput, match="cannot be used"):
                spend(book)
            spend(book)
            store = book._chain.store
            append = store.append

            def broken(entries: Any) -> None:
                append(entries)
                connection.execute(end)

            store.append = broken  # type: ignore[method-assign]
            with pytest.raises(BadInput, match="cannot be used"):
                spend(book)
            store.append = append  # type: ignore[method-assign]
            assert book.accounts()[ACCOUNT].spent == 5
            assert not [word for word in ("hunter22", "host=") if word in book.name]
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
