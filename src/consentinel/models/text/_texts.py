"""Texts and labels from rows, and the linear model over numbers that classifiers of text end with."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.ids import from_file

__all__ = ["fitted", "head_of", "texts"]

Floats = NDArray[np.float32]


def texts(rows: pa.Table, who: str) -> list[str]:
    """Return the texts of ROWS (TEXTS); an empty one is a text.

    Raises ContractBroken for a missing or wrong column, BadInput for no rows and for a row without a text.
    """
    if "text" not in rows.column_names:
        raise ContractBroken(f"{who}: the rows have no column 'text'; there is: {', '.join(rows.column_names)}")
    column = one(rows["text"])
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ContractBroken(f"{who}: column 'text' should hold texts, got {column.type}; cast it to string")
    if not len(column):
        raise BadInput("there are no texts", where=who, todo="Give at least one row")
    if column.null_count:
        raise BadInput(f"{column.null_count} of {len(column)} rows have no text", where=f"{who}, text",
                       todo="Leave such rows out, or give them an empty text")  # fmt: skip
    return list(column.to_pylist())


def fitted(x: Any, codes: NDArray[np.int64], penalty: float, balanced: bool) -> tuple[Floats, Floats]:
    """Return weights (width, classes) and offsets (classes,) of the logistic regression of CODES on X (n, width).

    PENALTY pulls weights towards 0, against the sum of the losses; BALANCED counts each class alike, whatever its
    number of rows. Nothing is random.
    """
    linear, sparse = need("sklearn.linear_model", extra="models"), need("scipy.sparse", extra="models")
    weight, width, used = "balanced" if balanced else None, x.shape[1], None
    if sparse.issparse(x):  # a column without a number keeps the weight 0 that it begins with
        used = np.flatnonzero(np.bincount(x.indices, minlength=width))
        place = np.zeros(width, np.int32)
        place[used] = np.arange(len(used), dtype=np.int32)
        x = sparse.csr_matrix((x.data, place[x.indices], x.indptr), shape=(x.shape[0], len(used)))
    made = linear.LogisticRegression(C=1 / penalty, max_iter=2000, class_weight=weight).fit(x, codes)
    weights, offset = made.coef_.T, made.intercept_
    if used is not None:
        whole = np.zeros((width, weights.shape[1]), weights.dtype)
        whole[used] = weights
        weights = whole
    if weights.shape[1] == 1:  # of two classes one column says both
        weights, offset = np.concatenate([-weights / 2, weights / 2], axis=1), np.array([-offset[0] / 2, offset[0] / 2])
    return np.ascontiguousarray(weights, np.float32), np.asarray(offset, np.float32)


def head_of(file: ModelFile, kind: str, width: int) -> tuple[list[str], Floats, Floats]:
    """Return classes, weights (WIDTH, classes) and offsets that FILE keeps; raises BadInput where it is no KIND."""
    if file.kind != kind:
        raise BadInput(f"holds a '{file.kind}', not a '{kind}'", where="model", todo="Load it with its own part")
    classes, weights, offset = (
        from_file("classes", file).to_pylist(),
        file.arrays.get("weights"),
        file.arrays.get("offset"),
    )
    if weights is None or offset is None or len(classes) < 2:
        raise BadInput("holds no weights", where=kind, todo="Train the model again")
    fits = weights.shape == (width, len(classes)) and offset.shape == (len(classes),)
    if not fits or any(a.dtype != np.float32 or not np.isfinite(a).all() for a in (weights, offset)):
        raise BadInput("its weights do not fit each other", where=kind, todo="Train the model again")
    return classes, weights, offset
