"""Sums of absolute values of many noisy differences, whose noise only adds: intervals that know it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.core.stats import Interval, tail

__all__ = ["absolute"]

Floats = NDArray[np.float64]
METHOD = "inverted tests of a sum of absolute values"
_STEPS = 16


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
    Source: Chuang and Lai 2000 (hybrid resampling); multiplier bootstrap (Praestgaard and Wellner 1993); Donoho and
    Johnstone 1994 (drawing in by standard errors).
    """
    rng = generator(seed, "assure.fair.absolute")
    errors = np.stack([noise(rng.standard_normal(clusters)) for _ in range(draws)])
    pairs = differences.ndim == 2
    gap = differences[:, 0] - differences[:, 1] if pairs else differences
    error = errors[..., 0] - errors[..., 1] if pairs else errors
    spread = error.std(axis=0)
    seen, alpha = float(weights @ of(differences)), tail(level)
    edge = 1e-12 * max(1.0, seen)

    def true(reach: float) -> Floats:
        """Return the differences, made smaller (REACH below 0) or larger by that many standard errors."""
        drawn = np.sign(gap) * np.maximum(np.abs(gap) + reach * spread, 0.0)
        if not pairs:
            return np.asarray(drawn)
        middle = differences.mean(axis=1)
        return np.stack([middle + drawn / 2, middle - drawn / 2], axis=1)

    def ranks(reach: float) -> tuple[float, float]:
        """Return the shares of draws at least and at most as large as SEEN, `true(REACH)` being true."""
        drawn = of(true(reach) + errors) @ weights
        return (1 + (drawn >= seen - edge).sum()) / (1 + draws), (1 + (drawn <= seen + edge).sum()) / (1 + draws)

    def end(inside: float, outside: float, side: int) -> float:
        if ranks(outside)[side] > alpha:
            return outside
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if ranks(middle)[side] > alpha else (inside, middle)
        return outside

    def value(reach: float) -> float:
        return float(weights @ of(true(reach)))

    nothing = -float(np.max(np.abs(gap) / np.maximum(spread, 1e-300), initial=0.0))
    nothing = max(nothing, -1e6) * (1 + 1e-9) - 1e-9  # here every difference is 0
    low, high = nothing, 0.0
    hidden = 0.0
    if ranks(nothing)[0] >= 0.5:
        high, hidden = nothing, float(np.quantile(of(true(nothing) + errors) @ weights, 1 - alpha))
    for _ in range(_STEPS):  # where SEEN is the median
        middle = (low + high) / 2
        low, high = (low, middle) if ranks(middle)[0] >= 0.5 else (middle, high)
    low_end, high_end = end(high, nothing, 0), end(high, 8.0, 1)
    found = Interval(seen, min(value(low_end), seen), max(value(high_end), seen, hidden), clusters, level, METHOD)
    return found, float(min(1.0, ranks(nothing)[0]))
