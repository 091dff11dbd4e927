"""Sums before noise: three exact ones, five that break at an edge (C2)."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.protect.auditing.sensitivity import Total

TOP = 2**50
STEP = 2.0**-20


def exact_whole() -> Total:
    """Return a clipped sum in whole numbers of any size."""
    return Total(lambda rows: sum(np.clip(rows, 0, TOP).tolist()), 0, TOP, Fraction(TOP))


def lattice() -> Total:
    """Return a sum of lattice steps; NaN counts as the lower bound."""

    def of(rows: NDArray[Any]) -> int:
        steps = np.rint(np.clip(np.where(np.isnan(rows), -1.0, rows), -1.0, 1.0) / STEP)
        return int(steps.astype(np.int64).sum())

    return Total(of, -1.0, 1.0, Fraction(1 / STEP), "float64")


def refusing() -> Total:
    """Return an exact sum that refuses rows that are not finite."""

    def of(rows: NDArray[Any]) -> Fraction | int:
        if not np.isfinite(rows).all():
            raise ValueError("a value is not finite")
        return int(np.rint(np.clip(rows, -1.0, 1.0) / STEP).astype(np.int64).sum())

    return Total(of, -1.0, 1.0, Fraction(1 / STEP), "float64")


def wrapping() -> Total:
    """Return an int64 sum, which wraps."""
    return Total(lambda rows: np.clip(rows, 0, TOP).sum(), 0, TOP, Fraction(TOP))


def passing_nan() -> Total:
    """Return a sum of lattice steps whose clipping lets NaN through."""
    return Total(lambda rows: np.rint(np.clip(rows, -1.0, 1.0) / STEP).sum(), -1.0, 1.0, Fraction(1 / STEP), "float64")


def depending_on_order() -> Total:
    """Return a float64 sum from the first row to the last."""

    def of(rows: NDArray[Any]) -> float:
        kept = np.clip(np.where(np.isnan(rows), -1.0, rows), -1.0, 1.0)
        return float(np.cumsum(kept)[-1]) if kept.size else 0.0

    return Total(of, -1.0, 1.0, Fraction(1), "float64")


def beyond_two_to_53() -> Total:
    """Return a float64 total of values near 2^53, whose neighbours may differ by 4."""
    low, high = 2.0**53, 2.0**53 + 4

    def of(rows: NDArray[Any]) -> float:
        return float(np.sort(np.clip(np.where(np.isnan(rows), low, rows), low, high)).cumsum()[-1])

    return Total(of, low, high, Fraction(4), "float64", "replace")


def narrow() -> Total:
    """Return a sum in 32-bit integers of values that fit them one by one."""
    return Total(lambda rows: np.clip(rows, 0, 2**20).astype(np.int32).sum(dtype=np.int32), 0, 2**20, Fraction(2**20))
