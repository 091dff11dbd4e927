import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.core.sequential import gap_so_far, gap_so_far_asymptotic, mean_so_far


def test_all_intervals_hold_the_mean_together() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(200):
        _, low, high = mean_so_far(rng.random(1000) < 0.1)
        missed += bool(((low > 0.1) | (high < 0.1)).any())
    assert missed <= 16  # 5% of 200 is 10; 17 or more happen once in fifty times at most


@pytest.mark.parametrize("sequence", [gap_so_far, gap_so_far_asymptotic])
def test_watching_equal_groups_finds_no_gap_and_unequal_ones_one(sequence: object) -> None:
    rng = np.random.default_rng(1)
    wrong = found = 0
    for _ in range(100):
        second = rng.random(3000) < 0.3
        for rate, planted in ((0.4, False), (0.7, True)):
            x = (rng.random(3000) < np.where(second, rate, 0.4)).astype(float)
            _, low, high = sequence(x, second)  # type: ignore[operator]
            told = bool(((low > 0) | (high < 0)).any())
            wrong, found = wrong + (told and not planted), found + (told and planted)
    assert wrong <= 10
    assert found == 100


def test_a_group_not_seen_yet() -> None:
    gap, low, high = gap_so_far([1.0, 0.0, 1.0], [False, False, True])
    assert np.isnan(gap[:2]).all()
    assert gap[2] == pytest.approx(-0.5)
    assert (low >= -1).all()
    assert (high <= 1).all()
    assert low[0] <= high[0]


def test_narrower_as_rows_come() -> None:
    rng = np.random.default_rng(2)
    _, low, high = gap_so_far_asymptotic(rng.random(5000), rng.random(5000) < 0.5)
    width = (high - low)[100:]
    assert width[-1] < width[0] / 3


def test_values_outside_are_refused() -> None:
    with pytest.raises(UsageError, match=r"in \[0, 1\]"):
        mean_so_far([0.2, 1.4])
    with pytest.raises(UsageError, match="one group"):
        gap_so_far([0.2], [True, False])
