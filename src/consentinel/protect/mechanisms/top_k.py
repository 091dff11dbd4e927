"""The largest groups of a public list: their noisy counts, or their names alone by exact noisy selection.

Guarantee: counts: a unit changes each group by at most its kept rows, and every interval holds at once (so also for
those picked after the fact). Names alone (`select`): k rows^2 / (2 scale^2) zCDP, whatever the number of groups
that a unit is in.
Assumes: the list of groups is public; units are independent and their number is random (Poisson).

Sources: Sidak 1967 (simultaneous intervals); Durfee and Rogers 2019, Cesar and Rogers 2021 (noisy top k, by OpenDP).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.stats import tail
from consentinel.protect.estimates import Estimates, Facts, Law
from consentinel.protect.mechanisms import _moments as m
from consentinel.protect.mechanisms._confidence import quantile
from consentinel.protect.mechanisms._counting import counted
from consentinel.protect.splitting import root_up
from consentinel.protect.statistic import Bounds, Statistic

__all__ = ["answer", "forecast", "largest", "needs", "scale_for", "select", "shares"]


def needs(bounds: Bounds, budget: Fraction) -> tuple[Statistic, ...]:
    """Return the number of rows of every group."""
    m.as_spent(budget)
    return (m.rows(bounds),)


def shares(bounds: Bounds) -> Mapping[str, Fraction]:
    """Return that there is one statistic, which takes the whole budget."""
    return {"rows": Fraction(1)}


def answer(
    noisy: Mapping[str, NDArray[Any]],
    scales: Mapping[str, float],
    bounds: Bounds,
    level: float,
    *,
    law: Law = "gaussian",
) -> Estimates:
    """Return the counts of all groups with intervals that hold for all of them at once; pick by `largest`."""
    tail(level)
    value, sd = m.read(m.rows(bounds), noisy, scales)
    each = level ** (1 / max(1, value.size))
    return Estimates(value, *counted(value, sd, each, most=bounds.rows, law=law))


def largest(estimates: Estimates, k: int) -> NDArray[np.intp]:
    """Return the positions of the K largest values, largest first; equal ones in the order of the list."""
    _ranks(k, estimates.value.size)
    return np.argsort(-estimates.value, kind="stable")[:k]


def scale_for(rho: Fraction, k: int, bounds: Bounds) -> Fraction:
    """Return the scale with which `select` costs at most RHO: rows * sqrt(k / (2 rho)), rounded up."""
    m.as_spent(rho)
    _ranks(k, k)
    return root_up(k * Fraction(bounds.rows) ** 2 / (2 * rho))


def select(counts: NDArray[np.int64], k: int, scale: Fraction) -> list[int]:
    """Return the positions of K groups picked by noisy rank, largest first, and nothing about their counts.

    COUNTS are the exact ones, shape (groups,); SCALE is that of `scale_for`. OpenDP adds Gumbel noise in arithmetic
    of arbitrary precision. Raises UsageError; MissingExtra without opendp.
    """
    exact = np.asarray(counts)
    if exact.ndim != 1 or exact.dtype.kind not in "iu":
        raise BadInput(f"counts are whole numbers of shape (groups,), got {exact.dtype} of shape {exact.shape}")
    _ranks(k, exact.size)
    if not isinstance(scale, Fraction) or scale <= 0:
        raise UsageError(f"a noise scale is an exact positive fraction, got {scale!r:.60}")
    rounded = float(scale)
    rounded = rounded if Fraction(rounded) >= scale else math.nextafter(rounded, math.inf)  # never less noise
    dp = need("opendp.prelude", extra="protect")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    picked: list[int] = dp.m.make_noisy_top_k(*space, dp.zero_concentrated_divergence(), k, rounded)(exact.tolist())
    return picked


def forecast(bounds: Bounds, scales: Mapping[str, float], facts: Facts) -> float:
    """Return the expected half width of the 95% interval of a group, all of `facts.extra["groups"]` holding at once."""
    groups = max(1.0, facts.extra.get("groups", 1.0))
    z = float(quantile(1 - (1 - 0.95 ** (1 / groups)) / 2))
    return z * math.sqrt(facts.units * facts.share * bounds.rows**2 + scales["rows"] ** 2)


def _ranks(k: int, groups: int) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= groups:
        raise UsageError(f"k is a whole number from 1 to the number of groups ({groups}), got {k!r:.40}")
