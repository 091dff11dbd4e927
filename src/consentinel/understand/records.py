"""Columns of texts by our names become records: times, numbers, lists and clean texts, with what was wrong counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.understand.cleaning import cleaned, damaged, line
from consentinel.understand.dates import Order, parsed
from consentinel.understand.mapping import FACT

__all__ = ["RECORDS", "Made", "made"]

_STRINGS = ("source_id", "title", "text", "subject", "category", "severity", "status", "owner", "region", "action")
_LISTS = ("labels", "data_types")
RECORDS = pa.schema(
    [
        *((name, pa.string()) for name in ("kind", "source", "source_name", *_STRINGS)),
        *((name, pa.list_(pa.string())) for name in _LISTS),
        *((name, pa.int64()) for name in ("source_row", "opened", "closed", "people", "n")),
        ("facts", pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))),
    ]
)
# Words and ranks that trackers use -> ours.
_SEVERITIES = {
    "low": "low", "minor": "low", "trivial": "low", "p4": "low", "p5": "low", "sev4": "low", "medium": "medium",
    "moderate": "medium", "normal": "medium", "p3": "medium", "sev3": "medium", "high": "high", "major": "high",
    "important": "high", "p2": "high", "sev2": "high", "critical": "critical", "severe": "critical",
    "urgent": "critical", "blocker": "critical", "catastrophic": "critical", "p1": "critical", "sev1": "critical",
    "p0": "critical",
}  # fmt: skip
_MOST = 10**15  # people or rows: more is an id, not a number


@dataclass
class Made:
    """Records of one source, and how many of how many were wrong, by check."""

    records: pa.Table
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def made(columns: Mapping[str, pa.ChunkedArray], rows: pa.Array, order: Order, told: Mapping[str, str]) -> Made:
    """Return the RECORDS of COLUMNS (texts, by our names; "fact NAME" for what is kept) in the ROWS of their source.

    Arguments: order of day and month; told, the kind, source and source_name of all of them. Raises UsageError.
    """
    n = len(rows)
    texts = {name: cleaned(columns[name]) if name in columns else pa.nulls(n, pa.string()) for name in _STRINGS}
    found: dict[str, Any] = {
        name: pa.array([told[name]] * n, pa.string()) for name in ("kind", "source", "source_name")
    }
    done = Made(pa.table({}))
    done.counted["damaged_texts"] = (damaged(texts["text"]), n - texts["text"].null_count)
    for name in ("source_id", "title", "subject", "category", "owner", "region"):
        texts[name] = line(texts[name])
    found |= texts | {"source_row": rows, "status": pc.utf8_lower(line(texts["status"]))}
    found["severity"] = _severities(line(texts["severity"]), done)
    found |= {name: _lists(columns.get(name), n) for name in _LISTS}
    found |= {name: _numbers(columns.get(name), n, done) for name in ("people", "n")}
    for name in ("opened", "closed"):
        found[name] = _times(columns.get(name), name, n, order, told["source_name"], done)
    found["facts"] = _facts({name[len(FACT) :]: c for name, c in columns.items() if name.startswith(FACT)}, n)
    done.records = pa.table([found[one.name] for one in RECORDS], schema=RECORDS)
    return done


def _add(done: Made, check: str, n: int, of: int) -> None:
    before = done.counted.get(check, (0, 0))
    done.counted[check] = (before[0] + n, before[1] + of)


def _severities(texts: pa.Array, done: Made) -> pa.Array:
    words = pc.replace_substring_regex(pc.utf8_lower(texts), r"[^a-z0-9]+", "")
    at = pc.index_in(words, value_set=pa.array(list(_SEVERITIES)))
    known = pa.array(list(_SEVERITIES.values())).take(at)
    _add(done, "unknown_severities", known.null_count - texts.null_count, len(texts) - texts.null_count)
    return known


def _lists(column: pa.ChunkedArray | None, n: int) -> pa.Array:
    """Return COLUMN as lists: parted by U+001F, or else by semicolons, bars or commas; null where there is no text."""
    if column is None:
        return pa.nulls(n, pa.list_(pa.string()))
    texts = column.combine_chunks().cast(pa.string())
    several = pc.replace_substring_regex(texts, r"\s*[;|,\x{1f}]\s*", "\x1f")
    parted = pc.if_else(pc.match_substring(texts, "\x1f"), texts, several)
    trimmed = pc.utf8_trim(pc.utf8_trim_whitespace(parted), "\x1f")
    lists = pc.split_pattern(trimmed, "\x1f")
    nothing = pa.scalar([], pa.list_(pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), nothing, lists).cast(pa.list_(pa.string()))


def _numbers(column: pa.ChunkedArray | None, n: int, done: Made) -> pa.Array:
    if column is None:
        return pa.nulls(n, pa.int64())
    texts = pc.utf8_trim_whitespace(column.combine_chunks().cast(pa.string()))
    plain = pc.replace_substring_regex(texts, r"(\d)[ ,'\x{a0}\x{202f}](\d{3})", r"\1\2")
    plain = pc.replace_substring_regex(plain, r"(\d)[ ,'\x{a0}\x{202f}](\d{3})", r"\1\2")  # the marks between others
    digits = pc.struct_field(pc.extract_regex(plain, r"^(?P<n>\d{1,16})(?:\.0*)?$"), "n")
    numbers = digits.cast(pa.int64())
    numbers = pc.if_else(pc.greater(numbers, _MOST), pa.scalar(None, pa.int64()), numbers)
    given = int(pc.sum(pc.not_equal(texts, "")).as_py() or 0)
    _add(done, "unreadable_numbers", given - (n - numbers.null_count), given)
    return numbers


def _times(column: pa.ChunkedArray | None, name: str, n: int, order: Order, where: str, done: Made) -> pa.Array:
    if column is None:
        return pa.nulls(n, pa.int64())
    dates = parsed(column, order, f"{where}, {name}")
    if dates.order:
        done.notes.append(f"{where}: dates of {name} were read {dates.order.replace('-', ' ')}")
    _add(done, "unreadable_dates", dates.unreadable, dates.unreadable + n - dates.micros.null_count)
    return dates.micros


def _facts(columns: Mapping[str, pa.ChunkedArray], n: int) -> pa.Array:
    """Return the cells of COLUMNS that are not empty as lists of name and value, in the order of the columns."""
    kind = RECORDS.field("facts").type
    if not columns:
        return pa.array([[]] * n, kind)
    cells = [cleaned(column) for column in columns.values()]
    there = np.stack([np.asarray(pc.is_valid(cell)) for cell in cells], axis=1)
    at = np.arange(there.size).reshape(there.shape).T[there.T]  # in the order of the columns
    order = np.argsort(at, kind="stable")
    values = pa.concat_arrays([cell.drop_null() for cell in cells]).take(pa.array(order))
    names = pa.array([name[:60] for name in columns]).take(pa.array(np.sort(at) % len(cells)))
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    inner = pa.StructArray.from_arrays([names, values], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(ends), inner).cast(kind)
