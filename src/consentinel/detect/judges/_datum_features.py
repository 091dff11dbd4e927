"""Binary features of a datum, hashed: names and n-grams of its key, its shape, its carrier, and what recognisers said.

A feature is a text and its number is CRC-32 (ISO/IEC 8802-3), of which a model takes the remainder by its size, so that
no table of names travels with it. Keys and shapes come again and again: what depends on one alone is numbered once.
"""

import re
from functools import lru_cache
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from consentinel.core.columns import codes, labels, one

__all__ = ["Features", "features", "last_name_only", "last_names", "plain_shape", "without"]

HEAD = 16  # characters of a shape that are combined with names
COPIES = 3  # of what recognisers said, so that the penalty on weights spares it
LONGEST = 96  # characters of a key that are looked at, counted from its end

_PART = re.compile(r"[.:/\[\]]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_NAMES_NOTHING = re.compile(r"[0-9]+|(string|int|double|bool|number)?value")  # a position in a list, what wraps a value
_PLAIN = re.compile(r"[\W_]+")
_UUID = re.compile(r"[ax0](-[ax0]){4}")
_BASE64 = re.compile(r"(?=.*[+/])[ax0+/=]+")
_STORED = ("cookie", "set-cookie", "cookie-store")

Ints = npt.NDArray[np.int64]


def _number(*texts: str) -> list[int]:
    return [crc32(text.encode("utf-8", "replace")) for text in texts]


def _grams(mark: str, text: str, sizes: tuple[int, ...]) -> list[str]:
    return [f"{mark}{text[at : at + size]}" for size in sizes for at in range(len(text) - size + 1)]


@lru_cache(maxsize=100_000)
def _names(key: str) -> tuple[str, str]:
    """The last inner name of KEY and the last two, lower case, letters and digits only, as recognisers see them."""
    every = [flat for part in _PART.split(key[-LONGEST:]) if (flat := _PLAIN.sub("", part).lower())]
    parts = [part for part in every if not _NAMES_NOTHING.fullmatch(part)] or every
    last = parts[-1] if parts else ""
    return last, ".".join(parts[-2:])


def _of_key(key: str) -> list[int]:
    last, two = _names(key)
    key = key[-LONGEST:]
    every = [part for part in _PART.split(key) if part]
    *above, name = [part for part in every if not _NAMES_NOTHING.fullmatch(part.lower())] or every or [""]
    words = [word.lower() for word in _WORD.findall(name)]
    higher = {word.lower() for part in above for word in _WORD.findall(part)}
    found = [f"l={last}", f"pl={two}", f"k={_PLAIN.sub('.', key.lower())}", f"d={min(len(above), 4)}"]
    found += [f"w={word}" for word in words] + [f"u={word}" for word in higher]
    found += [f"e={words[-1] if words else ''}", f"f={words[0] if words else ''}"]
    found += _grams("g=", f"^{last[:32]}$", (3, 4))
    return _number(*dict.fromkeys(found))


def plain_shape(shape: str) -> str:
    """Return SHAPE with what chance decides left out: where letters and digits stand in a UUID or in base64."""
    if _UUID.fullmatch(shape) and "x" in shape:
        return "x-x-x-x-x"
    return "x/" if _BASE64.fullmatch(shape) and "x" in shape else shape


def _of_shape(shape: str) -> list[int]:
    found = [f"s={shape}", f"h={shape[:HEAD]}", f"n={min(len(shape), 48) // 4}"]
    return _number(*dict.fromkeys(found + _grams("m=", f"^{shape}$", (1, 2, 3))))


class Features:
    """The features of rows: row r has the numbers `index[start[r]:start[r + 1]]`, each once."""

    def __init__(self, start: Ints, index: Ints) -> None:
        self.start, self.index = start, index

    def at(self, rows: npt.NDArray[np.bool_]) -> "Features":
        """Return the features of some ROWS."""
        count = np.diff(self.start)
        return Features(np.append(0, np.cumsum(count[rows])), self.index[np.repeat(rows, count)])

    def sums(self, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return for each row the sum of the rows of WEIGHTS (buckets x types) that its features fall into."""
        index = self.index % len(weights)
        total = np.zeros((len(self.start) - 1, weights.shape[1]), np.float32)
        step = 4096
        for begin in range(0, len(total), step):
            edge = self.start[begin : begin + step + 1]
            total[begin : begin + step] = np.add.reduceat(weights[index[edge[0] : edge[-1]]], edge[:-1] - edge[0])
        return total


def features(rows: pa.Table) -> Features:
    """Return the features of ROWS (DATUM_ROWS); every row has at least five."""
    columns = {name: _coded(rows[name]) for name in ("key", "carrier", "shape", "type")}
    p = np.round(np.nan_to_num(np.asarray(rows["type_p"].to_numpy(zero_copy_only=False), np.float32)), 2)
    (key_at, keys), (carrier_at, carriers), (shape_at, shapes), (type_at, types) = columns.values()
    shapes = [plain_shape(shape) for shape in shapes]
    of_key, of_shape = [_of_key(key) for key in keys], [_of_shape(shape) for shape in shapes]
    names = [_names(key) for key in keys]
    heads = [shape[:HEAD] for shape in shapes]
    of_carrier = [_number(f"c={'cookie' if carrier in _STORED else carrier}") for carrier in carriers]
    rows_of: list[list[int]] = []
    for key, carrier, shape, kind, sure in zip(
        key_at.tolist(), carrier_at.tolist(), shape_at.tolist(), type_at.tolist(), p.tolist(), strict=True
    ):
        (last, two), head, said = names[key], heads[shape], types[kind]
        mixed = _number(
            f"lh={last},{head}", f"ph={two},{head}", f"pt={two},{said}", *(f"{mark}{copy}" for copy in range(COPIES)
            for mark in (f"t={said},", f"tp={said},{sure:.2f},", f"lt={last},{said},", f"th={said},{head},")),
        )  # fmt: skip
        rows_of.append(list(dict.fromkeys(of_key[key] + of_shape[shape] + of_carrier[carrier] + mixed)))
    start = np.zeros(len(rows_of) + 1, np.int64)
    np.cumsum([len(found) for found in rows_of], out=start[1:])
    return Features(start, np.fromiter((number for found in rows_of for number in found), np.int64, int(start[-1])))


def last_names(rows: pa.Table) -> Ints:
    """Return the number of the last inner name of each key of ROWS."""
    at, keys = _coded(rows["key"])
    return np.array([_number(f"l={_names(key)[0]}")[0] for key in keys], np.int64)[at]


def without(rows: pa.Table, name: str) -> pa.Table:
    """Return ROWS with the column NAME told to nobody: a neutral key, no shape, no word of the recognisers."""
    blank = pa.array(["key"] * rows.num_rows) if name == "key" else pa.nulls(rows.num_rows, pa.string())
    changed = rows.set_column(rows.schema.get_field_index(name), name, blank)
    if name != "type":
        return changed
    return changed.set_column(rows.schema.get_field_index("type_p"), "type_p", pa.nulls(rows.num_rows, pa.float32()))


def last_name_only(rows: pa.Table) -> pa.Table:
    """Return ROWS with nothing but the last inner name of each key."""
    at, keys = _coded(rows["key"])
    names = pa.array([_names(key)[0] for key in keys], pa.string()).take(pa.array(at))
    bare = rows.set_column(rows.schema.get_field_index("key"), "key", names)
    for name in ("carrier", "shape", "type"):
        bare = without(bare, name)
    return bare


def _coded(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Codes and texts of a column; a null is the last text, which is empty."""
    merged = one(column)
    if not pa.types.is_dictionary(merged.type):
        merged = merged.dictionary_encode()
    found = labels(merged)
    at = codes(merged)
    return np.where(at < 0, len(found), at), [*(text or "" for text in found), ""]
