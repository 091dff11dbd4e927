"""Processes that spend, redeem and are killed at every step, and a count of the damage that trusts none of it.

Workers share one ledger: four principals who collude, each asking for whatever might fit; tickets that several workers
try to redeem; shares; attempts to raise a total. Each worker is killed (SIGKILL) by itself at a drawn step of a write,
or from outside at any moment, and another takes its place. What a worker was given, it writes down first of all. The
count reads the raw rows, adds fractions, and holds them against these notes.
"""

import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing import RawArray
from pathlib import Path
from typing import Any

__all__ = ["STEPS", "Damage", "doom", "recount", "storm"]

WHO = ("ads", "lift", "reach", "search")
TOTAL, QUOTA = 4_000_000, 1_200_000
DELTA = Fraction(1, 10**6)
# The steps of a write, in order: what is called, and whether the kill comes before or after it.
STEPS = tuple(
    (owner, name, when)
    for owner, name in (
        ("store", "begin"), ("store", "append"), ("store", "end"), ("witness", "advance"), ("witness", "_put"),
        ("file", "replace"),
    )
    for when in ("before", "after")
)  # fmt: skip


@dataclass
class Damage:
    """What went wrong, by kind, and how much was done."""

    faults: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)


def doom(chain: Any, step: tuple[str, str, str]) -> None:
    """Let this process be killed the next time that CHAIN reaches STEP of a write."""
    owner_name, name, when = step
    owner = {"store": chain.store, "witness": chain.witness, "file": os}[owner_name]
    call = getattr(owner, name)

    def last(*given: Any, **named: Any) -> Any:
        if when == "after":
            call(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, last)


def storm(where: str, key: Path, notes: Path, *, operations: int, workers: int = 4, seed: int = 1) -> Damage:
    """Do OPERATIONS on a new ledger at WHERE and count the damage; NOTES is an empty folder for what workers note."""
    from consentinel.core.ledger_opening import created

    created(where, key=key)
    done = RawArray("q", workers)
    children: dict[int, int] = {}
    kills, births, dice = Counter[str](), 0, random.Random(f"storm {seed}")
    while sum(done) < operations or children:
        while len(children) < workers and sum(done) < operations:
            slot = next(slot for slot in range(workers) if slot not in children.values())
            births += 1
            pid = os.fork()
            if pid == 0:
                try:
                    _work(where, key, notes / f"{births}", done, slot, operations, f"{seed} {births}")
                    os._exit(0)
                except BaseException as why:
                    (notes / f"{births}.fault").write_text(f"{type(why).__name__}: {why}", "utf-8")
                    os._exit(1)
            children[pid] = slot
        time.sleep(dice.uniform(0.0, 0.4))
        if children and dice.random() < 0.5 and sum(done) < operations:
            os.kill(dice.choice(sorted(children)), signal.SIGKILL)
            kills["from outside"] += 1
        while children:
            pid, status = os.waitpid(-1, os.WNOHANG if sum(done) < operations else 0)
            if not pid:
                break
            del children[pid]
            kills["killed"] += os.WIFSIGNALED(status)
            kills["failed"] += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
        if kills["failed"] > 20:  # nobody gets on any more: that is damage, too, and no reason to go on for ever
            told = min(notes.glob("*.fault"), key=lambda file: file.stat().st_mtime).read_text("utf-8")
            raise SystemExit(f"workers fail after {sum(done):,} operations; the first said: {told}")
    damage = recount(where, key, notes)
    damage.done["operations"] = sum(done)
    damage.done |= kills
    return damage


def _work(where: str, key: Path, notes: Path, done: Any, slot: int, operations: int, seed: str) -> None:
    from consentinel.core.errors import BudgetRefused, UsageError
    from consentinel.core.ledger import Charge
    from consentinel.core.ledger_filter import Account
    from consentinel.core.ledger_opening import now, opened

    dice = random.Random(seed)
    note = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    tickets: list[bytes] = []

    def asked(micro: int, epoch: str) -> Any:
        params = {"rho": Fraction(micro, 10**6)}
        return Charge("gaussian", params, "person", "storm", dice.choice(WHO), "data", epoch, micro)  # type: ignore[arg-type]

    def redeem(book: Any, ticket: bytes) -> None:
        got = book.redeem(ticket)
        os.write(note, f"R {got.charge} {got.share} {got.shares}\n".encode())

    while sum(done) < operations:
        with opened(where, key=key) as book:
            epochs = [account.epoch for account, budget in book.accounts().items() if budget.spent < TOTAL - 2000]
            chain = book._chain
            for _ in range(dice.randrange(200, 3000)):
                if sum(done) >= operations:
                    return
                if dice.random() < 0.01:
                    step = dice.choice(STEPS)
                    os.write(note, f"D {' '.join(step)}\n".encode())
                    doom(chain, step)
                kind, end = dice.random(), now() + dice.choice((50_000, 5_000_000, 5_000_000))
                try:
                    if not epochs or kind < 0.0001:
                        epoch = f"e{len(book.accounts())}"
                        quotas = dict.fromkeys(WHO[:2], QUOTA)
                        book.grant(Account("data", "person", epoch), TOTAL, delta=DELTA, quotas=quotas)
                        epochs.append(epoch)
                    elif kind < 0.40:
                        micro = dice.choice((1, 50, 400, 1999)) * dice.randrange(1, 4)
                        ticket = book.spend(asked(micro, dice.choice(epochs)), question="cd" * 32, not_after=end)
                        os.write(note, f"T {ticket.hex()}\n".encode())
                        tickets.append(ticket)
                    elif kind < 0.42:
                        several = [asked(dice.randrange(1, 900), dice.choice(epochs)) for _ in range(3)]
                        got = book.spend_all(several, questions=["cd" * 32] * 3, not_after=end)
                        os.write(note, "".join(f"T {ticket.hex()}\n" for ticket in got).encode())
                        tickets += got
                    elif kind < 0.60 and tickets:
                        redeem(book, tickets.pop(dice.randrange(len(tickets))))
                    elif kind < 0.70:
                        found = _of_another(notes, dice)
                        if found:
                            redeem(book, found)
                    elif kind < 0.73 and tickets:
                        shares = book.split(tickets.pop(), 3, 2, dice.randrange(2))
                        redeem(book, dice.choice(shares))
                        redeem(book, dice.choice(shares))
                    elif kind < 0.75:
                        book.grant(Account("data", "person", dice.choice(epochs)), TOTAL + 1, delta=DELTA)
                    else:
                        book.spend(
                            asked(dice.randrange(TOTAL // 2, 2 * TOTAL), dice.choice(epochs)),
                            question="cd" * 32,
                            not_after=end,
                        )
                except (BudgetRefused, UsageError):
                    if kind < 0.42 and epochs and dice.random() < 0.02:
                        epochs.remove(dice.choice(epochs))
                done[slot] += 1


def _of_another(notes: Path, dice: random.Random) -> bytes | None:
    """A ticket from the notes of any worker, used or not."""
    files = [file for file in notes.parent.iterdir() if not file.suffix]
    data = dice.choice(files).read_bytes()[-4000:].splitlines()[1:-1]
    lines = [line for line in data if line.startswith(b"T ")]
    return bytes.fromhex(dice.choice(lines)[2:].decode()) if lines else None


def recount(where: str, key: Path, notes: Path) -> Damage:
    """Return the damage at WHERE, from raw rows and what the workers in NOTES were given.

    Nothing of the ledger's own code is used but `verify`, at the end.
    """
    damage = Damage()
    total: dict[tuple[str, ...], Fraction] = {}
    quota: dict[tuple[str, ...], Fraction] = {}
    spent: Counter[tuple[str, ...]] = Counter()
    paid: set[str] = set()
    used: set[tuple[str, int]] = set()
    shape: dict[str, int] = {}
    for number, (seq, body, mac) in enumerate(_raw(where), 1):
        says = json.loads(body)
        if seq != number or says["seq"] != seq:
            damage.faults["entries missing"] += 1
        damage.done[says["kind"]] += 1
        if says["kind"] == "granted":
            account, limits = tuple(says["account"]), says["limits"]
            if account in total and limits["total"] > total[account]:
                damage.faults["totals raised"] += 1
            total[account] = Fraction(limits["total"])
            quota |= {(*account, who): Fraction(most) for who, most in limits["quotas"].items()}
        elif says["kind"] == "spent":
            charge = says["charge"]
            account = (charge["dataset"], charge["unit"], charge["epoch"])
            exact = Fraction(charge["params"]["rho"]) * 10**6
            if exact > charge["micro_rho"] or says["pays"] != charge["micro_rho"]:
                damage.faults["paid too little"] += 1
            for name in (account, (*account, charge["principal"])):
                spent[name] += says["pays"]
            damage.faults["over-spends of a total"] += spent[account] > total.get(account, 0)
            who = (*account, charge["principal"])
            damage.faults["over-spends of a quota"] += who in quota and spent[who] > quota[who]
            paid.add(f"{seq}.{bytes(mac).hex()[:32]}")
        elif says["kind"] == "redeemed":
            one = (says["charge"], says["share"])
            damage.faults["rows that redeem twice"] += one in used
            damage.faults["tickets shared in two ways"] += shape.setdefault(one[0], says["shares"]) != says["shares"]
            damage.faults["unpaid tickets redeemed"] += one[0] not in paid
            used.add(one)
    given: Counter[tuple[str, int]] = Counter()
    for file in notes.iterdir():
        if file.suffix == ".fault":
            damage.faults[f"worker: {file.read_text('utf-8')[:300]}"] += 1
            continue
        for line in file.read_text("ascii").splitlines():
            kind, *rest = line.split()
            if kind == "T":
                data = bytes.fromhex(rest[0])
                damage.faults["tickets without an entry"] += json.loads(data[36:])["charge"] not in paid
            elif kind == "R":
                given[rest[0], int(rest[1])] += 1
            else:
                damage.done["killed at a drawn step"] += 1
    damage.done["tickets used"] = len(given)
    damage.faults["tickets used twice"] += sum(n - 1 for n in given.values())
    damage.faults["uses without an entry"] += len(set(given) - used)
    damage.faults["does not verify"] += not _verifies(where, key)
    damage.faults = +damage.faults
    return damage


def _raw(where: str) -> Any:
    statement = "SELECT seq, body, mac FROM consentinel_ledger ORDER BY seq"
    if "://" not in where:
        with sqlite3.connect(where) as file:
            yield from file.execute(statement)
        return
    import psycopg

    with psycopg.connect(where) as server, server.cursor(name="raw") as cursor:
        yield from cursor.execute(statement)


def _verifies(where: str, key: Path) -> bool:
    from consentinel.core.errors import ConsentinelError
    from consentinel.core.ledger_opening import opened

    try:
        with opened(where, key=key) as book:
            return book.verify() > 0
    except ConsentinelError:
        return False
