"""Answer a question within a budget: check everything, pay, then compute and add noise: the work of `protect measure`.

What is wrong with the question, its tables or its budget is refused before the charge. After it nothing is given back:
if the answer cannot be made then, it was paid for all the same, and run.json says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.errors import BudgetRefused, ConsentinelError, UsageError
from consentinel.core.extras import need
from consentinel.core.ledger import Charge, Ticket
from consentinel.core.ledger_filter import Account, room
from consentinel.core.ledger_filter import Budget as Granted
from consentinel.core.ledger_opening import now, opened
from consentinel.core.run import Outcome, Run
from consentinel.core.stats import tail
from consentinel.protect import plan_file
from consentinel.protect.answer_files import shown, write_csv, write_json
from consentinel.protect.costing import Budget, Paid, split
from consentinel.protect.estimates import Law
from consentinel.protect.keeping import check_there
from consentinel.protect.opening import Answerable, budget_for, opened_question

__all__ = ["Payer", "measure"]

VALID = 3600 * 1_000_000  # microseconds until an unused ticket ends
STAYS = "the budget was spent before this and stays spent"


@dataclass(frozen=True)
class Payer:
    """Who pays, from which ledger: ledger, a file or postgresql://...; its key and second witness; data set and epoch
    of the account; principal and purpose."""

    ledger: str
    key: Path | None
    witness: Path | None
    dataset: str
    epoch: str
    principal: str
    purpose: str


def measure(
    run: Run,
    text: str,
    payer: Payer,
    *,
    tables: Path | None,
    groups: int,
    rows: int,
    rho: str,
    epsilon: str,
    law: Law,
    delta: str,
    shares: str,
    level: float,
    planned: Path | None,
) -> Outcome:
    """Answer the question TEXT, paid by PAYER, and keep the answer. Raises UsageError, BadInput, NotSupported, and
    BudgetRefused with the story of the refusal."""
    tail(level)
    check_there(payer.ledger)
    question = opened_question(text, tables, groups=groups, rows=rows, read=run.read)
    question.check_epoch(payer.epoch)
    plan = None if planned is None else plan_file.read(run.read(planned))
    if plan is not None and (rho or epsilon or shares or law != "gaussian" or delta != "1e-6"):
        raise UsageError("--plan says the budget; leave out --rho, --epsilon, --delta, --law and --shares")
    budget = budget_for(question, rho, epsilon, law, delta) if plan is None else plan_file.budget_in(plan)
    paid = split(question.parts, budget, shares if plan is None else plan["shares"])
    charges = [_charge(one, question, payer) for one in paid]
    question.check(paid)
    digests = question.digests()
    asked = question.question(digests)
    if plan is not None:
        plan_file.check_planned(plan, asked, digests, paid)
    question.open(digests)
    need("opendp.prelude", extra="protect")  # what is not installed is told before the charge
    need("scipy.special", extra="protect")
    run.assume(
        question=asked.digest, kind=question.kind, unit=question.protects, neighbours="add or remove one unit",
        law=budget.law, delta=str(budget.delta + budget.naming), tables=digests,
    )  # fmt: skip
    tickets, left = _pay(run, payer, budget, charges, asked.digest)
    try:
        answers = question.release(tickets, paid, digests, level, run.run_id)
        files = {"releases": run.keep("releases", answers), "answer.csv": write_csv(run, answers)}
        about = {
            "question": asked.digest, "kind": question.kind, "unit": question.protects, "budget": budget.told,
            "charges": [_said(t, c) for t, c in zip(tickets, charges, strict=True)],
        }  # fmt: skip
        files["answer.json"] = write_json(run, answers, about)
    except ConsentinelError as why:
        run.note(STAYS)
        why.args = (f"{why}. Mind that {STAYS}",)
        raise
    except BaseException:
        run.note(STAYS)
        raise
    return Outcome(run, 0, files, _told(question, budget, charges, left, answers, level, payer))


def _charge(one: Paid, question: Answerable, payer: Payer) -> Charge:
    return Charge(
        one.part.mechanism, tuple(one.params.items()), question.protects, payer.purpose, payer.principal,
        payer.dataset, payer.epoch, one.micro,
    )  # fmt: skip


def _pay(run: Run, payer: Payer, budget: Budget, charges: Sequence[Charge], digest: str) -> tuple[list[Ticket], int]:
    """Write all CHARGES or none, and return their redeemed tickets and what is left for the payer."""
    amount = (("epsilon" if budget.law == "laplace" else "rho", budget.amount),)
    whole = replace(charges[0], mechanism="question", params=amount, micro_rho=sum(one.micro_rho for one in charges))
    with opened(payer.ledger, key=payer.key, witness=payer.witness) as book:
        _check_naming(book.accounts().get(Account.of(whole)), budget)
        story = book.explain(whole)
        if not story.fits:  # told about the whole question; what is written below is judged again, charge by charge
            raise BudgetRefused(story.text)
        signed = book.spend_all(charges, questions=[digest] * len(charges), not_after=now() + VALID)
        tickets = []
        for one, charge in zip(signed, charges, strict=True):
            tickets.append(book.redeem(one))
            run.charge(charge.mechanism, charge.micro_rho, tickets[-1].charge, Account.of(charge))
        account = book.accounts()[Account.of(whole)]
    return tickets, room(account, payer.principal, payer.purpose).most


def _check_naming(account: Granted | None, budget: Budget) -> None:
    """Refuse to name groups at a larger delta than that of the ACCOUNT: the ledger counts rho and not delta."""
    if account is not None and budget.naming > account.delta:
        raise BudgetRefused(
            f"naming groups would add a delta of {float(budget.naming):.3g} to that of the account, which is "
            f"{float(account.delta):.3g}; give a --delta of at most {float(2 * account.delta):.3g}, or declare the "
            "values of the keys"
        )


def _said(ticket: Ticket, charge: Charge) -> dict[str, Any]:
    return {"mechanism": charge.mechanism, "micro_rho": charge.micro_rho, "charge": ticket.charge}


def _told(
    question: Answerable,
    budget: Budget,
    charges: Sequence[Charge],
    left: int,
    answers: pa.Table,
    level: float,
    payer: Payer,
) -> str:
    price = sum(charge.micro_rho for charge in charges)
    lines = [
        f"{question.kind}, unit {question.protects}, {level:.0%} intervals of noise, sampling and clipping: "
        f"{budget.told}",
        "",
        *(shown(answers) if answers.num_rows else ["No group has enough units to be named."]),
        "",
        f"Spent: {price} micro-rho in {len(charges)} charge(s); {left} are left for {payer.principal}. "
        "Asking again costs again; what is in these files may be read as often as you like.",
    ]
    return "\n".join(lines)
