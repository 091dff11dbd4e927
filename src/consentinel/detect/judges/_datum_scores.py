"""How good judges of data are: F1 of each type and its mean, calibration error, intervals by family."""

import numpy as np
import numpy.typing as npt

from consentinel.core.resample import cluster_bootstrap, cluster_totals
from consentinel.core.stats import Interval
from consentinel.detect.judges._datum_table import Targets

__all__ = ["calibration_error", "f1", "interval_of_calibration", "interval_of_f1", "macro_f1"]

BINS = 10
DRAWS = 2000

Floats = npt.NDArray[np.float64]
Said = npt.NDArray[np.bool_]


def _f1_counts(truth: Targets, said: Said) -> Floats:
    """Two columns a type for each row: right twice, and said or true; their ratio of sums is F1."""
    yes, said = truth.yes & truth.known, said & truth.known
    return np.concatenate([2 * (yes & said), yes.astype(int) + said], axis=1).astype(np.float64)


def f1(truth: Targets, said: Said) -> Floats:
    """Return F1 of each type, NaN where it is neither true nor said anywhere."""
    right, every = np.split(_f1_counts(truth, said).sum(axis=0), 2)
    with np.errstate(invalid="ignore"):
        return np.asarray(right / every)


def macro_f1(truth: Targets, said: Said) -> float:
    """Return the mean of F1 over the types that occur in TRUTH."""
    return float(f1(truth, said)[(truth.yes & truth.known).any(axis=0)].mean())


def interval_of_f1(truth: Targets, said: Said, family: npt.NDArray[np.str_], *, seed: int) -> Interval:
    """Return macro-F1 over the types that occur, with an interval from drawing whole families."""
    there = (truth.yes & truth.known).any(axis=0)
    counts = _f1_counts(truth, said)[:, np.concatenate([there, there])]

    def statistic(values: Floats, weights: Floats) -> Floats:
        right, every = np.split(weights @ values, 2, axis=1)
        return np.asarray((right / np.maximum(every, 1)).mean(axis=1))

    return _interval(counts, family, statistic, seed)


def _gaps(truth: Targets, p: npt.NDArray[np.float32], types: npt.NDArray[np.int64]) -> Floats:
    """For each row how far probability and truth differ, in the column of its type and bin; then whether it counts."""
    n, bins = len(p), np.minimum((p * BINS).astype(np.int64), BINS - 1)
    gaps = np.zeros((n, len(types), BINS))
    rows = np.arange(n)
    for at, kind in enumerate(types):
        gaps[rows, at, bins[:, kind]] = (p[:, kind] - truth.yes[:, kind]) * truth.known[:, kind]
    return np.concatenate([gaps.reshape(n, -1), truth.known[:, types]], axis=1)


def _error(totals: Floats, weights: Floats) -> Floats:
    sums = weights @ totals
    kinds = sums.shape[1] // (BINS + 1)
    off = np.abs(sums[:, : kinds * BINS]).reshape(len(sums), kinds, BINS).sum(axis=2)
    return np.asarray((off / np.maximum(sums[:, kinds * BINS :], 1)).mean(axis=1))


def calibration_error(truth: Targets, p: npt.NDArray[np.float32]) -> float:
    """Return the classwise calibration error of probabilities P over the types that occur in TRUTH.

    Ten bins of equal width; the mean over types of the mean gap between probability and frequency. Source: Kull et
    al., "Beyond temperature scaling", NeurIPS 2019, section 2 (classwise-ECE).
    """
    gaps = _gaps(truth, p, np.flatnonzero((truth.yes & truth.known).any(axis=0)))
    return float(_error(gaps, np.ones((1, len(gaps))))[0])


def interval_of_calibration(
    truth: Targets, p: npt.NDArray[np.float32], family: npt.NDArray[np.str_], *, seed: int
) -> Interval:
    """Return the classwise calibration error with an interval from drawing whole families.

    Drawing adds noise to every gap and a gap has no sign, so the interval leans towards larger errors.
    """
    gaps = _gaps(truth, p, np.flatnonzero((truth.yes & truth.known).any(axis=0)))
    return _interval(gaps, family, _error, seed)


def _interval(counts: Floats, family: npt.NDArray[np.str_], statistic, seed: int) -> Interval:  # type: ignore[no-untyped-def]
    totals = cluster_totals(counts, family)
    return cluster_bootstrap(totals, np.arange(len(totals)), statistic, draws=DRAWS, seed=seed, method="percentile")
