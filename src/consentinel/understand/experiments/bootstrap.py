"""The difference of two means by bootstrap, of whole clusters where there are any."""

import numpy as np

from consentinel.core.resample import cluster_bootstrap, permutation_test
from consentinel.understand.experimenting.trial import Check, Effect, Floats, Reading, Trial
from consentinel.understand.experiments._samples import enough

NEEDS = ()
FEW = 30


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the difference of means with its BCa interval, and the p of a permutation test of whole clusters.

    Clusters that lie in both arms are drawn whole, with both. Source: Efron 1987; Phipson and Smyth 2010.
    """
    control, treated = trial.arms()
    enough(control, treated)
    units = np.arange(len(trial.outcome)) if trial.cluster is None else trial.cluster
    rows = np.stack([trial.outcome, trial.treated.astype(np.float64)], axis=1)
    found = cluster_bootstrap(rows, units, _gap, level=level, seed=seed)
    p = _exchanged(trial, seed)
    effect = Effect("difference of means", found.value, found.low, found.high, p, f"{found.method}; permutation test",
                    float(control.mean()), float(treated.mean()))  # fmt: skip
    said = f"{found.n:,} independent units; with fewer than about {FEW} a bootstrap covers less than it says"
    return Reading([effect], [Check("enough units", found.n >= FEW, said)])


def _gap(rows: Floats, weights: Floats) -> Floats:
    arm = rows[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            weights @ (rows[:, 0] * arm) / (weights @ arm) - weights @ (rows[:, 0] * (1 - arm)) / (weights @ (1 - arm))
        )


def _exchanged(trial: Trial, seed: int) -> float:
    """Return the p of exchanging arms between rows, means of clusters, or within clusters that have both arms."""
    if trial.cluster is None:
        control, treated = trial.arms()
        return permutation_test(treated, control, seed=seed).p
    many = int(trial.cluster.max()) + 1
    off = trial.outcome - trial.outcome.mean()  # a cluster weighs what its rows weigh, as in the difference itself
    sums = [np.bincount(trial.cluster[arm], off[arm], many) for arm in (trial.treated, ~trial.treated)]
    there = [np.bincount(trial.cluster[arm], minlength=many) > 0 for arm in (trial.treated, ~trial.treated)]
    both = there[0] & there[1]
    if both.any():
        return permutation_test(sums[0][both], sums[1][both], paired=True, seed=seed).p
    return permutation_test(sums[0][there[0]], sums[1][there[1]], seed=seed).p
