"""What must not be in an audit's data: answers among the inputs, and rows that the model learned from."""

import numpy as np
import pyarrow as pa

from consentinel.assure.subject import RANKED_KINDS
from consentinel.core.columns import one

__all__ = ["gives_away", "repeated"]

_LEAST = 20
_MOST_LABELS = 200


def gives_away(rows: pa.Table, leave_out: set[str]) -> list[str]:
    """Return the columns of ROWS, apart from LEAVE_OUT, that tell the label: one value for each label and no other."""
    if "label" not in rows.column_names or rows.num_rows < _LEAST:
        return []
    label = _codes(rows["label"])
    n = int(label.max()) + 1
    if not 2 <= n <= _MOST_LABELS:
        return []
    found = []
    for name in rows.column_names:
        kind = rows.schema.field(name).type
        if name == "label" or name in leave_out or pa.types.is_nested(kind):
            continue
        code = _codes(rows[name])
        if int(code.max()) + 1 == n and len(np.unique(code * n + label)) == n:
            found.append(name)
    return found


def repeated(rows: pa.Table, learned: pa.Table, kind: str, leave_out: set[str]) -> np.ndarray:
    """Return which of ROWS (n,) stand in LEARNED too: query and item of rankings, else the inputs that both have."""
    if kind in RANKED_KINDS:
        pairs = [("query", "user" if "user" in learned.column_names else "query"), ("item", "item")]
    else:
        both = [name for name in rows.column_names if name in learned.column_names]
        names = ["node"] if kind == "graph" and "node" in both else [n for n in both if n not in leave_out | {"label"}]
        pairs = [(name, name) for name in names]
    pairs = [(ours, theirs) for ours, theirs in pairs if theirs in learned.column_names]
    if not pairs or (kind in RANKED_KINDS and len(pairs) < 2):
        return np.zeros(rows.num_rows, bool)
    coded = []
    for ours, theirs in pairs:
        both = pa.chunked_array([_plain(rows[ours]), _plain(learned[theirs])])
        coded.append(_rows_of(both) if pa.types.is_nested(both.type) else _codes(both))
    packed = np.ascontiguousarray(np.stack(coded, axis=1))
    packed = packed.view([("", packed.dtype)] * packed.shape[1]).ravel()
    return np.isin(packed[: rows.num_rows], packed[rows.num_rows :])


def _rows_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return a code for each list of COLUMN, equal for equal lists; lists of several lengths by their length alone."""
    whole = one(column)
    flat, length = whole.flatten(), np.diff(np.asarray(whole.offsets))
    if (
        len(length)
        and (length == length[0]).all()
        and length[0]
        and not flat.null_count
        and not pa.types.is_string(flat.type)
    ):
        cells = np.ascontiguousarray(np.asarray(flat).reshape(len(length), -1))
        return np.unique(cells.view(np.dtype((np.void, cells.dtype.itemsize * cells.shape[1]))), return_inverse=True)[
            1
        ].ravel()
    return length.astype(np.int64)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return COLUMN in a type that both sides share: texts, numbers as float64, lists as they are."""
    plain = one(column)
    if pa.types.is_dictionary(plain.type):
        plain = plain.cast(plain.type.value_type)
    if pa.types.is_integer(plain.type) or pa.types.is_floating(plain.type):
        return plain.cast(pa.float64())
    return plain if pa.types.is_nested(plain.type) else plain.cast(pa.string())


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    coded = one(_plain(column)).dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices, dtype=np.int64)
