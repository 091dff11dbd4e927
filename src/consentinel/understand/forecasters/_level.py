"""A level that follows counts slowly: exponentially weighted means, for the forecasters that need one."""

import numpy as np

from consentinel.understand.forecasting.series import Floats

__all__ = ["followed", "smooth"]


def followed(counts: Floats, expected: Floats, share: float) -> float:
    """Return the last level of COUNTS (n,) over EXPECTED (n,): their ratio, in which old steps fade by SHARE a step.

    Weights sum to one from the first step on, so that a short history is a plain mean and nothing is started from.
    """
    weights = (1 - share) ** np.arange(len(counts) - 1, -1, -1.0)
    return float(weights @ counts / max(weights @ expected, 1e-9))


def smooth(counts: Floats, width: float) -> Floats:
    """Return the mean around each of COUNTS (n,), weighted by a bell of WIDTH steps, over what there is."""
    reach = int(4 * width)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return _same(counts, bell) / _same(np.ones_like(counts), bell)


def _same(values: Floats, bell: Floats) -> Floats:
    reach = len(bell) // 2
    return np.convolve(np.pad(values, reach), bell, "valid")
