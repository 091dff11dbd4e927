"""Whom rows are about: units, and the attributes that they are grouped by, as text."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.subject import MISSING
from consentinel.core.columns import one
from consentinel.core.errors import UsageError

__all__ = ["as_text", "attributes", "joined", "texts"]

MOST = 12  # values of a number that stay apart; more are cut into quarters
WIDE = 50  # values of a text beyond which it names people rather than groups them


def texts(column: Any) -> pa.Array:
    """Return a column of ids as text; whole numbers in floating point lose their point."""
    plain = one(column)
    if pa.types.is_dictionary(plain.type):
        plain = plain.cast(plain.type.value_type)
    if pa.types.is_floating(plain.type) and pc.all(pc.equal(pc.round(plain), plain)).as_py() is not False:
        plain = plain.cast(pa.int64())
    return plain.cast(pa.string())


def as_text(column: Any, name: str, notes: list[str]) -> pa.Array:
    """Return the attribute NAME as text, MISSING where it is null or empty; numbers of many values in quarters."""
    plain = one(column)
    if pa.types.is_dictionary(plain.type):
        plain = plain.cast(plain.type.value_type)
    if pa.types.is_list(plain.type) or pa.types.is_large_list(plain.type):
        notes.append(f"{name}: lists; each is grouped by its first entry")
        plain = pc.list_element(pc.if_else(pc.greater(pc.list_value_length(plain), 0), plain, None), 0)
    number = pa.types.is_integer(plain.type) or pa.types.is_floating(plain.type)
    if number and len(plain.unique()) > MOST:
        found = np.asarray(plain.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        known = found[np.isfinite(found)]
        ends = np.unique(np.quantile(known, [0, 0.25, 0.5, 0.75, 1], method="inverted_cdf"))
        at = np.clip(np.searchsorted(ends, found, side="right") - 1, 0, len(ends) - 2)
        names = [f"{a:g} to {'below ' if i < len(ends) - 2 else ''}{b:g}" for i, (a, b) in enumerate(pairwise(ends))]
        notes.append(f"{name}: {len(plain.unique()):,} different numbers, cut into quarters of about equal size")
        plain = pa.array(np.asarray(names, dtype=object)[at], mask=~np.isfinite(found))
    said = texts(plain)
    return pc.fill_null(pc.if_else(pc.equal(pc.utf8_trim_whitespace(said), ""), None, said), MISSING)


def joined(
    units: pa.Array, table: pa.Table, key: str, wanted: list[str], what: str, notes: list[str]
) -> dict[str, pa.Array]:
    """Return the attributes of UNITS from TABLE by its column KEY; WANTED names them (none: all that group).

    Repeated keys, units that the table does not know, and attributes that would name people are told in NOTES.
    Raises UsageError.
    """
    keys = texts(table[key])
    repeated = len(keys) - len(keys.unique())
    if repeated:
        notes.append(f"{what}: {repeated:,} rows repeat a {key}; the first of each counts")
    place = pc.index_in(units, keys)
    if place.null_count:
        notes.append(f"{what}: {place.null_count:,} of {len(units):,} have no row there; their attributes are missing")
    there = [name for name in table.column_names if name != key]
    lost = [name for name in wanted if name not in there]
    if lost:
        raise UsageError(f"{what}: no column '{lost[0][:60]}'; there is: {', '.join(there)[:300] or 'none'}")
    found = {}
    for name in wanted or there:
        said = as_text(table[name], name, notes)
        if not wanted and len(said.unique()) > WIDE:
            notes.append(
                f"{what}: {name} is left out, its {len(said.unique()):,} values would name people; ask for it by name"
            )
            continue
        found[name] = pc.fill_null(said.take(place), MISSING)
    return found


def attributes(rows: pa.Table, unit: Any, count: int, wanted: list[str], notes: list[str]) -> dict[str, pa.Array]:
    """Return the attributes WANTED of COUNT units from columns of ROWS, whose UNIT (n,) are places.

    The first known value of a unit counts; units with several are told. Raises UsageError.
    """
    found = {}
    for name in wanted:
        if name not in rows.column_names:
            raise UsageError(f"groups: no column '{name[:60]}'; there is: {', '.join(rows.column_names)[:300]}")
        said = np.asarray(as_text(rows[name], name, notes).to_pylist(), dtype=object)
        known = said != MISSING
        value = np.full(count, MISSING, dtype=object)
        value[unit[::-1]] = said[::-1]  # the first of a unit is written last
        value[unit[known][::-1]] = said[known][::-1]
        several = len(np.unique(unit[known & (said != value[unit])]))
        if several:
            notes.append(f"{name}: {several:,} people have several values; the first of each counts")
        found[name] = pa.array(value.tolist(), pa.string())
    return found
