"""Fingerprints of rows: 64-bit numbers that depend on what stands in a row alone, not on where it stands."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one

__all__ = ["fingerprints"]

Words = NDArray[np.uint64]
_BLOCK = 4_000_000  # cells worked on at once
_ODD = np.uint64(0x9E3779B97F4A7C15)


def fingerprints(table: pa.Table, names: list[str]) -> Words:
    """Return the fingerprint of each row of TABLE by its columns NAMES; shape (n,)."""
    found = np.zeros(table.num_rows, np.uint64)
    for name in sorted(names):
        found = _mixed(found * _ODD + _column(one(table[name])))
    return found


def _column(column: pa.Array) -> Words:
    kind: Any = column.type
    if pa.types.is_dictionary(kind):
        names = _column(column.dictionary)
        at = np.asarray(pc.fill_null(column.indices, len(names)), np.int64)
        return np.append(names, _ODD)[at]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), np.int64)
        found = _sequences(column.flatten(), lengths, _column)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        plain = pc.fill_null(column, "" if not pa.types.is_binary(kind) else b"").cast(pa.large_binary())
        lengths = np.asarray(pc.binary_length(plain), np.int64)
        offset, data = np.frombuffer(plain.buffers()[1], np.int64)[plain.offset], plain.buffers()[2]
        letters = np.frombuffer(data, np.uint8)[offset : offset + lengths.sum()] if data else np.zeros(0, np.uint8)
        found = _sequences(letters, lengths, lambda part: _mixed(part.astype(np.uint64)))
    else:
        number = column.cast(pa.int64()) if pa.types.is_temporal(kind) else column.cast(pa.float64())
        bits = np.asarray(pc.fill_null(number, 0)) + 0  # -0.0 is 0.0
        found = _mixed(np.ascontiguousarray(bits).view(np.uint64))
    return np.where(np.asarray(pc.is_null(column)), _ODD, found)


def _sequences(cells: Any, lengths: NDArray[np.int64], of: Any) -> Words:
    """Return a fingerprint of each run of CELLS, LENGTHS (n,) long; OF gives those of cells."""
    ends = np.concatenate([[0], np.cumsum(lengths)])
    found = np.empty(len(lengths), np.uint64)
    start = 0
    while start < len(lengths):
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + _BLOCK, side="right")) - 1)
        at = ends[start : stop + 1]
        place = np.arange(at[-1] - at[0]) - np.repeat(at[:-1] - at[0], lengths[start:stop])
        terms = _mixed(of(cells[at[0] : at[-1]]) + (place.astype(np.uint64) + np.uint64(1)) * _ODD)
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
        run = sums[at[1:] - at[0]] - sums[at[:-1] - at[0]]
        found[start:stop] = _mixed(run + lengths[start:stop].astype(np.uint64))
        start = stop
    return found


def _mixed(words: Words) -> Words:
    """Return WORDS with every bit spread over all others. Source: Steele et al. 2014 (SplitMix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
