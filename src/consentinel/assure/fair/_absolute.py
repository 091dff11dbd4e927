"""Sums of absolute values of many noisy differences, whose noise only adds: intervals that know it."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.core.stats import Interval

__all__ = ["absolute"]

Floats = NDArray[np.float64]
METHOD = "inverted tests of a sum of absolute values"
_STEPS = 16
_CLEAR = 3.0


def absolute(
    differences: Floats,
    weights: Floats,
    noise: Callable[[Floats], Floats],
    clusters: int,
    level: float,
    *,
    draws: int,
    seed: int,
    of: Callable[[Floats], Floats] = np.abs,
) -> tuple[Interval, float]:
    """Return the sum of WEIGHTS (j,) * |DIFFERENCES|, (j,), with its interval, and p that all differences are 0.

    The sum of absolute values of estimates is too large, as noise never cancels, and a plain bootstrap adds the noise
    once more. Here the interval holds each value X that is not rejected when the differences, drawn in by so many of
    their standard errors that the sum is X, get noise again. NOISE takes standard normal numbers (CLUSTERS,) and
    returns one error of the differences of their shape. OF: instead of the absolute value, a function of DIFFERENCES
    that are pairs, (j, 2), to (j,), which is 0 where the two of a pair are alike; the pair is then drawn together.
    What is seen is held against the mean of the draws, or below it by as much as X is less than three of their standard
    deviations above what no difference at all would give: nothing is ever seen below that.
    Source: Chuang and Lai 2000 (hybrid resampling); multiplier bootstrap (Praestgaard and Wellner 1993); Donoho and
    Johnstone 1994 (drawing in by standard errors).
    """
    rng = generator(seed, "assure.fair.absolute")
    errors = np.stack([noise(rng.standard_normal(clusters)) for _ in range(draws)])
    pairs = differences.ndim == 2
    gap = differences[:, 0] - differences[:, 1] if pairs else differences
    error = errors[..., 0] - errors[..., 1] if pairs else errors
    spread = error.std(axis=0)
    seen, alpha = float(weights @ of(differences)), 1 - level
    middle = differences.mean(axis=1) if pairs else np.zeros(0)
    if pairs:  # how far both sides are off together: chance spreads that too
        centre, likely = float(middle.mean()), 1 + 2 * math.sqrt(2 / len(middle))
        chance = likely * float(errors.mean(axis=2).var(axis=0).sum())
        square = float(((middle - centre) ** 2).sum())
        if centre**2 < 4 * float(errors.mean(axis=(1, 2)).var()):
            centre = 0.0
        middle = centre + max(0.0, 1 - chance / square if square > 0 else 0.0) * (middle - middle.mean())

    def true(reach: float) -> Floats:
        """Return the differences, made smaller (REACH below 0) or larger by that many standard errors."""
        drawn = np.sign(gap) * np.maximum(np.abs(gap) + reach * spread, 0.0)
        return np.stack([middle + drawn / 2, middle - drawn / 2], axis=1) if pairs else np.asarray(drawn)

    def value(reach: float) -> float:
        return float(weights @ of(true(reach)))

    nothing = -float(np.max(np.abs(gap) / np.maximum(spread, 1e-300), initial=0.0))
    nothing = max(nothing, -1e6) * (1 + 1e-9) - 1e-9  # here every difference is 0
    base = float((of(true(nothing) + errors) @ weights).mean())

    def p(reach: float) -> tuple[float, bool]:
        """Return the p-value of `true(REACH)`, and whether more is seen than that gives."""
        drawn = of(true(reach) + errors) @ weights
        usual = float(drawn.mean())
        usual -= max(0.0, _CLEAR * float(drawn.std()) - (usual - base))
        off = abs(seen - usual) - 1e-12 * max(1.0, seen)
        return float((1 + (np.abs(drawn - usual) >= off).sum()) / (1 + draws)), seen > usual

    def end(inside: float, outside: float, more: bool) -> float:
        found = p(outside)
        if found[0] > alpha or found[1] != more:
            return outside
        for _ in range(_STEPS):
            between = (inside + outside) / 2
            found = p(between)
            kept = found[0] > alpha or found[1] != more
            inside, outside = (between, outside) if kept else (inside, between)
        return outside

    low_end = end(8.0, nothing, True)
    high_end = end(low_end, 8.0, False)
    found = Interval(seen, min(value(low_end), seen), max(value(high_end), seen), clusters, level, METHOD)
    return found, p(nothing)[0]
