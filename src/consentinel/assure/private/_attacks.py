"""Membership attacks from what a model and shadow models say of the same rows: LiRA and RMIA, online and offline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.core.stats import Floats

__all__ = ["EACH", "Shadows", "coins", "lira", "rmia"]

EACH = 64  # shadow models from which the variance of each row is its own; with fewer, one of all rows is better
_OFFLINE = 0.33  # how much more likely a row is where it was learned, of Zarifzadeh et al.
_LEAST_SPREAD = 1e-6

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Shadows:
    """What shadow models say of n rows: signals (shadows, n), and which had learned them (shadows, n)."""

    signals: Floats
    inside: Bits

    def without(self, at: int) -> "Shadows":
        """Return the shadows without that at AT."""
        return Shadows(np.delete(self.signals, at, 0), np.delete(self.inside, at, 0))


def coins(shadows: int, n: int, seed: int, *names: str) -> Bits:
    """Return which of N rows each of SHADOWS learns, shape (shadows, n): every row in exactly half of them."""
    drawn = generator(seed, "assure.private.coins", *names).random((shadows, n), np.float32)
    return np.asarray(np.argsort(np.argsort(drawn, axis=0), axis=0) < shadows // 2)


def lira(target: Floats, shadows: Shadows, *, online: bool = True) -> Floats:
    """Return the log-likelihood ratio of each row: that the model learned it against that it did not; shape (n,).

    Signals of a row are normal among models that learned it, and among those that did not. Offline: how far TARGET (n,)
    lies above those that did not, in standard deviations. Source: Carlini et al. 2022, algorithm 1 and section VI.
    """
    out_mean, out_spread = _moments(shadows.signals, ~shadows.inside)
    if not online:
        return (target - out_mean) / out_spread
    in_mean, in_spread = _moments(shadows.signals, shadows.inside)
    return _log_normal(target, in_mean, in_spread) - _log_normal(target, out_mean, out_spread)


def rmia(target: Floats, shadows: Shadows, *, online: bool = True) -> Floats:
    """Return how much likelier each row is than models on average find it, log scale; shape (n,). Signals are log p.

    RMIA's score is the share of a population whose ratio a row's ratio beats by a factor gamma. With one population for
    all rows it never falls as the ratio rises, so the ratio orders rows as the score does for any gamma, without ties.
    Offline the models that learned a row are stood in for by those that did not. Source: Zarifzadeh et al. 2024,
    equations 2 and 9 (a = 0.33).
    """
    top = shadows.signals.max(axis=0)
    seen = np.exp(shadows.signals - top)
    out = _mean(seen, ~shadows.inside)
    if online:
        return target - top - np.log((out + _mean(seen, shadows.inside)) / 2)
    return target - np.logaddexp(np.log((1 + _OFFLINE) / 2 * out) + top, np.log((1 - _OFFLINE) / 2))


def _moments(signals: Floats, which: Bits) -> tuple[Floats, Floats]:
    mean = _mean(signals, which)
    count = which.sum(axis=0)
    square = (np.where(which, signals - mean, 0.0) ** 2).sum(axis=0)
    if len(signals) >= EACH:
        spread = np.sqrt(square / np.maximum(count - 1, 1))
    else:
        spread = np.full(len(mean), np.sqrt(square.sum() / max(1, int(np.maximum(count - 1, 0).sum()))))
    return mean, np.maximum(spread, _LEAST_SPREAD)


def _mean(signals: Floats, which: Bits) -> Floats:
    return np.asarray(np.where(which, signals, 0.0).sum(axis=0) / np.maximum(which.sum(axis=0), 1))


def _log_normal(x: Floats, mean: Floats, spread: Floats) -> Floats:
    return -(((x - mean) / spread) ** 2) / 2 - np.log(spread)
