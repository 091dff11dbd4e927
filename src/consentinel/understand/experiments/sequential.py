"""A difference of means that may be looked at any time: a confidence sequence over the rows in their order."""

import numpy as np

from consentinel.core.sequential import gap_so_far_asymptotic
from consentinel.understand.experimenting.trial import Check, Effect, Reading, Trial
from consentinel.understand.experiments._samples import enough, welch_effect

NEEDS = ()
FEW = 30


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the difference after the last row with the interval that holds at all rows together.

    Rows have to be in the order in which they came. p is the smallest error rate at which zero would lie outside by
    now. Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, theorem 2.2.
    """
    control, treated = trial.arms()
    enough(control, treated)
    order = ~trial.treated
    gap, low, high = gap_so_far_asymptotic(trial.outcome, order, level, narrow_at=max(100.0, len(order) / 2), start=FEW)
    told = np.flatnonzero((low > 0) | (high < 0))
    said = (
        f"zero was outside first after {told[0] + 1:,} of {len(gap):,} rows" if told.size else "zero was never outside"
    )
    last = float(gap[-1]), float(low[-1]), float(high[-1])
    means = float(control.mean()), float(treated.mean())
    effect = Effect("difference of means", *last, _p(trial), "confidence sequence", *means)
    fixed = welch_effect(control, treated, level, "difference of means, if looked at once", "Welch's t")
    start = f"{len(control):,} and {len(treated):,} rows; intervals start after {FEW} of each"
    return Reading(
        [effect, fixed],
        [Check("enough rows to start", min(len(control), len(treated)) >= FEW, start), Check("first told", None, said)],
    )


def _p(trial: Trial) -> float:
    """Return the smallest error rate at which the last interval excludes zero, by halving; 1 when none does."""
    low, high = 1e-12, 0.999
    tune = max(100.0, len(trial.outcome) / 2)

    def told(alpha: float) -> bool:
        _, down, up = gap_so_far_asymptotic(trial.outcome, ~trial.treated, 1 - alpha, narrow_at=tune, start=FEW)
        return bool(down[-1] > 0 or up[-1] < 0)

    if not told(high):
        return 1.0
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if told(middle) else (middle, high)
    return high
