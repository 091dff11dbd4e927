"""Bounds, statistics and the lattice that values are rounded to."""

from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, l1, l2_squared, lattice

NUMBERS = st.builds(F, st.integers(-1000, 1000), st.integers(1, 1000))


@settings(deadline=None)
@given(NUMBERS, st.builds(lambda a, b: F(1, 2) + F(a, b), st.integers(0, 1000), st.integers(1, 1000)))
def test_the_lattice_is_a_power_of_ten_and_fine(low: F, width: F) -> None:
    bounds = Bounds(1, 1, low, low + width)
    step = lattice(bounds)
    first, last = clipped_steps(bounds)
    assert width / step >= 10**6
    assert width / step < 10**7
    assert first * step >= low
    assert last * step <= low + width
    assert set(str(step.numerator * step.denominator).rstrip("0")) == {"1"}


def test_sensitivities_are_exact() -> None:
    one = Statistic("sum", "sum(x)", F(5), F(1, 100))
    bounds = Bounds(3, 2, F(0), F(1))
    assert l1(one, bounds) == 30
    assert l2_squared(one, bounds) == 300


@pytest.mark.parametrize(
    "wrong",
    [
        {"groups": 0},
        {"groups": True},
        {"rows": -1},
        {"rows": 2.0},
        {"low": F(1), "high": F(1)},
        {"low": F(2), "high": F(1)},
        {"low": 0.0},
        {"low": float("nan")},
        {"high": F(10**16)},
        {"high": None},
        {"least": F(1, 2)},
        {"most": F(1, 2)},
        {"low": None, "high": None, "most": F(5)},
    ],
)
def test_bounds_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    good: dict[str, object] = {"groups": 1, "rows": 1, "low": F(0), "high": F(1)}
    Bounds(**good)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Bounds(**(good | wrong))  # type: ignore[arg-type]


def test_statistics_that_cannot_be_are_refused() -> None:
    for wrong in (("a b", "count(*)", F(1), F(1)), ("a", " ", F(1), F(1)), ("a", "count(*)", F(0), F(1))):
        with pytest.raises(UsageError):
            Statistic(*wrong)
    with pytest.raises(UsageError):
        Statistic("a", "count(*)", F(1), 1.0)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Statistic("a", "0", F(1), F(1), 0)


def test_a_range_far_from_zero_or_missing_is_refused() -> None:
    with pytest.raises(UsageError, match="shift"):
        lattice(Bounds(1, 1, F(10**12), F(10**12 + 1)))
    with pytest.raises(UsageError, match="range"):
        lattice(Bounds(1, 1, None, None))
