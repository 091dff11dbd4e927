"""What was counted last."""

import numpy as np

from consentinel.understand.forecasting.series import Floats, Series

NEEDS = ""


def expect(history: Series, horizon: int) -> Floats:
    """Return the last count, HORIZON times."""
    return np.full(horizon, history.counts[-1])
