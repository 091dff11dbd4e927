"""A rank test: how often a treated value is above a control value, ties counting half."""

import math

import numpy as np

from consentinel.core.extras import need
from consentinel.core.stats import tail
from consentinel.understand.experimenting.trial import Check, Effect, Reading, Trial
from consentinel.understand.experiments._samples import enough

NEEDS = ()
FEW = 10


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return that chance with its interval, whose arms may vary unequally, and the Mann-Whitney test beside it.

    The interval is one of the chance's logit, so that it stays within 0 and 1. Source: Brunner and Munzel 2000;
    Brunner, Bathke and Konietschke 2018, section 3.5; Mann and Whitney 1947.
    """
    control, treated = trial.arms()
    enough(control, treated)
    stats, special = need("scipy.stats", extra="learn"), need("scipy.special", extra="learn")
    m, n = len(control), len(treated)
    every = stats.rankdata(np.concatenate([control, treated]))
    placed = [every[:m] - stats.rankdata(control), every[m:] - stats.rankdata(treated)]
    chance = float(placed[1].mean() / m)
    parts = [float(placed[0].var(ddof=1)) / (n * n * m), float(placed[1].var(ddof=1)) / (m * m * n)]
    whitney = stats.mannwhitneyu(treated, control, alternative="two-sided")
    beside = Effect("chance that treated is above", chance, math.nan, math.nan, float(whitney.pvalue), "Mann-Whitney U",
                    null=0.5)  # fmt: skip
    checks = [Check("enough ranks for the t law", min(m, n) >= FEW, f"{m:,} and {n:,} values; {FEW} are wanted"),
              Check("same shape (Mann-Whitney only)", None,
                    f"variances of placements {parts[0]:.3g} and {parts[1]:.3g}")]  # fmt: skip
    variance = sum(parts)
    if variance == 0:
        effect = Effect("chance that treated is above", chance, 0.0, 1.0, float(whitney.pvalue),
                        "Brunner-Munzel; the arms do not overlap", null=0.5)  # fmt: skip
        return Reading([effect, beside], checks)
    free = variance**2 / (parts[0] ** 2 / (m - 1) + parts[1] ** 2 / (n - 1))
    error = math.sqrt(variance)
    p = 2 * float(special.stdtr(free, -abs(chance - 0.5) / error))
    bound = min(max(chance, 0.5 / (m * n)), 1 - 0.5 / (m * n))
    half = float(special.stdtrit(free, 1 - tail(level))) * error / (bound * (1 - bound))
    logit = math.log(bound / (1 - bound))
    low, high = (1 / (1 + math.exp(-(logit + side * half))) for side in (-1, 1))
    effect = Effect("chance that treated is above", chance, low, high, p, "Brunner-Munzel", null=0.5)
    return Reading([effect, beside], checks)
