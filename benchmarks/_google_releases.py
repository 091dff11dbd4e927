"""The mechanisms under Google's cases: from a case's parameters and entries to as many released values as asked."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast
from unittest.mock import patch

import duckdb
import numpy as np
from numpy.typing import NDArray

from consentinel.core.loss_grid import gaussian_epsilon
from consentinel.core.rng import secure_words
from consentinel.protect import approximate_bounds
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.mechanisms import _dispersion, _moments
from consentinel.protect.mechanisms import quantiles as quantiles_part
from consentinel.protect.noise import draw_with
from consentinel.protect.noise._lattice import lattice
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, l1, l2_squared
from consentinel.protect.statistic import lattice as value_step

__all__ = ["Privacy", "aggregate", "bounds_found", "noise", "quantiles"]

Draw = Callable[[int], NDArray[Any]]
Floats = NDArray[np.float64]
CHUNK = 20_000  # releases at a time, so that the arrays stay in the cache
CHECKED = 200  # released values that the mechanism itself computes too, with their intervals


@dataclass(frozen=True)
class Privacy:
    """What a case draws its noise for; delta 0 means Laplace noise. WEAKER divides every scale (1: as promised)."""

    epsilon: float
    delta: float
    weaker: float = 1.0

    @property
    def law(self) -> Literal["gaussian", "laplace"]:
        """Which noise it is."""
        return "gaussian" if self.delta else "laplace"

    def scale(self, l1_sensitivity: Fraction, l2_squared: Fraction, share: Fraction) -> Fraction:
        """Return the scale for a statistic that gets SHARE of the budget."""
        if not self.delta:
            exact = l1_sensitivity / (Fraction(self.epsilon) * share)
        else:
            exact = root_up(l2_squared / share) / Fraction(largest_mu(self.epsilon, self.delta))
        return exact / Fraction(self.weaker)


def largest_mu(epsilon: float, delta: float) -> float:
    """Return the largest sensitivity / sigma of Gaussian noise that is (EPSILON, DELTA)-private (Balle and Wang)."""
    low, high = 0.0, 1.0
    while gaussian_epsilon(high, delta) <= epsilon:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_epsilon(middle, delta) <= epsilon else (low, middle)
    return low


def root_up(value: Fraction) -> Fraction:
    """Return a fraction just above the square root of VALUE."""
    return Fraction(math.isqrt(math.ceil(value * (1 << 80))) + 1, 1 << 40)


def noise(privacy: Privacy, groups: int, most: float, raw: float, granularity: float) -> Draw:
    """Return draws of RAW plus noise, on a lattice 256 times as fine as GRANULARITY."""
    step = Fraction(granularity) / 256
    unit = Fraction(most) / step
    scale = privacy.scale(groups * unit, groups * unit**2, Fraction(1))
    start = round(Fraction(raw) / step)

    def draw(n: int) -> NDArray[np.int64]:
        return (_drawn(privacy, scale, n) + (start + 128)) // 256  # in multiples of the granularity, halves upwards

    return draw


def aggregate(part: str, entries: Sequence[tuple[float, int]], bounds: Bounds, privacy: Privacy) -> Draw:
    """Return draws of what mechanism PART (count, sum, mean, ...) releases of ENTRIES, pairs of a value and how often.

    Statistics, sensitivities, shares of the budget and the value are the mechanism's own. Statistics that only its
    intervals are read from are left zero and the intervals out; that this changes no value is checked on the first
    draws of every call, ValueError otherwise.
    """
    mechanism: Any = MECHANISMS.take(part)
    statistics = {one.name: one for one in mechanism.needs(bounds, Fraction(1))}
    shares = mechanism.shares(bounds)
    total = sum((shares[name] for name in statistics), Fraction(0))
    scales = {name: _scale(one, bounds, privacy, shares[name] / total) for name, one in statistics.items()}
    sds = {name: _sd(scale, privacy) for name, scale in scales.items()}
    exact = _exact(list(statistics.values()), entries, bounds)

    def answered(noisy: Mapping[str, NDArray[Any]]) -> Floats:
        return np.asarray(mechanism.answer(noisy, sds, bounds, 0.95, law=privacy.law).value)

    def some(n: int) -> Floats:
        noisy = {name: _drawn(privacy, scales[name], n) + exact[name] for name in VALUE_OF[part]}
        zeros = np.zeros(n, dtype=np.int64)
        with _without_intervals(mechanism):
            return answered({name: noisy.get(name, zeros) for name in statistics})

    def draw(n: int) -> Floats:
        whole = {name: _drawn(privacy, scales[name], CHECKED) + exact[name] for name in statistics}
        with _without_intervals(mechanism):
            kept = {name: whole[name] if name in VALUE_OF[part] else 0 * whole[name] for name in whole}
            quick = answered(kept)
        _agree(answered(whole), quick, part)
        return np.concatenate([some(min(CHUNK, n - at)) for at in range(0, n, CHUNK)])

    return draw


VALUE_OF = {
    "count": ("rows",),
    "sum": ("sum",),
    "mean": ("sum", "rows"),
    "standard_deviation": ("rows", "sum", "sum_squares"),
}
"""The statistics that the released value of a mechanism is computed from."""


@contextmanager
def _without_intervals(mechanism: Any) -> Iterator[None]:
    """Let MECHANISM compute its value only: what searches for the ends of intervals gives zeros."""

    def zeros(value: Any, *_: Any, **__: Any) -> Floats:
        return np.zeros((len(value), 1))

    def ends(_: Any, left: Floats, *__: Any, **___: Any) -> tuple[Floats, Floats]:
        return np.zeros(len(left)), np.zeros(len(left))

    def counted(value: Floats, *_: Any, **__: Any) -> tuple[Floats, Floats]:
        return np.zeros(len(value)), np.zeros(len(value))

    quick = {"ends": ends, "counted": counted, "possible": zeros, "unlimited": zeros}
    with ExitStack() as stack:
        for module in (mechanism, _dispersion):
            for name in quick.keys() & vars(module).keys():
                stack.enter_context(patch.object(module, name, quick[name]))
        yield


def quantiles(
    entries: Sequence[tuple[float, int]], bounds: Bounds, privacy: Privacy, at: tuple[float, ...], branches: int
) -> Draw:
    """Return draws of the quantiles AT of ENTRIES, shape (n, len(at)), by a tree with BRANCHES."""
    needs = quantiles_part.needs(bounds, Fraction(1), branches=branches)
    shares = quantiles_part.shares(bounds)
    total = sum((shares[one.name] for one in needs), Fraction(0))
    scales = {one.name: _scale(one, bounds, privacy, shares[one.name] / total) for one in needs}
    exact = {one.name: _exact_bins(one, entries, bounds) for one in needs}
    sds = {name: _sd(scale, privacy) for name, scale in scales.items()}
    edges = np.linspace(*_moments.least_most(bounds), branches**2 + 1)

    def noisy(n: int) -> dict[str, NDArray[np.int64]]:
        sizes = {one.name: one.width for one in needs}
        return {name: _drawn(privacy, scales[name], n * w).reshape(n, w) + exact[name] for name, w in sizes.items()}

    def some(values: Mapping[str, NDArray[np.int64]]) -> Floats:
        top, leaves = (values[name].astype(np.float64) for name in ("coarse", "fine"))
        prefix, _, _ = quantiles_part.consistent(top, sds["coarse"], leaves, sds["fine"])
        found = np.empty((len(top), len(at)))
        for i, q in enumerate(at):
            rising = quantiles_part._rising(prefix - q * prefix[:, -1:])
            found[:, i] = quantiles_part._crossing(rising, 0.0, edges)
        return found

    def draw(n: int) -> Floats:
        few = noisy(CHECKED)
        _agree(quantiles_part.answer(few, sds, bounds, 0.95, at=at, law=privacy.law).value, some(few), "quantiles")
        return np.concatenate([some(noisy(min(CHUNK, n - at))) for at in range(0, n, CHUNK)])

    return draw


def bounds_found(entries: Sequence[float], bins: approximate_bounds.Bins, contributions: int, privacy: Privacy) -> Draw:
    """Return draws of the range that `approximate_bounds` finds, coded as one number (-1: none)."""
    scale = approximate_bounds.noise_scale(contributions, Fraction(privacy.epsilon))
    exact = approximate_bounds.counts(np.array(entries, dtype=np.float64), bins)
    edges = bins.edges

    def some(n: int) -> NDArray[np.int64]:
        noisy = _drawn(privacy, scale / Fraction(privacy.weaker), n * len(exact)).reshape(n, -1) + exact
        found = approximate_bounds.ranges(noisy, bins, scale)
        none = np.isnan(found[:, 0])
        low, high = (np.searchsorted(edges, np.where(none, 0.0, found[:, side])) for side in (0, 1))
        return np.where(none, -1, low * len(edges) + high)

    def draw(n: int) -> NDArray[np.int64]:
        return np.concatenate([some(min(CHUNK, n - at)) for at in range(0, n, CHUNK)])

    return draw


def _drawn(privacy: Privacy, scale: Fraction, n: int) -> NDArray[np.int64]:
    if scale < 1 << 39:
        return lattice(scale, 2 if privacy.delta else 1).draw(n, secure_words)
    kind = cast(Literal["discrete_gaussian", "discrete_laplace"], f"discrete_{privacy.law}")
    return draw_with(kind, scale, n, source="own")


def _scale(one: Statistic, bounds: Bounds, privacy: Privacy, share: Fraction) -> Fraction:
    return privacy.scale(l1(one, bounds), l2_squared(one, bounds), share)


def _sd(scale: Fraction, privacy: Privacy) -> float:
    return float(scale) if privacy.delta else float(scale) * math.sqrt(2)


def _exact(statistics: Sequence[Statistic], entries: Sequence[tuple[float, int]], bounds: Bounds) -> dict[str, int]:
    """Return the exact statistics by their own SQL; each entry is one kept row, clipped onto the lattice."""
    with duckdb.connect() as base:
        _bounded(base, entries, bounds)
        asked = ", ".join(f"coalesce({one.sql}, 0)::HUGEINT" for one in statistics)
        found = base.execute(f"SELECT {asked} FROM bounded").fetchone()
    assert found is not None
    return {one.name: int(value) for one, value in zip(statistics, found, strict=True)}


def _exact_bins(one: Statistic, entries: Sequence[tuple[float, int]], bounds: Bounds) -> NDArray[np.int64]:
    counts = np.zeros(one.width, dtype=np.int64)
    with duckdb.connect() as base:
        _bounded(base, entries, bounds)
        for index, count in base.execute(f"SELECT {one.sql} AS b, sum(n) FROM bounded GROUP BY b").fetchall():
            counts[int(index)] = int(count)
    return counts


def _bounded(base: duckdb.DuckDBPyConnection, entries: Sequence[tuple[float, int]], bounds: Bounds) -> None:
    base.execute("CREATE TABLE bounded (x BIGINT, n BIGINT)")
    for value, times in entries:
        x = 0
        if bounds.low is not None:
            low, high = clipped_steps(bounds)
            x = min(max(round(Fraction(value) / value_step(bounds)), low), high)
        base.execute("INSERT INTO bounded VALUES (?, ?)", [x, times])


def _agree(said: Floats, found: Floats, part: str) -> None:
    if not np.allclose(said, found, rtol=1e-9, atol=1e-9):
        raise ValueError(f"{part}: its answer is not what the cases are run on")
