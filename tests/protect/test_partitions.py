"""Which unknown groups may be named: thresholds and the optimal rule, both checked against the definition."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from scipy import stats

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.mechanisms import partitions
from consentinel.protect.statistic import Bounds

ONE = Bounds(1, 1, None, None)
WORD = 2**64


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize(("epsilon", "delta"), [(F(1), F(1, 10**6)), (F(1, 10), F(1, 1000)), (F(5), F(1, 10**9))])
def test_the_rule_is_private_to_the_last_bit_and_cannot_name_more(groups: int, epsilon: F, delta: F) -> None:
    chances = partitions.chances(epsilon, delta, groups)
    assert chances[0] == 0
    assert chances[-1] == WORD
    factor, start = math.exp(epsilon / groups), delta / groups
    for p, q in zip([*chances[1:], WORD], chances, strict=True):
        assert q <= p
        assert p <= factor * q * (1 + 1e-15) + float(start) * WORD
        assert WORD - q <= factor * (WORD - p) * (1 + 1e-12) + float(start) * WORD + 4096
        most = min(factor * q + start * WORD, WORD - (WORD - q - start * WORD) / factor, WORD)
        assert p >= most * (1 - 1e-9) - 4096


def test_it_is_the_published_sequence() -> None:
    """Closed form of the first half (Desfontaines et al. 2022, theorem 1): delta (e^(n eps) - 1) / (e^eps - 1)."""
    chances = partitions.chances(F(1), F(1, 10**6))
    for n in range(1, 12):
        assert chances[n] / WORD == pytest.approx(1e-6 * math.expm1(n) / math.expm1(1), rel=1e-9)


def test_selection_follows_the_chances() -> None:
    epsilon, delta = F(1), F(1, 100)
    chances = partitions.chances(epsilon, delta)
    units = np.repeat(np.arange(1, len(chances) + 3), 4000)
    kept = partitions.select(units, epsilon, delta, ONE).reshape(-1, 4000).sum(axis=1)
    for n, seen in enumerate(kept, 1):
        chance = chances[min(n, len(chances) - 1)] / WORD
        assert stats.binomtest(int(seen), 4000, chance).pvalue > 1e-6
    assert (kept[len(chances) - 2 :] == 4000).all()


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("sigma", [F(1, 2), F(3), F(50)])
def test_a_unit_alone_is_named_with_at_most_delta(sigma: F, groups: int) -> None:
    delta = F(1, 10**6)
    least = partitions.threshold(sigma, Bounds(groups, 1, None, None), delta)
    points = np.arange(-int(40 * sigma) - 40, int(40 * sigma) + 41)
    weights = np.exp(-(points**2) / (2 * float(sigma) ** 2))
    above = weights[points + 1 >= least].sum() / weights.sum()
    assert 1 - (1 - above) ** groups <= delta
    assert above > float(delta) / groups / 10**4  # and not absurdly far below


def test_what_cannot_be_is_refused() -> None:
    for delta in (F(0), F(1), F(-1), 1e-6):
        with pytest.raises(UsageError, match="delta"):
            partitions.threshold(F(1), ONE, delta)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="delta"):
            partitions.chances(F(1), delta)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="sigma"):
        partitions.threshold(F(0), ONE, F(1, 10))
    with pytest.raises(UsageError, match="2\\^-64"):
        partitions.chances(F(1), F(1, 10**20))
    with pytest.raises(UsageError, match="small"):
        partitions.chances(F(1, 10**9), F(1, 10**9))
    with pytest.raises(UsageError, match="50"):
        partitions.chances(F(51), F(1, 10**6))
    for units in (np.array([0, 1]), np.array([1.0]), np.array([[1]])):
        with pytest.raises(BadInput):
            partitions.select(units, F(1), F(1, 100), ONE)
