"""Power sums of a clipped value, as statistics: what sum, mean, variance and standard deviation share.

Squares and higher powers are taken on a coarser lattice of at most 1,024 steps, so that they stay far inside 64 bits;
they only set the width of intervals.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.estimates import Facts, Floats
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

__all__ = [
    "CLIPPED",
    "MOST_BINS",
    "as_spent",
    "binned",
    "centre",
    "clipping",
    "clipping_bias",
    "cross",
    "forecast_bias",
    "inside",
]
__all__ += ["least_most", "power", "read", "rows", "spread_guess", "total", "units"]

COARSE = 1024
MOST_BINS = 65_536
CLIPPED = Fraction(1, 20)  # of the budget, against 1 for the sum, for each count of clipped values


def units(bounds: Bounds) -> Statistic:
    """Return the number of units of a group."""
    return Statistic("units", "count(*)", Fraction(1, bounds.rows), Fraction(1))


def rows(bounds: Bounds, order: int = 1) -> Statistic:
    """Return the sum over units of their number of rows to the power ORDER."""
    if order == 1:
        return Statistic("rows", "sum(n)", Fraction(1), Fraction(1))
    return Statistic("rows_squares", "sum(n * n)", Fraction(bounds.rows), Fraction(1))


def centre(bounds: Bounds) -> int:
    """Return the lattice point in the middle of the range: around it, sums have the least sensitivity."""
    low, high = clipped_steps(bounds)
    return (low + high) // 2


def total(bounds: Bounds, around: int = 0) -> Statistic:
    """Return the sum of the values less AROUND (a lattice point) each."""
    low, high = clipped_steps(bounds)
    return Statistic("sum", f"sum({_less(around)})", Fraction(max(high - around, around - low)), lattice(bounds))


def power(bounds: Bounds, order: int, around: int) -> Statistic:
    """Return the sum over units of the ORDER-th power of their total less AROUND for each row."""
    low, high = clipped_steps(bounds)
    furthest = bounds.rows * max(high - around, around - low)
    divisor, most = _coarse(furthest)
    coarse = f"CAST(round(({_less(around)}) / {divisor}) AS BIGINT)"
    name = {2: "sum_squares", 3: "sum_cubes", 4: "sum_fourths"}[order]
    sql = f"sum({' * '.join([coarse] * order)})"
    return Statistic(name, sql, Fraction(most**order, bounds.rows), (divisor * lattice(bounds)) ** order)


def inside(bounds: Bounds, origin: int, *, by_row: bool) -> tuple[Statistic, float]:
    """Return the sum over units of y (w - y), y the unit's total less ORIGIN for each row, and the width.

    The width in the unit of the data reaches from ORIGIN (a lattice point, at most that of low) to high; w is the
    width times the unit's number of rows (BY_ROW) or times bounds.rows. Totals at the ends give 0; the sensitivity is
    a quarter of that of squares.
    """
    _, high = clipped_steps(bounds)
    divisor, _ = _coarse(bounds.rows * (high - origin))
    width = -(-(high - origin) // divisor)
    coarse = f"CAST(round(({_less(origin)}) / {divisor}) AS BIGINT)"
    per_unit = Fraction((bounds.rows * width) ** 2 // 4)
    step = divisor * lattice(bounds)
    widest = f"{width} * n" if by_row else f"{width * bounds.rows}"
    return Statistic("inside", f"sum({coarse} * ({widest} - {coarse}))", per_unit / bounds.rows, step**2), float(
        width * step
    )


def cross(bounds: Bounds, around: int) -> Statistic:
    """Return the sum over units of their number of rows times their total less AROUND for each row."""
    low, high = clipped_steps(bounds)
    divisor, most = _coarse(bounds.rows * max(high - around, around - low))
    sql = f"sum(CAST(round(({_less(around)}) / {divisor}) AS BIGINT) * n)"
    return Statistic("cross", sql, Fraction(most), divisor * lattice(bounds))


def binned(bounds: Bounds, name: str, bins: int) -> Statistic:
    """Return the counts of rows in BINS bins of equal width over the range."""
    if isinstance(bins, bool) or not isinstance(bins, int) or not 2 <= bins <= MOST_BINS:
        raise UsageError(f"a number of bins is a whole number in [2, {MOST_BINS}], got {bins!r:.40}")
    low, high = clipped_steps(bounds)
    sql = f"CAST(floor((x - {low}) * {bins} / {high - low + 1}) AS BIGINT)".replace("- -", "+ ")
    return Statistic(name, sql, Fraction(1), Fraction(1), bins)


def clipping(bounds: Bounds) -> tuple[Statistic, ...]:
    """Return counts of rows at the ends of the range beyond which, by the plausible range, values may lie."""
    low, high = clipped_steps(bounds)
    sides = [("above", f"x >= {high}")] if _beyond(bounds)[1] else []
    sides += [("below", f"x <= {low}")] if _beyond(bounds)[0] else []
    if bounds.rows == 1:
        return tuple(
            Statistic(name, f"count(*) FILTER (WHERE {test})", Fraction(1), Fraction(1)) for name, test in sides
        )
    return tuple(
        Statistic(name, f"CASE WHEN {test} THEN 1 ELSE 0 END", Fraction(1), Fraction(1), 2) for name, test in sides
    )


def clipping_bias(
    noisy: Mapping[str, NDArray[Any]], scales: Mapping[str, float], bounds: Bounds, z: float
) -> tuple[Floats | float, Floats | float]:
    """Return by how much clipping may have raised and lowered a sum, in the unit of the data.

    Every counted row, plus Z standard deviations of noise, may lie as far out as the plausible range says.
    """
    bias: list[Floats | float] = []
    for name, far in zip(("below", "above"), _beyond(bounds), strict=True):
        if not far:
            bias.append(0.0)
            continue
        counted = np.asarray(noisy[name], dtype=np.float64)
        counted = counted[:, 1] if counted.ndim == 2 else counted
        bias.append(np.maximum(counted + z * scales[name], 0.0) * far)
    return bias[0], bias[1]


def forecast_bias(bounds: Bounds, scales: Mapping[str, float], facts: Facts, z: float) -> float:
    """Return half of what `clipping_bias` is expected to add to an interval of a sum."""
    ends = [far for far in _beyond(bounds) if far]
    counted = facts.clipped * facts.units / max(1, len(ends))
    sd = max((scales.get("above", 0.0), scales.get("below", 0.0)))
    return sum(ends) * (counted + z * sd) / 2


def least_most(bounds: Bounds) -> tuple[float, float]:
    """Return between what the mean of unclipped values must lie."""
    least = bounds.low if bounds.least is None else bounds.least
    most = bounds.high if bounds.most is None else bounds.most
    if least is None or most is None:
        raise UsageError("this aggregate needs the range that values are clipped to: give low and high")
    return float(least), float(most)


def read(statistic: Statistic, noisy: Mapping[str, NDArray[Any]], scales: Mapping[str, float]) -> tuple[Floats, float]:
    """Return the noisy STATISTIC and the standard deviation of its noise in the unit of the data."""
    step = float(statistic.step)
    values = np.asarray(noisy[statistic.name], dtype=np.float64)
    sd = float(scales[statistic.name])
    if not (np.isfinite(values).all() and 0 <= sd < math.inf):
        raise UsageError(f"the noisy '{statistic.name}' and its scale are finite numbers, scales at least 0")
    return values * step, sd * step


def spread_guess(bounds: Bounds, facts: Facts) -> tuple[float, float]:
    """Return (mean, standard deviation) of a unit's value: as guessed, or the worst that the bounds allow."""
    if bounds.low is None or bounds.high is None:
        raise UsageError("this aggregate needs the range that values are clipped to: give low and high")
    low, high = float(bounds.low), float(bounds.high)
    mean = (low + high) / 2 if facts.mean is None else min(max(facts.mean, low), high)
    worst = math.sqrt((high - mean) * (mean - low))
    return mean, worst if facts.spread is None else min(facts.spread, worst)


def as_spent(budget: Fraction) -> None:
    """Raise UsageError unless BUDGET is an exact positive fraction."""
    if not isinstance(budget, Fraction) or budget <= 0:
        raise UsageError(f"a budget is an exact positive fraction (core.accounting.exact), got {budget!r:.60}")


def _coarse(furthest: int) -> tuple[int, int]:
    """Return how many lattice steps make a coarse one, and how many coarse ones reach FURTHEST."""
    divisor = max(1, -(-furthest // COARSE))
    return divisor, -(-furthest // divisor)


def _beyond(bounds: Bounds) -> tuple[float, float]:
    """Return how far values may lie below low and above high."""
    if bounds.low is None or bounds.high is None:
        return 0.0, 0.0
    below = 0.0 if bounds.least is None else float(bounds.low - bounds.least)
    above = 0.0 if bounds.most is None else float(bounds.most - bounds.high)
    return below, above


def _less(around: int) -> str:
    return "x" if around == 0 else f"x - {around} * n" if around > 0 else f"x + {-around} * n"
