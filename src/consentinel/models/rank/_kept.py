"""Models of rankers as files: arrays by name, and texts (ids, vocabularies) as bytes with offsets."""

from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.asked import settings

__all__ = ["Arrays", "chosen", "ids", "keep", "packed", "taken", "unpacked"]

Arrays = Mapping[str, NDArray[Any]]
_TODO = "Train the model again"


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
        raise BadInput(f"the card of the model file does not fit: {why}", where=where, todo=_TODO) from None
    raise BadInput(f"is a model of kind '{file.kind}'", where=where, todo=f"Give one of kind '{where}'")


def ids(arrays: Arrays, many: int, where: str) -> pa.Array:
    """Return the ids of the MANY documents that ARRAYS are about; raises BadInput naming WHERE for another number."""
    found = unpacked(arrays, "items", where)
    if len(found) != many or len(set(found)) != many:
        raise BadInput("the ids of the model file do not fit", where=where, todo=_TODO)
    return pa.array(found, pa.string())


def taken(arrays: Arrays, name: str, kind: type[Any], axes: int, where: str) -> NDArray[Any]:
    """Return the array NAME, of type KIND with AXES axes; raises BadInput naming WHERE for anything else."""
    array = arrays.get(name)
    if array is None or array.dtype != kind or array.ndim != axes:
        raise BadInput(f"the model file has no whole array '{name}'", where=where, todo=_TODO)
    return array


def packed(texts: pa.Array | list[str], name: str) -> dict[str, NDArray[Any]]:
    """Return TEXTS as arrays of a model file, under NAME: UTF-8 bytes and where each text starts and ends."""
    raw = [text.encode() for text in (texts.to_pylist() if isinstance(texts, pa.Array) else texts)]
    ends = np.concatenate([[0], np.cumsum([len(text) for text in raw])]).astype(np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(raw), np.uint8), f"{name}.ends": ends}


def unpacked(arrays: Arrays, name: str, where: str) -> list[str]:
    """Return the texts that `packed` kept under NAME; raises BadInput naming WHERE where they are not whole."""
    data, ends = taken(arrays, f"{name}.bytes", np.uint8, 1, where), taken(arrays, f"{name}.ends", np.int64, 1, where)
    if not len(ends) or ends[0] != 0 or ends[-1] != data.size or (ends[1:] < ends[:-1]).any():
        raise BadInput(f"the texts '{name}' of the model file do not fit", where=where, todo=_TODO)
    raw = data.tobytes()
    try:
        return [raw[a:b].decode() for a, b in pairwise(ends.tolist())]
    except UnicodeDecodeError:
        raise BadInput(f"the texts '{name}' are no UTF-8", where=where, todo=_TODO) from None
