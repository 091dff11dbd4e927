"""Difference in differences: how much more the treated changed than the control, with clustered errors."""

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.understand.experimenting.trial import Check, Reading, Trial
from consentinel.understand.experiments._linear import checks_of, effect_of

NEEDS = ("after",)


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the coefficient of treatment times after; rows of one unit should be one cluster.

    Source: Angrist and Pischke 2009, section 5.2; Bertrand, Duflo and Mullainathan 2004.
    """
    if trial.after is None:
        raise UsageError("difference in differences needs a column of 0 (before) and 1 (after): name it with --after")
    arm, after = trial.treated.astype(np.float64), trial.after.astype(np.float64)
    sizes = [int(((arm == a) & (after == b)).sum()) for a in (0, 1) for b in (0, 1)]
    if min(sizes) < 2:
        raise UsageError("there are too few rows of an arm before or after; each of the four needs two")
    design = np.stack([np.ones_like(arm), arm, after, arm * after], axis=1)
    effect, fit = effect_of(design, trial.outcome, trial.cluster, 3, name="difference in differences", level=level,
                            seed=seed)  # fmt: skip
    checks = checks_of(fit, trial.cluster, trial.treated)
    if trial.cluster is None:
        checks.append(Check("rows of one unit are linked", False, "no --cluster was named: errors take rows as "
                            "independent, which they are not when a unit has several"))  # fmt: skip
    means = [float(trial.outcome[(arm == a) & (after == b)].mean()) for a in (0, 1) for b in (0, 1)]
    said = f"control {means[0]:.4g} to {means[1]:.4g}, treated {means[2]:.4g} to {means[3]:.4g}; that both would have "
    checks.append(Check("parallel trends", None, said + "changed alike cannot be seen in two periods"))
    return Reading([effect], checks)
