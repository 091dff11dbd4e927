"""The front of settings that nothing beats on every axis: how sure that is of each, how much it covers, its knee.

Costs are in [0, 1], shape (settings, axes), 0 the ideal. What is not known of them is drawn from their estimates, each
by itself; settings are tested on the same people, whose luck they share, so chances are rather too cautious.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.stats import Floats, Interval, tail

__all__ = ["Front", "covered", "front", "knee", "undominated"]

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Front:
    """Which settings are on the front by their estimates, with which chance each truly is (n,); the share of the box
    between ideal and worst that the front covers; the chance of each to be the knee (n,), and which of the front is it
    most often."""

    on: Bools
    chance: Floats
    volume: Interval
    knee: int
    knee_chance: Floats


def front(cost: Floats, drawn: Floats, width: Floats, level: float) -> Front:
    """Return the front of COST (n, axes); DRAWN (draws, n, axes) are costs as they may be, WIDTH (axes,) how wide their
    intervals are.

    The covered share and its interval are reflected at what is seen: the best of noisy settings looks better than it
    is, and draws look better once more.
    """
    n = len(cost)
    on = undominated(cost)
    each = [undominated(one) for one in drawn]
    picked = [knee(one, width, there) for one, there in zip(drawn, each, strict=True)]
    seen = covered(cost[on])
    volumes = [covered(one[there]) for one, there in zip(drawn, each, strict=True)]
    told = np.array([np.mean(volumes), *np.quantile(volumes, [1 - tail(level), tail(level)])])
    value, low, high = (float(end) for end in np.clip(2 * seen - told, 0, 1))
    volume = Interval(value, low, high, n, level, "basic, draws from the estimates")
    chosen = np.bincount(picked, minlength=n) / len(drawn)
    nearest = knee(cost, width, on)
    often = np.where(on, chosen, -1.0)
    best = nearest if chosen[nearest] >= often.max() else int(often.argmax())
    return Front(on, np.mean(each, axis=0), volume, best, chosen)


def undominated(cost: Floats) -> Bools:
    """Return which settings of COST (n, axes) no other is at least as good as on every axis and better on one."""
    no_worse = (cost[:, None] <= cost[None, :]).all(axis=2)
    better = (cost[:, None] < cost[None, :]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def covered(cost: Floats) -> float:
    """Return the share of the unit box that is no better than some of COST (n, axes): the hypervolume.

    Exact: the box is cut at every value of every axis, and a cell is covered where a setting is at its lower corner or
    before it. Source: Zitzler and Thiele 1998 (hypervolume, reference point 1 on every axis).
    """
    n, axes = cost.shape
    if not n:
        return 0.0
    cuts = [np.unique(np.append(np.clip(cost[:, at], 0, 1), 1.0)) for at in range(axes)]
    inside = np.zeros([len(cut) for cut in cuts], bool)
    inside[tuple(np.searchsorted(cut, np.clip(cost[:, at], 0, 1)) for at, cut in enumerate(cuts))] = True
    for at in range(axes):
        np.logical_or.accumulate(inside, axis=at, out=inside)
    size = inside[tuple(slice(len(cut) - 1) for cut in cuts)].astype(np.float64)
    for cut in reversed(cuts):
        size = size @ np.diff(cut)
    return float(size)


def knee(cost: Floats, width: Floats, on: Bools) -> int:
    """Return which of the settings ON the front is nearest to the best of every axis.

    An axis is measured by how much of it the front has to choose from, but at least by the WIDTH (axes,) of its
    intervals: what may be noise does not decide.
    """
    among = np.flatnonzero(on)
    some = cost[among]
    scale = np.maximum(np.maximum(np.ptp(some, axis=0), width), 1e-12)
    return int(among[np.linalg.norm((some - some.min(axis=0)) / scale, axis=1).argmin()])
