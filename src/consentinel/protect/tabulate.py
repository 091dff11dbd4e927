"""Exact statistics of a bounded table over a public list of groups, ready for noise."""

from collections.abc import Sequence

import duckdb
import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.statistic import Statistic

__all__ = ["tabulate"]

Key = int | str | bool


def tabulate(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    statistics: Sequence[Statistic],
    by: Sequence[str],
    groups: Sequence[tuple[Key, ...]],
) -> dict[str, NDArray[np.int64]]:
    """Return each of STATISTICS by name: shape (groups,), or (groups, width), in the order of GROUPS.

    QUERY is the bounded table (columns x and n, see statistic.py) with the columns BY. GROUPS is public: rows of other
    groups are left out, a group without rows counts zero, so that which groups there are says nothing.
    Raises UsageError for groups that repeat or do not fit BY.
    """
    place = {group: at for at, group in enumerate(groups)}
    if not groups or len(place) != len(groups) or any(len(group) != len(by) for group in groups):
        raise UsageError(f"name every group once, each with a value of {', '.join(by) or 'nothing'}")
    keys = ", ".join(f'"{column}"' for column in by)
    found = {}
    for one in statistics:
        values = np.zeros((len(groups), one.width), dtype=np.int64)
        cell, amount = (one.sql, "count(*)") if one.width > 1 else ("0", one.sql)
        selected = ", ".join(filter(None, (keys, f"{cell} AS cell", f"{amount} AS amount")))
        for row in connection.execute(f"SELECT {selected} FROM ({query}) GROUP BY ALL").fetchall():
            at = place.get(row[: len(by)])
            if at is not None:
                values[at, row[-2]] = row[-1]
        found[one.name] = values if one.width > 1 else values[:, 0]
    return found
