"""Attribution under central differential privacy: noisy credit per ad, with intervals of noise and sampling.

Guarantee: rho-zCDP per person (add or remove), of the rho that the noise scales are priced at. A person's credit over
all ads together is at most `cap` conversions (of `high` each), so it moves the vector of all ads by at most that in
L1, and therefore in L2; the squares of a person's credit, rounded down, by at most the square of that. So the whole
vector has the sensitivity that one group would have: bounds with groups = 1 and rows = cap price exactly this.
Assumes: the list of ads is public; people are independent; caps and windows are declared before the data are read.

The answers are about the capped conversions: what the cap leaves out is not in the interval.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.attribution.credit import HALF_LIFE, MICRO
from consentinel.protect.attribution.matching import attribute
from consentinel.protect.attribution.rules import Rule
from consentinel.protect.averaging import half_width, likely, quantile
from consentinel.protect.estimates import Estimates, Facts
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

__all__ = ["ad_groups", "answer", "bounded_sql", "credit_bounds", "forecast", "needs", "shares"]

COARSE = 4096  # lattice steps of a squared credit: squares only set the width


def credit_bounds(cap: int, high: Fraction | None = None) -> Bounds:
    """Return the bounds of CAP conversions of a person, each worth at most HIGH (None: conversions are counted)."""
    return Bounds(groups=1, rows=cap, low=Fraction(0), high=Fraction(1) if high is None else high)


def ad_groups(ads: Sequence[int]) -> list[tuple[int]]:
    """Return the groups of the table of `bounded_sql` for the public list ADS."""
    return [(ad,) for ad in ads]


def needs(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return the credit of each ad, and the sum of squares of what each person gave it."""
    if not isinstance(budget, Fraction) or budget <= 0:
        raise UsageError(f"a budget is an exact positive fraction, got {budget!r:.60}")
    most, divisor = _most(bounds), _divisor(bounds)
    squares = Fraction((most * bounds.rows // divisor) ** 2, bounds.rows)
    return (
        Statistic("sum", "sum(x)", Fraction(most), lattice(bounds)),
        Statistic(
            "sum_squares", f"sum((x // {divisor}) * (x // {divisor}))", squares, (divisor * lattice(bounds)) ** 2
        ),
    )


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return in which proportions the budget is split."""
    _most(bounds)
    return {"sum": Fraction(1), "sum_squares": Fraction(1, 4)}


def answer(noisy: Mapping[str, NDArray[Any]], scales: Mapping[str, float], bounds: Bounds, level: float) -> Estimates:
    """Return the conversions (or the value) of each ad with intervals; shape (ads,).

    Raises UsageError for releases that are not finite.
    """
    total, squares = (np.asarray(noisy[name], dtype=np.float64) for name in ("sum", "sum_squares"))
    if not (np.isfinite(total).all() and np.isfinite(squares).all()):
        raise UsageError("the noisy statistics are finite numbers")
    step, coarse = float(lattice(bounds)), float((_divisor(bounds) * lattice(bounds)) ** 2)
    sd, most = scales["sum"] * step, float(_most(bounds)) * step * bounds.rows
    value = total * step
    possible = most * (np.maximum(value, 0.0) + 3 * sd)  # a square is at most the credit times the most of a person
    nodes = likely(squares * coarse, np.full_like(value, scales["sum_squares"] * coarse), possible)
    half = half_width(nodes + sd**2, level)
    return Estimates(value, np.minimum(np.maximum(value - half, 0.0), value), value + half)


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of an ad.

    FACTS: units, people with credit for it; mean and spread of what one of them gives it (none: the most there is).
    """
    most = float(_most(bounds) * lattice(bounds)) * bounds.rows
    mean = most if facts.mean is None else facts.mean
    spread = 0.0 if facts.spread is None else facts.spread
    sd = scales["sum"] * float(lattice(bounds))
    return float(quantile(0.975)) * math.sqrt(facts.units * (mean**2 + spread**2) + sd**2)


def bounded_sql(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    bounds: Bounds,
    *,
    of: Literal["conversions", "value"] = "conversions",
    way: str = "last",
    half_life: int = HALF_LIFE,
) -> str:
    """Attribute by RULE and return the query of the bounded table: one row per person and ad with unit, ad, n and x.

    Of each person the earliest bounds.rows conversions count; x is the person's credit for the ad, in lattice steps of
    BOUNDS: of conversions, or of their values clipped to [0, high]. n is how many conversions it is from.
    Raises UsageError for bounds that are not those of `credit_bounds`.
    """
    most = _most(bounds)
    if of == "conversions" and bounds.high != 1:
        raise UsageError("a conversion counts 1 at most; give the value with of='value'")
    table = attribute(connection, rule, way=way, half_life=half_life, cap=bounds.rows)
    step = lattice(bounds)
    value = f"least(greatest(value::HUGEINT * {step.denominator} // {step.numerator}, 0), {most})"
    whole = str(most) if of == "conversions" else value
    return (
        f"SELECT id AS unit, ad, count(DISTINCT conversion)::BIGINT AS n, "
        f"sum({whole}::HUGEINT * credit // {MICRO})::BIGINT AS x FROM {table} GROUP BY id, ad"
    )


def _most(bounds: Bounds) -> int:
    """The most that one conversion is worth, in lattice steps."""
    if bounds.groups != 1 or bounds.low != 0 or bounds.most is not None:
        raise UsageError("attribution is bounded by `credit_bounds`: groups 1, rows the cap, low 0, no plausible range")
    return clipped_steps(bounds)[1]


def _divisor(bounds: Bounds) -> int:
    return max(1, -(-_most(bounds) * bounds.rows // COARSE))
