"""Which groups may be named at all, when the list of groups is not public.

Guarantee: groups with noisy counts of units at or above `threshold` are named: the Gaussian noise that is paid for,
plus delta for groups that only one unit is in. Or, without noise, `select`: (epsilon, delta)-differentially private
and, for units in one group each, naming the most groups that any such rule can.
Assumes: only groups that hold at least one unit are asked; intervals do not account for a group being named only
because its count was high, so they cover too little just above the threshold.

Sources: Wilson et al. 2020, section 3.5 (thresholds); Desfontaines, Voss, Gipson and Mandayam 2022 (optimal selection).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.rng import secure_words
from consentinel.core.stats import tail
from consentinel.protect.estimates import Estimates, Facts, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import quantile
from consentinel.protect.mechanisms._counting import counted
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["answer", "chances", "forecast", "named", "needs", "select", "shares", "threshold"]

WORD = 2**64
MOST = 1_000_000  # counts after which a rule must be sure


def needs(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return the number of units of every group."""
    m.as_spent(budget)
    return (m.units(bounds),)


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return that there is one statistic, which takes the whole budget."""
    return {"units": Fraction(1)}


def threshold(sigma: Fraction, bounds: Bounds, delta: Fraction) -> int:
    """Return the least noisy count of units at which a group may be named, for discrete Gaussian noise of SIGMA.

    A unit alone in `bounds.groups` groups makes any of them named with probability at most DELTA: the chance that
    noise exceeds t - 1 is bounded by exp(-(t - 1)^2 / (2 sigma^2)) for each group. Raises UsageError.
    """
    _delta(delta)
    if not isinstance(sigma, Fraction) or sigma <= 0:
        raise UsageError(f"sigma is an exact positive fraction (read it from the ticket), got {sigma!r:.60}")
    each = delta / bounds.groups
    bits = math.log(each.denominator) - math.log(each.numerator)
    return 1 + math.ceil(float(sigma) * math.sqrt(2 * bits) * (1 + 1e-12) + 1e-9)


def named(noisy: NDArray[Any], least: int) -> NDArray[np.bool_]:
    """Return which groups may be named: those whose NOISY count of units is at least LEAST (see `threshold`)."""
    return np.asarray(noisy) >= least


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    law: Law = "gaussian",
) -> Estimates:
    """Return the counts of units with their intervals; the caller keeps those that are `named`."""
    tail(level)
    value, sd = m.read(m.units(bounds), noisy, scales)
    return Estimates(value, *counted(value, sd, level, law=law))


def select(units: NDArray[np.int64], epsilon: Fraction, delta: Fraction, bounds: Bounds) -> NDArray[np.bool_]:
    """Return which groups to name from the exact numbers of their UNITS, shape (groups,); all must be at least 1.

    Fresh secure randomness decides. EPSILON and DELTA cover all groups that a unit is in: each gets an equal part.
    """
    exact = np.asarray(units)
    if exact.ndim != 1 or exact.dtype.kind not in "iu" or (exact.size and exact.min() < 1):
        raise BadInput(
            "units are whole numbers of at least 1, shape (groups,)", todo="ask about groups that exist only"
        )
    table = np.array([min(chance, WORD - 1) for chance in chances(epsilon, delta, bounds.groups)], dtype=np.uint64)
    sure = np.array([chance == WORD for chance in chances(epsilon, delta, bounds.groups)])
    at = np.minimum(exact.astype(np.int64), len(table) - 1)
    return sure[at] | (secure_words(exact.size) < table[at])


@lru_cache(maxsize=64)
def chances(epsilon: Fraction, delta: Fraction, groups: int = 1) -> tuple[int, ...]:
    """Return the chance, in 2^-64, that a group with 0, 1, 2, ... units is named; the last one holds from there on.

    It is the largest sequence from 0 with p <= e q + d and 1 - q <= e (1 - p) + d for neighbours q <= p, e a rational
    at most exp(epsilon / groups) and d = delta / groups, rounded down in whole numbers: both hold for what is drawn.
    Raises UsageError for parameters so small that a group would need a million units.
    """
    _delta(delta)
    m.as_spent(epsilon)
    part = epsilon / groups
    if part > 50:
        raise UsageError(f"an epsilon of at most 50 per group is meant here, got {float(part):g}")
    factor = sum((part**k / math.factorial(k) for k in range(30)), Fraction(0))  # below exp, by its first terms
    top, bottom = int(factor * 2**64), 2**64  # rounded down
    start = int(delta / groups * WORD)
    if start < 1:
        raise UsageError("delta is below 2^-64 for a group; no group could ever be named")
    found = [0]
    while found[-1] < WORD:
        before = found[-1]
        rest = max(0, WORD - before - start)
        chance = min(before * top // bottom + start, WORD - -(-rest * bottom // top), WORD)
        if chance <= before or len(found) > MOST:
            raise UsageError("epsilon and delta are so small that a group would need over a million units to be named")
        found.append(chance)
    return tuple(found)


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of a named group's number of units."""
    return float(quantile(0.975)) * math.sqrt(facts.units * facts.share + scales["units"] ** 2)


def _delta(delta: Fraction) -> None:
    if not isinstance(delta, Fraction) or not 0 < delta < 1:
        raise UsageError(f"delta is an exact fraction in (0, 1), got {delta!r:.60}")
