"""What a randomised difference could show: power by way of writing, and the smallest p-value that can be reached."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.detect._difference_evalue import log_e_paired, log_promise

__all__ = ["Power", "power"]

# How many levels every value that arrives stands for: a property plain or hashed, and put into buckets.
WAYS = {"plain, encoded or hashed": 0, "one value for two levels": 1, "half of the levels in each of two buckets": 2}
DRAWS = 400


@dataclass(frozen=True, slots=True)
class Power:
    """The chance that a dependence is shown, for one way of writing it and one number of visits that have it."""

    way: str
    n_visits: int
    power: float
    p_smallest: float  # adjusted for everything else that was tested at the site


def power(spread: float, error: float, pool: int, n_visits: list[int]) -> list[Power]:
    """Return the power in so many visits at a site where ERROR makes a log promise x need a log e of x / 2 + SPREAD.

    Properties are drawn from POOL levels; simulated with a fixed seed, so equal arguments give equal numbers.
    """
    found = []
    for n in sorted(set(n_visits)):
        levels = generator(0, "detect.difference.power", f"{pool} {n}").integers(0, pool, (DRAWS, n))
        for way, kind in WAYS.items():
            written = levels if kind == 0 else np.maximum(levels - 1, 0) if kind == 1 else levels * 2 // pool
            patterns = np.array([_in_order(row) for row in written])
            e, promise = log_e_paired(patterns, levels, pool), log_promise(patterns, pool)
            # Of the two promises of a pattern, the one that asks for less and can be kept decides.
            with np.errstate(invalid="ignore"):  # -inf promises nothing, +inf allows nothing: both are left out
                asked = np.where(promise / 2 >= spread, promise / 2 + spread, np.inf).min(axis=1)
            reached = e - asked  # 0 is just enough
            smallest = min(1.0, error * math.exp(-float(reached.max())))
            found.append(Power(way, n, float((reached >= 0).mean()), smallest))
    return found


def _in_order(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the values of ROW in order of first appearance."""
    _, first, at = np.unique(row, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[at], np.int64)
