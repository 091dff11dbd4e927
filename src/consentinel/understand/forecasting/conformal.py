"""Adaptive conformal intervals of counts: whole numbers whose coverage is steered by what was covered so far."""

from dataclasses import dataclass

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.understand.forecasting.series import Floats

__all__ = ["Bands", "banded", "score", "unscored"]

WINDOW = 208  # last scores that are looked at: four years of weeks
LEAST = 20  # scores before an interval is given
RATE = 0.03  # by how much of a miss an error rate is moved
LEAN, FAT = 0.2, 3.0  # an error rate stays between these times the asked one


@dataclass(frozen=True)
class Bands:
    """For each origin and horizon: whole numbers low to high; NaN where too few scores were known.

    `mid` tells of each past step how much of it lies inside when a count on an end counts half: what an interval that
    draws lots at its ends would cover.
    """

    low: Floats
    high: Floats
    inside: Floats
    mid: Floats


def score(counts: Floats, expected: Floats) -> Floats:
    """Return by how much COUNTS are above EXPECTED on the scale on which a Poisson variance is one (Anscombe 1948)."""
    return 2 * (np.sqrt(counts + 0.375) - np.sqrt(expected + 0.375))


def unscored(scores: Floats, expected: Floats) -> Floats:
    """Return the count that would have scored SCORES."""
    return np.maximum(np.sqrt(expected + 0.375) + scores / 2, 0.0) ** 2 - 0.375


def banded(expected: Floats, counts: Floats, first: int, level: float) -> Bands:
    """Return intervals at LEVEL around EXPECTED (origins, horizon), whose row i was said before step first + i.

    Each horizon has its own scores: those of the last 208 steps that were known at the origin. The low and the high
    end each start with half of the error and move by what they missed (Gibbs and Candes 2021), so that the share
    outside each end comes back to that half when the series changes; each stays between a fifth and three times of
    it, so that counts that are mostly 0 do not get intervals without 0. An interval holds the whole numbers whose
    score lies between the two quantiles: nothing is rounded outwards.
    """
    if not 0 < level < 1:
        raise UsageError(f"a level is in (0, 1), for example 0.9; got {level}")
    origins, horizon = expected.shape
    low, high, inside, mid = (np.full((origins, horizon), np.nan) for _ in range(4))
    tail = (1 - level) / 2
    for ahead in range(horizon):
        target = first + ahead + np.arange(origins)
        known = target < len(counts)
        scores = score(counts[target[known]], expected[known, ahead])
        rates = np.array([tail, tail])
        for at in range(origins):
            seen = at - ahead  # scores of origins before this one whose step has passed
            if seen > 0 and not np.isnan(low[seen - 1, ahead]):
                count = counts[target[seen - 1]]
                missed = np.array([count < low[seen - 1, ahead], count > high[seen - 1, ahead]])
                rates = np.clip(rates + RATE * (tail - missed), LEAN * tail, FAT * tail)
            if seen < LEAST:
                continue
            past = np.sort(scores[max(0, seen - WINDOW) : seen])
            ends = unscored(_quantiles(past, rates), expected[at, ahead])
            low[at, ahead] = max(0.0, np.ceil(ends[0] - 1e-9))
            high[at, ahead] = max(low[at, ahead], np.floor(ends[1] + 1e-9))
        settled = known & ~np.isnan(low[:, ahead])
        count, least, most = counts[target[settled]], low[settled, ahead], high[settled, ahead]
        inside[settled, ahead] = (least <= count) & (count <= most)
        mid[settled, ahead] = inside[settled, ahead] - 0.5 * ((count == least) | (count == most))
    return Bands(low, high, inside, mid)


def _quantiles(ordered: Floats, rates: Floats) -> Floats:
    """Return the scores below which a share rates[0], and above which a share rates[1], of a next one may lie."""
    n = len(ordered)  # where there are too few scores for a rate, the most extreme of them
    down = max(0, int(np.floor(rates[0] * (n + 1))) - 1)
    up = min(n - 1, int(np.ceil((1 - rates[1]) * (n + 1))) - 1)
    return np.array([ordered[down], ordered[up]])
