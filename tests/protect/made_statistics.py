"""Small tables of rows (unit, group, value) and the statistics that mechanisms need of them, computed by DuckDB."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.ledger import Ticket
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.splitting import params
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

__all__ = ["QUESTION", "Row", "exact", "off", "paid", "silent"]

Row = tuple[int, int, float]
QUESTION = "a" * 64


def exact(
    rows: Sequence[Row], statistics: Sequence[Statistic], bounds: Bounds, groups: int
) -> dict[str, NDArray[np.int64]]:
    """Return the exact STATISTICS of ROWS (within the bounds on groups and rows already), groups 0, 1, ... ."""
    values = np.zeros(len(rows), dtype=np.int64)
    if bounds.low is not None:
        low, high = clipped_steps(bounds)
        step = float(lattice(bounds))
        values = np.clip(np.round(np.array([row[2] for row in rows], dtype=float) / step), low, high).astype(np.int64)
    given = pa.table(
        {
            "u": pa.array([row[0] for row in rows], pa.int64()),
            "g": pa.array([row[1] for row in rows], pa.int64()),
            "x": pa.array(values, pa.int64()),
        }
    )
    with duckdb.connect() as connection:
        connection.register("given", given)
        connection.execute("CREATE TABLE wide AS SELECT g, x, 1 AS n FROM given")
        connection.execute(
            "CREATE TABLE pairs AS SELECT g, sum(x)::BIGINT AS x, count(*) AS n FROM given GROUP BY g, u"
        )
        found = {}
        for one in statistics:
            whole = np.zeros((groups, one.width), dtype=np.int64)
            if one.width > 1:
                query = f"SELECT g, {one.sql} AS bin, count(*) FROM wide GROUP BY ALL"
            else:
                query = f"SELECT g, 0 AS bin, {one.sql} FROM pairs GROUP BY g"
            for g, at, amount in connection.execute(query).fetchall():
                whole[g, at] = amount
            found[one.name] = whole if one.width > 1 else whole[:, 0]
    return found


def off(statistics: Sequence[Statistic]) -> dict[str, float]:
    """Return the scales of no noise."""
    return {one.name: 0.0 for one in statistics}


def silent(kind: str, scale: Fraction, n: int) -> NDArray[np.int64]:
    """Stand in for `draw_with` and return no noise."""
    return np.zeros(n, dtype=np.int64)


def paid(
    mechanism: str,
    bounds: Bounds,
    budget: Fraction,
    *,
    law: str = "gaussian",
    options: Mapping[str, Any] | None = None,
    extra: Mapping[str, Fraction] | None = None,
) -> Ticket:
    """Return a ticket of QUESTION for MECHANISM, as a ledger would hand it out."""
    part = MECHANISMS.take(mechanism)
    statistics = part.needs(bounds, budget, **(options or {}))
    charged = params(statistics, bounds, budget, part.shares(bounds), law=law) | dict(extra or {})
    return Ticket("book", "entry-1", mechanism, tuple(charged.items()), QUESTION, 10**17)
