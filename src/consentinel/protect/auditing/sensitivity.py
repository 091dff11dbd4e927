"""Finds sums that move by more than their sensitivity: overflow, rounding, NaN, infinities, the order of rows."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ConsentinelError
from consentinel.core.progress import each
from consentinel.protect.auditing._finding import Finding, Plan, settled

__all__ = ["CATCHES", "Total", "audit"]

CATCHES = ("C2",)
ROWS = (1, 2, 3, 50, 4097)  # lengths of the tables; to them come those at which a sum passes one of EDGES
EDGES, MOST = (2**24, 2**31, 2**32, 2**53, 2**63, 2**64), 200_000
Table = tuple[str, NDArray[Any], NDArray[Any]]  # what is tried, a table, its neighbour


@dataclass(frozen=True)
class Total:
    """A statistic before its noise.

    Arguments: of, the statistic of a column of raw rows, shape (n,), which clips them itself; low and high, the bounds
    that it clips to; kind of the rows: int64 or float64; sensitivity that is claimed for neighbours, which either have
    one row more or less ("add-remove") or another value in one row ("replace").
    """

    of: Callable[[NDArray[Any]], Any]
    low: float
    high: float
    sensitivity: Fraction
    kind: Literal["int64", "float64"] = "int64"
    neighbours: Literal["add-remove", "replace"] = "add-remove"


def audit(total: Total, plan: Plan) -> Finding:
    """Return whether TOTAL stays within its sensitivity on adversarial pairs of tables; no chance is involved.

    Differences are exact. A table in another order is the same table, so its difference must be 0. A table that is
    refused (an error of this package, ValueError or OverflowError) is not a release. Plan.n and plan.pairs are not
    used.
    Source: Casacuberta, Shoemate, Vadhan and Wagaman 2022.
    """
    tried, refused, worst, where = 0, 0, Fraction(0), ""
    for what, one, two in each(list(_tables(total)), "tables"):
        tried += 1
        values = []
        for table in (one, two):
            try:
                with np.errstate(all="ignore"):
                    values.append(total.of(table.copy()))
            except (ConsentinelError, ValueError, OverflowError):
                refused += 1
                break
        if len(values) < 2:
            continue
        if not all(np.isfinite(float(v)) for v in values):
            return _broken(plan, f"{what}: the statistic becomes {values[0]} and {values[1]}", tried)
        gap = abs(_exact(values[0]) - _exact(values[1]))
        if what.endswith("order") and gap:
            return _broken(plan, f"{what}: the same rows give values {float(gap):g} apart", tried)
        if gap > worst:
            worst, where = gap, what
    times = float(worst / total.sensitivity)
    if worst > total.sensitivity:
        return _broken(plan, f"{where}: the statistic moves by {times:.4g} times its sensitivity", tried)
    sound = (
        f"{tried - refused} pairs of tables move it by {times:.4g} times its sensitivity at most, {refused} are refused"
    )
    return settled(plan, broken="", sound=sound, p=1.0, n=tried, exact=True)


def _broken(plan: Plan, why: str, n: int) -> Finding:
    return settled(plan, broken=why, sound="", p=0.0, n=n, exact=True)


def _exact(value: Any) -> Fraction:
    return Fraction(int(value)) if isinstance(value, int | np.integer) else Fraction(float(value))


def _tables(total: Total) -> Iterator[Table]:
    for name, table in _columns(total):
        if total.neighbours == "add-remove":
            yield f"{name}, first row removed", table, table[1:]
            yield f"{name}, last row removed", table, table[:-1]
        else:
            for end in (total.low, total.high):
                yield f"{name}, first row replaced", table, _with_first(table, end)
        yield f"{name}, reversed order", table, table[::-1]
        if len(table) > 2:
            yield f"{name}, sorted order", table, np.sort(table)


def _lengths(total: Total) -> list[int]:
    """Return lengths of tables, also those at which rows at an end of the bounds pass an edge of a number type."""
    ends = [abs(Fraction(end)) for end in (total.low, total.high) if end]
    return sorted({*ROWS, *(math.ceil(edge / end) for edge in EDGES for end in ends if 1 < edge / end < MOST)})


def _columns(total: Total) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield columns that sit where arithmetic breaks."""
    ends = [total.low, total.high]
    if total.kind == "int64":
        least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
        near = (
            [int(e) for e in ends]
            + [int(total.high) - 1]
            + [least, most, 0, 1, -1, 2**53, 2**53 + 1, -(2**53) - 1, 2**31, 2**32 - 1]
        )
        for value, length in product(near, _lengths(total)):
            yield f"{length:,} rows of {value}", np.full(length, value, np.int64)
        yield "the ends in turn", np.tile(np.array([int(e) for e in ends], np.int64), 50)
        yield "2^53 and ones", np.array([2**53, *[1] * 99], np.int64)
        return
    span = total.high - total.low
    fine = np.nextafter(total.high, total.low)
    near = [*ends, fine, total.low + span / 3, np.nan, np.inf, -np.inf, -0.0, 5e-324, -5e-324, 1e308, -1e308, 2.0**53]
    for value, length in product(near, _lengths(total)):
        yield f"{length:,} rows of {value:g}", np.full(length, value)
    for odd in (np.nan, np.inf, -np.inf, -0.0, 5e-324):
        yield f"{odd:g} before ordinary rows", np.array([odd, *[total.low + span / 3] * 99])
    yield "large and small in turn", np.tile(np.array([total.high, total.low + span / 3, fine, 1e-12]), 25)
    yield "tenths", np.linspace(total.low, total.high, 101)
    yield "one large, many halves of its last bit", np.array([total.high, *[float(np.spacing(total.high)) / 2] * 4096])


def _with_first(table: NDArray[Any], value: float) -> NDArray[Any]:
    other = table.copy()
    other[0] = value
    return other
