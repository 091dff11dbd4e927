"""Pictures from rows: one array of equal sizes, labels as codes, and the table that a classifier answers with."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile

__all__ = [
    "answered",
    "declared",
    "kept_texts",
    "labelled",
    "no_ticket",
    "pictures",
    "read_texts",
    "same_size",
]

Ints = NDArray[np.int64]
LARGEST = 2**31  # bytes of pictures in one table


def pictures(rows: pa.Table, who: str) -> NDArray[np.uint8]:
    """Return the pictures of ROWS, shape (n, height, width, channels).

    Raises ContractBroken for a missing or wrong column, BadInput for no rows, a null, bytes that do not fill the
    picture, several sizes in one table, or channels other than 1 and 3; WHO names the part.
    """
    sizes = []
    for name in ("height", "width", "channels"):
        sizes.append(_ints(rows, name, who))
    if not rows.num_rows:
        raise BadInput("there are no pictures", where=who, todo="give at least one row")
    if any(len(np.unique(size)) > 1 for size in sizes):
        raise BadInput("the pictures have several sizes", where=who, todo="scale them to one size first")
    height, width, channels = (int(size[0]) for size in sizes)
    if height < 1 or width < 1 or channels not in (1, 3):
        raise BadInput(f"a picture has {height} x {width} pixels and {channels} channels", where=who,
                       todo="channels are 1 (grey) or 3 (colour)")  # fmt: skip
    column = one(_column(rows, "image", who))
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
            or pa.types.is_fixed_size_list(column.type)) or column.type.value_type != pa.uint8():  # fmt: skip
        raise ContractBroken(f"{who}: column 'image' should be list<uint8>, got {column.type}; cast it")
    flat = column.flatten()
    bytes_each = height * width * channels
    lengths = column.value_lengths() if not pa.types.is_fixed_size_list(column.type) else None
    whole = len(flat) == bytes_each * rows.num_rows and len(flat) <= LARGEST
    if column.null_count or flat.null_count:
        raise BadInput("a picture, or a pixel of one, is null", where=who, todo="leave such rows out")
    if not whole or (lengths is not None and np.any(np.asarray(lengths) != bytes_each)):
        raise BadInput(f"a picture does not have height x width x channels = {bytes_each} bytes, or they are more than "
                       f"{LARGEST} in one table", where=who, todo="write pixels row by row, channels last")  # fmt: skip
    return np.asarray(flat.to_numpy()).reshape(rows.num_rows, height, width, channels)


def same_size(x: NDArray[np.uint8], size: tuple[int, ...], who: str) -> NDArray[np.uint8]:
    """Return X if its pictures have SIZE (height, width, channels); else raises BadInput."""
    if x.shape[1:] != tuple(size):
        wanted, got = (" x ".join(map(str, s)) for s in (size, x.shape[1:]))
        raise BadInput(f"the pictures are {got}, and the model was trained on {wanted}", where=who,
                       todo="scale them to the same size")  # fmt: skip
    return x


def labelled(rows: pa.Table, who: str) -> tuple[Ints, list[str]]:
    """Return the label of each row as a code, shape (n,), and the classes, sorted; raises UsageError for fewer than
    two classes, BadInput for rows without a label."""
    labels = _labels(rows, who)
    classes = sorted(labels.unique().to_pylist())
    if len(classes) < 2:
        raise UsageError(f"{who}: all rows have the same label; a classifier needs two classes at least")
    return _coded(labels, classes), classes


def declared(rows: pa.Table, classes: str, who: str) -> tuple[Ints, list[str]]:
    """Return codes and classes where these are public: CLASSES are names separated by "|".

    Which labels occur is itself private, so a private trainer never reads them off the rows. Raises UsageError.
    """
    names = [name.strip() for name in classes.split("|") if name.strip()]
    if len(names) < 2 or len(set(names)) != len(names):
        raise UsageError(f"{who}: declare the classes, for example classes=cat|dog; which labels occur is private")
    found = _coded(_labels(rows, who), names)
    if (found < 0).any():
        raise UsageError(f"{who}: a row has a label that is not among the {len(names)} declared classes; declare it")
    return found, names


def _coded(labels: pa.Array, classes: list[str]) -> Ints:
    """Return the place of each of LABELS in CLASSES; -1 where it is not there."""
    return np.asarray(pc.fill_null(pc.index_in(labels, pa.array(classes, pa.string())), -1), np.int64)


def answered(probabilities: NDArray[np.floating[Any]], classes: list[str]) -> pa.Table:
    """Return what a classifier answers from PROBABILITIES (n, classes): the best one, its label, and all."""
    p = np.asarray(probabilities, np.float64)
    best = p.argmax(axis=1)
    ends = np.arange(0, p.size + 1, p.shape[1], dtype=np.int32)
    return pa.table({
        "score": pa.array(p[np.arange(len(p)), best]),
        "label": pa.array(classes, pa.string()).take(pa.array(best)),
        "probabilities": pa.ListArray.from_arrays(pa.array(ends), pa.array(p.ravel())),
    })  # fmt: skip


def kept_texts(name: str, texts: list[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays that keep TEXTS in a model file: UTF-8 bytes end to end, and where each starts."""
    raw = [text.encode() for text in texts]
    starts = np.cumsum([0, *map(len, raw)]).astype(np.int64)
    return {f"{name}.bytes": np.frombuffer(b"".join(raw), np.uint8), f"{name}.starts": starts}


def read_texts(name: str, file: ModelFile) -> list[str]:
    """Return the texts that FILE keeps under NAME, all different; raises BadInput."""
    data, starts = file.arrays.get(f"{name}.bytes"), file.arrays.get(f"{name}.starts")
    try:
        if data is None or starts is None or starts.ndim != 1 or starts[0] != 0 or starts[-1] != len(data):
            raise ValueError
        if data.dtype != np.uint8 or starts.dtype != np.int64 or (np.diff(starts) < 0).any():
            raise ValueError
        whole = data.tobytes()
        found = [whole[a:b].decode() for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
    except (ValueError, IndexError):
        raise BadInput(f"holds no list of {name}", where=file.kind, todo="train the model again") from None
    if len(set(found)) != len(found):
        raise BadInput(f"names one of its {name} twice", where=file.kind, todo="train the model again")
    return found


def no_ticket(tickets: object, who: str) -> None:
    """Raise UsageError when a plain trainer is given TICKETS: it would not use what was paid for."""
    if tickets:
        raise UsageError(f"{who} trains without privacy and takes no ticket; use its private form")


def _labels(rows: pa.Table, who: str) -> pa.Array:
    column = one(_column(rows, "label", who)).cast(pa.string())
    if column.null_count:
        raise BadInput(f"{column.null_count} of {len(column)} rows have no label", where=who, todo="leave them out")
    return column


def _ints(rows: pa.Table, name: str, who: str) -> Ints:
    column = _column(rows, name, who)
    if not pa.types.is_integer(column.type):
        raise ContractBroken(f"{who}: column '{name}' should be whole numbers, got {column.type}")
    if column.null_count:
        raise BadInput(f"{name} is null in {column.null_count} rows", where=who, todo="leave such rows out")
    return np.asarray(column.to_numpy(), np.int64)


def _column(rows: pa.Table, name: str, who: str) -> pa.ChunkedArray:
    if name not in rows.column_names:
        raise ContractBroken(f"{who}: the rows have no column '{name}'; there is: {', '.join(rows.column_names)}")
    return rows[name]
