"""What was counted in the same step of the last season."""

import numpy as np

from consentinel.understand.forecasting.series import Floats, Series

NEEDS = ""


def expect(history: Series, horizon: int) -> Floats:
    """Return the count one season before each of the next steps; before a whole season has passed, the mean so far."""
    back = round(history.cycle)
    if len(history) < back:
        return np.full(horizon, history.counts.mean())
    return history.counts[len(history) - back + np.arange(horizon) % back]
