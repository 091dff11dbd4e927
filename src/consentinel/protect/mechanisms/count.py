"""Number of rows, or of units, of every group.

Guarantee: one unit changes the count of a group by at most its kept rows; the interval covers the count that samples
of as many units have on average at about the nominal level.
Assumes: units are independent; their number is random (Poisson) unless `size` is given.

Sources: Wilson 1927 (the test inverted), Hall 1992 (skewness), Bun and Steinke 2016 (Gaussian noise).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.stats import tail
from consentinel.protect.estimates import Estimates, Facts, Floats, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import Remainder, ends, outreach, possible, quantile, regressed
from consentinel.protect.mechanisms._counting import counted
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["answer", "forecast", "needs", "shares"]

Of = Literal["rows", "units"]


def needs(bounds: Bounds, budget: Fraction, *, of: Of = "rows") -> tuple[Statistic, ...]:
    """Return the number of rows, and where a unit may have several, the squares that their spread is read from.

    OF "units" counts each unit once.
    """
    m.as_spent(budget)
    if of not in ("rows", "units"):
        raise UsageError(f"a count is of 'rows' or of 'units', not of '{of}'")
    if of == "units":
        return (m.units(bounds),)
    return (m.rows(bounds),) if bounds.rows == 1 else (m.rows(bounds), m.rows(bounds, 2))


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return the proportions of the budget: squares need less precision than the count itself."""
    return {"rows": Fraction(1), "units": Fraction(1), "rows_squares": Fraction(3, 10)}


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    of: Of = "rows",
    size: Floats | float | None = None,
    law: Law = "gaussian",
) -> Estimates:
    """Return the counts with their intervals.

    SIZE is the public number of units that each group was sampled with, where it is fixed; None: it is random.
    """
    tail(level)
    counts = needs(bounds, Fraction(1), of=of)
    value, sd = m.read(counts[0], noisy, scales)
    most = bounds.rows if of == "rows" else 1
    if most == 1:
        return Estimates(value, *counted(value, sd, level, size=size, law=law))
    squares, sd2 = m.read(counts[1], noisy, scales)
    nodes = possible(squares, sd2)
    n = None if size is None else np.broadcast_to(np.asarray(size, dtype=np.float64), value.shape)[:, None]

    def remainder(s: Floats) -> Remainder:
        raw = np.clip(nodes, s, most * s) - (0.0 if n is None else s * s / n)  # n^2 lies between n and most * n
        return regressed(
            value[:, None] - s,
            np.full_like(s, sd * sd),
            raw,
            0.0 if n is None else -2 * s / n,
            most * s,
            float(most),
            lambda second: second * outreach(second, s, float(most)),
        )

    reach = np.maximum(value, 0.0) + 20 * np.sqrt(most * np.maximum(value, 0.0) + sd * sd) + 100 * most
    top = reach if n is None else np.minimum(reach, most * n[:, 0])
    return Estimates(value, *ends(remainder, np.zeros_like(value), np.maximum(top, 0.0), level, law=law))


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of a group's count."""
    per_unit, sd = (bounds.rows**2, scales["rows"]) if "rows" in scales else (1, scales["units"])
    return float(quantile(0.975)) * math.sqrt(facts.units * facts.share * per_unit + sd**2)
