"""Models of rankers as files: what their cards and arrays have to be."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.asked import settings
from consentinel.models.pieces.ids import from_file

__all__ = ["chosen", "ids", "keep", "taken"]

Arrays = Mapping[str, NDArray[Any]]
_REMEDY = "Train the model again"


def keep(path: Path, kind: str, arrays: Arrays, card: Mapping[str, str]) -> Path:
    """Write the model KIND with ARRAYS and CARD to PATH and return it."""
    save(path, ModelFile(kind, "1", f"consentinel {__version__}", arrays, card))
    return path


def chosen(kind: type[Any], file: ModelFile, where: str) -> Any:
    """Return the settings of dataclass KIND from the card of FILE; raises BadInput for a model of another part."""
    try:
        if file.kind == where:
            names = {one.name for one in fields(kind)}
            return settings(
                kind, ",".join(f"{name}={text}" for name, text in file.card.items() if name in names), where
            )
    except UsageError as why:
        raise BadInput(f"the card of the model file does not fit: {why}", where=where, todo=_REMEDY) from None
    raise BadInput(f"is a model of kind '{file.kind}'", where=where, todo=f"Give one of kind '{where}'")


def ids(file: ModelFile, many: int) -> pa.Array:
    """Return the ids of the MANY documents that FILE is about; raises BadInput for another number."""
    found = from_file("items", file)
    if len(found) != many:
        raise BadInput("the ids of the model file do not fit", where=file.kind, todo=_REMEDY)
    return found


def taken(arrays: Arrays, name: str, kind: type[Any], axes: int, where: str) -> NDArray[Any]:
    """Return the array NAME, of type KIND with AXES axes; raises BadInput naming WHERE for anything else."""
    array = arrays.get(name)
    if array is None or array.dtype != kind or array.ndim != axes:
        raise BadInput(f"the model file has no whole array '{name}'", where=where, todo=_REMEDY)
    return array
