"""Intervals from noisy sums whose spread is only known noisily: what the parts share.

D(s), what remains of a noisy sum when the candidate s is the truth, has variance R + v: R of the units, which are a
sample of their population, and v of the noise. At the candidate, R is the most that the bounds allow less a released
sum K of x (range - x) over units, plus a slope times what of D is due to the units. The slope is so chosen
(regression) that R and D are uncorrelated: for values at the two ends of the range alone that gives Wilson's interval,
for others one between his and Student's. The skewness of D is removed by Hall's monotone cubic transform (Hall 1992,
J. R. Statist. Soc. B 54). K has noise of its own, so its possible values are averaged over, which is the reasoning of
Student's t; like there, the variance of R over R + v is added to R, so that coverage is right to second order (Welch
1947). The interval ends where the averaged confidence distribution passes alpha/2 and 1 - alpha/2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.stats import tail
from consentinel.protect.estimates import Floats, Law

__all__ = [
    "Remainder",
    "bent",
    "between",
    "ends",
    "normal",
    "outreach",
    "possible",
    "quantile",
    "regressed",
    "unlimited",
]

NODES, HALVINGS, AT_ONCE = 24, 50, 4096
_AT = np.array([NormalDist().inv_cdf((at + 0.5) / NODES) for at in range(NODES)])  # equally likely normal values
_MIXED = np.argsort((np.arange(NODES) * 0.6180339887498949) % 1)  # pairs two sets of nodes evenly


@dataclass(frozen=True)
class Remainder:
    """What a candidate leaves, by groups (and nodes): the gap D, variances of noise and of units, third cumulant."""

    gap: Floats
    noise: Floats
    units: Floats
    third: Floats


def normal(x: Floats) -> Floats:
    """Return the standard normal distribution function at X."""
    found: Floats = need("scipy.special", extra="protect").ndtr(x)
    return found


def quantile(p: Floats | float) -> Floats:
    """Return the standard normal quantile at P."""
    found: Floats = need("scipy.special", extra="protect").ndtri(p)
    return found


def unlimited(noisy: Floats, sd: Floats | float) -> Floats:
    """Return equally likely true values of a NOISY release with noise of SD; shape (groups, NODES)."""
    wide = np.broadcast_to(np.asarray(sd, dtype=np.float64), noisy.shape)
    return noisy[:, None] + wide[:, None] * _AT


def possible(noisy: Floats, sd: Floats | float) -> Floats:
    """Return equally likely true values, none below 0, of a NOISY release with noise of SD; shape (groups, NODES)."""
    return np.maximum(unlimited(noisy, sd), 0.0)


def bent(t: Floats, skew: Floats) -> Floats:
    """Return Hall's cubic transform of T, a standardised deviation of skewness SKEW: nearly normal, rising in T."""
    bend = -skew / 6
    return t + bend * t**2 + bend**2 / 3 * t**3 - bend


def outreach(second: Floats, first: Floats, width: Floats | float) -> Floats:
    """Return a guess of the ratio of third to second moments of values in [0, WIDTH], from SECOND and FIRST moment.

    It lies between second / first and the width; their mean on the logarithmic scale is taken, the former with 2/3.
    """
    least = np.clip(second, 0.0, None) / np.maximum(first, 1e-300)
    return np.cbrt(np.minimum(least, width) ** 2 * width)


def between(second: Floats, below: Floats, above: Floats) -> Floats:
    """Return a guess of the third central moment from the SECOND, for values from BELOW under to ABOVE over the mean.

    About an end of the range, the ratio of third to second moments lies between that of second to first and the width
    of the range (Cauchy-Schwarz); `outreach` guesses it there, from both ends, the nearer one weighing more. It is
    exact for values at the two ends alone.
    """
    wide = np.maximum(below + above, 1e-300)

    def from_end(a: Floats) -> Floats:
        raw = second + a * a
        return outreach(raw, a, wide) * raw - 3 * a * raw + 2 * a**3

    return (above * from_end(below) - below * from_end(above)) / wide


def regressed(
    gap: Floats,
    noise: Floats,
    raw: Floats,
    slope: Floats | float,
    most: Floats | float,
    width: float,
    third: Callable[[Floats], Floats],
) -> Remainder:
    """Return the remainder with R as the module says.

    Arguments, by groups (and nodes): the GAP D and the variance of its NOISE; RAW, R for D = 0; the SLOPE of the sum
    of squares against D; MOST that R can be; WIDTH of the range; THIRD, the third cumulant for a variance.
    """
    units = np.clip(raw, 0.0, most)
    for _ in range(2):
        due = units / np.maximum(units + noise, 1e-300) * gap  # the part of D that is expected of the units
        ratio = np.clip(third(units) / np.maximum(units, 1e-12 * width * width), -width, width)
        units = np.clip(raw + (slope - ratio) * due, 0.0, most)
    ratio = np.clip(third(units) / np.maximum(units, 1e-12 * width * width), -width, width)
    size = np.abs(ratio)
    fourth = units * size * (np.cbrt(size**2 * width) - size)  # variance of squares that D does not explain
    unseen = (slope - ratio) ** 2 * units * noise / np.maximum(units + noise, 1e-300)  # of what is due to the units
    units = np.clip(units + np.sqrt(np.maximum(fourth + unseen, 0.0)) * _AT[_MIXED], 0.0, most)
    spread = units.var(axis=1, keepdims=True) / np.maximum(units.mean(axis=1, keepdims=True) + noise, 1e-300)
    units = np.minimum(units + spread, most)
    return Remainder(gap, noise, units, third(units))


def ends(
    remainder: Callable[[Floats], Remainder], low: Floats, high: Floats, level: float, *, law: Law
) -> tuple[Floats, Floats]:
    """Return the ends of the interval at LEVEL, shape (groups,) each.

    Arguments: REMAINDER of a candidate, shape (groups, 1); LOW and HIGH, where the ends are sought, shape (groups,);
    the LAW of the noise: Laplace noise is Gaussian noise with an exponentially distributed variance, averaged too.
    """
    alpha = tail(level)
    factor = np.ones(NODES)
    if law == "laplace":
        factor = -np.log1p(-(np.arange(NODES) + 0.5) / NODES)[_MIXED]
        factor = factor / factor.mean()

    def below(candidate: Floats) -> Floats:  # how sure it is that the truth lies below the candidate
        left = remainder(candidate[:, None])
        total = np.maximum(left.units + left.noise * factor, 1e-60)  # nothing varies: any gap is beyond doubt
        t = np.clip(left.gap / np.sqrt(total), -1e6, 1e6)
        found: Floats = normal(-bent(t, left.third / total**1.5)).mean(axis=1)
        return found

    return _cross(below, alpha, low, high), _cross(below, 1 - alpha, low, high)


def _cross(below: Callable[[Floats], Floats], wanted: float, low: Floats, high: Floats) -> Floats:
    left, right = low.astype(np.float64), high.astype(np.float64)
    for _ in range(HALVINGS):
        middle = left + (right - left) / 2
        less: NDArray[np.bool_] = below(middle) < wanted
        left, right = np.where(less, middle, left), np.where(less, right, middle)
    return left + (right - left) / 2
