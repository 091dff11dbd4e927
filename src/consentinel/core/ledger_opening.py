"""Make a ledger, open it, and take over one that was moved or set back.

A ledger is a database, a key and at least one witness. For an SQLite ledger they lie beside it (`.key`, `.witness`);
for one on a server the key is named and its witness lies beside the key, so each machine has a witness of its own.
Another machine begins with copies of both; from then on neither accepts a history without what it has seen itself.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.ledger_book import Book
from consentinel.core.ledger_chain import Chain
from consentinel.core.ledger_store import store_at
from consentinel.core.ledger_totals import BEGIN, sealed
from consentinel.core.ledger_witness import Mark, Witness, key_made, key_read

__all__ = ["adopted", "created", "now", "opened"]


def now() -> int:
    """Return the time in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def created(
    where: str, *, key: Path | None = None, witness: Path | None = None, clock: Callable[[], int] = now
) -> None:
    """Make a ledger at WHERE (a file, or postgresql://...) with its key and witnesses; nothing is granted yet.

    KEY is the file that holds the key (beside an SQLite ledger by default; one that is there is used), WITNESS a
    second place to remember how far the ledger came, best on another disk. Raises UsageError where a ledger is already,
    and BadInput where a witness remembers one that is gone.
    """
    where, key_file, files = _places(where, key, witness)
    kind = store_at(where)
    kind.check_free(where)
    secret = key_read(key_file) if key_file.exists() else key_made(key_file)
    remembers = Witness(files, secret)
    with remembers.held():
        lost = max((mark.seq for mark in remembers.remembered()), default=0)
        if lost:
            raise BadInput(
                f"a ledger with {lost} entries was here and is gone",
                where=files[0].name,
                todo="Put it back; a new one would give its budget out again. For other data, make it elsewhere",
            )
        if [file for file in files if file.exists()] and not remembers.remembered():
            raise BadInput("it is there already, of another ledger", where=files[0].name, todo="Name another place")
        ledger = f"L{token_hex(8)}"
        says = {"ledger": ledger, "version": 1, "neighbours": "add or remove one unit"}
        first = sealed(secret, BEGIN, 1, "opened", clock(), token_hex(8), **says)
        remembers.put(Mark(ledger, 0, BEGIN.hex(), ""))
        kind.make(where, first)
        with _chain(where, secret, remembers, clock) as chain:
            chain.follow()
            remembers.put(chain.mark())


@contextmanager
def opened(
    where: str, *, key: Path | None = None, witness: Path | None = None, clock: Callable[[], int] = now
) -> Iterator[Book]:
    """Open the ledger at WHERE; arguments as for `created`.

    Raises BadInput for a ledger that was changed, cut off, set back, moved or copied, or whose key is missing.
    """
    where, key_file, files = _places(where, key, witness)
    secret = key_read(key_file)
    with _chain(where, secret, Witness(files, secret), clock) as chain:
        chain.follow()
        yield Book(chain)


def adopted(
    where: str,
    *,
    key: Path | None = None,
    witness: Path | None = None,
    forfeit: bool = False,
    clock: Callable[[], int] = now,
) -> int:
    """Take over the ledger at WHERE after it was moved, or got another witness, and return how many entries it has.

    With FORFEIT also one that lost entries or whose witnesses are lost: all that is left in its accounts is given up,
    every ticket is void, and new accounts are for later epochs of the calendar only, as nobody knows what was spent.
    """
    where, key_file, files = _places(where, key, witness)
    secret = key_read(key_file)
    remembers = Witness(files, secret)
    with _chain(where, secret, remembers, clock) as chain, remembers.held():
        count = chain.verified(witnessed=False)
        chain.follow(witnessed=False)
        marks = [mark for mark in remembers.remembered() if mark.ledger == chain.totals.ledger]
        lost = not marks or any(mark.seq > count or chain.store.code(mark.seq) != mark.mac for mark in marks)
        if lost and not forfeit:
            furthest = max((mark.seq for mark in marks), default=None)
            raise BudgetRefused(
                f"{chain.store.name}: "
                + ("no witness is left" if furthest is None else f"{furthest} entries were there, it has {count}")
                + ", so spent budget may be missing here. Put the newest copy and its witness back, or adopt with "
                "forfeit: that gives up all that is left in its accounts"
            )
        chain.write(lambda: [("forfeited" if forfeit else "moved", {})], witnessed=False)
        remembers.put(chain.mark())
        return chain.seq


@contextmanager
def _chain(where: str, key: bytes, witness: Witness, clock: Callable[[], int]) -> Iterator[Chain]:
    store = store_at(where)(where)
    try:
        yield Chain(store, witness, key, clock)
    finally:
        store.close()


def _places(where: str, key: Path | None, witness: Path | None) -> tuple[str, Path, list[Path]]:
    """Return the real name of the ledger, its key file and the files of its witnesses."""
    if "://" in where:
        if key is None:
            raise UsageError("a ledger on a server needs --key: the file here that holds its key")
        first = key.with_name(f"{key.name}.witness")
    else:
        path = Path(where).resolve()  # key and witness lie beside the file itself, not beside a link to it
        where, key, first = str(path), key or path.with_name(f"{path.name}.key"), path.with_name(f"{path.name}.witness")
    return where, key, [first, *([witness] if witness else [])]
