"""What parts over another part share: the inner part's trainer, and its model inside the outer model's file."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.model_contracts import Model, Trainer
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import settings
from consentinel.models.private.paid import PrivateTrainer
from consentinel.models.shelves import ADS

__all__ = ["Kept", "kept", "opened", "plain"]


class Kept(Model, Protocol):
    """A model of this shelf: it says what its file holds."""

    def file(self) -> ModelFile:
        """Return what is kept."""
        ...


def plain(of: str, given: str, who: str) -> Trainer:
    """Return the trainer of the part OF with the settings GIVEN, written a=1;b=2. Raises UsageError."""
    if of == who:
        raise UsageError(f"{who}: it stands over another part of the shelf, not over itself")
    part = ADS.take(of)
    inner = part.trainer(settings(part.SETTINGS, given.replace(";", ","), of))
    if isinstance(inner, PrivateTrainer):
        raise UsageError(
            f"{who}: '{of}' is private, and what stands over it would look at the rows again; take a plain part"
        )
    return inner


def kept(models: Mapping[str, Model]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return arrays and card that keep MODELS of this shelf by name inside another model's file."""
    files = {name: cast(Kept, model).file() for name, model in models.items()}
    arrays = {f"{name}/{n}": array for name, file in files.items() for n, array in file.arrays.items()}
    card = {f"{name}.{n}": text for name, file in files.items() for n, text in file.card.items()}
    return arrays, card | {f"{name}:kind": file.kind for name, file in files.items()}


def opened(file: ModelFile, name: str) -> Kept:
    """Return the model NAME inside FILE; raises BadInput."""
    kind = file.card.get(f"{name}:kind", "")
    of = kind.removeprefix("models.ads.")
    if of == kind or of not in ADS.names() or file.kind == kind:
        raise BadInput(f"holds no model '{name}'", where=file.kind, todo="Train the model again")
    arrays = {n.removeprefix(f"{name}/"): array for n, array in file.arrays.items() if n.startswith(f"{name}/")}
    card = {n.removeprefix(f"{name}."): text for n, text in file.card.items() if n.startswith(f"{name}.")}
    return cast(Kept, ADS.take(of).load(ModelFile(kind, file.version, file.made_by, arrays, card)))
