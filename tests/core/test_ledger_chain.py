"""A database that somebody changed is found; a write that failed leaves a ledger that goes on."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from consentinel.core import ledger_totals
from consentinel.core.errors import BadInput, BudgetRefused, ConsentinelError
from consentinel.core.ledger_chain import Chain
from consentinel.core.ledger_opening import opened
from consentinel.core.ledger_totals import sealed
from tests.core.made_ledger import ACCOUNT, DELTA, START, Clock, ledger, spend


def change(where: str, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(where, isolation_level=None)) as file:
        assert file.execute(statement, values).rowcount != 0


def made(folder: Path) -> str:
    """Entries 1 opened, 2 granted, 3 spent, 4 spent, 5 redeemed, 6 spent."""
    with ledger(folder) as book:
        spend(book, 10)
        ticket = spend(book, 20)
        book.redeem(ticket)
        spend(book, 30)
    return str(folder / "ledger.sqlite")


CHANGES = {
    "a body": (
        "UPDATE consentinel_ledger SET body = replace(body, '\"pays\":20', '\"pays\":10') WHERE seq = 4", 4),
    "a number": ("UPDATE consentinel_ledger SET seq = 9 WHERE seq = 4", 4),
    "a kind": ("UPDATE consentinel_ledger SET kind = 'moved' WHERE seq = 4", 4),
    "a code": ("UPDATE consentinel_ledger SET mac = zeroblob(32) WHERE seq = 4", 4),
    "an entry left out": ("DELETE FROM consentinel_ledger WHERE seq = 4", 4),
    "entries that changed places": (
        "UPDATE consentinel_ledger SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4)", 3),
    "a copy beside": ("UPDATE consentinel_ledger SET micro = 1 WHERE seq = 4", 4),
    "a purpose beside": ("UPDATE consentinel_ledger SET purpose = 'x' WHERE seq = 4", 4),
    "a redemption undone": ("DELETE FROM consentinel_ledger WHERE seq = 5", 5),
    "a text for bytes": ("UPDATE consentinel_ledger SET body = 'x' WHERE seq = 4", 4),
    "the first entry": ("UPDATE consentinel_ledger SET body = '{}' WHERE seq = 1", 1),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_is_found(tmp_path: Path, what: str) -> None:
    where = made(tmp_path)
    statement, broken = CHANGES[what]
    with opened(where, clock=Clock()) as book:
        change(where, statement)
        if what == "entries that changed places":
            change(where, "UPDATE consentinel_ledger SET seq = -seq WHERE seq < 0")
        with pytest.raises(BadInput, match=f"entry {broken} does not hold.*Nothing is spent"):
            book.verify()
    if "beside" not in what:  # copies decide nothing
        with pytest.raises(BadInput, match="does not hold"), opened(where, clock=Clock()):
            pass


def test_no_byte_of_a_body_can_be_changed(tmp_path: Path) -> None:
    where, dice = made(tmp_path), random.Random(5)
    with closing(sqlite3.connect(where)) as file:
        rows = dict(file.execute("SELECT seq, body FROM consentinel_ledger"))
    with opened(where, clock=Clock()) as book:
        for seq, body in rows.items():
            for at in dice.sample(range(len(body)), 8):
                change(where, "UPDATE consentinel_ledger SET body = ? WHERE seq = ?", _flipped(body, at), seq)
                with pytest.raises(BadInput, match=f"entry {seq} does not hold"):
                    book.verify()
            change(where, "UPDATE consentinel_ledger SET body = ? WHERE seq = ?", body, seq)
        assert book.verify() == 6


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_an_entry_that_was_never_allowed_is_found_though_its_code_is_right(tmp_path: Path) -> None:
    """Somebody with the key writes it past the filter."""
    where = made(tmp_path)
    with opened(where, clock=Clock()) as book:
        chain: Chain = book._chain
        says = chain.entry(6).says  # type: ignore[union-attr]
        more = says | {"pays": 9_950, "charge": says["charge"] | {"micro_rho": 9_950}}
        forged = {name: more[name] for name in ("charge", "question", "not_after", "pays")}
        again = {"charge": chain.entry(4).id, "share": 1, "shares": 1, "enough": 1}  # type: ignore[union-attr]

        def past_the_filter(kind: str, more: dict[str, Any]) -> None:
            chain.follow()
            with chain.store.turn():
                chain.store.append([sealed(chain.key, chain.mac, 7, kind, START, chain.opening, **more)])

        with pytest.raises(BadInput, match="SQLITE_CONSTRAINT"):  # the table itself holds no redemption twice
            past_the_filter("redeemed", again)
        limits = {"total": 10**6, "delta": "1/1000000", "quotas": {}, "reserves": {}}
        for draft in (
            ("spent", forged),
            ("spent", forged | {"pays": 1}),
            ("redeemed", again | {"share": 2, "shares": 2}),
            ("granted", {"account": list(ACCOUNT), "limits": limits}),
            ("totals", {"totals": {}}),
            ("refunded", {}),
        ):
            with pytest.raises((ConsentinelError, ValueError, KeyError)):  # the chain writes nothing of the kind
                chain.write(lambda draft=draft: [draft])  # type: ignore[misc]
            assert book.verify() == 6
            past_the_filter(*draft)
            with pytest.raises(BadInput, match="entry 7 does not hold"):
                book.verify()
            change(where, "DELETE FROM consentinel_ledger WHERE seq = 7")
        assert book.verify() == 6


def test_it_opens_from_the_last_totals_and_all_totals_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_totals, "EVERY", 16)
    with ledger(tmp_path, 10**6) as book:
        tickets = [spend(book, 1) for _ in range(30)]
        for ticket in tickets[:25]:
            book.redeem(ticket)
        where = str(tmp_path / "ledger.sqlite")
        with closing(sqlite3.connect(where)) as file:
            seqs = [seq for (seq,) in file.execute("SELECT seq FROM consentinel_ledger WHERE kind = 'totals'")]
            (body,) = file.execute("SELECT body FROM consentinel_ledger WHERE seq = ?", seqs[-1:]).fetchone()
        assert len(seqs) >= 1
        assert json.loads(body)["totals"]["accounts"][0][:3] == list(ACCOUNT)
        assert book.verify() == 2 + 55 + len(seqs)
    with opened(where, clock=Clock()) as book:
        assert book.accounts()[ACCOUNT].spent == 30
        with pytest.raises(BudgetRefused, match="used already"):
            book.redeem(tickets[3])
        book.redeem(tickets[29])
        change(where, "UPDATE consentinel_ledger SET body = ? WHERE seq = ?", _flipped(body, 40), seqs[-1])
    with pytest.raises(BadInput, match="does not hold"), opened(where, clock=Clock()):
        pass


def test_a_failure_at_any_step_leaves_a_ledger_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger(tmp_path) as book:
        chain = book._chain
        for owner, name in ((chain.store, "begin"), (chain.store, "append"), (chain.store, "end"),
                            (chain.witness, "advance"), (chain.witness, "_put")):  # fmt: skip
            call = getattr(owner, name)
            for after in (False, True):
                before = book.accounts()[ACCOUNT].spent
                used = []

                def fails(*given: Any, call: Any = call, after: bool = after, used: list[int] = used) -> None:
                    used.append(1)
                    if len(used) > 1:  # what tidies up afterwards
                        call(*given)
                        return
                    if after:
                        call(*given)
                    raise BadInput("the disk is full")

                with monkeypatch.context() as patch:
                    patch.setattr(owner, name, fails)
                    with pytest.raises(BadInput, match="disk is full"):
                        spend(book, 5)
                cost = book.accounts()[ACCOUNT].spent - before
                assert cost == (5 if owner is chain.witness or (name == "end" and after) else 0), (name, after)
                book.redeem(spend(book, 1))
        assert book.verify() > 20


def test_two_openings_see_each_other(tmp_path: Path) -> None:
    with ledger(tmp_path, 10) as one, opened(str(tmp_path / "ledger.sqlite"), clock=Clock()) as two:
        ticket = spend(one, 6)
        with pytest.raises(BudgetRefused, match="4 are left"):
            spend(two, 6)
        two.redeem(ticket)
        with pytest.raises(BudgetRefused, match="used already"):
            one.redeem(ticket)
        two.grant(ACCOUNT, 8, delta=DELTA)
        assert one.accounts()[ACCOUNT].total == 8
        assert one._chain.opening != two._chain.opening
