"""plan.json: a question, the tables that it was planned for, and the exact parameters of its charges."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from consentinel.core.accounting import exact, written
from consentinel.core.contracts import Question
from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.costing import Budget, Paid

__all__ = ["budget_in", "check_planned", "read", "record"]

KEYS = {"version", "digest", "kind", "parameters", "tables", "law", "amount", "delta", "naming", "shares", "parts"}
AGAIN = "Plan again; nothing was spent"


def record(
    question: Question, digests: Mapping[str, str], budget: Budget, shares: str, paid: Sequence[Paid]
) -> dict[str, Any]:
    """Return what plan.json holds; numbers are exact, as text."""
    return {
        "version": 1,
        "digest": question.digest,
        "kind": question.kind,
        "parameters": json.loads(question.parameters),
        "tables": dict(digests),
        "law": budget.law,
        "amount": written(budget.amount),
        "delta": written(budget.delta),
        "naming": written(budget.naming),
        "shares": shares,
        "parts": [_part(one) for one in paid],
    }


def read(path: Path) -> dict[str, Any]:
    """Return what the file PATH holds; raises BadInput for anything but a plan."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
    except (ValueError, RecursionError):
        found = None
    texts = ("digest", "kind", "law", "amount", "delta", "naming", "shares")
    if (
        not isinstance(found, dict)
        or set(found) != KEYS
        or found["version"] != 1
        or found["law"] not in ("gaussian", "laplace")
        or not all(isinstance(found[name], str) for name in texts)
        or not isinstance(found["tables"], dict)
    ):
        raise BadInput("is no plan that protect plan wrote", where=path.name, todo="Give its plan.json")
    return found


def budget_in(plan: Mapping[str, Any]) -> Budget:
    """Return the budget of PLAN; raises UsageError for numbers that are none."""
    naming = Fraction(0) if plan["naming"] == "0" else exact(plan["naming"], "naming")
    return Budget(plan["law"], exact(plan["amount"], "amount"), exact(plan["delta"], "delta"), naming)


def check_planned(
    plan: Mapping[str, Any], question: Question, digests: Mapping[str, str], paid: Sequence[Paid]
) -> None:
    """Raise BadInput unless QUESTION, its tables and its charges are those of PLAN; to be asked before spending."""
    for name in sorted({*plan["tables"], *digests}):
        if plan["tables"].get(name) != digests.get(name):
            raise BadInput(f"table '{name}' is not the one that was planned for", todo=AGAIN)
    if plan["digest"] != question.digest:
        raise UsageError(f"the question is not the one that was planned. {AGAIN}")
    if plan["parts"] != [_part(one) for one in paid]:
        raise UsageError(f"the plan was changed, or another version of the program made it. {AGAIN}")


def _part(paid: Paid) -> dict[str, Any]:
    params = {name: written(value) for name, value in sorted(paid.params.items())}
    return {"name": paid.part.name, "mechanism": paid.part.mechanism, "params": params, "micro_rho": paid.micro}
