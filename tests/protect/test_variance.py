"""Variance and standard deviation: equal to the plain ones without noise."""

from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.protect.mechanisms import standard_deviation, variance
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import exact, off

BOUNDS = Bounds(1, 1, F(-3), F(10))
ROWS = [(u, u % 2, (u * 37 % 101) / 10 - 2) for u in range(2000)]


@pytest.mark.parametrize(("of", "ddof"), [("sample", 1), ("population", 0)])
@pytest.mark.parametrize(("part", "power"), [(variance, 1.0), (standard_deviation, 0.5)])
def test_without_noise_it_is_the_plain_one(part: Any, power: float, of: Any, ddof: int) -> None:
    needs = part.needs(BOUNDS, F(1))
    got = part.answer(exact(ROWS, needs, BOUNDS, 2), off(needs), BOUNDS, 0.95, of=of)
    for at in range(2):
        values = np.clip([x for _, g, x in ROWS if g == at], -3, 10)
        plain = values.var(ddof=ddof)
        assert got.value[at] == pytest.approx(plain**power, rel=2e-3)  # squares are on a lattice of 1,024 steps
        spread = np.sqrt(((values - values.mean()) ** 2).var() / len(values))  # of a variance, by its fourth moment
        assert got.low[at] == pytest.approx((plain - 1.96 * spread) ** power, rel=0.02)
        assert got.high[at] == pytest.approx((plain + 1.96 * spread) ** power, rel=0.02)


def test_another_variance_is_refused() -> None:
    needs = variance.needs(BOUNDS, F(1))
    with pytest.raises(UsageError, match="population"):
        variance.answer(exact(ROWS, needs, BOUNDS, 2), off(needs), BOUNDS, 0.95, of="all")  # type: ignore[arg-type]
