"""Mean: equal to the plain one without noise, about Student's or Wilson's interval, right with several rows a unit."""

from fractions import Fraction as F

import numpy as np
import pytest

from consentinel.core.stats import mean_interval, wilson
from consentinel.protect.mechanisms import mean
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import exact, off

BOUNDS = Bounds(1, 1, F(0), F(10))


def test_without_noise_it_is_the_plain_mean_with_about_its_plain_interval() -> None:
    rows = [(u, 0, (u * 37 % 101) / 10) for u in range(2000)]
    needs = mean.needs(BOUNDS, F(1))
    got = mean.answer(exact(rows, needs, BOUNDS, 1), off(needs), BOUNDS, 0.95)
    plain = mean_interval([min(x, 10) for _, _, x in rows])
    assert got.value == pytest.approx([plain.value], rel=1e-9)
    assert got.low == pytest.approx([plain.low], abs=0.01)
    assert got.high == pytest.approx([plain.high], abs=0.01)


@pytest.mark.parametrize("hits", [0, 3, 40, 200])
def test_without_noise_a_share_has_about_wilsons_interval(hits: int) -> None:
    bounds = Bounds(1, 1, F(0), F(1))
    needs = mean.needs(bounds, F(1))
    found = exact([(u, 0, float(u < hits)) for u in range(200)], needs, bounds, 1)
    assert found["inside"].tolist() == [0]
    got, plain = mean.answer(found, off(needs), bounds, 0.95), wilson(hits, 200)
    assert got.value == pytest.approx([plain.value], rel=1e-9)
    assert got.low == pytest.approx([plain.low], abs=0.006)
    assert got.high == pytest.approx([plain.high], abs=0.006)


def test_with_several_rows_a_unit_it_is_the_mean_over_rows_and_people_are_drawn() -> None:
    bounds = Bounds(1, 3, F(0), F(10))
    chance = np.random.default_rng(3)
    rows, clusters = [], []
    for u in range(900):
        level, many = chance.uniform(2, 8), int(chance.integers(1, 4))
        rows += [(u, 0, level)] * many
        clusters.append((level * many, many))
    needs = mean.needs(bounds, F(1))
    got = mean.answer(exact(rows, needs, bounds, 1), off(needs), bounds, 0.95)
    x, n = np.array(clusters).T
    plain = x.sum() / n.sum()
    assert got.value == pytest.approx([plain], rel=1e-6)
    error = np.sqrt(((x - plain * n) ** 2).sum()) / n.sum()  # linearised, by person
    assert (got.high - got.low)[0] / 2 == pytest.approx(1.96 * error, rel=0.03)


def test_the_interval_stays_in_the_plausible_range() -> None:
    bounds = Bounds(1, 1, F(0), F(10), F(-1), F(50))
    noisy = {"sum": np.array([-(10**9), 0]), "rows": np.array([3, -3]), "inside": np.zeros(2)}
    noisy |= {"above": np.array([2, 2]), "below": np.array([1, 1])}
    scales = {"sum": 1e5, "rows": 1.0, "inside": 1e4, "above": 1.0, "below": 1.0}
    got = mean.answer(noisy, scales, bounds, 0.95)
    assert (got.low >= -1).all()
    assert (got.high <= 50).all()
    assert (got.low[1], got.high[1]) == (-1, 50)
