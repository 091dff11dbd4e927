"""Rolling-origin back-tests: what forecasters would have said at each step, and their mix, weighted as known then."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from consentinel.core.extras import need
from consentinel.understand.forecasting.series import Floats, Series

__all__ = ["Expecting", "mixed", "rolled", "whole"]

FADE = 0.995  # of an error's weight, a step
SHARP = 50.0  # a forecaster that errs 2% more than the best weighs exp(-1) as much
LEAST = 10  # steps before weights and points are chosen


class Expecting(Protocol):
    """What a forecaster promises."""

    def expect(self, history: Series, horizon: int, /) -> Floats:
        """Return what is expected of the HORIZON steps after HISTORY; shape (horizon,), at least 0."""
        ...


def rolled(part: Expecting, series: Series, first: int, horizon: int) -> Floats:
    """Return what PART expects at each origin from FIRST to the end; shape (n - first + 1, horizon).

    Row i sees the steps before first + i only; the last row sees all of them and is the forecast.
    """
    return np.array([part.expect(series.before(at), horizon) for at in range(first, len(series) + 1)])


def mixed(said: Mapping[str, Floats], counts: Floats, first: int) -> tuple[Floats, Floats]:
    """Return the weighted mean of forecasters at each origin, and their weights (origins, k), as known at it.

    Arguments: said, by forecaster what `rolled` returns; counts (n,). An error counts from the origin at which its
    step has passed; older errors fade. Weights fall exponentially in the mean absolute error (Vovk 1998); until ten
    steps have passed all weigh the same.
    """
    every = np.stack(list(said.values()))
    debts = np.stack([_debts(np.abs(one - _targets(counts, first, one.shape))) for one in every], axis=1)
    best = np.maximum(debts.min(axis=1, keepdims=True), 1e-9)
    weights = np.exp(-SHARP * (debts / best - 1))
    weights[:LEAST] = 1.0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ok,koh->oh", weights, every), weights


def whole(mean: Floats, counts: Floats, first: int) -> Floats:
    """Return whole numbers to expect in place of MEAN (origins, horizon): those that least absolute errors ask for.

    That is the median of a negative-binomial law around the mean with the dispersion of the errors so far, or the
    mean rounded, whichever has erred less until each origin (a mean that lags behind a rising level is below its
    median already). Raises MissingExtra without SciPy.
    """
    law = need("scipy.stats", extra="learn").nbinom
    target = _targets(counts, first, mean.shape)
    spread = _debts((target - mean) ** 2) / np.maximum(_debts(np.where(np.isnan(target), np.nan, mean)), 1e-9)
    ratio = np.clip(spread, 1.05, 20.0)[:, None]  # variance over mean; 1 would be Poisson
    centre = np.maximum(mean, 0.01)
    median = law.ppf(0.5, centre / (ratio - 1), 1 / ratio)
    median[:LEAST] = np.rint(mean[:LEAST])
    rounded = np.rint(mean)
    better = _debts(np.abs(median - target)) < _debts(np.abs(rounded - target))
    return np.where(better[:, None], median, rounded)


def _targets(counts: Floats, first: int, shape: tuple[int, ...]) -> Floats:
    """Return the counts that each origin and horizon is about; NaN ahead of the series."""
    origins, horizon = shape
    padded = np.concatenate([counts, np.full(horizon, np.nan)])
    return np.asarray(padded[first + np.arange(origins)[:, None] + np.arange(horizon)], np.float64)


def _debts(missed: Floats) -> Floats:
    """Return at each origin the fading sum of the errors MISSED (origins, horizon) whose step had passed then."""
    known = np.zeros(len(missed) + 1)
    for ahead in range(missed.shape[1]):  # said at i about i + ahead: known from origin i + ahead + 1
        known[1 + ahead :] += np.nan_to_num(missed[: len(missed) - ahead, ahead])
    total, sums = 0.0, np.empty(len(missed))
    for at in range(len(missed)):
        total = FADE * total + known[at]
        sums[at] = total
    return sums
