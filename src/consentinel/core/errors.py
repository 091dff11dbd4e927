"""Every error that Consentinel raises on purpose, with the exit code that it ends in.

ConsentinelError            5  something went wrong that the message explains
|-- UsageError              2  an argument, a settings key or a policy key is wrong
|-- BadInput                5  a file or a record cannot be read
|-- ContractBroken          5  a table or a part does not keep what it promised
|-- NotSupported            2  never, not yet, or not here; the message says what to do instead
|-- MissingExtra            2  an optional install is needed
|-- BudgetRefused           4  the privacy ledger refuses to spend

Messages say what is wrong, where, and what to do next. Exit codes 0 (clean), 1 (potential violations at or above
the threshold) and 3 (undecided only) are outcomes, not errors.
"""

__all__ = [
    "BadInput",
    "BudgetRefused",
    "ConsentinelError",
    "ContractBroken",
    "MissingExtra",
    "NotSupported",
    "UsageError",
]


class ConsentinelError(Exception):
    """An error that the message explains in full; no traceback is needed to act on it."""

    exit_code = 5


class UsageError(ConsentinelError):
    """An argument, a settings key or a policy key is wrong."""

    exit_code = 2


class BadInput(ConsentinelError):
    """A file or a record cannot be read.

    Arguments: what is wrong, where (a base name, never a full path), and what to do next.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        super().__init__((f"{where}: " if where else "") + what + (f". {todo}" if todo else ""))

    def __reduce__(self) -> tuple[object, ...]:
        return (_bad_input, (self.what, self.where, self.todo))


def _bad_input(what: str, where: str, todo: str) -> BadInput:
    return BadInput(what, where=where, todo=todo)


class ContractBroken(ConsentinelError):
    """A table or a part does not keep what it promised; names who, which column, wanted and got."""


class NotSupported(ConsentinelError):
    """Never, not yet, or not here; the message says what to do instead."""

    exit_code = 2


class MissingExtra(ConsentinelError):
    """An optional install is needed; the message is the one command that installs it."""

    exit_code = 2


class BudgetRefused(ConsentinelError):
    """The privacy ledger refuses to spend; the message names what used the budget up."""

    exit_code = 4
