"""How likely chance alone is to make a field follow a property.

The bounds are exact: they rest on the design alone, by which levels are drawn evenly and independently.
"""

from __future__ import annotations

from functools import cache
from math import comb, factorial, prod

import numpy as np
import numpy.typing as npt


def _compositions(total: int, parts: int) -> list[tuple[int, ...]]:
    if parts == 1:
        return [(total,)]
    return [(head, *tail) for head in range(1, total - parts + 2) for tail in _compositions(total - head, parts - 1)]


@cache
def follows(levels: int, sizes: tuple[int, ...]) -> float:
    """Return a bound on the probability that the value is a function of the level.

    SIZES are the numbers of visits with each value, fixed; each visit has one of LEVELS levels at random. The value is
    a function of the level if every level goes with one value only, so the probability is at most the sum, over all
    ways to give each value a set of levels of its own, that every visit has a level of its value's set (Boole).
    """
    if len(sizes) > levels:
        return 0.0
    ways = 0.0
    for shares in _compositions(levels, len(sizes)):
        choices = factorial(levels) / prod(factorial(share) for share in shares)
        ways += choices * prod((share / levels) ** size for share, size in zip(shares, sizes, strict=True))
    return min(1.0, ways)


@cache
def nearly_follows(levels: int, sizes: tuple[int, ...], exceptions: int) -> float:
    """Return a bound as `follows`, where up to EXCEPTIONS visits may have any value."""
    if not exceptions:
        return follows(levels, sizes)
    total, left = sum(sizes), sizes
    for _ in range(exceptions):
        fewer = [tuple(sorted((*left[:at], size - 1, *left[at + 1 :]))) for at, size in enumerate(left)]
        left = max(
            (tuple(size for size in option if size) for option in fewer), key=lambda option: follows(levels, option)
        )
    return min(1.0, comb(total, exceptions) * len(sizes) ** exceptions * follows(levels, left))


def reveals(levels: int, sizes: tuple[int, ...]) -> float:
    """Return the probability that visits with the same value have the same level too; SIZES visits share each value."""
    return float(levels) ** -sum(size - 1 for size in sizes)


def discoveries(p: npt.NDArray[np.float64], rate: float) -> npt.NDArray[np.bool_]:
    """Return which tests are discoveries at false-discovery RATE (Benjamini and Hochberg, JRSS B 57, 1995)."""
    if not len(p):
        return np.zeros(0, bool)
    order = np.argsort(p, kind="stable")
    passing = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / len(p))
    return p <= p[order[passing[-1]]] if len(passing) else np.zeros(len(p), bool)
