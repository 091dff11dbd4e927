"""A negative-binomial regression on harmonics of the season, around a level that fades and a trend that is damped."""

import numpy as np

from consentinel.understand.forecasters._level import followed, smooth
from consentinel.understand.forecasting.series import Floats, Series

NEEDS = ""
HARMONICS = 2
RIDGE = 10.0  # prior precision of a harmonic: a season is believed as data insist
RATE = 0.05
DAMP = 0.85  # what is left of a trend a step ahead


def expect(history: Series, horizon: int) -> Floats:
    """Return level x season x trend for the next steps.

    The season is fitted by penalised iteratively reweighted least squares with the variance m + dispersion x m**2
    (NB2; Hilbe 2011) and a smooth of the counts as its offset; the level is the discounted ratio of the counts to
    the season; the trend is the ratio of a fast level to a slow one, shrunk by its standard error and damped
    (Gardner and McKenzie 1985). Seasons shorter than two cycles are not fitted.
    """
    counts, n = history.counts, len(history)
    season = np.ones(n + horizon)
    if n >= 2 * history.cycle:
        waves = _waves(history.phase(n + horizon))
        season = np.exp(waves @ _fitted(waves[:n], counts, smooth(counts, history.cycle / 4) + 0.1))
    level = followed(counts, season[:n], RATE)
    return level * season[n:] * _trend(counts, season[:n], horizon)


def _waves(phase: Floats) -> Floats:
    turns = 2 * np.pi * np.outer(phase, np.arange(1, HARMONICS + 1))
    return np.hstack([np.sin(turns), np.cos(turns)])


def _fitted(waves: Floats, counts: Floats, offset: Floats) -> Floats:
    beta = np.zeros(waves.shape[1])
    dispersion = max(0.0, float(((counts - offset) ** 2 - offset).sum() / (offset**2).sum()))  # by moments
    for _ in range(25):
        mean = offset * np.exp(np.clip(waves @ beta, -3, 3))
        weight = 1 / (1 + dispersion * mean)
        slope = waves.T @ (weight * (counts - mean)) - RIDGE * beta
        bend = (waves * (weight * mean)[:, None]).T @ waves + RIDGE * np.eye(len(beta))
        step = np.linalg.solve(bend, slope)
        beta += step
        if np.abs(step).max() < 1e-6:
            break
    return beta


def _trend(counts: Floats, season: Floats, horizon: int) -> Floats:
    fast, slow = (followed(counts, season, rate) for rate in (4 * RATE, RATE))
    if slow <= 0 or fast <= 0:
        return np.ones(horizon)
    gap = np.log(fast / slow)
    error = 2 * RATE / max(slow, 0.1)  # variance of the fast level's logarithm, for counts of mean SLOW
    sure = max(0.0, 1 - error / gap**2) if gap else 0.0  # positive-part shrinkage
    return np.exp(sure * gap * np.cumsum(DAMP ** np.arange(horizon)) / max(1.0, 1 / RATE / 4))
