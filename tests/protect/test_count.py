"""Count: rows or units, with the law of a count that is known at every candidate."""

from fractions import Fraction as F

import numpy as np
import pytest
from scipy import stats

from consentinel.core.errors import UsageError
from consentinel.protect.mechanisms import count
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import exact, off

ROWS = [(u, u % 2, 0.0) for u in range(30) for _ in range(1 + u % 3)]
ONE, THREE = Bounds(1, 1, None, None), Bounds(1, 3, None, None)


def test_without_noise_it_counts_rows_and_units() -> None:
    for of, plain in (("rows", [sum(g == at for _, g, _ in ROWS) for at in range(2)]), ("units", [15, 15])):
        needs = count.needs(THREE, F(1), of=of)  # type: ignore[arg-type]
        got = count.answer(exact(ROWS, needs, THREE, 2), off(needs), THREE, 0.95, of=of)  # type: ignore[arg-type]
        assert got.value.tolist() == plain


@pytest.mark.parametrize("mean", [3.0, 10.0, 40.0, 900.0])
@pytest.mark.parametrize("sigma", [1, 3, 30])
def test_coverage_is_nominal_under_the_exact_law(mean: float, sigma: int) -> None:
    """Every outcome of Poisson people and discrete Gaussian noise is weighed by its probability: no simulation."""
    noise = np.arange(-12 * sigma, 12 * sigma + 1)
    weights = np.exp(-(noise**2) / (2 * sigma**2))
    people = np.arange(int(mean + 12 * mean**0.5) + 30)
    law = np.convolve(stats.poisson.pmf(people, mean), weights / weights.sum())
    seen = np.arange(len(law)) + noise[0]
    keep = law > 1e-9
    got = count.answer({"rows": seen[keep]}, {"rows": float(sigma)}, ONE, 0.95)
    covered = float(law[keep][(got.low <= mean) & (mean <= got.high)].sum())
    assert 0.94 < covered < 0.97  # whole numbers: single outcomes weigh up to a percent where counts are small
    if sigma == 30:
        assert 0.945 < covered < 0.955


def test_a_fixed_number_of_people_makes_it_narrower() -> None:
    noisy, scales = {"rows": np.array([50.0, 50.0])}, {"rows": 1.0}
    random, fixed = (count.answer(noisy, scales, ONE, 0.95, size=size) for size in (None, np.array([100.0, 60.0])))
    assert (fixed.high - fixed.low < random.high - random.low).all()
    assert fixed.high[1] <= 60
    with pytest.raises(UsageError, match="positive"):
        count.answer(noisy, scales, ONE, 0.95, size=0)


def test_what_it_does_not_count_is_refused() -> None:
    with pytest.raises(UsageError, match="'rows' or of 'units'"):
        count.needs(ONE, F(1), of="people")  # type: ignore[arg-type]
