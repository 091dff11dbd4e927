"""What `protect ledger` does: calls the action of budget.py and keeps its tables."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Outcome, Run
from consentinel.protect import budget

__all__ = ["check_there", "told"]

# The arguments that each action takes, those that it needs first.
NEEDED = {"grant": ("dataset",), "explain": ("dataset", "principal", "purpose")}
TAKEN = {
    "create": (),
    "grant": ("dataset", "unit", "epoch", "rho", "epsilon", "delta", "quotas", "reserves"),
    "show": (),
    "explain": ("dataset", "principal", "purpose", "unit", "epoch", "rho", "epsilon"),
    "verify": (),
    "adopt": ("forfeit",),
}
USUAL: Mapping[str, Any] = {"unit": "person", "epoch": "all"}


def told(run: Run, action: str, ledger: str, **asked: Any) -> Outcome:
    """Do ACTION on LEDGER and keep what it tells; raises UsageError for an argument that the action does not take."""
    places = {name: asked.pop(name) for name in ("key", "witness")}
    for name in NEEDED.get(action, ()):
        if not asked[name]:
            raise UsageError(f"{action} needs --{name}")
    for name, value in asked.items():
        if value and value != USUAL.get(name) and name not in TAKEN[action]:
            raise UsageError(f"{action} takes no --{name}; leave it out")
    if action != "create":
        check_there(ledger)
    given = {name: asked[name] for name in TAKEN[action]}
    does: Callable[..., budget.Told] = getattr(budget, action)
    if action in ("grant", "explain"):
        found = does(ledger, given.pop("dataset"), **given, **places)
    else:
        found = does(ledger, **given, **places)
    tables = {name: run.keep(name, table) for name, table in found.tables.items()}
    return Outcome(run, found.exit_code, tables, found.text)


def check_there(ledger: str) -> None:
    """Raise BadInput where LEDGER names a file that is not there."""
    if "://" not in ledger and not Path(ledger).is_file():
        raise BadInput(
            "there is no such ledger", where=Path(ledger).name,
            todo="Name the right file, or make one with: consentinel protect ledger create",
        )  # fmt: skip
