"""What is computed exactly before noise is added: statistics, what one unit may change in them, and the lattice.

Neighbouring tables differ by all rows of one privacy unit (add or remove). A statistic is a vector of whole numbers,
one per group (or one per group and bin), and a release is a statistic plus noise; the rest is post-processing.

The bounded table that a statistic's SQL reads, per kept pair of unit and group:
- width 1: one row per pair; `n` its kept rows (1 to bounds.rows), `x` the sum of their clipped values in lattice
  steps. So count(*) counts units, sum(n) rows, and sum(x * x) is what the variance between units needs.
- width > 1: one row per kept row; `x` its clipped value, `n` = 1. `sql` is the number of its bin, 0 to width - 1.
With bounds.rows = 1 the two are the same table. A value v is clipped to [low, high] and becomes round(v / step) with
step = `lattice(bounds)`; `clipped_steps` gives the two ends of x for one row.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from consentinel.core.errors import UsageError

__all__ = ["Bounds", "Statistic", "clipped_steps", "l1", "l2_squared", "lattice"]

LARGEST = 2**31  # of groups, rows and width, so that exact sums stay far inside 64 bits
FARTHEST = 10**4  # widths of the range that it may lie away from 0
FINE = 10**6  # lattice steps between low and high, at least


@dataclass(frozen=True)
class Bounds:
    """What one unit may contribute; the planner enforces it, nothing assumes it.

    Arguments: groups, the most groups that a unit is kept in (L0); rows, the most rows of a unit kept in a group;
    low and high, the range that a value is clipped to, in the unit of the data (None for counts); least and most, the
    range that unclipped values plausibly have (default: low and high), which bounds the bias of clipping.
    Raises UsageError.
    """

    groups: int
    rows: int
    low: Fraction | None
    high: Fraction | None
    least: Fraction | None = None
    most: Fraction | None = None

    def __post_init__(self) -> None:
        for what in ("groups", "rows"):
            _whole(getattr(self, what), what)
        for what in ("low", "high", "least", "most"):
            value = getattr(self, what)
            if value is not None and (not isinstance(value, Fraction) or abs(value) > 10**15):
                raise UsageError(f"{what} is an exact fraction with |{what}| <= 1e15, got {value!r:.60}")
        if (self.low is None) != (self.high is None):
            raise UsageError("low and high are given together, or neither")
        if self.low is None or self.high is None:
            if self.least is not None or self.most is not None:
                raise UsageError("a plausible range (least, most) needs the clipping range (low, high)")
            return
        if not self.low < self.high:
            raise UsageError(f"low < high is needed, got {self.low} and {self.high}")
        if (self.least is not None and self.least > self.low) or (self.most is not None and self.most < self.high):
            raise UsageError("the plausible range [least, most] contains the clipping range [low, high]")


@dataclass(frozen=True)
class Statistic:
    """One exact statistic: a whole number per group, or WIDTH of them.

    Arguments: name ("units", "rows", "sum", "sum_squares", "bins", ...); sql, a DuckDB aggregate over x and n of the
    bounded table ("sum(x)", "count(*)"), or for width > 1 the expression of the bin; per_row, the most that one row
    changes it, in lattice steps: a unit changes one group by at most bounds.rows * per_row; step, one lattice step of
    the statistic in the unit of the data (1 for counts, the square of a value's step for squares).
    Raises UsageError.
    """

    name: str
    sql: str
    per_row: Fraction
    step: Fraction
    width: int = 1

    def __post_init__(self) -> None:
        if not (self.name.isascii() and self.name.isidentifier()) or not self.sql.strip():
            raise UsageError(f"a statistic has a plain name and an SQL expression, got {self.name!r:.40}")
        for what in ("per_row", "step"):
            value = getattr(self, what)
            if not isinstance(value, Fraction) or value <= 0:
                raise UsageError(f"{what} of '{self.name}' is an exact positive fraction, got {value!r:.60}")
        _whole(self.width, "width")


def l1(statistic: Statistic, bounds: Bounds) -> Fraction:
    """Return the L1 sensitivity of STATISTIC over all groups, in its lattice steps (for Laplace noise)."""
    return bounds.groups * bounds.rows * statistic.per_row


def l2_squared(statistic: Statistic, bounds: Bounds) -> Fraction:
    """Return the square of the L2 sensitivity of STATISTIC over all groups, in its lattice steps (Gaussian noise).

    The square, because it is exact where the root is not.
    """
    return bounds.groups * (bounds.rows * statistic.per_row) ** 2


def lattice(bounds: Bounds) -> Fraction:
    """Return the step of the lattice that values are rounded to: a power of ten, at least 10^6 steps in the range.

    Raises UsageError where BOUNDS has no range, or one too far from 0 for 64 bits.
    """
    low, high = _range(bounds)
    wide = (high - low) / FINE
    if max(abs(low), abs(high)) > (high - low) * FARTHEST:
        raise UsageError(f"the range from {low} to {high} is too narrow for how far it is from 0: shift the values")
    power = math.floor(math.log10(wide.numerator) - math.log10(wide.denominator) + 1e-9)
    step = Fraction(10) ** power
    return step if step <= wide else step / 10


def clipped_steps(bounds: Bounds) -> tuple[int, int]:
    """Return the least and the greatest lattice value of one clipped row: the lattice points inside [low, high]."""
    low, high = _range(bounds)
    step = lattice(bounds)
    return math.ceil(low / step), math.floor(high / step)


def _range(bounds: Bounds) -> tuple[Fraction, Fraction]:
    if bounds.low is None or bounds.high is None:
        raise UsageError("this aggregate needs the range that values are clipped to: give low and high")
    return bounds.low, bounds.high


def _whole(number: object, what: str) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LARGEST:
        raise UsageError(f"{what} is a whole number in [1, 2^31], got {number!r:.40}")
