"""Welch's t-test: the difference of two means, of arms that may vary unequally."""

from consentinel.understand.experimenting.trial import Reading, Trial
from consentinel.understand.experiments._samples import means_hold, welch_effect

NEEDS = ()


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the difference of means. Source: Welch 1947."""
    control, treated = trial.arms()
    effect = welch_effect(control, treated, level, "difference of means", "Welch's t")
    return Reading([effect], means_hold(control, treated))
