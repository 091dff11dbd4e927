"""Intervals of means and of paired shifts per person that stay honest where few people change, or none."""

from collections.abc import Sequence

import numpy as np

from consentinel.assure.measure import Better, Measure, Plan
from consentinel.core.extras import need
from consentinel.core.resample import cluster_bootstrap, permutation_test
from consentinel.core.stats import Floats, Interval, holm, tail

__all__ = ["bounded", "first_shown", "people_mean", "shift"]

FEW = 10  # people who change, below which a bootstrap says too little
_POWER = 2.8  # standard errors that are shown with 80% power at 95%
_DRAWS = 2000


def people_mean(values: Floats, plan: Plan) -> Interval:
    """Return the mean of VALUES between 0 and 1, one per person, with its interval."""
    n = len(values)
    if min(int((values > 0).sum()), int((values < 1).sum())) >= FEW:
        return cluster_bootstrap(values, np.arange(n), level=plan.level, draws=plan.draws, seed=plan.seed)
    low, high = bounded(float(values.sum()), n, tail(plan.level, "both"))
    return Interval(float(values.mean()), low, high, n, plan.level, "clopper-pearson")


def bounded(total: float, n: int, alpha: float) -> tuple[float, float]:
    """Return bounds of a mean between 0 and 1 whose N values sum to TOTAL, each wrong with at most ALPHA.

    Clopper-Pearson's bounds of TOTAL successes: of all variables between 0 and 1 with the same mean, the one that is
    always 0 or 1 spreads most.
    """
    beta = need("scipy.special", extra="learn").betaincinv
    low = float(beta(total, n - total + 1, alpha)) if total > 0 else 0.0
    return low, float(beta(total + 1, n - total, 1 - alpha)) if total < n else 1.0


def shift(
    metric: str, moved: Floats, slice: str, plan: Plan, *, better: Better, why: str = "", against: str = ""
) -> Measure:
    """Return the mean of what MOVED per person, between -1 and 1 each, against no shift at all.

    Where few people move, gains and losses are bounded each by themselves.
    """
    n = len(moved)
    changed = moved[moved != 0]
    if len(changed) >= FEW:
        found = cluster_bootstrap(moved, np.arange(n), level=plan.level, draws=plan.draws, seed=plan.seed)
    else:
        alpha = tail(plan.level, "both") / 2
        up = bounded(float(np.maximum(moved, 0).sum()), n, alpha)
        down = bounded(float(np.maximum(-moved, 0).sum()), n, alpha)
        found = Interval(float(moved.mean()), up[0] - down[1], up[1] - down[0], n, plan.level, "clopper-pearson")
    p = 1.0
    if len(changed):
        draws = max(_DRAWS, plan.draws)
        p = permutation_test(changed, np.zeros(len(changed)), paired=True, draws=draws, seed=plan.seed).p
    spread = float(moved.std(ddof=1)) / n**0.5 if len(changed) >= FEW else (found.high - found.low) / 3.92
    return Measure(metric, found, slice, against, 0.0, p, _POWER * spread, better, why)


def first_shown(
    metric: str, sizes: Sequence[float], shifts: Sequence[Measure], slice: str, sign: int, plan: Plan, why: str
) -> Measure:
    """Return the least of SIZES whose shift is shown in the direction SIGN, Holm's correction over all of them.

    The true least one is at most that, and can be any smaller one: that is the interval.
    Source: Holm 1979.
    """
    adjusted = holm([1.0 if one.p is None else one.p for one in shifts])
    for size, one, p in zip(sizes, shifts, adjusted, strict=True):
        if one.estimate is not None and p <= 1 - plan.level and sign * one.estimate.value > 0:
            found = Interval(size, 0.0, size, one.estimate.n, plan.level, "tests by size, Holm")
            return Measure(metric, found, slice, better="higher", why=why)
    return Measure(metric, None, slice, why=f"no effect is shown up to {max(sizes):.2%}; {why}")
