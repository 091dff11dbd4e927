"""Arrow columns as NumPy codes and labels, and rows of equal codes as groups."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Groups", "codes", "floats", "grouped", "ints", "labels", "one", "relabel", "values"]

Ints = npt.NDArray[np.int64]


def one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as one array; dictionaries are unified, and plain strings stay plain."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    merged = column.combine_chunks()
    return merged.chunk(0) if isinstance(merged, pa.ChunkedArray) else merged


def codes(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Return the code of each row of a dictionary column; -1 where it is null."""
    indices = one(column).indices
    return np.asarray((indices.fill_null(-1) if indices.null_count else indices).to_numpy(), np.int64)


def labels(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Return the labels that the codes of a dictionary column stand for."""
    found: list[Any] = one(column).dictionary.to_pylist()
    return found


def values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Return a column as Python values; dictionaries and lists of texts much faster than Arrow's own to_pylist."""
    if pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type) and not column.null_count:
        whole = one(column)
        inner, ends = (
            values(whole.flatten().dictionary_encode()),
            (whole.offsets.to_numpy() - whole.offsets[0].as_py()).tolist(),
        )
        return [inner[a:b] for a, b in pairwise(ends)]
    if not pa.types.is_dictionary(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    names = [*labels(column), None]
    return [names[code] for code in codes(column).tolist()]


def ints(column: pa.ChunkedArray, null: int = 0) -> Ints:
    """Return a whole-number column as int64 with NULL in place of nulls."""
    return np.asarray(pc.fill_null(column, null).to_numpy(), np.int64)


def floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Return a number column as float64 with 0 in place of nulls."""
    return np.asarray(pc.fill_null(column, 0.0).to_numpy(), np.float64)


def relabel(at: npt.NDArray[Any], names: list[Any]) -> pa.DictionaryArray:
    """Return the dictionary column of NAMES by the codes AT; -1 and a None name are null, equal names share a code."""
    small = pa.array(names, pa.string()).dictionary_encode()
    final = np.append(pc.fill_null(small.indices, -1).to_numpy(), -1)[at].astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(final, mask=final < 0), small.dictionary)


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows of equal key: `order` sorts rows by group and keeps their order within, `starts` is where each begins."""

    order: Ints
    starts: Ints
    first: npt.NDArray[np.bool_]  # of each sorted row: it is the first of its group

    def sum(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the sum of VALUES (given in row order) for each group."""
        return np.add.reduceat(values[self.order], self.starts)

    def least(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the smallest of VALUES for each group."""
        return np.minimum.reduceat(values[self.order], self.starts)

    def most(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the greatest of VALUES for each group."""
        return np.maximum.reduceat(values[self.order], self.starts)

    def number(self) -> Ints:
        """Return the group's number for each sorted row."""
        return np.cumsum(self.first) - 1

    def lists(self, items: pa.Array, limit: int) -> pa.ListArray:
        """Return for each group the distinct ITEMS (a dictionary column, in row order), the first LIMIT of them."""
        item = codes(items)[self.order]
        group = self.number()
        valid = np.flatnonzero(item >= 0)
        packed = group[valid] * (len(items.dictionary) + 1) + item[valid]
        _, seen_first = np.unique(packed, return_index=True)
        at = valid[np.sort(seen_first)]
        rank = np.arange(len(at)) - np.searchsorted(group[at], group[at])
        at = at[rank < limit]
        ends = np.searchsorted(group[at], np.arange(len(self.starts) + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(ends), items.dictionary.take(pa.array(item[at])))


def grouped(*keys: tuple[Ints, int]) -> Groups:
    """Group rows by KEYS, each the codes (-1 and up) of one column and how many distinct codes there may be."""
    packed = np.zeros(len(keys[0][0]), np.int64)
    room = 1
    for code, n in keys:
        if room > (1 << 62) // (n + 1):  # would not fit: number what there is so far anew
            packed = np.unique(packed, return_inverse=True)[1].astype(np.int64)
            room = len(packed) + 1
        packed = packed * (n + 1) + code + 1
        room *= n + 1
    order = np.argsort(packed, kind="stable")
    packed = packed[order]
    first = np.concatenate(([True], packed[1:] != packed[:-1])) if len(packed) else np.zeros(0, bool)
    return Groups(order, np.flatnonzero(first), first)
