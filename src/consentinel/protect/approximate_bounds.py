"""A range for values of which none is known, from a noisy histogram whose bins double in width.

Guarantee: with discrete Laplace noise of scale contributions / epsilon on every bin the bins are epsilon-differentially
private; the range is read from them alone.
Assumes: a unit has at most `contributions` values in the histogram; the planner enforces it.

A bin counts when its noisy count reaches a threshold that noise alone would reach, in any bin, with probability
`failure` at most. Where no bin does, `failure` is doubled up to 1e-6, then there is no range.
Source: Google differential-privacy library, ApproxBounds; Wilson, Zhang, Lam, Desfontaines, Simmons-Marengo and Gipson
2020, section 5.1.1.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError

__all__ = ["Bins", "counts", "noise_scale", "ranges", "threshold"]

FIRST, LAST = 1e-9, 1e-6  # probability that an empty table gets a range


@dataclass(frozen=True)
class Bins:
    """Bins [0, scale], (scale, scale base], (scale base, scale base^2], ... and their mirror images below zero.

    Arguments: number of bins on each side; scale, the end of the first; base, at least 2. The last bin takes what lies
    beyond, the first bin below zero only what is below zero. Raises UsageError.
    """

    number: int = 64
    scale: Fraction = Fraction(1)
    base: int = 2

    def __post_init__(self) -> None:
        for what, least, most in (("number", 1, 2_000), ("base", 2, 1_000)):
            value = getattr(self, what)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise UsageError(f"{what} is a whole number in [{least}, {most}], got {value!r:.40}")
        if not isinstance(self.scale, Fraction) or self.scale <= 0:
            raise UsageError(f"scale is an exact positive fraction, got {self.scale!r:.40}")
        if self.scale * self.base**self.number > 10**300:
            raise UsageError("the bins end beyond 1e300; take fewer or smaller ones")

    @property
    def ends(self) -> list[Fraction]:
        """The ends of the bins on the positive side, exact, first to last."""
        return [self.scale * self.base**k for k in range(self.number)]

    @property
    def edges(self) -> NDArray[np.float64]:
        """The edges of all bins, lowest first, zero in the middle; shape (2 number + 1,)."""
        right = [float(end) for end in self.ends]
        return np.array([-end for end in reversed(right)] + [0.0, *right])

    def sql(self, column: str) -> str:
        """Return the DuckDB expression of the bin, 0 to 2 number - 1 from the lowest, of COLUMN (no NULL, no NaN)."""
        ends = ", ".join(f"{float(end)!r}::DOUBLE" for end in self.ends[:-1])
        beyond = f"len(list_filter([{ends}]::DOUBLE[], lambda e: e < abs({column})))"
        return f"CASE WHEN {column} < 0 THEN {self.number - 1} - {beyond} ELSE {self.number} + {beyond} END"


def counts(values: NDArray[np.float64], bins: Bins) -> NDArray[np.int64]:
    """Return how many of VALUES lie in each bin, lowest first; shape (2 number,). Raises UsageError for NaN."""
    if np.isnan(values).any():
        raise UsageError("a value is NaN; leave such rows out before they are counted")
    beyond = np.searchsorted(np.array([float(end) for end in bins.ends[:-1]]), np.abs(values))
    where = np.where(values < 0, bins.number - 1 - beyond, bins.number + beyond)
    return np.bincount(where, minlength=2 * bins.number).astype(np.int64)


def noise_scale(contributions: int, epsilon: Fraction) -> Fraction:
    """Return the scale of the discrete Laplace noise that every bin takes, in counts."""
    if isinstance(contributions, bool) or not isinstance(contributions, int) or contributions < 1:
        raise UsageError(f"contributions is a whole number of at least 1, got {contributions!r:.40}")
    if not isinstance(epsilon, Fraction) or epsilon <= 0:
        raise UsageError(f"epsilon is an exact positive fraction, got {epsilon!r:.40}")
    return contributions / epsilon


def ranges(noisy: NDArray[Any], bins: Bins, scale: Fraction) -> NDArray[np.float64]:
    """Return the range of each release: (low, high), both NaN where no bin stands out; shape (releases, 2).

    Arguments: NOISY counts, shape (releases, 2 number), lowest bin first; SCALE of their noise.
    Raises UsageError for another shape.
    """
    if noisy.ndim != 2 or noisy.shape[1] != 2 * bins.number:
        raise UsageError(f"noisy counts have the shape (releases, {2 * bins.number}), got {noisy.shape}")
    levels = [FIRST]
    while levels[-1] * 2 <= LAST:
        levels.append(levels[-1] * 2)
    falling = np.array([threshold(failure, bins, scale) for failure in levels])
    level = np.searchsorted(-falling, -noisy.max(axis=1))  # the first threshold that some bin reaches
    found = np.full((len(noisy), 2), np.nan)
    rows = np.flatnonzero(level < len(falling))
    stands = noisy[rows] >= falling[level[rows]][:, None]
    found[rows, 0] = bins.edges[np.argmax(stands, axis=1)]
    found[rows, 1] = bins.edges[2 * bins.number - np.argmax(stands[:, ::-1], axis=1)]
    return found


def threshold(failure: float, bins: Bins, scale: Fraction) -> int:
    """Return the least count that noise of SCALE alone reaches in some bin with probability FAILURE at most."""
    per_bin = -math.expm1(math.log1p(-failure) / (2 * bins.number))
    q = math.exp(-1 / float(scale))
    return max(1, math.ceil(-math.log(per_bin * (1 + q)) * float(scale)))  # P(noise >= t) = q^t / (1 + q)
