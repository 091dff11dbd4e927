"""The difference of two proportions, with Newcombe's interval."""

import math

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.stats import fisher_exact, wilson
from consentinel.understand.experimenting.trial import Check, Effect, Reading, Trial
from consentinel.understand.experiments._samples import enough

NEEDS = ()
EXACT = 10_000  # values up to which the test is exact


def read(trial: Trial, level: float, seed: int) -> Reading:
    """Return the difference of shares of an outcome that is 0 or 1. Raises UsageError for other outcomes.

    The interval joins two Wilson intervals (Newcombe 1998, method 10); the test is Fisher's, and above 10,000 values
    the z-test of pooled shares.
    """
    control, treated = trial.arms()
    enough(control, treated, 1)
    if not np.isin(trial.outcome, (0.0, 1.0)).all():
        raise UsageError("proportions need an outcome of 0 and 1; for other outcomes use welch or ratio")
    hits, n = [int(arm.sum()) for arm in (control, treated)], [len(control), len(treated)]
    one, two = (wilson(*pair, level) for pair in zip(hits, n, strict=True))
    gap = two.value - one.value
    low = gap - math.hypot(two.value - two.low, one.high - one.value)
    high = gap + math.hypot(two.high - two.value, one.value - one.low)
    if sum(n) <= EXACT:
        p, test = fisher_exact(hits[1], n[1], hits[0], n[0]).p, "Fisher's exact test"
    else:
        pooled = sum(hits) / sum(n)
        error = math.sqrt(pooled * (1 - pooled) * (1 / n[0] + 1 / n[1]))
        z = gap / error if error else 0.0
        p, test = 2 * float(need("scipy.special", extra="learn").ndtr(-abs(z))), "z-test of pooled shares"
    effect = Effect("difference of proportions", gap, low, high, p, f"Newcombe; {test}", one.value, two.value)
    least = min(*hits, *(total - hit for hit, total in zip(hits, n, strict=True)))
    said = f"the rarest of the four counts is {least:,}; the interval holds its level from about 5 on"
    return Reading([effect], [Check("enough of the rarer outcome", least >= 5, said)])
