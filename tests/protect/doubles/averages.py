"""Noisy averages of vectors: one with a fixed divisor, two whose divisor counts the rows (C5)."""

from collections.abc import Callable

import numpy as np

from consentinel.core.rng import generator
from consentinel.protect.auditing.normaliser import Average

WIDTH, RATE = 1000, 0.25


def _average(seed: int, divisor: Callable[[int], float]) -> Average:
    rng = generator(seed, "doubles.averages")

    def release(rows: np.ndarray, n: int) -> np.ndarray:
        long = np.maximum(1.0, np.sqrt((rows**2).sum(axis=1)))[:, None]
        return ((rows / long).sum(axis=0) + rng.normal(0.0, 1.0, (n, WIDTH))) / divisor(len(rows))

    return Average(release, sizes=tuple(range(12, 20)), width=WIDTH)


def fixed_divisor(seed: int) -> Average:
    """Return sums divided by a public constant."""
    return _average(seed, lambda rows: 4.0)


def floored_batch_size(seed: int) -> Average:
    """Return sums divided by floor(rate * rows), the expected batch size of Opacus #571."""
    return _average(seed, lambda rows: float(int(rows * RATE)))


def counted_rows(seed: int) -> Average:
    """Return sums divided by the number of rows that are there."""
    return _average(seed, float)
