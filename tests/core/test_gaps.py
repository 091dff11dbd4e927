import math

import numpy as np
import pytest

from consentinel.core import gaps, worst_gap
from consentinel.core.errors import UsageError
from consentinel.core.shares import Shares, by_group
from consentinel.core.stats import wilson


def counted(hits: np.ndarray, n: np.ndarray) -> Shares:
    """Return the shares HITS of N, both (audits, groups), of groups apart."""
    value = hits / n
    covariance = np.zeros((*value.shape, value.shape[1]))
    at = np.arange(value.shape[1])
    covariance[:, at, at] = value * (1 - value) / n
    return Shares(value, covariance, n.astype(float), sure=True)


def two_by_two(groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs between GROUPS, without a place for everybody."""
    first, second = gaps.between(groups, [1.0])
    return first[:, :groups], second[:, :groups]


def test_shares_of_groups_and_of_everybody() -> None:
    top, bottom = np.array([[1.0], [0.0], [2.0], [1.0]]), np.array([[1.0], [1.0], [3.0], [1.0]])
    shares = by_group(top, bottom, np.array([0, 0, 1, -1]), 2)
    assert shares.value == pytest.approx([0.5, 2 / 3, 4 / 6])
    assert shares.units.tolist() == [2, 1, 4]
    assert shares.covariance[0, 0] == pytest.approx(0.125)
    assert not shares.sure


def test_correlation_with_everybody_is_that_of_sums() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 400)
    x = (rng.random(400) < 0.3).astype(float)
    shares = by_group(x[:, None], np.ones((400, 1)), group, 2)
    own = np.where(group == 0, x - x[group == 0].mean(), 0) / (group == 0).sum()
    everybody = (x - x.mean()) / 400
    assert shares.covariance[0, 2] == pytest.approx((own * everybody).sum())
    assert shares.covariance[2, 2] == pytest.approx((everybody**2).sum())
    assert shares.sure


def test_a_share_has_the_interval_of_wilson() -> None:
    shares = counted(np.array([[7, 0]]), np.array([[30, 30]]))
    found = gaps.values(shares)
    for at, hits in enumerate((7, 0)):
        expected = wilson(hits, 30)
        assert (found.low[0, at], found.high[0, at]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_signed_gap_has_the_interval_of_newcombe() -> None:
    found = gaps.signed(counted(np.array([[56, 48]]), np.array([[70, 80]])), [1.0, -1.0])
    # Newcombe 1998, table II, example (a), method 10: 56/70 - 48/80
    assert (found.value[0], found.low[0], found.high[0]) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_with_two_groups_the_worst_gap_is_the_absolute_gap() -> None:
    shares = counted(np.array([[560, 400]]), np.array([[800, 800]]))
    worst, signed = gaps.worst(shares, two_by_two(2)), gaps.signed(shares, [1.0, -1.0])
    assert worst.value == pytest.approx(signed.value)
    assert worst.low[0] == pytest.approx(signed.low[0], abs=0.002)
    assert worst.high[0] == pytest.approx(signed.high[0], abs=0.002)


@pytest.mark.parametrize("how", ["difference", "ratio"])
def test_the_interval_holds_its_estimate_and_no_gap_exactly_where_the_test_keeps_it(how: worst_gap.How) -> None:
    rng = np.random.default_rng(1)
    n = np.full((60, 3), 80)
    found = gaps.worst(counted(rng.binomial(n, 0.4), n), two_by_two(3), how, draws=500)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    at_none = found.low <= 0 if how == "difference" else found.high >= 1
    clear = np.abs(found.p - 0.05) > 0.01
    assert (at_none == (found.p > 0.05))[clear].all()


@pytest.mark.parametrize(
    ("people", "rates"),
    [((40, 300), (0.5, 0.5)), ((100, 200), (0.6, 0.4)), ((200, 200, 200), (0.5, 0.7, 0.7))],
)
def test_nominal_intervals_hold_the_known_gap(people: tuple[int, ...], rates: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    n = np.tile(people, (1500, 1))
    shares = counted(rng.binomial(n, rates), n)
    for how, truth in (("difference", max(rates) - min(rates)), ("ratio", min(rates) / max(rates))):
        kept = gaps.holds(shares, two_by_two(len(people)), truth, how, draws=500).mean()
        assert 0.93 <= kept <= 0.98


def test_the_detectable_gap_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(4)
    n = np.full((800, 2), 400)
    reach = float(gaps.worst(counted(np.full((1, 2), 200), n[:1]), two_by_two(2)).detectable[0])
    shares = counted(rng.binomial(n, [0.5 - reach / 2, 0.5 + reach / 2]), n)
    assert 0.76 <= (~gaps.holds(shares, two_by_two(2), 0.0, draws=500)).mean() <= 0.86


def test_far_p_values_are_small_and_ordered() -> None:
    n = np.full((1, 2), 1000)
    far = [float(gaps.worst(counted(np.array([[500, 500 + d]]), n), two_by_two(2)).p[0]) for d in (0, 60, 120, 200)]
    assert far == sorted(far, reverse=True)
    assert far[0] == 1
    assert far[-1] < 1e-15


def test_nobody_says_yes() -> None:
    shares = counted(np.array([[0, 0]]), np.array([[20, 400]]))
    found = gaps.worst(shares, two_by_two(2))
    assert found.value[0] == 0
    assert found.p[0] == 1
    assert 0 < found.high[0] < 0.3


def test_a_group_without_rows_is_refused() -> None:
    shares = Shares(np.array([0.5, math.nan]), np.eye(2), np.ones(2))
    with pytest.raises(UsageError, match="leave out groups"):
        gaps.signed(shares, [1.0, -1.0])


def test_same_seed_same_numbers() -> None:
    shares = counted(np.array([[20, 31, 25]]), np.array([[50, 60, 70]]))
    one, two = (gaps.worst(shares, two_by_two(3), seed=5) for _ in range(2))
    assert one.high == two.high
