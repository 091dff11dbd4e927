"""The mean of the last whole season, and of at least 28 steps."""

import numpy as np

from consentinel.understand.forecasting.series import Floats, Series

NEEDS = ""
LEAST = 28


def expect(history: Series, horizon: int) -> Floats:
    """Return that mean, HORIZON times."""
    span = max(LEAST, round(history.cycle))
    return np.full(horizon, history.counts[-span:].mean())
