"""Attacks a privacy ledger: reset, replay, split identities, rollback, vanishing spends, many writers at once."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from consentinel.core.errors import ConsentinelError
from consentinel.core.ledger import Charge, Ledger
from consentinel.core.progress import each
from consentinel.protect.auditing._finding import Finding, Plan, settled

__all__ = ["CATCHES", "Book", "Books", "audit"]

CATCHES = ("C10",)
QUESTION, HOUR = "0" * 64, 3_600_000_000  # microseconds
BUDGET, WRITERS, HUGE = 60, 8, 2**53
WAYS_BACK = re.compile(r"(?:^|_)(?:reset|clear|refund|restart|wipe|forget|undo|release|cancel|delete|truncate)")


class Book(Protocol):
    """One ledger's store, as an attacker sees it who has the machine but not the ledger's key."""

    def open(self) -> Ledger:
        """Open the store again, as another process or a restart would."""
        ...

    def charge(self, micro_rho: int, principal: str) -> Charge:
        """Return a charge of PRINCIPAL that the store's one global budget covers."""
        ...

    def save(self) -> object:
        """Return a copy of the store's files."""
        ...

    def restore(self, saved: object) -> None:
        """Put back the copy SAVED."""
        ...


Books = Callable[[int], Book]  # makes an empty store with that many micro-rho in its global budget
Attack = Callable[[Book], str]  # what it gained, in words; empty where the ledger stood


@dataclass(frozen=True)
class _Try:
    name: str
    budget: int
    attack: Attack


def audit(books: Books, plan: Plan) -> Finding:
    """Return whether ledgers made by BOOKS stand all attacks; one that succeeds refutes them.

    Plan.n and plan.pairs are not used; the claim is that the global budget holds. Crashes between writing and
    answering, and writers in several processes, are tests of each ledger itself.
    Source: Tholoniat et al. 2025 (Big Bird) for colluding principals; Rogers et al. 2016 for filters.
    """
    won, tries = [], list(_attacks())
    for attempt in each(tries, "attacks"):
        gained = attempt.attack(books(attempt.budget))
        if gained:
            won.append(f"{attempt.name}: {gained}")
    return settled(
        plan, broken="; ".join(won), sound=f"stood {len(tries)} attacks: {', '.join(t.name for t in tries)}",
        p=float(not won), n=len(tries), exact=True,
    )  # fmt: skip


def _attacks() -> Iterator[_Try]:
    yield _Try("over-spend", BUDGET, _over_spend)
    yield _Try("replay", BUDGET, _replay)
    yield _Try("forgery", BUDGET, _forgery)
    yield _Try("reset", BUDGET, _reset)
    yield _Try("split identities", BUDGET, _split_identities)
    yield _Try("rollback", BUDGET, _rollback)
    yield _Try("vanishing spends", HUGE, _vanishing)
    yield _Try("many writers", BUDGET, _many_writers)


def _spend(ledger: Ledger, book: Book, micro: int, principal: str = "analyst") -> bytes | None:
    """Return the ticket, or None where the ledger refuses."""
    try:
        return ledger.spend(book.charge(micro, principal), question=QUESTION, not_after=time.time_ns() // 1000 + HOUR)
    except ConsentinelError:
        return None


def _redeems(ledger: Ledger, ticket: bytes) -> bool:
    try:
        ledger.redeem(ticket)
    except ConsentinelError:
        return False
    return True


def _over_spend(book: Book) -> str:
    ledger = book.open()
    got = sum(_spend(ledger, book, BUDGET // 4) is not None for _ in range(8)) * (BUDGET // 4)
    got += sum(_spend(book.open(), book, 1) is not None for _ in range(5))
    if got < BUDGET:
        return f"refuses after {got} of {BUDGET} micro-rho, so nothing it refuses means anything"
    return _over(got)


def _replay(book: Book) -> str:
    ledger = book.open()
    ticket = _spend(ledger, book, 1)
    if ticket is None or not _redeems(ledger, ticket):
        return "a ticket that was paid for is not honoured"
    times = 1 + _redeems(ledger, ticket) + _redeems(book.open(), ticket)
    return f"one ticket is redeemed {times} times" if times > 1 else ""


def _forgery(book: Book) -> str:
    ledger = book.open()
    ticket = _spend(ledger, book, 1)
    if ticket is None:
        return "a first charge is refused"
    body = ticket.replace(b'"1"', b'"9"')  # a parameter or a share, where one is written so
    changed = [
        bytes([*ticket[:at], ticket[at] ^ 1, *ticket[at + 1 :]]) for at in (0, 5, len(ticket) // 2, len(ticket) - 2)
    ]
    taken = sum(_redeems(ledger, other) for other in {*changed, body, b"", ticket[:-1]} - {ticket})
    return f"{taken} changed tickets are redeemed" if taken else ""


def _reset(book: Book) -> str:
    ledger = book.open()
    got = BUDGET * (_spend(ledger, book, BUDGET) is not None)
    for name in dir(ledger):
        way = getattr(ledger, name, None)
        if not name.startswith("_") and WAYS_BACK.search(name) and callable(way):
            try:
                way()
            except (ConsentinelError, TypeError):
                continue
    got += BUDGET * (_spend(ledger, book, BUDGET) is not None)
    got += BUDGET * (_spend(book.open(), book, BUDGET) is not None)
    return _over(got)


def _split_identities(book: Book) -> str:
    ledger = book.open()
    return _over(sum(20 * (_spend(ledger, book, 20, f"analyst-{at % 6}") is not None) for at in range(12)))


def _rollback(book: Book) -> str:
    ledger = book.open()
    got = _spend(ledger, book, 1) is not None
    saved = book.save()
    got += (BUDGET - 1) * (_spend(ledger, book, BUDGET - 1) is not None)
    book.restore(saved)
    try:
        again = book.open()
        again.verify()
    except ConsentinelError:
        return ""
    return _over(got + (BUDGET - 1) * (_spend(again, book, BUDGET - 1) is not None))


def _vanishing(book: Book) -> str:
    ledger = book.open()
    got = HUGE * (_spend(ledger, book, HUGE) is not None)
    got += sum(_spend(ledger, book, 1) is not None for _ in range(20))
    return f"{got - HUGE} small charges are accepted after the budget is used up" if got > HUGE else ""


def _many_writers(book: Book) -> str:
    start, got = threading.Barrier(WRITERS), [0] * WRITERS

    def write(me: int) -> None:
        ledger = book.open()
        start.wait()
        for _ in range(10):
            got[me] += 3 * (_spend(ledger, book, 3, f"writer-{me}") is not None)

    threads = [threading.Thread(target=write, args=(me,)) for me in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _over(sum(got))


def _over(got: int) -> str:
    return f"{got} of {BUDGET} micro-rho are spent" if got > BUDGET else ""
