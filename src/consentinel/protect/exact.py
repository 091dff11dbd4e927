"""The exact statistics of a question: one whole number per group (or per group and bin), from bounded rows only.

Everything that is released later is these numbers plus noise. Sums are whole numbers of any size until the end, so
neither the order of rows nor rounding matters; a total beyond 2^62 stops there, which can only lower what one person
changes, and leaves room for noise in 64 bits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.rng import secure_bytes
from consentinel.protect.asked import Asked
from consentinel.protect.bounding import Bound, bound, check_fits, check_room
from consentinel.protect.declared import Declared
from consentinel.protect.sources import digests, opened
from consentinel.protect.statistic import Statistic, l1, l2_squared

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Exact", "check_columns", "check_statistics", "check_unchanged", "statistics"]

MOST_NUMBERS = 200_000_000  # groups times bins of one statistic
_END = 2**62 - 1


@dataclass(frozen=True)
class Exact:
    """What was computed exactly; private until noise is added.

    Arguments: keys, one row per group with the columns of the GROUP BY (no columns: one group), public only where
    the keys are; arrays, per aggregate its statistics by name, shape (groups,), or (groups, width) for bins; units, how
    many units were kept in each group, at least 1, where the groups are to be selected (None: they are public);
    sensitivities, per aggregate and name the exact (L1, square of L2) that one person changes, in lattice steps.
    """

    keys: "pa.Table"
    arrays: tuple[Mapping[str, NDArray[np.int64]], ...]
    sensitivities: tuple[Mapping[str, tuple[Fraction, Fraction]], ...]
    units: NDArray[np.int64] | None
    n_groups: int


def check_unchanged(
    asked: Asked, declared: Declared, planned: Mapping[str, str], tables: Mapping[str, "pa.Table"] | None = None
) -> None:
    """Raise BadInput when a table is not the one that was PLANNED for (its digests); to be asked before spending."""
    for name, digest in digests(asked, declared, tables).items():
        if planned.get(name) != digest:
            raise BadInput(f"table '{name}' is not the one that was planned for", todo="Plan again; nothing was spent")


def check_columns(asked: Asked, declared: Declared, tables: Mapping[str, "pa.Table"] | None = None) -> None:
    """Raise BadInput or UsageError when the tables are not as declared or ASKED does not fit their types.

    Reads no row and costs nothing; to be asked when planning, and again before spending.
    """
    with opened(asked, declared, tables=tables, threads=1) as source:
        check_fits(source.connection, asked)


def check_statistics(asked: Asked, needs: Sequence[Sequence[Statistic]]) -> None:
    """Raise UsageError unless NEEDS fits ASKED and what one unit contributes fits 64 bits; call it when planning."""
    if len(needs) != len(asked.aggregates):
        raise UsageError(f"{len(asked.aggregates)} aggregates are asked, statistics are given for {len(needs)}")
    for aggregate, wanted in zip(asked.aggregates, needs, strict=True):
        check_room(aggregate)
        if len({s.name for s in wanted}) != len(wanted):
            raise UsageError(f"{aggregate.name}: a statistic is named twice")
        for s in wanted:
            if l1(s, aggregate.bounds) >= 2**63:
                raise UsageError(
                    f"{aggregate.name}: what one unit contributes to '{s.name}' does not fit 64 bits; lower groups, "
                    "rows or the range"
                )
            if s.width > 1 and max(asked.width, 1) * s.width > MOST_NUMBERS:
                raise UsageError(f"{aggregate.name}: {asked.width:,} groups of {s.width:,} bins are too many at once")


def statistics(
    asked: Asked,
    declared: Declared,
    needs: Sequence[Sequence[Statistic]],
    *,
    planned: Mapping[str, str] | None = None,
    tables: Mapping[str, "pa.Table"] | None = None,
    threads: int | None = None,
    memory: str | None = None,
    secret: bytes | None = None,
) -> Exact:
    """Return the exact statistics of ASKED, computed from rows that are bounded per person.

    Arguments: needs, per aggregate the statistics that its mechanism needs; planned, the digests of the tables that
    the plan was made for (None: they are not compared here); tables, those handed over as Arrow tables; threads and
    memory of the engine; secret, the key of bounding (None: a fresh one, as it should be; tests give one).
    Raises BadInput for tables that cannot be read, were changed, or do not have the declared columns; UsageError.
    """
    check_statistics(asked, needs)
    if planned is not None:
        check_unchanged(asked, declared, planned, tables)
    with opened(asked, declared, tables=tables, threads=threads, memory=memory) as source:
        wide = any(s.width > 1 for wanted in needs for s in wanted) and asked.rows > 1
        found = bound(source.connection, asked, secret=secret or secure_bytes(32), needs_rows=wide)
        keys = _keys(found, asked)
        arrays = tuple(_arrays(found, at, wanted, asked) for at, wanted in enumerate(needs))
        units = _units(found) if asked.selects else None
        source.unchanged()
    sensitivities = tuple(
        {s.name: (l1(s, a.bounds), l2_squared(s, a.bounds)) for s in wanted}
        for a, wanted in zip(asked.aggregates, needs, strict=True)
    )
    if units is None:
        return Exact(keys, arrays, sensitivities, None, found.n_groups)
    kept = np.flatnonzero(units)  # a group in which nobody was kept does not exist
    arrays = tuple({name: array[kept] for name, array in one.items()} for one in arrays)
    return Exact(keys.take(kept), arrays, sensitivities, units[kept], len(kept))


def _keys(found: Bound, asked: Asked) -> "pa.Table":
    import pyarrow as pa

    if asked.selects:
        columns = ", ".join(f"k{at}" for at in range(len(asked.keys)))
        table = found.connection.sql(f"SELECT {columns} FROM groups ORDER BY g").to_arrow_table()
        return table.rename_columns([key.name for key in asked.keys])
    if not asked.keys:
        return pa.table({})
    columns, every, repeat = {}, np.arange(asked.width), asked.width
    for key in asked.keys:  # the last key changes fastest
        values = key.values or ()
        repeat //= len(values)
        columns[key.name] = pa.array(values).take(pa.array(every // repeat % len(values)))
    return pa.table(columns)


def _units(found: Bound) -> NDArray[np.int64]:
    got = found.connection.execute(f"SELECT g, count(*) AS c FROM {found.pairs} GROUP BY g").fetchnumpy()
    whole = np.zeros(found.n_groups, dtype=np.int64)
    whole[got["g"]] = got["c"]
    return whole


def _arrays(found: Bound, at: int, wanted: Sequence[Statistic], asked: Asked) -> dict[str, NDArray[np.int64]]:
    """Return the statistics of the aggregate AT, zero for groups without rows."""
    slot, units = found.slots[at], asked.aggregates[at].param("of") == "units"
    one = [s for s in wanted if s.width == 1]
    arrays = dict(_single(found, _pairs(found, slot, units=units), one)) if one else {}
    for s in wanted:
        if s.width > 1:
            same = asked.rows == 1 or units
            arrays[s.name] = _bins(found, _pairs(found, slot, units=units) if same else _rows(found, slot), s)
    return arrays


def _single(found: Bound, table: str, wanted: Sequence[Statistic]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    columns = ", ".join(
        f"CAST(greatest(least(coalesce({s.sql}, 0), {_END}), -{_END}) AS BIGINT) AS s{at}"
        for at, s in enumerate(wanted)
    )
    query = f"SELECT g, {columns} FROM ({table}) GROUP BY g"
    got = found.connection.execute(query).fetchnumpy()
    for at, s in enumerate(wanted):
        whole = np.zeros(found.n_groups, dtype=np.int64)
        whole[got["g"]] = got[f"s{at}"]
        yield s.name, whole


def _bins(found: Bound, table: str, wanted: Statistic) -> NDArray[np.int64]:
    if found.n_groups * wanted.width > MOST_NUMBERS:
        raise UsageError(f"'{wanted.name}': {wanted.width:,} bins are too many for the groups; use wider ones")
    inside = f"greatest(least(CAST({wanted.sql} AS BIGINT), {wanted.width - 1}), 0)"
    query = f"SELECT g, {inside} AS b, count(*) AS c FROM ({table}) GROUP BY g, b"
    got = found.connection.execute(query).fetchnumpy()
    whole = np.zeros((found.n_groups, wanted.width), dtype=np.int64)
    whole[got["g"], got["b"]] = got["c"]
    return whole


def _pairs(found: Bound, slot: int | None, *, units: bool) -> str:
    """Return the SQL of g, x and n per kept pair of unit and group; where UNITS are counted, each is one."""
    if slot is None:
        return f"SELECT g, n AS x, {'1 AS n' if units else 'n'} FROM {found.pairs}"
    x = f"x{slot}" if found.sums[slot] else f"n{slot}"
    return f"SELECT g, {x} AS x, {'1' if units else f'n{slot}'} AS n FROM {found.pairs} WHERE n{slot} > 0"


def _rows(found: Bound, slot: int | None) -> str:
    """Return the SQL of g, x and n = 1 per kept row."""
    if slot is None:
        return f"SELECT g, 1 AS x, 1 AS n FROM {found.rows}"
    return f"SELECT g, v{slot} AS x, 1 AS n FROM {found.rows} WHERE v{slot} IS NOT NULL"
