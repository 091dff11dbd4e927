"""Spending, refusing, redeeming, sharing and explaining."""

import math
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from consentinel.core.accounting import epsilon
from consentinel.core.errors import BadInput, BudgetRefused, UsageError
from consentinel.core.ledger import Charge, Ledger, Ticket
from consentinel.core.ledger_book import Book
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import opened
from consentinel.core.ledger_totals import EVERY
from tests.core.made_ledger import ACCOUNT, DELTA, HOUR, QUESTION, START, Clock, charge, ledger, spend

_: type[Ledger] = Book


def test_spend_then_redeem_once(tmp_path: Path) -> None:
    with ledger(tmp_path) as book:
        data = spend(book, 1000)
        ticket = book.redeem(data)
        assert ticket.param("rho") == Fraction(1, 1000)
        assert (ticket.mechanism, ticket.question) == ("gaussian", QUESTION)
        with pytest.raises(BudgetRefused, match="used already"):
            book.redeem(data)
        assert book.accounts()[ACCOUNT].spent == 1000
        assert book.verify() == 4


def test_equal_charges_buy_different_tickets(tmp_path: Path) -> None:
    with ledger(tmp_path) as book:
        one, two = spend(book), spend(book)
        assert one != two
        assert book.redeem(one).charge != book.redeem(two).charge


def test_a_refusal_tells_its_story_and_writes_nothing(tmp_path: Path) -> None:
    with ledger(tmp_path, quotas={"lift": 3000}) as book:
        spend(book, 4000, "ads", "reach")
        spend(book, 2000, "search", "seasonal report", mechanism="laplace", params={"rho": "0.002"})
        with pytest.raises(BudgetRefused) as why:
            spend(book, 1001, "ads")
        told = str(why.value)
        assert "1001 micro-rho do not fit, 1000 are left for ads" in told
        assert "3000 of it are promised to others" in told
        assert told.index("ads 4000 (40.0 %) in all; entry 3 gaussian 'reach' 4000") < told.index(
            "search 2000 (20.0 %) in all; entry 4 laplace 'seasonal report' 2000"
        )
        assert "ends 2026-11-23 00:00 UTC" in told
        assert "The largest question that still fits: 1000 micro-rho, that is rho 0.001, sigma 3.002" in told
        with pytest.raises(BudgetRefused, match="the quota of lift has 3000 left"):
            spend(book, 3001, "lift")
        assert book.verify() == 4
        spend(book, 3000, "lift")
        spend(book, 1000, "ads")
        with pytest.raises(BudgetRefused, match="The largest question that still fits: none"):
            spend(book, 1, "ads")


def test_explain_says_all_of_it_and_spends_nothing(tmp_path: Path) -> None:
    with ledger(tmp_path) as book:
        for micro in (10, 20, 3000):
            spend(book, micro, "ads")
        spend(book, 3000, "search", mechanism="laplace", params={"epsilon": "1/20"})
        story = book.explain(charge(9000))
        assert [(use.principal, use.mechanism, use.charges, use.micro) for use in story.used] == [
            ("ads", "gaussian", 3, 3030),
            ("search", "laplace", 1, 3000),
        ]
        assert not story.fits
        assert story.fit.micro == 3970
        assert book.explain(charge(3970)).fits
        spend(book, story.fit.micro)
        with pytest.raises(BudgetRefused, match="nothing was granted to other / person / 2026-W47"):
            book.explain(charge(dataset="other"))


def test_what_was_not_granted_cannot_be_spent(tmp_path: Path) -> None:
    with ledger(tmp_path) as book:
        for other in ({"dataset": "x"}, {"unit": "device"}, {"epoch": "2026-W48"}):
            with pytest.raises(BudgetRefused, match=r"nothing was granted.*Accounts: exposures / person / 2026-W47"):
                spend(book, 1, **other)


def test_colluding_principals_do_not_pass_the_total(tmp_path: Path) -> None:
    with ledger(tmp_path, 100) as book:
        spent = 0
        for turn in range(40):
            try:
                spend(book, 7, f"principal-{turn}")
                spent += 7
            except BudgetRefused:
                continue
        assert spent == 98 == book.accounts()[ACCOUNT].spent


@pytest.mark.parametrize("bad", ["nan", "inf", "-1", "0", "1e-320", "5e-324", 0.5, math.nan, None])
def test_numbers_that_are_none_never_reach_the_ledger(tmp_path: Path, bad: object) -> None:
    with ledger(tmp_path) as book:
        with pytest.raises(UsageError):
            spend(book, 5, params={"epsilon": bad})
        with pytest.raises(UsageError):
            book.grant(replace_epoch("2026-W48"), 10, delta=bad)  # type: ignore[arg-type]
        assert book.verify() == 2


def replace_epoch(epoch: str) -> Account:
    return ACCOUNT._replace(epoch=epoch)


@pytest.mark.parametrize(
    ("params", "micro"),
    [({"rho": "0.01"}, 9999), ({"sensitivity": "1", "sigma": "10"}, 4999), ({"rho": "0.001", "sigma": "1"}, 1)],
)
def test_a_price_below_its_own_parameters_is_refused(tmp_path: Path, params: dict[str, str], micro: int) -> None:
    with ledger(tmp_path) as book:
        with pytest.raises(UsageError, match="less than the parameters of 'gaussian' cost"):
            spend(book, micro, params=params)
        assert book.verify() == 2


@pytest.mark.parametrize(
    ("question", "end"), [("ab", START + 1), (QUESTION, START), (QUESTION, START + 367 * 24 * HOUR), (QUESTION, -1)]
)
def test_tickets_that_could_not_be_used_cost_nothing(tmp_path: Path, question: str, end: int) -> None:
    with ledger(tmp_path) as book:
        with pytest.raises(UsageError):
            book.spend(charge(), question=question, not_after=end)
        assert book.verify() == 2


def test_several_charges_are_all_paid_or_none(tmp_path: Path) -> None:
    with ledger(tmp_path, 100) as book:
        later = replace_epoch("2026-W48")
        book.grant(later, 50, delta=DELTA)
        both = [charge(60), charge(50, epoch=later.epoch)]
        with pytest.raises(BudgetRefused, match="2026-W48: 51 micro-rho do not fit"):
            book.spend_all([both[0], charge(51, epoch=later.epoch)], questions=[QUESTION] * 2, not_after=START + HOUR)
        with pytest.raises(BudgetRefused, match="60 micro-rho do not fit, 40 are left"):
            book.spend_all([both[0]] * 2, questions=[QUESTION] * 2, not_after=START + HOUR)
        assert [budget.spent for budget in book.accounts().values()] == [0, 0]
        tickets = book.spend_all(both, questions=[QUESTION, "cd" * 32], not_after=START + HOUR)
        assert [book.redeem(ticket).question[:2] for ticket in tickets] == ["ab", "cd"]
        assert [budget.spent for budget in book.accounts().values()] == [60, 50]
        for charges, questions in (([], []), ([charge(1)], []), ([charge(1)], [QUESTION] * 2)):
            with pytest.raises(UsageError):
                book.spend_all(charges, questions=questions, not_after=START + HOUR)


def test_a_plan_declared_whole_is_charged_as_one(tmp_path: Path) -> None:
    seen = []

    def loss(charges: Sequence[Charge], delta: Fraction) -> float:
        seen.append((len(charges), delta))
        return 0.9 * epsilon(10_000, DELTA)

    plan = [charge(6000, params={"rho": "0.006", "sigma": sigma}) for sigma in ("1", "2", "3")]
    with ledger(tmp_path) as book:
        give = {"questions": [QUESTION] * 3, "not_after": START + HOUR}
        with pytest.raises(BudgetRefused):
            book.spend_all(plan, **give)  # type: ignore[arg-type]
        with pytest.raises(BudgetRefused, match="the plan as a whole has epsilon 99"):
            book.spend_all(plan, **give, loss=lambda *_: 99.0)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="one principal"):
            book.spend_all([*plan[:2], charge(1, "lift")], **give, loss=loss)  # type: ignore[arg-type]
        tickets = book.spend_all(plan, **give, loss=loss)  # type: ignore[arg-type]
        assert [book.redeem(ticket).param("sigma") for ticket in tickets] == [1, 2, 3]
        assert seen[-1] == (3, DELTA)
        assert book.accounts()[ACCOUNT].spent == 10_000
        with pytest.raises(BudgetRefused, match="0 are left"):
            spend(book, 1)
        with pytest.raises(BudgetRefused, match="10000 of 10000 micro-rho are spent"):
            book.spend_all(plan, **give, loss=loss)  # type: ignore[arg-type]
        assert book.verify() == 8


def test_tickets_expire_and_what_they_cost_stays_spent(tmp_path: Path) -> None:
    clock = Clock()
    with ledger(tmp_path, clock=clock) as book:
        ticket = spend(book)
        clock.now = START + HOUR + 1
        with pytest.raises(BudgetRefused, match="expired"):
            book.redeem(ticket)
        assert book.accounts()[ACCOUNT].spent == 1000


@pytest.mark.parametrize("due", [True, False])
def test_a_ticket_that_expires_while_it_waits_for_its_turn_does_no_harm(tmp_path: Path, due: bool) -> None:
    """The totals that are due then forget it: nothing may be written behind them that needs it."""
    clock = Clock()
    with ledger(tmp_path, clock=clock) as book:
        ticket = spend(book)
        chain = book._chain
        chain.totals.since = EVERY if due else 0
        begin = chain.store.begin

        def waited() -> None:
            clock.now = START + HOUR + 1
            begin()

        chain.store.begin = waited  # type: ignore[method-assign]
        if due:
            with pytest.raises(BudgetRefused, match="expired"):
                book.redeem(ticket)
        else:
            book.redeem(ticket)  # it was in time when it was shown
        assert book.verify() == (3 if due else 4)
    with opened(str(tmp_path / "ledger.sqlite"), clock=clock) as book:  # and others can go on
        assert book.accounts()[ACCOUNT].spent == 1000


def test_shares_are_redeemed_once_each_and_in_one_way_only(tmp_path: Path) -> None:
    with ledger(tmp_path) as book:
        whole = spend(book)
        shares = book.split(whole, 3, 2, 0)
        assert book.redeem(shares[1]).noise_part == Fraction(1, 2)
        with pytest.raises(BudgetRefused, match="share 2 of 3 was used"):
            book.redeem(shares[1])
        with pytest.raises(BudgetRefused, match="in use as 3 share"):
            book.redeem(whole)
        for other in (book.split(whole, 3, 3, 0)[0], book.split(whole, 4, 2, 0)[0]):
            with pytest.raises(BudgetRefused, match="cannot be shared in another way"):
                book.redeem(other)
        book.redeem(shares[0])
        book.redeem(shares[2])
        for used in (*shares, whole):
            with pytest.raises(BudgetRefused, match="used already"):
                book.redeem(used)
        spent_whole = spend(book)
        parts = book.split(spent_whole, 2, 2, 0)
        book.redeem(spent_whole)
        with pytest.raises(BudgetRefused, match="used already"):
            book.redeem(parts[0])
        assert book.verify() == 8


def test_tickets_of_others_and_changed_tickets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with ledger(tmp_path) as book, ledger(tmp_path / "b") as other:
        ticket = spend(book)
        with pytest.raises(BudgetRefused, match="signature"):
            other.redeem(ticket)
        with pytest.raises(BadInput, match="not a ticket"):
            book.redeem(b"nothing")
        key, now = book._chain.key, START
        real = Ticket.from_bytes(ticket, key, now=now)
        forged = (  # by somebody who has the key
            (replace(real, params=(("rho", Fraction(1)),)), "not the one that was paid"),
            (replace(real, question="cd" * 32), "not the one that was paid"),
            (replace(real, not_after=START + 2 * HOUR), "not the one that was paid"),
            (replace(real, charge="3." + "0" * 32), "used already, has expired, or was lost"),
            (replace(real, charge="nothing"), "used already, has expired, or was lost"),
            (replace(real, ledger="L2"), "another ledger issued it"),
        )
        for one, why in forged:
            with pytest.raises(BudgetRefused, match=why):
                book.redeem(one.to_bytes(key))
        book.redeem(ticket)


def test_grants(tmp_path: Path) -> None:
    with ledger(tmp_path, 100, quotas={"ads": 60}, reserves={"safety": 40}) as book:
        with pytest.raises(UsageError, match="never raised"):
            book.grant(ACCOUNT, 101, delta=DELTA)
        for bad in ({"quotas": {"a b": 1}}, {"reserves": {" ": 1}}, {"quotas": {"ads": 101}}, {"reserves": {"x": -1}}):
            with pytest.raises(UsageError):
                book.grant(ACCOUNT, 100, delta=DELTA, **bad)  # type: ignore[arg-type]
        for account in (ACCOUNT._replace(epoch="a b"), ACCOUNT._replace(dataset=""), ACCOUNT._replace(unit="../x")):
            with pytest.raises(UsageError):
                book.grant(account, 100, delta=DELTA)
        with pytest.raises(UsageError, match="delta is below 1"):
            book.grant(replace_epoch("all"), 1, delta=Fraction(1))
        assert book.verify() == 2
        with pytest.raises(BudgetRefused):
            spend(book, 1, "search", "reach")
        spend(book, 40, "search", "safety")
        assert book.grant(ACCOUNT, 90, delta=DELTA, quotas={"ads": 10}).promised() == 10
        spend(book, 40, "search", "reach")


def test_threads_share_an_open_ledger_and_processes_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger(tmp_path, 20) as book:
        refused = []

        def work() -> None:
            for _ in range(8):
                try:
                    book.redeem(spend(book, 1))
                except BudgetRefused as why:
                    refused.append(why)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(refused), book.accounts()[ACCOUNT].spent) == (12, 20)
        monkeypatch.setattr(os, "getpid", lambda: 1)
        with pytest.raises(UsageError, match="does not pass to another process"):
            spend(book)
