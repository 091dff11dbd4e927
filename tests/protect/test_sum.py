"""Sum: equal to the plain one without noise; clipping is in the interval."""

from fractions import Fraction as F

import numpy as np
import pytest

from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import exact, off

PART = MECHANISMS.take("sum")
ROWS = [(u, u % 3, (u * 37 % 101) / 10 - 2) for u in range(200)]


@pytest.mark.parametrize(("low", "high"), [(F(-2), F(9)), (F(0), F(5)), (F(-2), F(-1)), (F(1), F(9))])
def test_without_noise_it_is_the_plain_sum_of_clipped_values(low: F, high: F) -> None:
    bounds = Bounds(1, 1, low, high)
    needs = PART.needs(bounds, F(1))
    got = PART.answer(exact(ROWS, needs, bounds, 3), off(needs), bounds, 0.95)
    plain = [sum(min(max(x, float(low)), float(high)) for _, g, x in ROWS if g == at) for at in range(3)]
    assert got.value == pytest.approx(plain, rel=1e-9, abs=1e-9)


def test_without_noise_the_interval_is_about_that_of_a_poisson_sum() -> None:
    bounds = Bounds(1, 1, F(0), F(10))
    rows = [(u, 0, (u * 37 % 101) / 10) for u in range(5000)]
    needs = PART.needs(bounds, F(1))
    got = PART.answer(exact(rows, needs, bounds, 1), off(needs), bounds, 0.95)
    half = 1.96 * float(np.sqrt(sum(min(x, 10) ** 2 for _, _, x in rows)))
    assert (got.high - got.low)[0] / 2 == pytest.approx(half, rel=0.01)


def test_counted_values_at_the_end_widen_the_interval_to_what_they_may_hide() -> None:
    rows = [(u, 0, 20.0 if u < 10 else 1.0) for u in range(100)]
    plain, wide = Bounds(1, 1, F(0), F(5)), Bounds(1, 1, F(0), F(5), None, F(25))
    needs = PART.needs(wide, F(1))
    assert [one.name for one in needs] == ["sum", "inside", "above"]
    found = exact(rows, needs, wide, 1)
    assert found["above"].tolist() == [10]
    got, short = (PART.answer(found, off(needs), bounds, 0.95) for bounds in (wide, plain))
    assert got.low == pytest.approx(short.low)
    assert got.high == pytest.approx(short.high + 10 * 20)
    several = Bounds(1, 3, F(0), F(5), F(-1), F(25))
    assert [(one.name, one.width) for one in PART.needs(several, F(1))][2:] == [("above", 2), ("below", 2)]


def test_rows_of_one_unit_are_one_draw_of_the_population() -> None:
    """The same rows from fewer people are less information."""
    bounds = Bounds(1, 4, F(0), F(10))
    needs = PART.needs(bounds, F(1))
    widths = []
    for each in (1, 4):
        rows = [(i // each, 0, 5.0) for i in range(400)]
        got = PART.answer(exact(rows, needs, bounds, 1), off(needs), bounds, 0.95)
        assert got.value == pytest.approx([2000.0])
        widths.append((got.high - got.low)[0])
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.1)
