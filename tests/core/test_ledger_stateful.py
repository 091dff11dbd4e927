"""The ledger against a model of ten lines that adds fractions, in every order that Hypothesis thinks of."""

import shutil
import tempfile
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from consentinel.core.errors import BudgetRefused, UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, opened
from tests.core.made_ledger import ACCOUNT, DELTA, HOUR, QUESTION, START, Clock, charge, spend

WHO, WHY, WHEN = ("ads", "lift", "search"), ("reach", "safety"), ("2026-W47", "2026-W48")
MOSTLY = (*WHEN, *WHEN[:1] * 4)
EACH = st.sampled_from
Limits = dict[str, int]
RAM = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)  # where nothing waits for a disk


class Model:
    """What may be spent: plain sums of fractions over the list of all that was spent."""

    def __init__(self) -> None:
        self.total: dict[str, Fraction] = {}
        self.quotas: dict[str, Limits] = {}
        self.kept: dict[str, Limits] = {}
        self.since: dict[tuple[str, str], int] = {}  # from which line on a reserve counts
        self.lines: list[tuple[str, str, str, Fraction]] = []  # epoch, principal, purpose, micro-rho

    def sum(self, epoch: str, who: str = "", why: str = "", since: int = 0) -> Fraction:
        found = (x for e, p, w, x in self.lines[since:] if e == epoch and who in ("", p) and why in ("", w))
        return sum(found, Fraction(0))

    def promised(self, epoch: str) -> Fraction:
        quotas = [Fraction(most) - self.sum(epoch, who) for who, most in self.quotas[epoch].items()]
        kept = [Fraction(m) - self.sum(epoch, "", w, self.since[epoch, w]) for w, m in self.kept[epoch].items()]
        return sum((left for left in quotas + kept if left > 0), Fraction(0))

    def holds(self, epoch: str) -> bool:
        return self.sum(epoch) + self.promised(epoch) <= self.total[epoch]

    def may(self, epoch: str, who: str, why: str, micro: int) -> bool:
        if epoch not in self.total:
            return False
        self.lines.append((epoch, who, why, Fraction(micro)))
        quota = self.quotas[epoch].get(who)
        fits = self.holds(epoch) and (quota is None or self.sum(epoch, who) <= quota)
        if not fits:
            self.lines.pop()
        return fits


class Machine(RuleBasedStateMachine):
    """Two openings of one ledger take turns with the model."""

    tickets = Bundle("tickets")

    @initialize(
        total=st.integers(10, 40), quotas=st.dictionaries(EACH(WHO), st.integers(2, 15)), kept=st.integers(0, 9)
    )
    def begin(self, total: int, quotas: Limits, kept: int) -> None:
        self.folder, self.clock, self.model = Path(tempfile.mkdtemp(dir=RAM)), Clock(), Model()
        self.where, self.stack = str(self.folder / "l"), ExitStack()
        created(self.where, clock=self.clock)
        self.books = [self.stack.enter_context(opened(self.where, clock=self.clock)) for _ in range(2)]
        self.set_limits(False, WHEN[0], total, quotas, {WHY[1]: kept})

    @rule(
        which=st.booleans(), epoch=EACH(WHEN), total=st.integers(0, 60),
        quotas=st.dictionaries(EACH(WHO), st.integers(0, 25), max_size=2),
        kept=st.dictionaries(EACH(WHY), st.integers(0, 15), max_size=1),
    )  # fmt: skip
    def grant(self, which: bool, epoch: str, total: int, quotas: Limits, kept: Limits) -> None:
        self.set_limits(which, epoch, total, quotas, kept)

    def set_limits(self, which: bool, epoch: str, total: int, quotas: Limits, kept: Limits) -> None:
        model, before = self.model, dict(self.model.__dict__)
        since = {(epoch, why): model.since.get((epoch, why), len(model.lines)) for why in kept}
        older = model.total.get(epoch)
        model.total = model.total | {epoch: Fraction(total)}
        model.quotas, model.kept = model.quotas | {epoch: quotas}, model.kept | {epoch: kept}
        model.since = {name: at for name, at in model.since.items() if name[0] != epoch} | since
        allowed = model.holds(epoch) and (total > 0 if older is None else total <= older)
        account = Account(ACCOUNT.dataset, ACCOUNT.unit, epoch)
        if allowed:
            self.books[which].grant(account, total, delta=DELTA, quotas=quotas, reserves=kept)
        else:
            model.__dict__.update(before)
            with pytest.raises(UsageError):
                self.books[which].grant(account, total, delta=DELTA, quotas=quotas, reserves=kept)

    @rule(
        target=tickets, which=st.booleans(), epoch=EACH(MOSTLY), who=EACH(WHO), why=EACH(WHY), micro=st.integers(1, 8)
    )
    def spend(self, which: bool, epoch: str, who: str, why: str, micro: int) -> bytes | None:
        book = self.books[which]
        if self.model.may(epoch, who, why, micro):
            return spend(book, micro, who, why, epoch=epoch)
        with pytest.raises(BudgetRefused):
            spend(book, micro, who, why, epoch=epoch)
        return None

    @rule(
        which=st.booleans(),
        micros=st.lists(st.tuples(EACH(MOSTLY), EACH(WHO), st.integers(1, 20)), min_size=2, max_size=3),
    )
    def spend_all(self, which: bool, micros: list[tuple[str, str, int]]) -> None:
        charges = [charge(micro, who, epoch=epoch) for epoch, who, micro in micros]
        before, give = list(self.model.lines), {"questions": [QUESTION] * len(charges), "not_after": START + HOUR}
        if all(self.model.may(epoch, who, "reach", micro) for epoch, who, micro in micros):
            assert len(self.books[which].spend_all(charges, **give)) == len(charges)  # type: ignore[arg-type]
        else:
            self.model.lines = before
            with pytest.raises(BudgetRefused):
                self.books[which].spend_all(charges, **give)  # type: ignore[arg-type]

    @rule(which=st.booleans(), ticket=consumes(tickets))
    def redeem(self, which: bool, ticket: bytes | None) -> None:
        if ticket is None:
            return
        assert isinstance(self.books[which].redeem(ticket), Ticket)
        for book in self.books:
            with pytest.raises(BudgetRefused, match="used already"):
                book.redeem(ticket)

    @rule(which=st.booleans())
    def open_again(self, which: bool) -> None:
        self.books[which] = self.stack.enter_context(opened(self.where, clock=self.clock))

    @invariant()
    def the_totals_are_those_of_the_model(self) -> None:
        for book in self.books:
            for account, budget in book.accounts().items():
                assert budget.spent == self.model.sum(account.epoch) <= budget.total
                for who in WHO:
                    assert budget.principals.get(who, 0) == self.model.sum(account.epoch, who)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            assert self.books[0].verify() >= 1
            self.stack.close()
            shutil.rmtree(self.folder)


Machine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_ledger_and_model = Machine.TestCase
