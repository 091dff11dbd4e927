"""RecBole atomic files (.inter, .user, .item): tab-separated, a header of name:type."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.formats import _lines

__all__ = ["SUFFIXES", "read", "write"]

SUFFIXES = (".inter", ".user", ".item")
# RecBole's usual names, and ours.
OURS = {"user_id": "user", "item_id": "item", "rating": "weight", "timestamp": "time"}
THEIRS = {ours: theirs for theirs, ours in OURS.items()}
TYPES = ("token", "token_seq", "float", "float_seq")
MICROS = 1_000_000


def read(path: Path) -> pa.Table:
    """Return the columns of PATH: tokens as ids, sequences as lists, numbers as float64; empty cells are null.

    user_id, item_id, rating and timestamp (seconds) are called user, item, weight (float32) and time (microseconds).
    Lines without any cell filled are left out.
    Raises BadInput with the line. Source: RecBole documentation, "Atomic Files".
    """
    _lines.lines(path)  # says which line is no text
    names, kinds = _header(path)
    wrong: list[tuple[int, int]] = []

    def odd(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "skip"

    found = csv.read_csv(
        path,
        read_options=csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
        parse_options=csv.ParseOptions(
            delimiter="\t", quote_char=False, double_quote=False, ignore_empty_lines=False, invalid_row_handler=odd
        ),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    if wrong:
        line, fields = wrong[0]
        raise BadInput(f"line {line} has {fields} fields, not {len(names)}", where=path.name, todo="Tabs part fields")
    said = np.any([np.asarray(pc.not_equal(found[name], "")) for name in names], axis=0)
    found, at = found.filter(pa.array(said)), np.flatnonzero(said) + 2
    if not found.num_rows:
        raise BadInput("holds no rows below its header", where=path.name, todo="Check that it is the file you mean")
    return pa.table({
        OURS.get(name, name): _typed(one(found[name]), name, kind, at, path.name)
        for name, kind in zip(names, kinds, strict=True)
    })  # fmt: skip


def write(table: pa.Table, path: Path) -> Path:
    """Write TABLE: texts as token, lists as token_seq or float_seq, numbers as float; returns PATH.

    Raises UsageError for a text that is empty or holds a tab or line break (in a list: a space), or a type of column
    that the format does not have.
    """
    where = f"a {path.suffix} file"
    columns = [_told(table[name], name, where) for name in table.column_names]
    head = "\t".join(
        f"{THEIRS.get(name, name)}:{kind}" for name, (kind, _) in zip(table.column_names, columns, strict=True)
    )
    rows = map("\t".join, zip(*(texts.to_pylist() for _, texts in columns), strict=True))
    return _lines.put(path, (line for part in ([head], rows) for line in part))


def _header(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8-sig") as file:
        fields = [field.rpartition(":") for field in file.readline().rstrip("\r\n").split("\t")]
    for name, _, kind in fields:
        if not name or kind not in TYPES:
            raise BadInput(
                "line 1 is no header of name:type",
                where=path.name,
                todo=f"Types are {', '.join(TYPES)}; tabs part fields",
            )
    names = [name for name, *_ in fields]
    if len({OURS.get(name, name) for name in names}) != len(names):
        raise BadInput("line 1 names a column twice", where=path.name, todo="Rename one of them")
    return names, [kind for *_, kind in fields]


def _typed(texts: Any, name: str, kind: str, at: Any, where: str) -> Any:
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    what = f"'{name}'"
    if kind == "token":
        return _lines.ids(texts)
    if kind == "float":
        numbers = _lines.number(texts, pa.float64(), at, what, where)
        if name == "timestamp":
            return pc.cast(pc.round(pc.multiply(numbers, float(MICROS))), pa.int64())
        return numbers.cast(pa.float32()) if name == "rating" else numbers
    lists = pc.split_pattern(texts, " ")
    if kind == "token_seq":
        return lists
    lines = at[np.asarray(pc.list_parent_indices(lists))]
    numbers = _lines.number(lists.flatten(), pa.float64(), lines, what, where)
    return pa.ListArray.from_arrays(lists.offsets, numbers, mask=pc.is_null(lists)) if lists.null_count else (
        pa.ListArray.from_arrays(lists.offsets, numbers)
    )  # fmt: skip


def _told(column: pa.ChunkedArray, name: str, where: str) -> tuple[str, pa.Array]:
    """Return the type and the cells of COLUMN as texts; a null is an empty cell."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "token", _clean(column.cast(pa.string()), name, r"\t\r\n", where)
    if name == "time" and pa.types.is_integer(kind):
        micros = column.cast(pa.int64()).to_pylist()
        return "float", pa.array(["" if t is None else _seconds(t) for t in micros], pa.string())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "float", _numbers(column)
    if inner is not None and (pa.types.is_string(inner) or pa.types.is_large_string(inner)):
        lists = column.cast(pa.list_(pa.string()))
        _clean(pc.list_flatten(lists), name, r"\s", where)
        return "token_seq", pc.fill_null(pc.binary_join(lists, " "), "")
    if inner is not None and (pa.types.is_integer(inner) or pa.types.is_floating(inner)):
        rows = column.to_pylist()
        return "float_seq", pa.array(["" if row is None else " ".join(map(repr, row)) for row in rows], pa.string())
    raise UsageError(
        f"{where} has no place for column '{name}' ({column.type}); it holds texts, numbers and lists of them"
    )


def _clean(texts: Any, name: str, apart: str, where: str) -> Any:
    wrong = pc.or_(pc.equal(texts, ""), pc.match_substring_regex(texts, f"[{apart}]"))
    if pc.any(wrong).as_py():
        raise UsageError(f"{where}: a text of '{name}' is empty or has a character that parts fields")
    return pc.fill_null(texts, "")


def _numbers(column: pa.ChunkedArray) -> pa.Array:
    return pa.array(["" if x is None else repr(x) for x in column.to_pylist()], pa.string())


def _seconds(micros: int) -> str:
    whole, part = divmod(abs(micros), MICROS)
    return f"{'-' if micros < 0 else ''}{whole}" + (f".{part:06d}" if part else "")
