"""An experiment in which whole clusters (sites, teams, stores) were assigned: the difference of means, clustered."""

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.understand.experimenting.trial import Check, Reading, Trial
from consentinel.understand.experiments._linear import checks_of, effect_of
from consentinel.understand.experiments._samples import welch_effect

NEEDS = ("cluster",)


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the difference of means over rows, and over clusters (each weighing the same), with the design effect.

    Source: Donner and Klar 2000, chapter 6; intracluster correlation by analysis of variance, design effect by Kish.
    """
    if trial.cluster is None:
        raise UsageError("a cluster-randomised experiment needs the column of clusters: name it with --cluster")
    _names, code = np.unique(trial.cluster, return_inverse=True)
    sizes = np.bincount(code)
    share = np.bincount(code, trial.treated) / sizes
    if not np.isin(share, (0.0, 1.0)).all():
        raise UsageError("some clusters have rows of both arms; use regression with --cluster, or bootstrap")
    arm = trial.treated.astype(np.float64)
    effect, fit = effect_of(np.stack([np.ones_like(arm), arm], axis=1), trial.outcome, trial.cluster, 1,
                            name="difference of means", level=level, seed=seed)  # fmt: skip
    means = np.bincount(code, trial.outcome) / sizes
    each = welch_effect(
        means[share == 0], means[share == 1], level, "difference of cluster means", "Welch's t of clusters"
    )
    linked = _correlation(trial.outcome, code, sizes, share == 1)
    design = 1 + (float((sizes**2).sum()) / sizes.sum() - 1) * max(0.0, linked)
    said = f"intracluster correlation {linked:.3f}, design effect {design:.2f}: {len(arm):,} rows tell as much as "
    checks = [
        *checks_of(fit, trial.cluster, trial.treated),
        Check("design effect", None, f"{said}{len(arm) / design:,.0f}"),
    ]
    return Reading([effect, each], checks)


def _correlation(
    outcome: np.ndarray[tuple[int], np.dtype[np.float64]], code: np.ndarray[tuple[int], np.dtype[np.intp]],
    sizes: np.ndarray[tuple[int], np.dtype[np.intp]], treated: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> float:  # fmt: skip
    """Return the intracluster correlation by one-way analysis of variance around the arms' means."""
    arm = treated[code]
    off = outcome - np.where(arm, outcome[arm].mean(), outcome[~arm].mean())
    means = np.bincount(code, off) / sizes
    n, many = len(off), len(sizes)
    if n <= many or many <= 2:
        return 0.0
    between = float((sizes * means**2).sum()) / (many - 2)
    within = float(((off - means[code]) ** 2).sum()) / (n - many)
    typical = (n - float((sizes**2).sum()) / n) / (many - 1)
    whole = between + (typical - 1) * within
    return (between - within) / whole if whole else 0.0
