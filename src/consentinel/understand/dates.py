"""Dates as people write them, a column at a time: ISO 8601, day or month first, names of months, numbers since 1970.

The order of day and month is told by days that no month can be, once for a whole column. Where every value could be
either, or some can only be one and some only the other, the column is refused: a guess would move incidents by months.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import UsageError

__all__ = ["Dates", "Order", "parsed"]

Order = Literal["auto", "day-first", "month-first"]
_TIME = (
    r"(?:[T ,]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)? ?(?P<half>[AaPp]\.?[Mm]\.?)?"
    r" ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$"
)
_WEEKDAY = r"^(?:[A-Za-z]{2,9}\.?,? +)?"
_FORMS = {
    "iso": r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME,
    "compact": r"^(?P<y>(?:19|20)\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)" + _TIME,
    "numbers": r"^(?P<a>\d{1,2})(?P<sign>[-/.])(?P<b>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _TIME,
    "day month": _WEEKDAY
    + r"(?P<d>\d{1,2})(?:st|nd|rd|th|\.)?[ -]+(?P<name>[A-Za-z]{3,9})\.?,?[ -]+(?P<y>\d{4})"
    + _TIME,
    "month day": _WEEKDAY + r"(?P<name>[A-Za-z]{3,9})\.? +(?P<d>\d{1,2})(?:st|nd|rd|th)?,? +(?P<y>\d{4})" + _TIME,
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SINCE = {10: 1_000_000, 13: 1000, 16: 1}  # digits of a number since 1970 -> microseconds of its unit


@dataclass(frozen=True)
class Dates:
    """A column of times: micros (int64 UTC, null where none), how many were no date, and what was decided."""

    micros: pa.Array
    unreadable: int
    order: str  # day-first, month-first; empty where nothing depends on it


def parsed(column: pa.Array | pa.ChunkedArray, order: Order, where: str) -> Dates:
    """Return COLUMN of texts as times; what says no zone is taken for UTC. WHERE names it in messages.

    Raises UsageError when ORDER is auto and the column does not tell day from month.
    """
    texts = pc.utf8_trim_whitespace(one(column).cast(pa.string()))
    found = np.zeros(len(texts), np.int64)
    known = np.zeros(len(texts), bool)
    decided = ""
    for form, pattern in _FORMS.items():
        groups = pc.extract_regex(texts, pattern)
        at = np.flatnonzero(np.asarray(pc.is_valid(groups)) & ~known)
        if not len(at):
            continue
        group = {f.name: groups.field(f.name).take(pa.array(at)) for f in groups.type}
        if form == "numbers":
            decided = _order(group, order, where)
        micros, right = _micros(group, decided)
        found[at[right]], known[at[right]] = micros[right], True
    digits = pc.if_else(pc.match_substring_regex(texts, r"^\d{10}(?:\d{3}|\d{6})?(?:\.\d+)?$"), texts, None)
    whole = pc.struct_field(pc.extract_regex(digits, r"^(?P<n>\d+)"), "n")
    for length, unit in _SINCE.items():
        at = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(pc.utf8_length(whole), length), False)) & ~known)
        found[at], known[at] = np.asarray(whole.take(pa.array(at)).cast(pa.int64())) * unit, True
    empty = np.asarray(pc.fill_null(pc.equal(texts, ""), True))
    return Dates(pa.array(found, mask=~known), int((~known & ~empty).sum()), decided)


def _order(group: dict[str, pa.Array], order: Order, where: str) -> str:
    if order != "auto":
        return order
    first, second = (np.asarray(group[name].cast(pa.int64())) for name in ("a", "b"))
    day, month = int((first > 12).sum()), int((second > 12).sum())
    if day and month:
        raise UsageError(
            f"{where}: {day} dates can only have the day first and {month} only the month; split the file, or say "
            f"--dates day-first or month-first and the others count as unreadable"
        )
    if day or (not month and pc.all(pc.equal(group["sign"], ".")).as_py()):  # points stand between day, month, year
        return "day-first"
    if month:
        return "month-first"
    if (first == second).all():
        return "month-first"  # it makes no difference
    raise UsageError(
        f"{where}: nothing tells day from month in dates such as 03/04/2026; say --dates day-first or month-first"
    )


def _micros(group: dict[str, pa.Array], order: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return microseconds and whether there is such a time, from the GROUPS of a form."""
    year = _number(group["y"])
    year += np.where(np.asarray(pc.equal(pc.utf8_length(group["y"]), 2)), np.where(year < 69, 2000, 1900), 0)
    if "name" in group:
        short = pc.utf8_lower(pc.utf8_slice_codeunits(group["name"], 0, 3))
        month = np.asarray(pc.fill_null(pc.index_in(short, value_set=pa.array(_MONTHS)), -1), np.int64) + 1
        day = _number(group["d"])
    elif "a" in group:
        day, month = _number(group["a"]), _number(group["b"])
        if order == "month-first":
            day, month = month, day
    else:
        month, day = _number(group["m"]), _number(group["d"])
    hour, minute, second = (_number(group[name]) for name in "HMS")
    half = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(group["half"], ""), 0, 1))
    has, late = np.asarray(pc.not_equal(half, "")), np.asarray(pc.equal(half, "p"))
    right = (month >= 1) & (month <= 12) & (day >= 1) & (minute < 60) & (second < 61) & (year >= 1)
    right &= np.where(has, (hour >= 1) & (hour <= 12), hour < 24)
    hour = np.where(has, hour % 12 + 12 * late, hour)
    months = ((np.where(right, year, 1970) - 1970) * 12 + np.where(right, month, 1) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(right, day - 1, 0).astype("timedelta64[D]")
    right &= days.astype("datetime64[M]") == months
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(group["f"], ""), 6, "0"), 0, 6)
    seconds = days.astype(np.int64) * 86_400 + hour * 3600 + minute * 60 + second - _offset(group["zone"])
    return seconds * 1_000_000 + _number(fraction), right


def _offset(zone: pa.Array) -> NDArray[np.int64]:
    """Return the seconds that ZONE is ahead of UTC."""
    parts = pc.extract_regex(pc.fill_null(zone, ""), r"^(?P<sign>[+-])(?P<h>\d{2}):?(?P<m>\d{2})?$")
    back = np.asarray(pc.fill_null(pc.equal(parts.field("sign"), "-"), False))
    return np.where(back, -1, 1) * (_number(parts.field("h")) * 3600 + _number(parts.field("m")) * 60)


def _number(texts: pa.Array) -> NDArray[np.int64]:
    plain: Any = pc.if_else(pc.fill_null(pc.equal(texts, ""), True), "0", texts)
    return np.array(plain.cast(pa.int64()), np.int64)
