"""What is found in one series: the back-test, intervals, the forecast, changes of level and steps that stand out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.understand.forecasting.backtest import Expecting, mixed, rolled, whole
from consentinel.understand.forecasting.changes import Change, changes
from consentinel.understand.forecasting.conformal import Bands, banded
from consentinel.understand.forecasting.outliers import stand_out
from consentinel.understand.forecasting.series import Floats, Series

__all__ = ["LEAST", "Found", "found_in", "origin"]

LEAST = 30  # steps that a forecast needs


@dataclass(frozen=True)
class Found:
    """A series and what is said of it; row i of mean, point and bands was said before step FIRST + i."""

    series: Series
    first: int
    level: float
    rate: float
    names: tuple[str, ...]
    weights: Floats
    said: Mapping[str, Floats]
    mean: Floats
    point: Floats
    bands: Bands
    changes: list[Change]
    p: Floats
    adjusted: Floats

    @property
    def covered(self) -> float:
        """The share of past steps inside the interval that was given one step ahead; NaN when there was none."""
        known = self.bands.inside[~np.isnan(self.bands.inside[:, 0]), 0]
        return float(known.mean()) if known.size else float("nan")

    def missed(self, name: str = "") -> float:
        """Return the mean absolute error one step ahead over the back-test, of the forecaster NAME or of the answer."""
        said = self.said[name] if name else self.point
        return float(np.abs(said[:-1, 0] - self.series.counts[self.first :]).mean())


def origin(series: Series) -> int:
    """Return the first step that is forecast in the back-test: after a season, at most after half of the steps."""
    return max(10, min(round(series.cycle) if series.step != "day" else 28, len(series) // 2))


def found_in(
    series: Series, parts: Mapping[str, Expecting], *, horizon: int, level: float, rate: float, seed: int
) -> Found:
    """Return what PARTS say of SERIES, up to HORIZON steps ahead, with intervals at LEVEL.

    Arguments: rate, of false discoveries among the steps that stand out. Raises UsageError for a short series.
    """
    if len(series) < LEAST:
        way = "count more of them" if series.step == "day" else "name a smaller --step, or count more of them"
        raise UsageError(f"there are {len(series)} whole {series.step}s; a forecast needs {LEAST}: {way}")
    if not 1 <= horizon <= 60:
        raise UsageError(f"a horizon is 1 to 60 steps, got {horizon}")
    first = origin(series)
    said = {name: rolled(part, series, first, horizon) for name, part in parts.items()}
    mean, weights = mixed(said, series.counts, first)
    past = series.counts[first:]
    p, adjusted = stand_out(past, mean[:-1, 0])
    return Found(
        series, first, level, rate, tuple(parts), weights, said, mean, whole(mean, series.counts, first),
        banded(mean, series.counts, first, level), changes(series.counts, seed=seed), p, adjusted,
    )  # fmt: skip
