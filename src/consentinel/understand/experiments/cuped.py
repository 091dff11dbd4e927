"""CUPED: the difference of means with less variance, by the same outcome before the experiment."""

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.understand.experimenting.trial import Check, Reading, Trial
from consentinel.understand.experiments._samples import means_hold, welch_effect

NEEDS = ("before",)


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the adjusted difference and, beside it, the plain one of the same run.

    What is taken off is the part of an outcome that a line through both arms, each around its own means, foretells
    from before. Source: Deng, Xu, Kohavi and Walker 2013.
    """
    if trial.before is None:
        raise UsageError("cuped needs the outcome before the experiment: name its column with --before")
    before, arm = trial.before, trial.treated
    x = before - np.where(arm, before[arm].mean(), before[~arm].mean())
    y = trial.outcome - np.where(arm, trial.outcome[arm].mean(), trial.outcome[~arm].mean())
    spread = float(x @ x)
    slope = float(x @ y) / spread if spread else 0.0
    adjusted = trial.outcome - slope * (before - before.mean())
    effect = welch_effect(adjusted[~arm], adjusted[arm], level, "difference of means", "CUPED, Welch's t")
    plain = welch_effect(*trial.arms(), level, "difference of means, unadjusted", "Welch's t")
    linked = float(x @ y) / float(np.sqrt(spread * (y @ y))) if spread and (y @ y) else 0.0
    balance = welch_effect(before[~arm], before[arm], 0.95, "before", "Welch's t")
    checks = [
        Check("arms alike before", balance.p >= 0.001, f"difference before {balance.value:.3g}, p = {balance.p:.2g}"),
        Check("variance saved", None, f"correlation {linked:.2f}: {linked**2:.0%} of the variance"),
    ]
    return Reading([effect, plain], [*checks, *means_hold(*trial.arms())])
