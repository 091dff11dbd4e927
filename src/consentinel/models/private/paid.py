"""What a private trainer asks the ledger for, and the one door through which a paid ticket becomes a noise level.

A private trainer has two methods beside `train`: `ask(rows)` says what it would draw, so that somebody can pay for it,
and `paid_by(ledger)` returns the same trainer with the ledger at which its tickets are redeemed. It checks its rows
first, redeems then, and draws last: what is refused costs nothing, and what was paid and what is drawn cannot differ.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol, Self, runtime_checkable

import pyarrow as pa

from consentinel.core.accounting import MICRO, epsilon, exact, gaussian_rho, micro_rho, written
from consentinel.core.contracts import Question
from consentinel.core.errors import BudgetRefused, UsageError
from consentinel.core.ledger import Charge, Ledger, Ticket
from consentinel.core.loss_grid import gaussian_epsilon
from consentinel.core.model_contracts import Trainer
from consentinel.models.asked import told

__all__ = ["Ask", "Paying", "PrivateTrainer", "asked", "gaussian_plan", "redeem", "sigma_for"]


@dataclass(frozen=True)
class Ask:
    """What a trainer wants to draw: a mechanism with exact parameters, its zCDP price, and the digest of the question.

    Unit: who one change of the data is about, event or the name of a column; params are (name, number) pairs; planned:
    it is Gaussian noise that keeps its epsilon only when paid as a plan, declared whole.
    """

    mechanism: str
    params: tuple[tuple[str, Fraction], ...]
    micro_rho: int
    question: str
    unit: str = "event"
    planned: bool = False

    def charge(self, *, dataset: str, epoch: str, principal: str, purpose: str) -> Charge:
        """Return the charge that pays for this, to the account of DATASET and EPOCH."""
        where = {"unit": self.unit, "purpose": purpose, "principal": principal, "dataset": dataset, "epoch": epoch}
        return Charge(self.mechanism, self.params, **where, micro_rho=self.micro_rho)


@runtime_checkable
class PrivateTrainer(Protocol):
    """A trainer that draws noise: it says what it needs and takes the ledger that redeems its tickets."""

    def ask(self, rows: pa.Table, /) -> Ask:
        """Return what training on ROWS would draw; spends nothing, and depends on column names only."""
        ...

    def paid_by(self, ledger: Ledger, /) -> Trainer:
        """Return this trainer with the LEDGER that issued its tickets."""
        ...


@dataclass(frozen=True, kw_only=True)
class Paying:
    """What private trainers share: the ledger that redeems the ticket which pays for their noise, once there is one."""

    ledger: Ledger | None = None

    def paid_by(self, ledger: Ledger, /) -> Self:
        """Return this trainer with the LEDGER that issued its tickets."""
        return replace(self, ledger=ledger)


def asked(
    mechanism: str,
    settings: Any,
    columns: Sequence[str],
    *,
    sigma: Fraction,
    sensitivity: Fraction = Fraction(1),
    steps: int = 1,
    unit: str = "event",
    rho: Fraction | None = None,
    more: Sequence[tuple[str, Fraction]] = (),
    planned: bool = False,
) -> Ask:
    """Return what STEPS draws of Gaussian noise of SIGMA on answers of L2 SENSITIVITY need; both in the same unit.

    Arguments: SETTINGS of the trainer and the names of the COLUMNS that it reads, which the ticket is bound to; RHO,
    the zCDP price where it is not that of STEPS Gaussian draws; MORE exact parameters; PLANNED as in `Ask`.
    Raises UsageError.
    """
    price = steps * gaussian_rho(sensitivity, sigma) if rho is None else rho
    params = [("sensitivity", sensitivity), ("sigma", sigma), ("steps", Fraction(steps)), *more]
    says = {"mechanism": mechanism, "settings": told(settings), "columns": sorted(columns)}
    question = Question.of("train", says).digest
    return Ask(mechanism, tuple(sorted(params)), micro_rho(price), question, unit, planned)


def redeem(ledger: Ledger | None, tickets: Sequence[bytes], ask: Ask) -> Ticket:
    """Redeem the one ticket for ASK at LEDGER and return it; its parameters are exactly those of ASK.

    Raises BudgetRefused without a ledger or a ticket, with more than one, or for one that was paid for another
    mechanism, other parameters or another question, or that is only a share.
    """
    if ledger is None or not tickets:
        raise BudgetRefused(
            f"'{ask.mechanism}' draws its noise from a paid ticket and has none: pay what `ask(rows)` returns, pass "
            "the ticket, and name its ledger with `paid_by`"
        )
    if len(tickets) != 1:
        raise BudgetRefused(f"'{ask.mechanism}' takes one ticket, got {len(tickets)}; none of them was used")
    ticket = ledger.redeem(tickets[0])
    if ticket.mechanism != ask.mechanism or ticket.question != ask.question:
        raise BudgetRefused(
            f"the ticket of '{ticket.mechanism}' is for another question; '{ask.mechanism}' with these settings and "
            "columns needs its own"
        )
    if ticket.params != ask.params:
        paid = ", ".join(f"{name}={written(value)}" for name, value in ticket.params)
        raise BudgetRefused(f"the ticket of '{ticket.mechanism}' was paid for {paid}; this training needs other noise")
    if ticket.shares != 1:
        raise BudgetRefused("one party draws all of the noise here: pass the whole ticket, not a share of it")
    return ticket


def sigma_for(eps: str, delta: str, accounting: str) -> Fraction:
    """Return the least sigma, a multiple of 1e-6, for which one Gaussian draw of sensitivity 1 costs EPS at DELTA.

    ACCOUNTING "plan": the exact curve of Gaussian noise (Balle and Wang 2018, Theorem 8), to be paid as a plan that is
    declared whole (`Book.spend_all` with `gaussian_plan`), so that a ledger which was granted EPS at DELTA pays for it;
    "filter": zCDP, which any ledger composes with what comes later. STEPS draws need sqrt(steps) times as much. Raises
    UsageError.
    """
    wanted, chance = exact(eps, "epsilon"), exact(delta, "delta")
    if chance >= 1:
        raise UsageError(f"delta is in (0, 1), got {delta}")
    most = {"plan": _granted(wanted, chance), "filter": float(wanted)}
    costs: dict[str, Callable[[Fraction], float]] = {
        "plan": lambda sigma: gaussian_epsilon(math.sqrt(2 * micro_rho(1 / (2 * sigma**2)) / MICRO), float(chance)),
        "filter": lambda sigma: epsilon(micro_rho(1 / (2 * sigma**2)), chance),
    }
    if accounting not in costs:
        raise UsageError(f"accounting is 'plan' or 'filter', got '{accounting:.20}'")
    low, high, limit = 1, 10**10, most[accounting]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if costs[accounting](Fraction(middle, MICRO)) <= limit else (middle + 1, high)
    if costs[accounting](Fraction(low, MICRO)) > limit:
        raise UsageError(f"epsilon {eps} at delta {delta} would need a sigma above 10^4; ask for more")
    return Fraction(low, MICRO)


def _granted(wanted: Fraction, delta: Fraction) -> float:
    """Return what a ledger that was granted the epsilon WANTED stands for: whole micro-rho, so a little less."""
    low, high = 0, 10**12
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if epsilon(middle, delta) <= wanted else (low, middle)
    return epsilon(low, delta)


def gaussian_plan(charges: Sequence[Charge], delta: Fraction) -> float:
    """Price CHARGES that are Gaussian draws only as one plan: their exact epsilon at DELTA (a `PlanLoss`).

    Raises UsageError for a charge that is none: those of other noise name the epsilon that they keep.
    """
    if any("sigma" not in dict(one.params) or "epsilon" in dict(one.params) for one in charges):
        raise UsageError("only Gaussian draws are priced this way; spend this charge by itself")
    return gaussian_epsilon(math.sqrt(2 * sum(one.micro_rho for one in charges) / MICRO), float(delta))
