"""Steps whose count stands out from what was expected of them, with the false discovery rate held."""

import numpy as np

from consentinel.core.extras import need
from consentinel.core.stats import benjamini_hochberg
from consentinel.understand.forecasting.series import Floats

__all__ = ["LEAST", "stand_out"]

LEAST = 20  # errors that the dispersion is judged by
WINDOW = 208


def stand_out(counts: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Return of each step the two-sided p-value of its count, and the same adjusted over all steps.

    Arguments: counts (n,); expected (n,), said before the step. A count is judged by the negative-binomial law around
    what was expected, with the dispersion of the up to 208 steps before it (whose largest hundredth is set to the
    rest's most, so that one outlier does not hide the next). The first 20 steps have none: NaN. Adjusted by
    Benjamini and Hochberg 1995. Raises MissingExtra without SciPy.
    """
    law = need("scipy.stats", extra="learn").nbinom
    p = np.full(len(counts), np.nan)
    for at in range(LEAST, len(counts)):
        past = slice(max(0, at - WINDOW), at)
        mean = np.maximum(expected[past], 0.05)
        off = (counts[past] - mean) ** 2
        ratio = float(np.minimum(off / mean, np.quantile(off / mean, 0.99)).mean())
        ratio = max(1.05, ratio)  # variance over mean; 1 would be Poisson
        centre = max(float(expected[at]), 0.05)
        r, share = centre / (ratio - 1), 1 / ratio
        below, above = law.cdf(counts[at], r, share), law.sf(counts[at] - 1, r, share)
        p[at] = min(1.0, 2 * min(below, above))
    adjusted = np.full(len(counts), np.nan)
    adjusted[LEAST:] = benjamini_hochberg(p[LEAST:]) if len(counts) > LEAST else np.zeros(0)
    return p, adjusted
