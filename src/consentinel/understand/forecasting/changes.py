"""When the level of counts changed: likelihood-ratio segmentation, with the chance of a false change held."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.understand.forecasting.series import Floats

__all__ = ["Change", "changes"]

SHORTEST = 6  # steps between two changes, and to either end
DRAWS = 1000
MOST = 20  # changes that are looked for
_LOOSE = 4.0  # log likelihood ratio that splits are first tried with, to see what noise is left


@dataclass(frozen=True)
class Change:
    """A change of level AT a step, which lies in [low, high] with the asked level; levels are means per step."""

    at: int
    low: int
    high: int
    before: float
    after: float
    p: float


def changes(counts: Floats, *, level: float = 0.95, alarm: float = 0.005, seed: int = 0) -> list[Change]:
    """Return the steps at which the level of COUNTS (n,) changed, first to last.

    Segments are split where the negative-binomial likelihood ratio is largest, as long as that is more than a series
    of the same length, dispersion and correlation from step to step, but without a change, would show with the chance
    ALARM (parametric bootstrap of the maximum; the one threshold serves all splits). Then each change is placed anew
    between its neighbours, and dropped if it no longer passes. Intervals of the dates come from drawing the two
    segments again and placing the change anew. Raises UsageError; MissingExtra without SciPy.
    Source: Scott and Knott 1974 (binary segmentation); Robinson and Smyth 2008 (dispersion); Boos 1992.
    """
    if not 0 < alarm < 1 or not 0 < level < 1:
        raise UsageError(f"level and alarm are in (0, 1); got {level} and {alarm}")
    n = len(counts)
    if n < 3 * SHORTEST or not counts.any():
        return []
    rng = generator(seed, "understand.forecasting.changes")
    size = _size(counts, _split(counts, 8.0, _LOOSE))
    size = _size(counts, _split(counts, size, _LOOSE))
    linked = _linked(counts, _split(counts, size, _LOOSE))
    highest = _placed(_drawn(np.full(n, counts.mean()), size, linked, DRAWS, rng), size)[1]
    threshold = float(np.quantile(highest, 1 - alarm, method="higher"))
    cuts = _settled(counts, size, threshold, _split(counts, size, threshold))
    edges, found = [0, *cuts, n], []
    for left, at, right in zip(edges, edges[1:], edges[2:], strict=False):
        if right - left < 2 * SHORTEST:
            continue  # neighbours came too near while they were placed
        before, after = float(counts[left:at].mean()), float(counts[at:right].mean())
        mean = np.where(np.arange(left, right) < at, before, after)
        again = _placed(_drawn(mean, size, linked, DRAWS // 4, rng), size)[0] - (at - left)
        tail = (1 - level) / 2
        low, high = np.quantile(-again, [tail, 1 - tail])
        ratio = _best(counts[left:right], size)[1]
        p = (1 + int((highest >= ratio).sum())) / (1 + DRAWS)
        found.append(Change(at, max(left, at + math.floor(low)), min(right, at + math.ceil(high)), before, after, p))
    return found


def _best(counts: Floats, size: float) -> tuple[int, float]:
    """Return where COUNTS are best split in two, and the log likelihood ratio of that; (0, 0) when they are short."""
    if len(counts) < 2 * SHORTEST:
        return 0, 0.0
    at, gain = _placed(counts[None], size)
    return int(at[0]), float(gain[0])


def _placed(series: Floats, size: float) -> tuple[NDArray[np.int64], Floats]:
    """Return the same for many SERIES (k, n) at once."""
    n = series.shape[1]
    sums = np.cumsum(series, axis=1)
    at = np.arange(SHORTEST, n - SHORTEST + 1)
    left, total = sums[:, at - 1], sums[:, -1:]
    gain = _likelihood(left, at, size) + _likelihood(total - left, n - at, size) - _likelihood(total, n, size)
    best = np.argmax(gain, axis=1)
    return at[best], gain[np.arange(len(gain)), best]


def _likelihood(total: Floats, n: NDArray[np.int64] | int, size: float) -> Floats:
    """Return the largest log likelihood of N counts that sum to TOTAL, up to what does not depend on their mean."""
    mean = np.maximum(total, 1e-9) / n
    return np.asarray(total * np.log(mean / (mean + size)) - n * size * np.log(mean + size))


def _split(counts: Floats, size: float, threshold: float) -> list[int]:
    """Return the splits of COUNTS that gain more than THRESHOLD, each in the segment that it gains most in."""
    cuts: list[int] = []
    while len(cuts) < MOST:
        edges = [0, *cuts, len(counts)]
        tried = [(left, *_best(counts[left:right], size)) for left, right in itertools.pairwise(edges)]
        left, at, gain = max(tried, key=lambda one: one[2])
        if gain <= threshold:
            break
        cuts = sorted([*cuts, left + at])
    return cuts


def _settled(counts: Floats, size: float, threshold: float, cuts: list[int]) -> list[int]:
    """Return CUTS, each placed anew between its neighbours until none moves, without those that no longer pass."""
    for _ in range(10):
        edges = [0, *cuts, len(counts)]
        kept: list[int] = []
        for at in range(1, len(edges) - 1):
            left = kept[-1] if kept else 0
            place, gain = _best(counts[left : edges[at + 1]], size)
            if gain > threshold:
                kept.append(left + place)
        if kept == cuts:
            break
        cuts = kept
    return cuts


def _means(counts: Floats, cuts: list[int]) -> Floats:
    edges = [0, *cuts, len(counts)]
    return np.concatenate([np.full(b - a, counts[a:b].mean()) for a, b in itertools.pairwise(edges)])


def _size(counts: Floats, cuts: list[int]) -> float:
    """Return the size of the negative-binomial law (variance m + m**2 / size) by moments around the segments."""
    mean = _means(counts, cuts)
    freed = len(counts) / max(1, len(counts) - 3 * len(cuts) - 1)  # where to cut was chosen too
    extra = float((freed * (counts - mean) ** 2 - mean).sum() / max(1e-9, (mean**2).sum()))
    return 1 / max(extra, 1e-3)


def _linked(counts: Floats, cuts: list[int]) -> float:
    """Return the correlation of one step with the next around the segments; never below 0, nor above 0.9."""
    off = counts - _means(counts, cuts)
    linked = float(off[1:] @ off[:-1]) / max(1e-9, float(off @ off))
    linked += (1 + len(cuts)) / len(counts)  # what taking the means off takes away
    return min(0.9, max(0.0, linked))


def _drawn(mean: Floats, size: float, linked: float, draws: int, rng: np.random.Generator) -> Floats:
    """Return DRAWS series (draws, n) of negative-binomial counts around MEAN (n,) whose steps are LINKED."""
    if linked < 0.02:
        return rng.negative_binomial(size, size / (size + np.maximum(mean, 1e-6)), (draws, len(mean))).astype(float)
    noise = rng.standard_normal((draws, len(mean)))
    for at in range(1, len(mean)):
        noise[:, at] = linked * noise[:, at - 1] + math.sqrt(1 - linked**2) * noise[:, at]
    law, share = need("scipy.stats", extra="learn").nbinom, need("scipy.special", extra="learn").ndtr(noise)
    drawn = np.empty_like(noise)
    for level in np.unique(mean):  # a table for each of the few levels is much faster than the quantile of each draw
        r, chance = size, size / (size + max(float(level), 1e-6))
        table = law.cdf(np.arange(int(law.ppf(1 - 1e-12, r, chance)) + 2), r, chance)
        drawn[:, mean == level] = np.searchsorted(table, share[:, mean == level])
    return drawn
