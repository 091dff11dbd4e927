"""Which slice moved: a likelihood-ratio scan over all of them, with the chance of any false alarm held."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.understand.diagnosing.slices import Floats, Slices

__all__ = ["Scan", "Windows", "scanned"]

PRIOR = 30.0  # steps that the dispersion of all slices together weighs beside that of one
_CELLS = 4_000_000  # numbers held at once


@dataclass(frozen=True)
class Windows:
    """Which steps are AFTER (steps,), what a step is expected to weigh (steps,), and which steps may be exchanged:
    those of one stratum (steps,), such as a day of the week."""

    after: NDArray[np.bool_]
    weight: Floats
    stratum: NDArray[np.int64]


@dataclass(frozen=True)
class Scan:
    """Scores (k,) of slices, and the chance p that the highest score is reached when nothing moved."""

    scores: Floats
    p: float


def scanned(slices: Slices, windows: Windows, *, draws: int, seed: int) -> Scan:
    """Return how well each slice explains the change, alone: rows in it moved by one factor, all others did not.

    The score is the log likelihood ratio of a Poisson law with the slice's own factor, over the slice's dispersion,
    less the logarithm of how many slices name as many dimensions (so that many small ones have no advantage).
    The highest score is compared with those of DRAWS exchanges of steps between the windows, within a stratum: this
    holds the chance of any false alarm whatever the correlation of slices, while steps are alike within their
    stratum. Source: Kulldorff 1997 (scan), Westfall and Young 1993 (max statistic), McFowland et al. 2013 (subsets).
    """
    weights = np.broadcast_to(windows.weight if slices.totals is None else slices.totals, slices.counts.shape)
    bend = _bend(slices.counts, weights)[:, None]
    depths = slices.depths()
    price = np.log(np.bincount(depths)[depths])[:, None]

    def scores(after: Floats) -> Floats:
        gain, dispersion = _ratio(slices.counts, weights, after)
        steps, alike = len(after), bend * np.median(dispersion / bend, axis=0)
        return gain / np.maximum(1.0, (steps * dispersion + PRIOR * alike) / (steps + PRIOR)) - price

    seen = scores(windows.after[:, None].astype(np.float64))[:, 0]
    rng = generator(seed, "understand.diagnosing.scan")
    highest, block = [], max(1, _CELLS // max(1, len(seen)))
    for start in range(0, draws, block):
        many = min(block, draws - start)
        highest.append(scores(_exchanged(windows, many, rng)).max(axis=0))
    reached = int((np.concatenate(highest) >= seen.max() - 1e-9).sum())
    return Scan(seen, (1 + reached) / (1 + draws))


def _ratio(counts: Floats, weights: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the log likelihood ratio of each slice for each choice of AFTER (steps, b), and the variance over the mean
    of its steps around the means of the two windows; both (k, b)."""
    here, there = counts @ after, weights @ after
    every, whole = counts.sum(axis=1)[:, None], np.maximum(weights.sum(axis=1), 1e-12)[:, None]
    rate = np.maximum(every / whole, 1e-12)
    due = np.maximum(rate * there, 1e-12)
    rest = np.maximum(every - due, 1e-12)
    gone = every - here
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(here > 0, here * np.log(here / due), 0.0) + np.where(gone > 0, gone * np.log(gone / rest), 0.0)
    off = np.where(weights > 0, (counts - rate * weights) ** 2 / np.maximum(rate * weights, 1e-12), 0.0).sum(axis=1)
    between = (here - due) ** 2 * (1 / due + 1 / rest)
    return np.maximum(gain, 0.0), np.maximum(off[:, None] - between, 0.0) / max(1, len(after) - 2)


def _bend(counts: Floats, weights: Floats) -> Floats:
    """Return how the variance over the mean grows with a slice's size, as a line through all slices, up to a factor: it
    does not depend on the order of steps, and a few slices that moved hardly bend it."""
    rate = np.maximum(counts.sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-12), 1e-12)[:, None]
    off = np.where(weights > 0, (counts - rate * weights) ** 2 / np.maximum(rate * weights, 1e-12), 0.0)
    own = np.maximum(off.sum(axis=1) / max(1, counts.shape[1] - 1), 0.2)
    if len(own) < 10:
        return np.ones(len(own))
    size = np.log1p(counts.sum(axis=1))
    return np.asarray(np.exp(np.polyval(np.polyfit(size, np.log(own), 1), size)))


def _exchanged(windows: Windows, draws: int, rng: np.random.Generator) -> Floats:
    """Return DRAWS choices of after-steps (steps, draws), with as many of each stratum as there are."""
    chosen = np.zeros((len(windows.after), draws))
    for stratum in np.unique(windows.stratum):
        at = np.flatnonzero(windows.stratum == stratum)
        many = int(windows.after[at].sum())
        order = np.argsort(rng.random((len(at), draws)), axis=0)[:many]
        chosen[at[order], np.arange(draws)] = 1.0
    return chosen
