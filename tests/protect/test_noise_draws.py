"""Draws have the distribution that is asked for (rule: p at least 1e-9) and their time tells nothing."""

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from consentinel.core.errors import NotSupported, UsageError
from consentinel.core.rng import secure_words
from consentinel.protect.noise import BATCH, draw_with
from consentinel.protect.noise._lattice import lattice
from consentinel.protect.noise._opendp import rounded_up
from consentinel.protect.shelves import NOISE

P = 1e-9
SCALES = ["1/3", "1", "7/2", "127", "1000/7", "5000", "1000000", "123456789012/5"]


def below(x: np.ndarray, scale: float, power: int) -> np.ndarray:
    """Return P(X <= x) for sorted whole numbers x of either sign."""
    if power == 1:
        q = math.exp(-1 / scale)
        return np.where(x < 0, np.exp(np.minimum(x, 0) / scale) / (1 + q), 1 - np.exp(-(np.maximum(x, 0) + 1) / scale) / (1 + q))  # fmt: skip  # noqa: E501
    if scale > 2000:  # Euler-Maclaurin: the rest is below 1e-12
        y = (x + 0.5) / scale
        return stats.norm.cdf(y) - y * stats.norm.pdf(y) / (24 * scale**2)
    points = np.arange(-math.ceil(12 * scale) - 3, math.ceil(12 * scale) + 4)
    sums = np.cumsum(np.exp(-(points**2) / (2 * scale**2)))
    return sums[np.clip(x - points[0], 0, len(points) - 1).astype(int)] / sums[-1]


def p_value(drawn: np.ndarray, scale: float, power: int) -> float:
    """Return the chi-square p-value of DRAWN over some 40 cells of about equal mass."""
    values = np.unique(np.quantile(drawn, np.linspace(0.02, 0.98, 40)).astype(np.int64))
    edges = np.unique(np.concatenate([values, -values]))
    mass = np.diff(np.concatenate([[0.0], below(edges, scale, power), [1.0]]))
    found = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
    keep = mass * len(drawn) > 10
    rest = max(mass[~keep].sum(), 1e-12)
    mass, found = np.append(mass[keep], rest), np.append(found[keep], found[~keep].sum())
    if rest * len(drawn) < 10:
        mass, found = mass[:-1], found[:-1]
    return float(stats.chi2.sf(((found - mass * len(drawn)) ** 2 / (mass * len(drawn))).sum(), len(mass) - 1))


@pytest.mark.parametrize("text", SCALES)
@pytest.mark.parametrize(("kind", "power"), [("discrete_laplace", 1), ("discrete_gaussian", 2)])
def test_own_draws_have_their_distribution(kind: str, power: int, text: str) -> None:
    scale = Fraction(text)
    drawn = NOISE.take(kind).draw(scale, 500_000, secure_words)
    assert drawn.dtype == np.int64
    assert p_value(drawn, float(scale), power) > P
    if scale > 1000:  # low bits are uniform: buckets leave no comb
        assert stats.chisquare(np.bincount((drawn & 63).astype(int), minlength=64)).pvalue > P


@pytest.mark.parametrize("kind", ["laplace", "gaussian"])
@pytest.mark.parametrize("text", ["3/2", "1000/7"])
def test_opendp_draws_have_the_same_distribution(kind: str, text: str) -> None:
    scale, power = Fraction(text), 1 if kind == "laplace" else 2
    theirs = NOISE.take(f"opendp_{kind}").draw(scale, 10_000, secure_words)
    ours = NOISE.take(f"discrete_{kind}").draw(scale, 100_000, secure_words)
    assert p_value(theirs, float(scale), power) > P
    edges = np.unique(np.quantile(ours, np.linspace(0.05, 0.95, 19)))
    table = [np.bincount(np.searchsorted(edges, d), minlength=len(edges) + 1) for d in (ours, theirs)]
    assert stats.chi2_contingency(table).pvalue > P


@pytest.mark.parametrize(("power", "kind"), [(1, "discrete_laplace"), (2, "discrete_gaussian")])
def test_scales_beyond_64_bits(power: int, kind: str) -> None:
    scale = Fraction(10**22) + Fraction(1, 3)
    drawn = draw_with(kind, scale, 300)  # ty: ignore[invalid-argument-type]
    assert drawn.dtype == object
    assert all(type(x) is int for x in drawn.tolist())
    near = drawn.astype(float) / 1e22
    assert stats.kstest(near, stats.laplace.cdf if power == 1 else stats.norm.cdf).pvalue > P
    assert NOISE.take(kind).draw(Fraction(2**40), 3, secure_words).dtype == np.int64


def test_what_is_drawn_is_what_is_asked() -> None:
    for kind in ("discrete_gaussian", "discrete_laplace"):
        for n in (0, 1, 5, BATCH + 1, 3000):
            for source in ("", "own", "opendp"):
                drawn = draw_with(kind, Fraction(5), n, source=source)
                assert drawn.shape == (n,)
                assert drawn.dtype == np.int64


@pytest.mark.parametrize(
    ("kind", "scale", "n"),
    [
        ("gaussian", Fraction(1), 1),
        ("discrete_gaussian", 1.5, 1),
        ("discrete_gaussian", Fraction(0), 1),
        ("discrete_laplace", Fraction(-1), 1),
        ("discrete_laplace", 3, 1),
        ("discrete_laplace", Fraction(1), -1),
        ("discrete_laplace", Fraction(1), 2.0),
        ("discrete_laplace", Fraction(1), True),
        ("../_exp", Fraction(1), 1),
    ],
)
def test_what_cannot_be_drawn_is_refused(kind, scale, n) -> None:
    with pytest.raises(UsageError):
        draw_with(kind, scale, n)
    with pytest.raises(UsageError):
        draw_with(kind, scale, n, source="own")


def test_sources_that_are_not_there_are_refused() -> None:
    with pytest.raises(UsageError, match="opendp"):
        draw_with("discrete_laplace", Fraction(1), 1, source="numpy")  # ty: ignore[invalid-argument-type]
    with pytest.raises(NotSupported):
        draw_with("discrete_laplace", Fraction(2**54), 1, source="opendp")


def test_a_double_scale_is_never_below_the_exact_one() -> None:
    for scale in (Fraction(1, 3), Fraction(2, 3), Fraction(10**17 + 1), Fraction(1, 10), Fraction(7, 4)):
        assert Fraction(rounded_up(scale)) >= scale
        assert rounded_up(scale) == pytest.approx(float(scale), rel=1e-15)


def test_two_batches_differ() -> None:
    one, two = (draw_with("discrete_gaussian", Fraction(10**9), 50) for _ in range(2))
    assert len(set(one.tolist()) & set(two.tolist())) < 5


@pytest.mark.parametrize("kind", ["discrete_gaussian", "discrete_laplace"])
def test_the_time_of_one_draw_does_not_tell_its_size(kind: str) -> None:
    scale, n = Fraction(1000), 3000
    lattice(scale, 1), lattice(scale, 2)
    took, size = np.empty(n), np.empty(n)
    for at in range(n):
        start = time.perf_counter_ns()
        drawn = draw_with(kind, scale, 1, source="own")  # ty: ignore[invalid-argument-type]
        took[at] = time.perf_counter_ns() - start
        size[at] = abs(int(drawn[0]))
    assert stats.spearmanr(took, size).pvalue > P
