"""The ledger that is kept: who may spend how much on which data, written before anything is drawn.

A process that is killed anywhere leaves either nothing or an entry that stays spent; the next one goes on from there.
Nothing gives budget back. A refusal writes nothing and waits for no writer. `ledger_opening` makes and opens ledgers.

Which account a charge belongs to, who the principal is and what the price is, is said by the caller: whoever reads the
data binds them to the account and makes sure of the principal; the ledger sees neither.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any, Protocol

from consentinel.core.accounting import exact, gaussian_rho, micro_rho, written
from consentinel.core.errors import BudgetRefused, UsageError
from consentinel.core.ledger import Charge, Ticket
from consentinel.core.ledger_chain import Chain, Draft
from consentinel.core.ledger_filter import Account, Budget, Room, paid, plan_price, room
from consentinel.core.ledger_story import Story, Used, by_principal, fit, frees

__all__ = ["Book", "PlanLoss"]

LONGEST = 366 * 24 * 3600 * 1_000_000  # how far away the end of a ticket may be, microseconds


class PlanLoss(Protocol):
    """Prices a plan that is declared whole in advance, for example by privacy-loss distributions."""

    def __call__(self, charges: Sequence[Charge], delta: Fraction, /) -> float:
        """Return an epsilon for which all CHARGES together are (epsilon, DELTA)-DP; never below the truth."""
        ...


class Book:
    """An open ledger; made by `ledger_opening.opened`. It belongs to one process; threads may share it."""

    def __init__(self, chain: Chain) -> None:
        self.name = chain.store.name  # may be written and logged
        self._chain, self._pid, self._lock = chain, os.getpid(), threading.RLock()

    def spend(self, charge: Charge, *, question: str, not_after: int) -> bytes:
        """Write CHARGE in one transaction and only then return its signed ticket.

        Arguments: question, SHA-256 in hexadecimal of what may be asked; not_after, until when the ticket can be
        redeemed, microseconds since 1970 UTC, at most 366 days away. Raises UsageError before anything is written, and
        BudgetRefused with the story of the refusal. There is no refund, also not for a ticket that expires.
        """
        return self.spend_all([charge], questions=[question], not_after=not_after)[0]

    def spend_all(
        self, charges: Sequence[Charge], *, questions: Sequence[str], not_after: int, loss: PlanLoss | None = None
    ) -> tuple[bytes, ...]:
        """Write all CHARGES or none, and return one ticket for each; they may belong to several accounts.

        With LOSS they are one plan, declared whole: of one principal, on one account from which nothing was spent or
        promised. They then cost the whole of it, if LOSS gives at most the epsilon that the total stands for, and may
        need less noise than their prices would ask for one by one. Raises as `spend`.
        """
        if not charges or len(charges) != len(questions):
            raise UsageError("there should be one question for each charge, and at least one")
        time = self._chain.clock()
        drafts = [_draft(*pair, not_after, time) for pair in zip(charges, questions, strict=True)]
        with self._mine() as chain:
            chain.follow()
            epsilon = None if loss is None else loss(charges, self._budget(charges[0]).delta)

            def judged() -> list[Draft]:
                pays = self._priced(charges) if epsilon is None else self._plan(charges, epsilon)
                return [("spent", draft | price) for draft, price in zip(drafts, pays, strict=True)]

            judged()  # a refusal waits for nobody
            entries = chain.write(judged)[-len(charges) :]
            return tuple(
                _ticket(charge, question, not_after, chain.totals.ledger, entry.id).to_bytes(chain.key)
                for charge, question, entry in zip(charges, questions, entries, strict=True)
            )

    def split(self, ticket: bytes, n: int, min_survivors: int, colluding: int) -> tuple[bytes, ...]:
        """Return the shares of TICKET for N parties (see `Ticket.split`); the first one redeemed settles how many."""
        key = self._chain.key
        whole = Ticket.from_bytes(ticket, key, now=self._chain.clock())
        return tuple(part.to_bytes(key) for part in whole.split(n, min_survivors, colluding))

    def redeem(self, ticket: bytes) -> Ticket:
        """Check TICKET and mark it, or its share, used by one compare-and-set; raises BudgetRefused the second time."""
        with self._mine() as chain:
            found = Ticket.from_bytes(ticket, chain.key, now=chain.clock())
            chain.follow()

            def judged() -> list[Draft]:
                why = "another ledger issued it" if found.ledger != chain.totals.ledger else chain.totals.refusal(found)
                if why:
                    raise BudgetRefused(
                        f"the ticket of '{found.mechanism}' is refused: {why}. Spend again for a new one"
                    )
                says = {"charge": found.charge, "share": found.share, "shares": found.shares, "enough": found.enough}
                return [("redeemed", says)]

            judged()
            entry = chain.entry(int(found.charge.partition(".")[0]))
            if entry is None or entry.id != found.charge or not _pays_for(entry.says, found):
                raise BudgetRefused("the ticket is not the one that was paid: its parameters or question were changed")
            chain.write(judged)
            return found

    def grant(
        self,
        account: Account,
        total: int,
        *,
        delta: Fraction,
        quotas: Mapping[str, int] | None = None,
        reserves: Mapping[str, int] | None = None,
    ) -> Budget:
        """Set the limits of ACCOUNT in micro-rho and return its budget (rules: `ledger_filter.granted`).

        QUOTAS by principal and RESERVES by purpose are all that hold from now on. Raises UsageError.
        """
        for principal in [*(quotas or {}), "anybody"]:  # raises for what no charge can name
            Charge("any", (("rho", Fraction(1)),), account.unit, "any", principal, account.dataset, account.epoch, 1)
        for purpose in reserves or {}:
            Charge("any", (("rho", Fraction(1)),), "any", purpose, "any", "any", "any", 1)
        limits: dict[str, Any] = {"total": total, "quotas": dict(quotas or {}), "reserves": dict(reserves or {})}
        chance = exact(delta, "delta")
        if chance >= 1:
            raise UsageError("delta is below 1; far below one in the number of people")

        with self._mine() as chain:

            def judged() -> list[Draft]:
                chain.totals.after_grant(account, **limits, delta=chance)
                return [("granted", {"account": list(account), "limits": limits | {"delta": written(chance)}})]

            chain.follow()
            judged()
            chain.write(judged)
            return chain.totals.accounts[account]

    def accounts(self) -> dict[Account, Budget]:
        """Return every account with its budget."""
        with self._mine() as chain:
            chain.follow()
            return dict(sorted(chain.totals.accounts.items()))

    def used(self, account: Account) -> tuple[Used, ...]:
        """Return what ACCOUNT was used for, by principal, purpose and mechanism, the largest first."""
        with self._mine() as chain:
            return tuple(Used(*row) for row in chain.store.groups(str(account)))

    def explain(self, charge: Charge) -> Story:
        """Return whether CHARGE fits, what used the budget up, when it frees, and what still fits; spends nothing."""
        with self._mine() as chain:
            chain.follow()
            budget = self._budget(charge)
            story = self._story(charge, budget, room(budget, charge.principal, charge.purpose))
            return replace(story, used=self.used(Account.of(charge)))

    def verify(self) -> int:
        """Check every entry from the first on, and return how many hold; raises BadInput at the first break.

        Checked are the chain of codes, that each entry was allowed when it was made, the columns beside the entries,
        all totals, and that the witnesses remember this history.
        """
        with self._mine() as chain:
            return chain.verified()

    @contextmanager
    def _mine(self) -> Iterator[Chain]:
        if os.getpid() != self._pid:
            raise UsageError("an open ledger does not pass to another process; open it there again")
        with self._lock:
            yield self._chain

    def _budget(self, charge: Charge) -> Budget:
        accounts = self._chain.totals.accounts
        found = accounts.get(Account.of(charge))
        if found is None:
            there = ", ".join(" / ".join(account) for account in sorted(accounts)[-5:]) or "none"
            raise BudgetRefused(
                f"nothing was granted to {' / '.join(Account.of(charge))} (data set / unit / epoch), so nothing can be "
                f"spent there. Grant a budget first. Accounts: {there}"
            )
        return found

    def _priced(self, charges: Sequence[Charge]) -> list[dict[str, Any]]:
        """Return what each charge pays, one after the other; raises BudgetRefused for the first that does not fit."""
        budgets: dict[Account, Budget] = {}
        for charge in charges:
            account = Account.of(charge)
            budget = budgets.get(account) or self._budget(charge)
            left = room(budget, charge.principal, charge.purpose)
            if charge.micro_rho > left.most:
                raise BudgetRefused(self._story(charge, budget, left).text)
            budgets[account] = paid(budget, charge.principal, charge.purpose, charge.micro_rho)
        return [{"pays": charge.micro_rho} for charge in charges]

    def _plan(self, charges: Sequence[Charge], epsilon: float) -> list[dict[str, Any]]:
        first, budget = charges[0], self._budget(charges[0])
        if len({(Account.of(charge), charge.principal, charge.purpose) for charge in charges}) > 1:
            raise UsageError("a plan has one principal and one purpose, and is paid from one account")
        price = plan_price(budget, first, epsilon)
        if price is None:
            raise BudgetRefused(
                f"the plan as a whole has epsilon {epsilon:.6g} at delta {written(budget.delta)}; it does not fit, or "
                f"it is not the first and only use of {' / '.join(Account.of(first))}: {budget.spent} of "
                f"{budget.total} micro-rho are spent, {budget.promised(first.principal, first.purpose)} promised to "
                "others. Spend its charges one by one, or use more noise"
            )
        plan = {"of": len(charges), "pays": price, "epsilon": repr(epsilon)}
        return [{"pays": 0 if part else price, "plan": plan | {"part": part + 1}} for part in range(len(charges))]

    def _story(self, charge: Charge, budget: Budget, left: Room) -> Story:
        """Return the story as far as it is told in no time: of those who used most, the largest entries."""
        account, who = Account.of(charge), charge.principal
        users = {who: budget.principals.get(who, 0)} if left.limit == "quota" else budget.principals
        most = sorted(users, key=lambda user: -users[user])[:3]
        entries = [
            Used(user, purpose, mechanism, 1, micro, seq)
            for user in most
            for seq, mechanism, purpose, micro in self._chain.store.largest(str(account), user, 3)
        ]
        used = by_principal({user: users[user] for user in most if users[user]}, entries)
        told = frees(account, self._chain.totals.accounts)
        return Story(charge, budget, left, used, told, fit(charge, left.most))


def _draft(charge: Charge, question: str, not_after: int, time: int) -> dict[str, Any]:
    """Return what the entry for CHARGE says, all of it checked; raises UsageError."""
    _ticket(charge, question, not_after, "any", "any")
    if not time < not_after <= time + LONGEST:
        raise UsageError("a ticket ends in the future, at most 366 days from now; nothing was spent")
    params = dict(charge.params)
    least = [params["rho"]] if "rho" in params else []
    if {"sensitivity", "sigma"} <= set(params):
        least.append(gaussian_rho(params["sensitivity"], params["sigma"]))
    if any(micro_rho(rho) > charge.micro_rho for rho in least):
        raise UsageError(f"{charge.micro_rho} micro-rho is less than the parameters of '{charge.mechanism}' cost")
    return {"charge": json.loads(charge.to_bytes()), "question": question, "not_after": not_after}


def _ticket(charge: Charge, question: str, not_after: int, ledger: str, name: str) -> Ticket:
    return Ticket(ledger, name, charge.mechanism, charge.params, question, not_after)


def _pays_for(says: dict[str, Any], ticket: Ticket) -> bool:
    """Whether the entry that SAYS this paid for exactly what TICKET allows."""
    charge, params = says["charge"], {name: written(value) for name, value in ticket.params}
    paid_for = (charge["mechanism"], charge["params"], says["question"], says["not_after"])
    return paid_for == (ticket.mechanism, params, ticket.question, ticket.not_after)
