"""Exponential smoothing whose error, trend and season are chosen by information criterion (AutoETS)."""

from consentinel.core.extras import need
from consentinel.understand.forecasting.series import Floats, Series

NEEDS = "statsforecast"


def expect(history: Series, horizon: int) -> Floats:
    """Return its means, never below 0; raises MissingExtra without statsforecast.

    A year of weeks is more season than it fits: weeks are expected without one.
    """
    model = need("statsforecast.models", extra="forecast").AutoETS(
        season_length=1 if history.step == "week" else round(history.cycle)
    )
    return model.forecast(history.counts, horizon)["mean"].clip(0)
