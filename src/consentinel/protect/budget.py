"""What a person does with a ledger: make it, grant budgets, look, ask why not, check it, take it over.

Each function returns a `Told`: text for the terminal, Arrow tables for files, and the exit code that goes with it.
Budgets are told as an epsilon at the delta of the account and counted in whole micro-rho.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.accounting import epsilon as epsilon_of
from consentinel.core.accounting import exact, micro_rho, pure_rho, written
from consentinel.core.errors import UsageError
from consentinel.core.ledger import Charge
from consentinel.core.ledger_epoch import span
from consentinel.core.ledger_filter import LARGEST, Account, Budget
from consentinel.core.ledger_opening import adopted, created, opened
from consentinel.core.ledger_story import Used, share
from consentinel.core.state import shown
from consentinel.core.text import one_line

__all__ = [
    "BUDGETS",
    "PRINCIPALS",
    "USED",
    "Told",
    "adopt",
    "create",
    "explain",
    "grant",
    "largest_total",
    "show",
    "verify",
]

_NAMES = [("dataset", pa.string()), ("unit", pa.string()), ("epoch", pa.string())]
# One row is one account: the data of one epoch of a data set, for one kind of privacy unit. Amounts are micro-rho.
BUDGETS = pa.schema(
    [*_NAMES, ("total", pa.int64()), ("spent", pa.int64()), ("promised", pa.int64()), ("free", pa.int64()),
     ("delta", pa.string()), ("epsilon_total", pa.float64()), ("epsilon_spent", pa.float64()), ("ends", pa.int64())]
)  # fmt: skip
# One row is one principal of one account; a quota that is null is none.
PRINCIPALS = pa.schema([*_NAMES, ("principal", pa.string()), ("quota", pa.int64()), ("spent", pa.int64())])
# One row is what one principal used one mechanism for.
USED = pa.schema(
    [*_NAMES, ("principal", pa.string()), ("purpose", pa.string()), ("mechanism", pa.string()),
     ("charges", pa.int64()), ("micro_rho", pa.int64())]
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a function has to say: text, tables by name, and the exit code of a command that ends with it."""

    text: str
    tables: dict[str, pa.Table] = field(default_factory=dict)
    exit_code: int = 0


def create(ledger: str, *, key: Path | None = None, witness: Path | None = None) -> Told:
    """Make a ledger at LEDGER, a file or postgresql://..., with its key; nothing is granted yet.

    Arguments: key, the file of the key (default: beside the file); witness, a second place that remembers how far the
    ledger came, best on another disk or machine.
    """
    created(ledger, key=key, witness=witness)
    text = f"{shown(ledger)}: made. Its key is as sensitive as the data: keep a copy where the ledger is not."
    if witness is None:
        text += (
            "\nWithout a second witness nobody notices when the ledger and the file beside it are set back together."
        )
    return Told(text)


def grant(
    ledger: str,
    dataset: str,
    *,
    unit: str = "person",
    epoch: str = "all",
    rho: str = "",
    epsilon: str = "",
    delta: str = "",
    quotas: str = "",
    reserves: str = "",
    key: Path | None = None,
    witness: Path | None = None,
) -> Told:
    """Grant a budget to the data of EPOCH in DATASET, or divide one that was granted.

    Arguments: rho or epsilon, the total, as an exact number ("1/4", "0.25"), needed the first time and never raised
    after; delta (default 1e-6); quotas, parts of the total that principals may use and others cannot take, for example
    "ads=1/2,lift=0.3"; reserves, parts that are kept for a purpose. Both replace those before.
    """
    account = Account(dataset, unit, epoch)
    with opened(ledger, key=key, witness=witness) as book:
        before = book.accounts().get(account)
        chance = exact(delta, "delta") if delta else before.delta if before else Fraction(1, 10**6)
        total = _total(rho, epsilon, chance, before)
        parts = {"quotas": _parts(quotas, total, "quotas"), "reserves": _parts(reserves, total, "reserves")}
        after = book.grant(account, total, delta=chance, **parts)
    return Told(_line(account, after), _tables({account: after}))


def show(ledger: str, *, key: Path | None = None, witness: Path | None = None) -> Told:
    """Show every budget: granted, spent, promised, free, and what each was used for."""
    with opened(ledger, key=key, witness=witness) as book:
        accounts = book.accounts()
        used = {account: book.used(account) for account in accounts}
    lines = [f"{shown(ledger)}: {len(accounts)} account(s)"]
    for account, budget in accounts.items():
        lines.append(_line(account, budget))
        for who in sorted({*budget.quotas, *budget.principals}, key=lambda who: (-budget.principals.get(who, 0), who)):
            quota = f" of its quota of {budget.quotas[who]}" if who in budget.quotas else ""
            lines.append(f"    {who}: {budget.principals.get(who, 0)}{quota}")
        kept = [f"    kept for '{one_line(why)}': {most}" for why, most in sorted(budget.reserves.items())]
        lines += kept
        for use in used[account][:5]:
            amount = f"{use.micro} ({share(use.micro, budget.total)}) in {use.charges} charge(s)"
            lines.append(f"    for '{one_line(use.purpose, 60)}' by {use.principal}, {use.mechanism}: {amount}")
    return Told("\n".join(lines), _tables(accounts, used))


def explain(
    ledger: str,
    dataset: str,
    *,
    principal: str,
    purpose: str,
    unit: str = "person",
    epoch: str = "all",
    rho: str = "",
    epsilon: str = "",
    key: Path | None = None,
    witness: Path | None = None,
) -> Told:
    """Say whether a question of RHO, or of a pure EPSILON, fits, and if not: what used the budget up, when it frees,
    and the largest question that still fits. Spends nothing.
    """
    if bool(rho) == bool(epsilon):
        raise UsageError("say what is asked, as either rho or epsilon")
    name, value = ("rho", exact(rho, "rho")) if rho else ("epsilon", exact(epsilon, "epsilon"))
    price = micro_rho(value if rho else pure_rho(value))
    params = ((name, value),)
    charge = Charge("gaussian" if rho else "laplace", params, unit, purpose, principal, dataset, epoch, price)
    with opened(ledger, key=key, witness=witness) as book:
        story = book.explain(charge)
        account = Account.of(charge)
    tables = _tables({account: story.budget}, {account: story.used})
    return Told(_lines(story.text), tables, 0 if story.fits else 4)


def verify(ledger: str, *, key: Path | None = None, witness: Path | None = None) -> Told:
    """Check every entry of the ledger from the first on, and that its witnesses remember the same history."""
    with opened(ledger, key=key, witness=witness) as book:
        count = book.verify()
    return Told(f"{shown(ledger)}: {count} entries hold")


def adopt(ledger: str, *, forfeit: bool = False, key: Path | None = None, witness: Path | None = None) -> Told:
    """Take over a ledger that was moved, or got another witness.

    With FORFEIT also one that was set back or lost its witnesses: all that is left in its accounts is given up.
    """
    count = adopted(ledger, key=key, witness=witness, forfeit=forfeit)
    lost = "; what was left in its accounts is given up, and every ticket is void" if forfeit else ""
    return Told(f"{shown(ledger)}: taken over with {count} entries{lost}")


def largest_total(epsilon: Fraction, delta: Fraction) -> int:
    """Return the most micro-rho that stand for at most EPSILON at DELTA; raises UsageError when it is none."""
    low, high = 0, LARGEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle - 1)
    if not low:
        raise UsageError(f"epsilon {written(epsilon)} at delta {written(delta)} is less than one micro-rho; grant more")
    return low


def _lines(text: str) -> str:
    """Return TEXT with each of its lines made safe for a terminal."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def _total(rho: str, epsilon: str, delta: Fraction, before: Budget | None) -> int:
    if rho and epsilon:
        raise UsageError("say the total as either rho or epsilon")
    if rho:
        return int(exact(rho, "rho") * 10**6)  # down: never more than was said
    if epsilon:
        return largest_total(exact(epsilon, "epsilon"), delta)
    if before is None:
        raise UsageError("a new account needs a total: rho or epsilon")
    return before.total


def _parts(text: str, total: int, what: str) -> dict[str, int]:
    """Read "name=part,name=part" as whole micro-rho of TOTAL, rounded down."""
    found: dict[str, int] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, part = (side.strip() for side in piece.rpartition("="))
        if not equals or not name or name in found:
            raise UsageError(f"{what}: '{piece}' should be name=part, for example ads=1/2, and each name once")
        found[name] = int(total * exact(part, f"{what} of {name}"))
    return found


def _line(account: Account, budget: Budget) -> str:
    free = budget.total - budget.spent - budget.promised()
    times = span(account.epoch)
    end = f", ends {datetime.fromtimestamp(times[1] / 1e6, UTC):%Y-%m-%d}" if times else ""
    return (
        f"{' / '.join(account)}: epsilon {epsilon_of(budget.spent, budget.delta):.4g} of "
        f"{epsilon_of(budget.total, budget.delta):.4g} spent at delta {written(budget.delta)} "
        f"({budget.spent} of {budget.total} micro-rho; {budget.promised()} promised, {free} free){end}"
    )


def _tables(
    accounts: dict[Account, Budget], used: Mapping[Account, Sequence[Used]] | None = None
) -> dict[str, pa.Table]:
    budgets, principals, uses = [], [], []
    for account, budget in accounts.items():
        names: dict[str, Any] = account._asdict()
        times, promised = span(account.epoch), budget.promised()
        budgets.append(
            names
            | {"total": budget.total, "spent": budget.spent, "promised": promised, "delta": written(budget.delta)}
            | {"free": budget.total - budget.spent - promised, "ends": times[1] if times else None}
            | {"epsilon_total": epsilon_of(budget.total, budget.delta)}
            | {"epsilon_spent": epsilon_of(budget.spent, budget.delta)}
        )
        principals += [
            names | {"principal": who, "quota": budget.quotas.get(who), "spent": budget.principals.get(who, 0)}
            for who in sorted({*budget.quotas, *budget.principals})
        ]
        uses += [
            names
            | {"principal": use.principal, "purpose": use.purpose, "mechanism": use.mechanism}
            | {"charges": use.charges, "micro_rho": use.micro}
            for use in (used or {}).get(account, ())
        ]
    return {
        "budgets": pa.Table.from_pylist(budgets, BUDGETS),
        "principals": pa.Table.from_pylist(principals, PRINCIPALS),
        "used": pa.Table.from_pylist(uses, USED),
    }
