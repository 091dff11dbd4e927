import numpy as np
import pytest

from consentinel.core import gaps, worst_gap
from consentinel.core.shares import Shares


def counted(rng: np.random.Generator, audits: int, people: int, rates: list[list[float]]) -> Shares:
    """Return the shares of made groups (groups, metrics) and of everybody, each metric of rows of its own."""
    truth = np.array(rates)
    value = rng.binomial(people, truth, (audits, *truth.shape)) / people
    whole = value.mean(axis=1, keepdims=True)
    groups, m = truth.shape
    joined = np.concatenate([value, whole], 1).reshape(audits, -1)
    covariance = np.zeros((audits, groups + 1, m, groups + 1, m))
    for j in range(m):
        for g in range(groups):
            covariance[:, g, j, g, j] = value[:, g, j] * (1 - value[:, g, j]) / people
        covariance[:, groups, j, groups, j] = whole[:, 0, j] * (1 - whole[:, 0, j]) / people / groups
    units = np.tile(np.repeat([float(people), float(people * groups)], [groups * m, m]), (audits, 1))
    return Shares(joined, covariance.reshape(audits, joined.shape[1], -1), units, sure=True)


NEAR = {
    "ends apart, the rest between": [[0.55, 0.3], [0.65, 0.3], [0.65, 0.3], [0.65, 0.3], [0.75, 0.3]],
    "in a row": [[0.60, 0.30], [0.63, 0.31], [0.66, 0.32], [0.69, 0.33]],
    "two and two tie": [[0.8, 0.2], [0.8, 0.2], [0.55, 0.35], [0.55, 0.35]],
    "all alike": [[0.7, 0.3], [0.7, 0.3], [0.7, 0.3]],
}


@pytest.mark.parametrize("rates", NEAR.values(), ids=NEAR)
@pytest.mark.parametrize("how", ["difference", "ratio"])
def test_the_interval_of_equalized_odds_is_neither_short_nor_wide_near_ties(
    rates: list[list[float]], how: worst_gap.How
) -> None:
    shares = counted(np.random.default_rng(3), 1000, 100, rates)
    each = np.array(rates)
    truth = np.ptp(each, axis=0).max() if how == "difference" else (each.min(0) / each.max(0)).min()
    kept = gaps.holds(shares, gaps.between(len(rates), *np.eye(2)), float(truth), how, draws=600).mean()
    assert 0.92 <= kept <= 0.98


@pytest.mark.parametrize("how", ["difference", "ratio"])
def test_ends_and_test_say_the_same(how: worst_gap.How) -> None:
    shares = counted(np.random.default_rng(4), 40, 80, NEAR["in a row"])
    pairs = gaps.between(4, *np.eye(2))
    found = gaps.worst(shares, pairs, how, draws=500)
    for x in (0.1, 0.2, 0.5, 0.8):
        inside = (found.low <= x) & (x <= found.high)
        near = np.minimum(np.abs(found.low - x), np.abs(found.high - x)) < 1e-3
        same = inside == gaps.holds(shares, pairs, x, how, draws=500)
        assert (near | same).mean() > 0.95  # simulated p-values may cross the level twice


def test_a_truth_for_each_audit() -> None:
    shares = counted(np.random.default_rng(5), 6, 80, NEAR["in a row"])
    pairs = gaps.between(4, *np.eye(2))
    each = np.linspace(0, 0.5, 6)
    alone = [gaps.holds(shares, pairs, float(x), draws=500)[at] for at, x in enumerate(each)]
    assert gaps.holds(shares, pairs, each, draws=500).tolist() == alone


def test_the_estimate_is_inside_even_where_many_groups_tie() -> None:
    found = gaps.worst(counted(np.random.default_rng(6), 60, 50, [[0.5]] * 8), gaps.between(8, [1.0]), draws=500)
    assert ((found.low <= found.value) & (found.value <= found.high)).all()
    assert (found.low <= found.high).all()
