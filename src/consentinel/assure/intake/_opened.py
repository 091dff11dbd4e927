"""What every way in hands over, and how inputs become numbers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.model_contracts import Model, Trainer

__all__ = ["Opened", "classified", "is_file", "names_of", "numbers", "pixels"]

NOT_INPUT = ("label", "id", "unit")


@dataclass(frozen=True)
class Opened:
    """A model that can be asked, or its answers, or a way to train it; `made_of` names the files or code behind it."""

    model: Model | None = None
    answers: pa.Table | None = None
    trainer: Trainer | None = None
    made_of: tuple[Path, ...] = ()


def is_file(given: str) -> bool:
    """Return whether GIVEN is the path of a file."""
    try:
        return Path(given).is_file()
    except (OSError, ValueError):
        return False


def numbers(rows: pa.Table, names: list[str], width: int, where: str) -> NDArray[np.float64]:
    """Return the inputs of ROWS, shape (n, width): the columns NAMES, else `features`, else all that are numeric.

    Raises UsageError where there are not WIDTH of them (0: any number will do).
    """
    if names:
        lost = [name for name in names if name not in rows.column_names]
        if lost:
            raise UsageError(f"{where} asks for the column '{lost[0][:60]}', which the data do not have")
        columns = names
    elif "features" in rows.column_names:
        lists = one(rows["features"])
        flat = np.asarray(lists.flatten().cast(pa.float64()))
        if len(lists) and flat.size % len(lists) == 0 and (not width or flat.size == width * len(lists)):
            return flat.reshape(len(lists), -1)
        raise UsageError(f"{where} takes {width or 'equally many'} features a row; the data have others")
    else:
        fit = [field.name for field in rows.schema if _numeric(field.type) and field.name not in NOT_INPUT]
        columns = fit
    if width and len(columns) != width:
        raise UsageError(
            f"{where} takes {width} numbers a row; the data have {len(columns)} numeric columns. "
            "Keep those that it learned from, in their order, or put them in a list column 'features'"
        )
    cells = [np.asarray(one(rows[name]).cast(pa.float64()), dtype=np.float64) for name in columns]
    return np.stack(cells, axis=1) if cells else np.zeros((rows.num_rows, 0))


def pixels(rows: pa.Table) -> NDArray[np.float64]:
    """Return all pixels of the pictures of ROWS, one after the other: whole numbers from 0 to 1, others as they are."""
    flat = one(rows["image"]).flatten()
    found = np.asarray(flat, dtype=np.float64)
    return found if pa.types.is_floating(flat.type) else found / 255


def classified(probabilities: NDArray[np.floating[Any]], classes: list[str]) -> pa.Table:
    """Return the answer that PROBABILITIES (n, classes) give: score of the best class, its label, and all."""
    p = np.asarray(probabilities, dtype=np.float64)
    best = p.argmax(axis=1)
    ends = pa.array(np.arange(0, p.size + 1, p.shape[1], dtype=np.int32))
    return pa.table(
        {
            "score": p[np.arange(len(p)), best],
            "label": pa.array(classes, pa.string()).take(pa.array(best)),
            "probabilities": pa.ListArray.from_arrays(ends, pa.array(p.ravel())),
        }
    )


def names_of(about: dict[str, str], key: str, where: str) -> list[str]:
    """Return the texts that the metadata ABOUT lists under KEY as JSON, or none; raises BadInput."""
    try:
        found = json.loads(about.get(key, "[]"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(text, str | int) for text in found):
        raise BadInput(f"its metadata '{key}' is no JSON list of names", where=where, todo="Write it as one")
    return [str(text) for text in found]


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
