"""From columns to numbers: codes of categories, scaled numbers and pairs of categories, the same in training and use.

A category that is missing, or that the list does not have, is code 0: it has a weight of its own. Numbers must be
finite. Pairs beyond PAIR_CELLS share cells by the remainder of their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.models.asked import setting

__all__ = ["Columns", "Encoding", "Sparse", "chosen", "distinct", "learnt", "unpacked"]

PAIR_CELLS = 2**18
MOST_CATEGORIES = 10_000_000
Array = NDArray[Any]


@dataclass(frozen=True)
class Columns:
    """Which columns are read; the settings that all parts of the shelf share."""

    categorical: str = setting("", "columns of categories, separated by spaces; empty: all that are not numbers")
    numeric: str = setting(
        "", "columns of numbers, separated by spaces; empty: all numbers, none where the other is set"
    )


@dataclass(frozen=True)
class Sparse:
    """Rows as sparse vectors: coordinates (n, a) below width, and their values (n, a)."""

    index: NDArray[np.int64]
    value: NDArray[np.float64]
    width: int

    def dot(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the products with THETA, shape (n,)."""
        found: NDArray[np.float64] = np.einsum("ij,ij->i", theta[self.index], self.value)
        return found

    def add(self, weight: NDArray[Any]) -> NDArray[np.float64]:
        """Return the sum of the rows, each times its WEIGHT (n,); shape (width,)."""
        found = np.bincount(self.index.ravel(), (self.value * weight[:, None]).ravel(), self.width)
        return found.astype(np.float64)


def distinct(x: Sparse, label: NDArray[np.float64]) -> tuple[Sparse, NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct rows of X with their LABEL and how often each occurs: far fewer where all are categories."""
    if not len(label):
        return x, label, np.ones(0, dtype=np.int64)
    whole = np.ascontiguousarray(np.concatenate([x.index.astype(np.float64), x.value, label[:, None]], axis=1))
    keys = whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).ravel()
    _, first, times = np.unique(keys, return_index=True, return_counts=True)
    return Sparse(x.index[first], x.value[first], x.width), label[first], times.astype(np.int64)


@dataclass(frozen=True)
class Encoding:
    """How columns become numbers.

    Arguments: categorical columns with their sorted lists of values (empty where BUCKETS > 0: values are hashed);
    numeric columns with what is taken off and what it is divided by, cut to [0, 1] where CUT; PAIRS of categories.
    """

    categorical: tuple[str, ...]
    values: tuple[Array, ...]
    buckets: int
    numeric: tuple[str, ...]
    shift: Array
    scale: Array
    cut: bool
    pairs: bool

    @property
    def sizes(self) -> list[int]:
        """The number of codes of each categorical column, with that of unknown values."""
        return [self.buckets + 1 if self.buckets else len(values) + 1 for values in self.values]

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """The columns (by position) of each block of one-hot coordinates: singles, then pairs."""
        singles: list[tuple[int, ...]] = [(at,) for at in range(len(self.categorical))]
        return singles + (list(combinations(range(len(self.categorical)), 2)) if self.pairs else [])

    @property
    def cells(self) -> list[int]:
        """The number of coordinates of each block."""
        sizes = self.sizes
        return [int(min(np.prod([sizes[at] for at in block], dtype=object), PAIR_CELLS)) for block in self.blocks]

    @property
    def width(self) -> int:
        """The number of coordinates: a constant, the blocks, the numbers."""
        return 1 + sum(self.cells) + len(self.numeric)

    def codes(self, rows: pa.Table, who: str) -> NDArray[np.int64]:
        """Return the codes of the categorical columns of ROWS; shape (n, columns). Raises UsageError naming WHO."""
        _there(rows, (*self.categorical, *self.numeric), who)
        found = np.zeros((rows.num_rows, len(self.categorical)), dtype=np.int64)
        for at, (name, values) in enumerate(zip(self.categorical, self.values, strict=True)):
            words = _words(rows[name])
            listed = words.dictionary
            if self.buckets:
                of = np.array([_bucket(word, name, self.buckets) for word in listed.to_pylist()], dtype=np.int64)
            else:
                place = pc.index_in(listed, value_set=pa.array(values, pa.string()))
                of = np.asarray(pc.fill_null(place, -1), dtype=np.int64) + 1
            place = np.asarray(pc.fill_null(words.indices, len(listed)), dtype=np.int64)
            found[:, at] = np.append(of, 0)[place]
        return found

    def numbers(self, rows: pa.Table, who: str) -> NDArray[np.float64]:
        """Return the scaled numbers of ROWS; shape (n, columns). Raises UsageError for what is not finite."""
        found = np.empty((rows.num_rows, len(self.numeric)))
        for at, name in enumerate(self.numeric):
            found[:, at] = (_finite(rows, name, who) - self.shift[at]) / self.scale[at]
        return np.clip(found, 0.0, 1.0) if self.cut else found

    def sparse(self, rows: pa.Table, who: str) -> Sparse:
        """Return ROWS as sparse vectors: the constant 1, one coordinate a block, the numbers."""
        codes, sizes, n = self.codes(rows, who), self.sizes, rows.num_rows
        index, start = [np.zeros(n, dtype=np.int64)], 1
        for block, cells in zip(self.blocks, self.cells, strict=True):
            code = codes[:, block[0]]
            if len(block) == 2:
                code = (code * sizes[block[1]] + codes[:, block[1]]) % cells
            index.append(start + code)
            start += cells
        index += [np.full(n, start + at) for at in range(len(self.numeric))]
        value = np.concatenate([np.ones((n, 1 + len(self.blocks))), self.numbers(rows, who)], axis=1)
        return Sparse(np.stack(index, axis=1), value, self.width)

    def arrays(self) -> dict[str, Array]:
        """Return what a model file keeps of this: texts as UTF-8 bytes with offsets."""
        kept = {"shift": np.asarray(self.shift, float), "scale": np.asarray(self.scale, float)}
        kept["form"] = np.array([self.buckets, self.cut, self.pairs], dtype=np.int64)
        lists: dict[str, Any] = {"categorical": self.categorical, "numeric": self.numeric}
        for name, texts in (lists | {f"values{at}": listed for at, listed in enumerate(self.values)}).items():
            raw = [str(text).encode() for text in texts]
            kept[f"{name}.bytes"] = np.frombuffer(b"".join(raw), dtype=np.uint8)
            kept[f"{name}.ends"] = np.cumsum([len(text) for text in raw], dtype=np.int64)
        return {f"encoding/{name}": array for name, array in kept.items()}


def unpacked(arrays: Mapping[str, Array], where: str) -> Encoding:
    """Return the encoding that `Encoding.arrays` kept in ARRAYS; raises BadInput naming WHERE."""
    try:
        found = {n.removeprefix("encoding/"): array for n, array in arrays.items() if n.startswith("encoding/")}
        lists = {n.removesuffix(".ends"): _texts(found, n.removesuffix(".ends")) for n in found if n.endswith(".ends")}
        names = tuple(lists["categorical"])
        values = tuple(np.array(lists[f"values{at}"], dtype=object) for at in range(len(names)))
        buckets, cut, pairs = (int(number) for number in found["form"])
        whole = Encoding(
            names, values, buckets, tuple(lists["numeric"]), found["shift"], found["scale"], bool(cut), bool(pairs)
        )
        numbers = whole.shift, whole.scale
        if any(one.shape != (len(whole.numeric),) or not np.isfinite(one).all() for one in numbers):
            raise ValueError
        if not (whole.scale > 0).all() or not 0 <= buckets <= MOST_CATEGORIES:
            raise ValueError
    except (KeyError, ValueError, UnicodeDecodeError):
        raise BadInput("its encoding of columns is damaged", where=where, todo="Train the model again") from None
    return whole


def chosen(rows: pa.Table, asked: Columns, *, without: tuple[str, ...], who: str) -> tuple[list[str], list[str]]:
    """Return the categorical and the numeric columns of ROWS that ASKED names, or that their types say."""
    named = asked.categorical.split(), asked.numeric.split()
    _there(rows, (*named[0], *named[1]), who)
    twice = set(named[0]) & set(named[1]) | set(without) & {*named[0], *named[1]}
    if twice:
        raise UsageError(f"{who}: column '{min(twice)}' is asked for twice, or is no feature")
    if any(named):
        return named
    rest = [field for field in rows.schema if field.name not in without]
    is_number = {field.name: pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in rest}
    return [name for name, yes in is_number.items() if not yes], [name for name, yes in is_number.items() if yes]


def learnt(
    rows: pa.Table, asked: Columns, *, pairs: bool, who: str, without: tuple[str, ...] = ("label",), buckets: int = 0,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> Encoding:  # fmt: skip
    """Return the encoding of ROWS: lists of the values that they have, means and deviations of their numbers.

    With BUCKETS values are hashed, and with BOUNDS (low, high by column) numbers are scaled by these: nothing of the
    rows but the names of columns is used then, as private training needs it. Raises UsageError.
    """
    categorical, numeric = chosen(rows, asked, without=without, who=who)
    if not categorical and not numeric:
        raise UsageError(f"{who}: no column is left to learn from; name them: categorical=a b, numeric=c")
    if rows.num_rows == 0:
        raise UsageError(f"{who}: the table has no rows; give rows with a label")
    lists = []
    for name in categorical:
        found = (
            [] if buckets else sorted(word for word in _words(rows[name]).dictionary.to_pylist() if word is not None)
        )
        if len(found) > MOST_CATEGORIES:
            raise UsageError(f"{who}: column '{name}' has {len(found)} values; leave it out, or hash it")
        lists.append(np.array(found, dtype=object))
    shift, scale = np.zeros(len(numeric)), np.ones(len(numeric))
    for at, name in enumerate(numeric):
        if bounds is not None:
            if name not in bounds:
                raise UsageError(f"{who}: '{name}' needs public bounds, for example bounds={name}:0:100")
            shift[at], scale[at] = bounds[name][0], bounds[name][1] - bounds[name][0]
        else:
            numbers = _finite(rows, name, who)
            shift[at], scale[at] = numbers.mean(), numbers.std() or 1.0
    return Encoding(tuple(categorical), tuple(lists), buckets, tuple(numeric), shift, scale, bounds is not None, pairs)


def _there(rows: pa.Table, names: tuple[str, ...], who: str) -> None:
    for name in names:
        if name not in rows.column_names:
            raise UsageError(f"{who}: no column '{name:.60}'; there is: {', '.join(rows.column_names)}")


def _words(column: pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.combine_chunks()
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    if pa.types.is_floating(whole.type) or pa.types.is_nested(whole.type):
        raise UsageError(f"a column of categories holds texts, whole numbers or truth values, not {whole.type}")
    return pc.cast(whole, pa.string()).dictionary_encode()


def _finite(rows: pa.Table, name: str, who: str) -> NDArray[np.float64]:
    try:
        column = pc.cast(rows[name], pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(f"{who}: column '{name}' is no column of numbers; name it as categorical") from None
    found = np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.float64)
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found))[0])
        raise UsageError(f"{who}: '{name}' is missing or not finite in row {row}; fill it in, or leave the row out")
    return found


def _bucket(word: str | None, name: str, buckets: int) -> int:
    if word is None:
        return 0
    return 1 + int.from_bytes(blake2b(f"{name}\0{word}".encode(), digest_size=8).digest(), "little") % buckets


def _texts(arrays: Mapping[str, Array], name: str) -> list[str]:
    data, ends_of = arrays[f"{name}.bytes"], arrays[f"{name}.ends"]
    if data.dtype != np.uint8 or ends_of.dtype != np.int64 or ends_of.ndim != 1:
        raise ValueError
    raw, ends = data.tobytes(), ends_of.tolist()
    edges = [0, *ends]
    if edges[-1] != len(raw) or sorted(edges) != edges:
        raise ValueError
    return [raw[a:b].decode() for a, b in zip(edges[:-1], ends, strict=True)]
