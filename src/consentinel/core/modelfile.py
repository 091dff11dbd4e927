"""One safe model file for every room: named NumPy arrays and a JSON header, never code, equal bytes for equal input.

The layout is that of safetensors (8 bytes of header length, JSON header, contiguous array data), so other tools open
it. The reader trusts nothing: every length, offset, shape and type is checked before an array is made, and a digest
over header and data tells a damaged file from a whole one. The digest is no signature: it does not say who made it.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError

__all__ = ["ModelFile", "from_bytes", "load", "save", "tensors", "to_bytes"]

Array = NDArray[Any]
TYPES = {
    "F64": "<f8", "I64": "<i8", "U64": "<u8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
    "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
LARGEST_HEADER, LARGEST_FILE, MOST_ARRAYS, MOST_AXES = 4_000_000, 2**31, 10_000, 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}", re.ASCII)
_FIELDS = ("card", "kind", "made_by", "sha256", "version")
_REMEDY = "get the file again from where it was made"


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Arguments: kind, what reads it ("detect.datum"); version of the model; made_by, the package and version that wrote
    it; arrays by name; card, texts that people read (training data digest, metrics, licence, ...).
    """

    kind: str
    version: str
    made_by: str
    arrays: Mapping[str, Array]
    card: Mapping[str, str] = field(default_factory=dict)


def save(path: Path, model: ModelFile) -> str:
    """Write MODEL to PATH, replacing the file in one step, and return the SHA-256 of the whole file."""
    data = to_bytes(model)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    beside.replace(path)
    return sha256(data).hexdigest()


def load(path: Path, *, kind: str, largest: int = LARGEST_FILE) -> ModelFile:
    """Read a model file of KIND of at most LARGEST bytes; its arrays are read-only.

    Raises BadInput when it is missing, damaged, hostile, too large, or of another kind.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise BadInput(f"the file has {size} bytes, more than the {largest} allowed", where=path.name, todo=_REMEDY)
        data = path.read_bytes()
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror})", where=path.name, todo="check the path") from None
    model = from_bytes(data, where=path.name)
    if model.kind != kind:
        raise BadInput(f"is a model of kind '{model.kind}'", where=path.name, todo=f"give one of kind '{kind}'")
    return model


def to_bytes(model: ModelFile) -> bytes:
    """Return the bytes of MODEL; equal models give equal bytes. Raises UsageError for what a file cannot hold."""
    chunks, table, at = [], {}, 0
    codes = {np.dtype(code): name for name, code in TYPES.items()}
    wanted = {name: np.asarray(array) for name, array in model.arrays.items()}
    # widest items first keeps every array aligned without gaps
    for name in sorted(wanted, key=lambda name: (-wanted[name].dtype.itemsize, name)):
        array = wanted[name]
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).reshape(array.shape)
        if not _NAME.fullmatch(name) or little.dtype not in codes or little.ndim > MOST_AXES:
            known = ", ".join(TYPES)
            raise UsageError(f"array '{name:.50}' ({array.dtype}) cannot be kept; a file holds plain arrays of {known}")
        chunk = little.tobytes()
        table[name] = {"dtype": codes[little.dtype], "shape": list(array.shape), "data_offsets": [at, at + len(chunk)]}
        chunks.append(chunk)
        at += len(chunk)
    if len(table) > MOST_ARRAYS or at > LARGEST_FILE - LARGEST_HEADER - 8:
        raise UsageError(
            f"a model file holds at most {MOST_ARRAYS} arrays and 2 GiB; this has {len(table)}, {at} bytes"
        )
    texts = (model.kind, model.made_by, model.version, *model.card, *model.card.values())
    if not all(isinstance(text, str) for text in texts):
        raise UsageError("kind, version, made_by and the card's fields are texts")
    about = {"card": _dump(dict(model.card)), "kind": model.kind, "made_by": model.made_by, "version": model.version}
    payload = b"".join(chunks)
    header = {"__metadata__": about | {"sha256": _digest(table, about, payload)}} | table
    text = _dump(header).encode("ascii")
    text += b" " * (-len(text) % 8)
    if len(text) > LARGEST_HEADER:
        raise UsageError(f"the header needs {len(text)} bytes, more than {LARGEST_HEADER}: shorten the card")
    return len(text).to_bytes(8, "little") + text + payload


def from_bytes(data: bytes, *, where: str = "model") -> ModelFile:
    """Return what the bytes of a model file hold, read-only and without a copy; raises BadInput naming WHERE."""
    try:
        return _read(data)
    except _Damaged as why:
        raise BadInput(f"is not a whole model file: {why}", where=where, todo=_REMEDY) from None


def tensors(path: Path, *, largest: int = LARGEST_FILE) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the metadata and the read-only arrays of PATH, a safetensors file of anyone, checked like our own.

    Arrays of a type that NumPy lacks are refused. Raises BadInput.
    """
    try:
        if path.stat().st_size > largest:
            raise BadInput(f"has more than the {largest:,} bytes allowed", where=path.name, todo=_REMEDY)
        about, _, arrays, _ = _parts(path.read_bytes())
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror})", where=path.name, todo="check the path") from None
    except _Damaged as why:
        raise BadInput(f"is not a whole safetensors file: {why}", where=path.name, todo=_REMEDY) from None
    return about, arrays


class _Damaged(Exception):
    """Says what is wrong inside; never leaves this module."""


def _read(data: bytes) -> ModelFile:
    about, table, arrays, payload = _parts(data)
    if sorted(about) != sorted(_FIELDS):
        raise _Damaged(f"the header should say {', '.join(_FIELDS)}")
    stated = about.pop("sha256")
    if stated != _digest(table, about, payload):
        raise _Damaged("its digest does not match its content")
    card = _header(about["card"])
    if not all(isinstance(text, str) for text in card.values()):
        raise _Damaged("the card's fields should be texts")
    return ModelFile(about["kind"], about["version"], about["made_by"], {n: arrays[n] for n in sorted(arrays)}, card)


def _parts(data: bytes) -> tuple[dict[str, str], dict[str, Any], dict[str, Array], memoryview]:
    """Return what DATA, a safetensors file, holds: metadata, the table of arrays, the arrays, and their bytes."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(LARGEST_HEADER, len(data) - 8):
        raise _Damaged("the header is longer than the file or than allowed")
    table = _header(data[8 : 8 + length])
    about = table.pop("__metadata__", {})
    if not isinstance(about, dict):
        raise _Damaged("the header should say names and texts under __metadata__")
    if not all(isinstance(text, str) for text in about.values()):
        raise _Damaged("the header's fields should be texts")
    if len(table) > MOST_ARRAYS:
        raise _Damaged(f"it names more than {MOST_ARRAYS} arrays")
    payload = memoryview(data)[8 + length :]
    arrays: dict[str, Array] = {}
    end = 0
    for name, (start, stop, dtype, shape) in sorted(
        ((name, _place(name, entry)) for name, entry in table.items()), key=lambda item: item[1][:2]
    ):
        if start != end:
            raise _Damaged("arrays overlap or leave a gap")
        if stop > len(payload):
            raise _Damaged("an array reaches past the end")
        end = stop
        if dtype == "|b1" and np.frombuffer(payload[start:stop], np.uint8).max(initial=0) > 1:
            raise _Damaged("a truth value is neither 0 nor 1")
        arrays[name] = np.frombuffer(payload[start:stop], dtype).reshape(shape)
    if end != len(payload):
        raise _Damaged("there are bytes after the last array")
    return about, table, arrays, payload


def _place(name: str, entry: Any) -> tuple[int, int, str, tuple[int, ...]]:
    if not _NAME.fullmatch(name) or not isinstance(entry, dict) or sorted(entry) != ["data_offsets", "dtype", "shape"]:
        raise _Damaged("an array's entry is malformed")
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in TYPES:
        raise _Damaged("an array has an unknown type")
    for numbers in (shape, place):
        if not isinstance(numbers, list) or any(type(n) is not int or not 0 <= n <= LARGEST_FILE for n in numbers):
            raise _Damaged("a shape or an offset is not a list of sizes")
    if len(shape) > MOST_AXES or len(place) != 2 or place[0] > place[1]:
        raise _Damaged("a shape or an offset has the wrong form")
    code = TYPES[dtype]
    if math.prod(shape) * np.dtype(code).itemsize != place[1] - place[0]:
        raise _Damaged("a shape does not fit its bytes")
    return place[0], place[1], code, tuple(shape)


def _header(text: str | bytes) -> dict[str, Any]:
    try:
        plain = text if isinstance(text, str) else text.decode("utf-8")
        found = json.loads(plain, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Damaged("a part of the header is not JSON") from None
    if not isinstance(found, dict):
        raise _Damaged("a part of the header is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is used twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(table: Mapping[str, Any], about: Mapping[str, str], payload: bytes | memoryview) -> str:
    found = sha256(_dump([about, table]).encode())
    found.update(payload)
    return found.hexdigest()
