"""The interval of a noisy count, whose sampling variance is known at every candidate: count, histogram and top_k."""

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.protect.estimates import Floats, Law
from consentinel.protect.mechanisms._confidence import NODES, Remainder, ends

__all__ = ["counted"]


def counted(
    value: Floats, sd: float, level: float, *, most: int = 1, size: Floats | float | None = None, law: Law = "gaussian"
) -> tuple[Floats, Floats]:
    """Return the ends of the interval of the noisy counts VALUE, shape (groups,), with noise of SD.

    MOST is what one unit adds at most (variance at most MOST times the count). SIZE: the public number of units, of
    which a random part is counted (binomial); None: the number of units is random too (Poisson). Raises UsageError.
    Source: the score test inverted, with Hall's correction for skewness.
    """
    n = None if size is None else np.broadcast_to(np.asarray(size, dtype=np.float64), value.shape)[:, None]
    if n is not None and not (n > 0).all():
        raise UsageError("the public number of units is positive in every group")
    nodes = np.ones((1, NODES if law == "laplace" else 1))

    def remainder(s: Floats) -> Remainder:
        rest = 1.0 if n is None else np.clip(1 - s / (most * n), 0.0, 1.0)
        units = most * s * rest
        third = most * units * (1.0 if n is None else 2 * rest - 1)
        return Remainder(value[:, None] - s, np.full_like(s, sd * sd), units * nodes, third * nodes)

    reach = np.maximum(value, 0.0) + 20 * np.sqrt(most * np.maximum(value, 0.0) + sd * sd) + 100 * most
    top = reach if n is None else np.minimum(reach, most * n[:, 0])
    return ends(remainder, np.zeros_like(value), np.maximum(top, 0.0), level, law=law)
