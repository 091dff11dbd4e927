"""Ids as texts on the outside and as positions inside: encoding, look-up, and how a model file keeps them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, ContractBroken
from consentinel.core.modelfile import ModelFile

__all__ = ["encoded", "from_file", "positions", "to_arrays"]

Ints = NDArray[np.int32]


def encoded(rows: pa.Table, name: str) -> tuple[pa.Array, Ints]:
    """Return the distinct ids in column NAME of ROWS, sorted as texts, and the position of each row's id; (n,).

    Raises ContractBroken where the column is missing or holds no texts, BadInput where an id is missing or empty.
    """
    column = _texts(rows, name)
    if column.null_count or len(column) == 0:
        what = f"{column.null_count} of {len(column)} rows have no {name}" if len(column) else "there are no rows"
        raise BadInput(what, where=name, todo="Leave such rows out" if len(column) else "give at least one row")
    coded = column.dictionary_encode() if not pa.types.is_dictionary(column.type) else column.unify_dictionaries()
    whole = coded.combine_chunks()
    whole = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    codes, texts = whole.indices.to_numpy(zero_copy_only=False), whole.dictionary.cast(pa.string())
    used = np.flatnonzero(np.bincount(codes, minlength=len(texts)))
    order = pc.sort_indices(texts.take(used)).to_numpy()
    place = np.full(len(texts), -1, np.int32)
    place[used[order]] = np.arange(len(used), dtype=np.int32)
    ids = texts.take(used[order])
    if pc.any(pc.equal(ids, "")).as_py():
        raise BadInput("an id is an empty text", where=name, todo="Leave such rows out")
    if len(ids.unique()) != len(ids):  # a dictionary may name a text twice
        first = pc.index_in(ids, ids.unique()).to_numpy()
        return ids.unique(), first.astype(np.int32)[place[codes]]
    return ids, place[codes]


def positions(ids: pa.Array, wanted: pa.Array | pa.ChunkedArray) -> Ints:
    """Return the place in IDS of each of WANTED, shape (n,); -1 for one that is not there or is null."""
    if pa.types.is_dictionary(wanted.type):
        wanted = wanted.cast(wanted.type.value_type)
    found = pc.index_in(wanted.cast(pa.string()), ids)
    return np.asarray(pc.fill_null(found, -1), dtype=np.int32)


def to_arrays(name: str, ids: pa.Array | list[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays that keep IDS in a model file: their UTF-8 bytes end to end and where each starts, (n + 1,)."""
    flat = pc.cast(ids if isinstance(ids, pa.Array) else pa.array(ids, pa.string()), pa.large_binary())
    lengths = pc.binary_length(flat).to_numpy(zero_copy_only=False)
    data = np.frombuffer(b"".join(flat.to_pylist()), np.uint8)
    return {f"{name}.bytes": data, f"{name}.starts": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)}


def from_file(name: str, file: ModelFile) -> pa.Array:
    """Return the ids that FILE keeps under NAME; raises BadInput where they are missing or make no sense."""
    damaged = BadInput(f"holds no list of {name}", where=file.kind, todo="Train the model again")
    data, starts = file.arrays.get(f"{name}.bytes"), file.arrays.get(f"{name}.starts")
    if data is None or starts is None or data.dtype != np.uint8 or starts.dtype != np.int64 or starts.ndim != 1:
        raise damaged
    if len(starts) < 1 or starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts) < 0).any():
        raise damaged
    buffers = [None, pa.py_buffer(np.ascontiguousarray(starts)), pa.py_buffer(np.ascontiguousarray(data))]
    made = pa.LargeStringArray.from_buffers(len(starts) - 1, buffers[1], buffers[2])
    try:
        made.validate(full=True)
    except pa.ArrowInvalid:
        raise damaged from None
    ids = made.cast(pa.string())
    if len(ids.unique()) != len(ids):
        raise damaged
    return ids


def _texts(rows: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in rows.column_names:
        raise ContractBroken(f"models: the rows have no column '{name}'; there is: {', '.join(rows.column_names)}")
    column = rows[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ContractBroken(f"models: column '{name}' should hold ids as texts, got {column.type}; cast it to string")
    return column
