"""Text files as Arrow columns, and numbers whose line is named where they cannot be read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import atomic

__all__ = ["ids", "lines", "number", "plain", "put"]


def lines(path: Path, comment: str = "") -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the lines of PATH that say something, without space at their ends, and their numbers from 1; (n,).

    Blank lines and lines that start with COMMENT are left out. Raises BadInput for what is no UTF-8 text.
    """
    try:
        data = path.read_bytes()
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        at = data.count(b"\n", 0, why.start) + 1
        raise BadInput(f"line {at} is not UTF-8 text", where=path.name, todo="Save the file as UTF-8") from None
    if not text.strip():
        raise BadInput("holds no rows", where=path.name, todo="Check that it is the file you mean")
    every = pc.ascii_trim_whitespace(pc.split_pattern(pa.array([text], pa.large_string()), "\n").flatten())
    said = pc.not_equal(every, "")
    if comment:
        said = pc.and_(said, pc.invert(pc.starts_with(every, comment)))
    return every.filter(said).cast(pa.string()), np.flatnonzero(np.asarray(said)) + 1


def number(texts: pa.Array, kind: pa.DataType, at: NDArray[np.int64], what: str, where: str) -> pa.Array:
    """Return TEXTS as numbers of KIND; AT (n,) are their lines, WHAT they are and WHERE for the message of BadInput.

    A null stays one; NaN and infinities are refused.
    """
    try:
        found = texts.cast(kind)
        if pa.types.is_integer(kind) or pc.all(pc.is_finite(found)).as_py() in (True, None):
            return found
    except pa.ArrowInvalid:
        pass
    bad = next(n for n, text in enumerate(texts) if text.is_valid and not _reads(text, kind))
    told = "a whole number" if pa.types.is_integer(kind) else "a finite number"
    raise BadInput(f"line {at[bad]}: {what} is not {told}", where=where, todo="Correct or remove the line") from None


def _reads(text: pa.Scalar, kind: pa.DataType) -> bool:
    try:
        found = text.cast(kind).as_py()
    except pa.ArrowInvalid:
        return False
    return bool(np.isfinite(found))


def ids(texts: Any) -> pa.ChunkedArray:
    """Return TEXTS dictionary-encoded with int32 codes, as ids are."""
    return pa.chunked_array([texts.dictionary_encode()])


def plain(table: pa.Table, name: str, *, apart: str, where: str) -> pa.Array:
    """Return column NAME of TABLE as texts that can be written between separators.

    Raises UsageError where the column is missing, or a text is missing, empty or holds one of APART.
    """
    if name not in table.column_names:
        raise UsageError(f"{where} needs the column '{name}'; there is: {', '.join(table.column_names)}")
    texts = one(table[name].cast(pa.string()))
    wrong = pc.fill_null(pc.or_(pc.equal(texts, ""), pc.match_substring_regex(texts, f"[{apart}]")), True)
    if pc.any(wrong).as_py():
        at = pc.index(wrong, True).as_py()
        raise UsageError(f"{where}: '{name}' of row {at} is missing or has a character that parts fields")
    return texts


def put(path: Path, rows: Iterable[str]) -> Path:
    """Write ROWS as lines of PATH, whole or not at all, and return it."""
    with atomic(path) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{row}\n" for row in rows)
    return path
