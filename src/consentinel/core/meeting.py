"""Where rooms meet at run time: doors of other rooms, taken by name, so that no room imports another.

What comes through a door keeps a Protocol of core/contracts.py, and nothing else of the room may be used.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consentinel.core.model_contracts import Model, Trainer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["canary_auditor", "opened_model", "private", "read_rows", "rehearsal", "settings", "trainer"]


def opened_model(path: Path) -> Model:
    """Return the model in PATH, a file that `consentinel models train` made; raises BadInput. Runs none of it."""
    found: Model = import_module("consentinel.models.kept").loaded(path).model
    return found


def trainer(named: str) -> Trainer:
    """Return the trainer NAMED "shelf/part" or "shelf/part:setting=value,..."; raises UsageError."""
    part, _, settings = named.partition(":")
    found: Trainer = import_module("consentinel.models.kept").trainer(part, settings)[1]
    return found


def settings(named: str) -> Sequence[str]:
    """Return the names of the settings of the part NAMED "shelf/part"; raises UsageError."""
    found: Sequence[str] = tuple(import_module("consentinel.models.kept").part(named)[2].SETTINGS.__dataclass_fields__)
    return found


def private(named: str) -> bool:
    """Return whether the part NAMED "shelf/part" draws noise that has to be paid for; raises UsageError."""
    made = trainer(named)
    return isinstance(made, import_module("consentinel.models.private.paid").PrivateTrainer)


@contextmanager
def rehearsal() -> Iterator[Callable[[str, str], Trainer]]:
    """Give a function from a part, named as in `trainer`, and a delta to a trainer that pays for what it draws.

    Private parts are paid from a ledger that is thrown away at the end of the block: for rows that are public, past or
    simulated. Plain parts pay nothing.
    """
    with import_module("consentinel.models.frontiers.rehearsed").rehearsed() as found:
        yield found


def read_rows(path: Path) -> "pa.Table":
    """Return the rows of PATH in a format of the models room (.inter, .user, .letor, ...); raises BadInput."""
    found: pa.Table = import_module("consentinel.models.files").read(path)
    return found


def canary_auditor() -> Callable[..., Any]:
    """Return the auditor of privacy claims: (scores, included, claimed=, delta=, level=) to its finding."""
    found: Callable[..., Any] = import_module("consentinel.protect.auditor").from_canaries
    return found
