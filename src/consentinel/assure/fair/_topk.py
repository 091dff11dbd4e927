"""The ranked group fairness test: how few of a group may stand among the first places before chance is no excuse."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["adjusted", "least", "passes"]

Ints = NDArray[np.int64]
_HALVINGS = 40


@lru_cache(maxsize=256)
def adjusted(places: int, share: float, alpha: float) -> float:
    """Return the level at which each place is tested so that a fair ranking fails anywhere with at most ALPHA.

    A fair ranking gives each place to the group with probability SHARE. 0: no level is small enough.
    Source: Zehlike et al. 2017 (FA*IR), section 4.2.
    """
    if _fails(least(places, share, alpha), share) <= alpha:
        return alpha
    low, high = 0.0, alpha
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        good = _fails(least(places, share, middle), share) <= alpha
        low, high = (middle, high) if good else (low, middle)
    return low


@lru_cache(maxsize=4096)
def _table(places: int, share: float, level: float) -> tuple[int, ...]:
    """Return for each number of places the smallest m whose chance of at most m members is above LEVEL."""
    found, row = [], np.ones(1)  # chance of each number of members so far
    for _ in range(places):
        row = np.append(row, 0.0) * (1 - share) + np.append(0.0, row) * share
        found.append(int(np.argmax(np.cumsum(row) > level * (1 + 1e-12))))
    return tuple(found)


def least(places: int, share: float, level: float) -> Ints:
    """Return how many members the first 1, 2, ... PLACES must have to pass at LEVEL; shape (places,)."""
    return np.array(_table(places, share, level), np.int64) if level > 0 else np.zeros(places, np.int64)


def passes(member: NDArray[np.bool_], share: float, alpha: float) -> bool:
    """Return whether the places, of which MEMBER (places,) says who is of the group, pass the adjusted test."""
    if not len(member) or not 0 < share < 1:
        return True
    share = round(share, 4)  # few tables
    wanted = least(len(member), share, adjusted(len(member), share, alpha))
    return bool((np.cumsum(member) >= wanted).all())


def _fails(wanted: Ints, share: float) -> float:
    """Return the chance that a fair ranking has fewer than WANTED members somewhere."""
    alive = np.ones(1)
    for m in wanted.tolist():
        alive = np.append(alive, 0.0) * (1 - share) + np.append(0.0, alive) * share
        alive[:m] = 0.0
    return 1.0 - math.fsum(alive.tolist())
