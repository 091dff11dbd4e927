"""The effect of treatment in a regression on covariates, with HC3 or clustered errors."""

import numpy as np

from consentinel.understand.experimenting.trial import Check, Reading, Trial
from consentinel.understand.experiments._linear import checks_of, effect_of

NEEDS = ()


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the coefficient of treatment, beside that without covariates.

    Covariates are centred and enter also times treatment, so that the coefficient is the mean effect even where
    effects differ with them. Source: Lin 2013; MacKinnon and White 1985; Cameron and Miller 2015.
    """
    arm = trial.treated.astype(np.float64)
    ones = np.ones_like(arm)
    plain, fit = effect_of(np.stack([ones, arm], axis=1), trial.outcome, trial.cluster, 1,
                           name="difference of means, unadjusted", level=level, seed=seed)  # fmt: skip
    checks = checks_of(fit, trial.cluster, trial.treated)
    if trial.adjust is None:
        return Reading([plain], checks)
    centred = trial.adjust - trial.adjust.mean(axis=0)
    design = np.column_stack([ones, arm, centred, centred * arm[:, None]])
    effect, fit = effect_of(design, trial.outcome, trial.cluster, 1, name="effect of treatment", level=level, seed=seed)
    ratio = len(arm) / design.shape[1]
    said = f"{len(arm):,} rows for {design.shape[1]} coefficients; 20 each are wanted"
    return Reading([effect, plain], [*checks, Check("enough rows for the covariates", ratio >= 20, said)])
