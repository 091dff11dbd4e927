"""The mean of the last half season, and of at least 26 steps."""

import numpy as np

from consentinel.understand.forecasting.series import Floats, Series

NEEDS = ""
LEAST = 26


def expect(history: Series, horizon: int) -> Floats:
    """Return that mean, HORIZON times."""
    span = max(LEAST, round(history.cycle / 2))
    return np.full(horizon, history.counts[-span:].mean())
