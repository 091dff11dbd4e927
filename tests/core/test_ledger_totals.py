"""Totals read back, keep tickets apart, and drop what expired."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.ledger import Ticket, canonical
from consentinel.core.ledger_totals import BEGIN, Entry, Open, Totals, chained, sealed
from tests.core.made_ledger import ACCOUNT, QUESTION, START, charge

KEY = bytes(range(32))
LIMITS = {"total": 100, "delta": "1/1000000", "quotas": {"ads": 60}, "reserves": {"safety": 5}}


def entry(seq: int, kind: str, **says: Any) -> Entry:
    return sealed(KEY, BEGIN, seq, kind, START, "0123", **says)


def spent(seq: int, micro: int, end: int = START + 10) -> Entry:
    return entry(
        seq, "spent", charge=json.loads(charge(micro).to_bytes()), question=QUESTION, not_after=end, pays=micro
    )


def begun() -> Totals:
    totals = Totals()
    totals.follow(entry(1, "opened", ledger="L1"))
    totals.follow(entry(2, "granted", account=list(ACCOUNT), limits=LIMITS))
    return totals


def test_entries_are_chained() -> None:
    one = sealed(KEY, BEGIN, 1, "opened", START, "ab", ledger="L1")
    assert chained(KEY, BEGIN, 1, "opened", one.body, one.mac) == one
    assert one.id == f"1.{one.mac.hex()[:32]}"
    for key, before, seq, kind in (
        (bytes(32), BEGIN, 1, "opened"),
        (KEY, one.mac, 1, "opened"),
        (KEY, BEGIN, 2, "opened"),
        (KEY, BEGIN, 1, "moved"),
    ):
        with pytest.raises(ValueError, match="changed"):
            chained(key, before, seq, kind, one.body, one.mac)
    assert sealed(KEY, BEGIN, 1, "opened", START, "ac", ledger="L1").mac != one.mac  # another opening, another history


def test_totals_read_back() -> None:
    totals = begun()
    totals.follow(spent(3, 10))
    totals.follow(spent(4, 20, START - 1))
    whole = entry(5, "totals", totals=totals.record(START))
    found = Totals.of(chained(KEY, BEGIN, 5, "totals", whole.body, whole.mac))
    totals.follow(whole)
    assert found == totals
    assert list(found.open) == [spent(3, 10).id]  # the other had expired
    assert found.accounts[ACCOUNT].spent == 30
    assert canonical(found.record(START)) == canonical(totals.record(START))
    with pytest.raises(ValueError, match="not those"):
        totals.follow(entry(6, "totals", totals=totals.record(START) | {"forfeited": 1}))


def test_an_entry_that_pays_another_price() -> None:
    for pays in (9, 11, 0):
        with pytest.raises(ValueError, match="another price"):
            begun().follow(entry(3, "spent", charge=json.loads(charge(10).to_bytes()), not_after=START, pays=pays))


def test_totals_come_seldom_enough() -> None:
    totals = begun()
    assert not totals.due()
    totals.since = 255
    assert not totals.due()
    totals.since = 256
    assert totals.due()
    totals.open = {str(n): Open(START) for n in range(2000)}
    assert not totals.due()


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=12))
def test_each_share_once_and_one_way_of_sharing(asked: list[tuple[int, int]]) -> None:
    totals, paid = begun(), spent(3, 10)
    totals.follow(paid)
    used: set[int] = set()
    settled = 0
    for seq, (share, shares) in enumerate(asked, 4):
        if share > shares:
            continue
        ticket = Ticket("L1", paid.id, "g", (("rho", "1"),), QUESTION, START + 10, share=share, shares=shares)  # type: ignore[arg-type]
        may = share not in used and settled in (0, shares)
        assert (totals.refusal(ticket) == "") == may
        redemption = entry(seq, "redeemed", charge=paid.id, share=share, shares=shares, enough=1)
        if may:
            totals.follow(redemption)
            used.add(share)
            settled = shares
        else:
            with pytest.raises((ValueError, KeyError)):
                totals.follow(redemption)
    assert (paid.id in totals.open) == (len(used) < settled or not used)
