"""Parts by their names ("recommend/ease") and models by their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consentinel.core.contracts import TrainerPart
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.model_contracts import Model, Trainer
from consentinel.core.run import Run
from consentinel.core.shelf import Shelf
from consentinel.models import shelves
from consentinel.models.asked import settings as settings_of

__all__ = ["SHELVES", "Opened", "loaded", "opened", "part", "trainer"]

SHELVES: dict[str, Shelf[TrainerPart]] = {name.lower(): getattr(shelves, name) for name in shelves.__all__}


def part(named: str) -> tuple[str, str, TrainerPart]:
    """Return the shelf, the name and the module of the part NAMED "shelf/name"; raises UsageError."""
    shelf, sign, name = named.strip().partition("/")
    if shelf not in SHELVES or not sign:
        raise UsageError(f"'{named[:60]}' is no part: name it shelf/part; shelves are {', '.join(SHELVES)}")
    return shelf, name, SHELVES[shelf].take(name)


def trainer(named: str, text: str) -> tuple[str, Trainer, Any]:
    """Return the shelf of the part NAMED, its trainer with the settings in TEXT ("reg=200"), and these settings."""
    shelf, _, module = part(named)
    made = settings_of(module.SETTINGS, text, named)
    return shelf, module.trainer(made), made


@dataclass(frozen=True)
class Opened:
    """What a model file holds: the shelf and the name of the part that made it, the model, the card."""

    shelf: str
    name: str
    model: Model
    card: Mapping[str, str]


def opened(run: Run, path: Path) -> Opened:
    """Return what the file PATH holds, which RUN records; raises BadInput for a file of another kind."""
    return loaded(run.read(path))


def loaded(path: Path) -> Opened:
    """Return what the file PATH holds; raises BadInput for a file of another kind."""
    from consentinel.core import modelfile

    if path.stat().st_size > modelfile.LARGEST_FILE:
        raise BadInput("is larger than any model file", where=path.name, todo="Check that it is the file you mean")
    kind = modelfile.from_bytes(path.read_bytes(), where=path.name).kind
    room, _, named = kind.partition(".")
    shelf, _, name = named.partition(".")
    if room != "models" or shelf not in SHELVES or name not in SHELVES[shelf].names():
        raise BadInput(f"is a model of kind '{kind[:60]}'", where=path.name, todo="Give one that `models train` made")
    file = modelfile.load(path, kind=kind)
    return Opened(shelf, name, SHELVES[shelf].take(name).load(file), file.card)
