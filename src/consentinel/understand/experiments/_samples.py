"""What the readings of two samples share: Welch's interval, and the checks of what means rest on."""

import math

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.core.extras import need
from consentinel.core.stats import tail
from consentinel.understand.experimenting.trial import Check, Effect, Floats

__all__ = ["enough", "means_hold", "welch_effect"]

FEW = 30  # values in an arm below which a mean is asked to come from something like a normal law
SKEW = 355  # values for each square of the skewness: Kohavi, Deng, Longbotham and Xu 2014


def enough(first: Floats, second: Floats, least: int = 2) -> None:
    """Raise UsageError unless both arms have LEAST values."""
    if min(len(first), len(second)) < least:
        raise UsageError(f"each arm needs {least} values; there are {len(first)} and {len(second)}")


def welch_effect(control: Floats, treated: Floats, level: float, name: str, method: str) -> Effect:
    """Return the difference of means with Welch's t interval and test (Welch 1947)."""
    enough(control, treated)
    special = need("scipy.special", extra="learn")
    parts = [float(arm.var(ddof=1)) / len(arm) for arm in (control, treated)]
    gap, variance = float(treated.mean() - control.mean()), sum(parts)
    ends = float(control.mean()), float(treated.mean())
    if variance == 0:
        return Effect(name, gap, gap, gap, float(gap == 0), f"{method}; no variance", *ends)
    error = math.sqrt(variance)
    free = variance**2 / sum(part**2 / (len(arm) - 1) for part, arm in zip(parts, (control, treated), strict=True))
    half = float(special.stdtrit(free, 1 - tail(level))) * error
    p = 2 * float(special.stdtr(free, -abs(gap) / error))
    return Effect(name, gap, gap - half, gap + half, p, method, *ends)


def means_hold(control: Floats, treated: Floats) -> list[Check]:
    """Return the checks that a t interval of means rests on: enough values for their skewness, no arm constant."""
    found = []
    for word, arm in (("control", control), ("treated", treated)):
        spread = float(arm.std())
        if spread == 0:
            found.append(Check(f"{word} varies", False, f"all {len(arm):,} values of {word} are {arm[0]:g}"))
            continue
        skew = float((((arm - arm.mean()) / spread) ** 3).mean())
        wanted = max(FEW, math.ceil(SKEW * skew**2)) if len(arm) >= FEW else FEW
        said = f"{len(arm):,} values, skewness {skew:.2f}; means are near normal from about {wanted:,}"
        found.append(Check(f"enough {word} for their skewness", len(arm) >= wanted, said))
    largest = max(float(np.abs(arm - arm.mean()).max() / max(arm.std(), 1e-300)) for arm in (control, treated))
    found.append(Check("no single value decides", None, f"the largest lies {largest:.1f} deviations from its mean"))
    return found
