"""What is said before anything is spent: half widths, smallest budgets, smallest detectable lifts."""

import math
from fractions import Fraction as F

import pytest

from consentinel.core.accounting import epsilon
from consentinel.core.errors import UsageError
from consentinel.core.stats import power_two_proportions
from consentinel.protect.estimates import Facts
from consentinel.protect.forecast import detectable_difference, detectable_lift, half_width, over, smallest_budget
from consentinel.protect.statistic import Bounds

BOUNDS = Bounds(1, 1, F(0), F(1))
RATE = Facts(20_000, mean=0.1, spread=0.3, share=0.1)


def test_the_count_is_the_formula() -> None:
    """One statistic takes the whole budget: sigma^2 = 1 / (2 rho), plus Poisson sampling."""
    got = half_width("count", Bounds(1, 1, None, None), F(1, 200), RATE)
    assert got == pytest.approx(1.959964 * math.sqrt(2000 + 100), rel=1e-6)


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("name", ["count", "sum", "mean", "variance", "quantiles", "histogram"])
def test_the_smallest_budget_is_the_smallest(name: str, law: str) -> None:
    wanted = half_width(name, BOUNDS, F(1, 50), RATE, law=law)  # type: ignore[arg-type]
    found = smallest_budget(name, BOUNDS, RATE, wanted, law=law)  # type: ignore[arg-type]
    assert found <= F(1, 50)
    assert found * 10**6 == int(found * 10**6)
    assert half_width(name, BOUNDS, found, RATE, law=law) <= wanted  # type: ignore[arg-type]
    assert half_width(name, BOUNDS, found - F(1, 10**6), RATE, law=law) > wanted  # type: ignore[arg-type]


def test_what_no_budget_reaches_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="sampling"):
        smallest_budget("mean", BOUNDS, RATE, 1e-6)
    for wrong in (0.0, -1.0, float("nan"), math.inf):
        with pytest.raises(UsageError):
            smallest_budget("mean", BOUNDS, RATE, wrong)
    with pytest.raises(UsageError, match="there is"):
        half_width("average", BOUNDS, F(1), RATE)


def test_the_table_prices_every_budget() -> None:
    budgets = [F(1, 1000), F(1, 10), F(1)]
    rows = over("mean", BOUNDS, budgets, RATE, delta=F(1, 10**6))
    assert [row.micro_rho for row in rows] == [1000, 100_000, 1_000_000]
    assert [row.epsilon for row in rows] == [epsilon(row.micro_rho, F(1, 10**6)) for row in rows]
    assert rows[0].half_width > rows[1].half_width > rows[2].half_width
    pure = over("mean", BOUNDS, [F(1)], RATE, delta=F(1, 10**6), law="laplace")[0]
    assert (pure.micro_rho, pure.epsilon) == (500_000, 1.0)


def test_a_lift_needs_more_under_noise_and_the_same_without() -> None:
    plain = detectable_lift(0.1, 20_000, 20_000, BOUNDS, F(900))
    assert power_two_proportions(0.1 + plain.absolute, 0.1, 20_000, 20_000) == pytest.approx(0.8, abs=0.005)
    noisy = detectable_lift(0.1, 20_000, 20_000, BOUNDS, F(1, 10_000))
    noisier = detectable_lift(0.1, 20_000, 20_000, BOUNDS, F(1, 100_000))
    assert plain.absolute < noisy.absolute < noisier.absolute
    assert plain.relative == pytest.approx(plain.absolute / 0.1)
    with pytest.raises(UsageError, match="more units"):
        detectable_lift(0.1, 20, 20, BOUNDS, F(1, 10**6))
    for rate, power in ((0.0, 0.8), (1.0, 0.8), (0.1, 0.01), (0.1, 1.0)):
        with pytest.raises(UsageError):
            detectable_lift(rate, 100, 100, BOUNDS, F(1), power=power)


def test_a_difference_is_what_a_z_test_finds() -> None:
    assert detectable_difference(2.0) == pytest.approx(2 * (1.959964 + 0.841621), rel=1e-6)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(UsageError):
            detectable_difference(wrong)
