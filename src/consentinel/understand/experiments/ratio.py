"""The difference of two ratios of sums, such as clicks per view, by the delta method."""

import math

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.stats import tail
from consentinel.understand.experimenting.trial import Check, Effect, Floats, Reading, Trial

NEEDS = ("denominator",)
FEW = 30


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the difference of sum(outcome) / sum(denominator) between arms; units are clusters, or rows.

    Source: Deng, Knoblich and Lu 2018, section 2.2.
    """
    if trial.denominator is None:
        raise UsageError("ratio needs the column that outcomes are divided by: name it with --denominator")
    special = need("scipy.special", extra="learn")
    shares, variances, units, wobble = [], [], [], []
    for arm in (~trial.treated, trial.treated):
        above, below = _totals(trial, trial.denominator, arm)
        if len(below) < 2 or below.sum() <= 0:
            raise UsageError("each arm needs two units, and a denominator above 0")
        share = float(above.sum() / below.sum())
        left = (above - share * below) / below.mean()
        shares.append(share)
        units.append(len(below))
        variances.append(float(left.var(ddof=1)) / len(below))
        wobble.append(float(below.std(ddof=1) / below.mean() / math.sqrt(len(below))))
    gap, variance = shares[1] - shares[0], sum(variances)
    free = variance**2 / sum(v**2 / (n - 1) for v, n in zip(variances, units, strict=True)) if variance else 1.0
    half = float(special.stdtrit(free, 1 - tail(level))) * math.sqrt(variance)
    p = 2 * float(special.stdtr(free, -abs(gap) / math.sqrt(variance))) if variance else float(gap == 0)
    effect = Effect("difference of ratios", gap, gap - half, gap + half, p, "delta method, Welch's t", *shares)
    said = f"{units[0]:,} and {units[1]:,} units; the denominators' means vary by {max(wobble):.1%}"
    return Reading(
        [effect], [Check("enough units, steady denominators", min(units) >= FEW and max(wobble) < 0.1, said)]
    )


def _totals(
    trial: Trial, denominator: Floats, arm: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Floats, Floats]:
    """Return the sums of outcome and denominator of each unit of ARM."""
    above, below = trial.outcome[arm], denominator[arm]
    if trial.cluster is None:
        return above, below
    _, unit = np.unique(trial.cluster[arm], return_inverse=True)
    return np.bincount(unit, above).astype(np.float64), np.bincount(unit, below).astype(np.float64)
