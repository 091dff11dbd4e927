"""Labels of rows: as codes of classes or as 0 and 1, and the table that a classifier answers with."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken, UsageError

__all__ = ["answered", "declared", "labelled", "labels", "softmax"]

Ints = NDArray[np.int64]


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


def labels(rows: pa.Table, who: str, *, varied: bool = True, column: str = "label") -> NDArray[np.float64]:
    """Return the labels of ROWS, 0 or 1, shape (n,); VARIED: both must be there. Raises UsageError naming WHO."""
    if column not in rows.column_names:
        raise UsageError(f"{who}: no column '{column:.60}'; there is: {', '.join(rows.column_names)}")
    try:
        found = np.asarray(pc.cast(rows[column], pa.float64()).combine_chunks().to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        found = np.full(max(1, rows.num_rows), np.nan)
    if not np.isin(found, (0.0, 1.0)).all():
        raise UsageError(f"{who}: column '{column}' should be 0 or 1 in every row; drop or map other values")
    if varied and len(np.unique(found)) < 2:
        raise UsageError(f"{who}: all rows have the same {column}; there is nothing to learn. Give rows of both kinds")
    return found


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


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return probabilities from LOGITS, shape (n, classes)."""
    p = np.exp(np.asarray(logits, np.float64) - np.max(logits, axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _coded(labels: pa.Array, classes: list[str]) -> Ints:
    """Return the place of each of LABELS in CLASSES; -1 where it is not there."""
    return np.asarray(pc.fill_null(pc.index_in(labels, pa.array(classes, pa.string())), -1), np.int64)


def _labels(rows: pa.Table, who: str) -> pa.Array:
    if "label" not in rows.column_names:
        raise ContractBroken(f"{who}: the rows have no column 'label'; there is: {', '.join(rows.column_names)}")
    column = one(rows["label"]).cast(pa.string())
    if column.null_count:
        raise BadInput(f"{column.null_count} of {len(column)} rows have no label", where=who, todo="Leave them out")
    return column
