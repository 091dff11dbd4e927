"""An exponentially weighted mean whose rate is the one that would have erred least so far."""

import numpy as np

from consentinel.understand.forecasters._level import followed
from consentinel.understand.forecasting.series import Floats, Series

NEEDS = ""
RATES = (0.03, 0.05, 0.1, 0.15, 0.2, 0.3)
BURN = 10  # first steps that no rate is judged by


def expect(history: Series, horizon: int) -> Floats:
    """Return the last level, HORIZON times (simple exponential smoothing; Brown 1959)."""
    counts = history.counts
    missed = [_missed(counts, rate) for rate in RATES]
    return np.full(horizon, followed(counts, np.ones_like(counts), RATES[int(np.argmin(missed))]))


def _missed(counts: Floats, rate: float) -> float:
    """Return the sum of squared one-step errors with RATE."""
    level, weight, total = 0.0, 0.0, 0.0
    for at, count in enumerate(counts.tolist()):
        if at >= BURN:
            total += (count - level / weight) ** 2
        level, weight = (1 - rate) * level + count, (1 - rate) * weight + 1
    return total
