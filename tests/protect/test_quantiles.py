"""Quantiles: equal to the plain ones to a bin without noise, from a consistent tree."""

from fractions import Fraction as F

import numpy as np
import pytest

from consentinel.core.errors import UsageError
from consentinel.protect.mechanisms import quantiles
from consentinel.protect.statistic import Bounds
from tests.protect.made_statistics import exact, off

BOUNDS = Bounds(1, 1, F(0), F(10))
VALUES = np.random.default_rng(8).gamma(2, 1, 3000)
AT = (0.1, 0.5, 0.9)


def test_without_noise_they_are_the_plain_ones_with_woodruffs_interval() -> None:
    needs = quantiles.needs(BOUNDS, F(1))
    found = exact([(u, 0, x) for u, x in enumerate(VALUES)], needs, BOUNDS, 1)
    got = quantiles.answer(found, off(needs), BOUNDS, 0.95, at=AT)
    bin_width = 10 / 1024
    assert got.labels == ("q0.1", "q0.5", "q0.9")
    for i, q in enumerate(AT):
        assert got.value[0, i] == pytest.approx(np.quantile(VALUES, q), abs=2 * bin_width)
        step = 1.96 * np.sqrt(q * (1 - q) / len(VALUES))
        assert got.low[0, i] == pytest.approx(np.quantile(VALUES, q - step), abs=4 * bin_width)
        assert got.high[0, i] == pytest.approx(np.quantile(VALUES, q + step), abs=4 * bin_width)


def test_coarse_and_fine_counts_agree_after_consistency() -> None:
    chance = np.random.default_rng(1)
    leaves = chance.poisson(20, (2000, 16)).astype(float)
    top = leaves.reshape(2000, 4, 4).sum(axis=2)
    noisy_top, noisy_leaves = top + chance.normal(0, 2, top.shape), leaves + chance.normal(0, 3, leaves.shape)
    prefix, block, leaf = quantiles.consistent(noisy_top, 2, noisy_leaves, 3)
    error = prefix[:, 1:] - leaves.cumsum(axis=1)
    expected = quantiles._noise(0.0, 4, block, leaf)[1:]
    assert (error**2).mean(axis=0) == pytest.approx(expected, rel=0.15)
    assert expected[3] < 2**2  # a block is better known than from its own count alone


def test_a_group_of_one_value_has_that_value() -> None:
    needs = quantiles.needs(BOUNDS, F(1), branches=8)
    got = quantiles.answer(exact([(u, 0, 4.2) for u in range(50)], needs, BOUNDS, 1), off(needs), BOUNDS, 0.95)
    assert got.value[0, 0] == pytest.approx(4.2, abs=10 / 64)


@pytest.mark.parametrize("at", [(), (0.0,), (1.0,), (float("nan"),), (0.5, 2.0)])
def test_probabilities_that_cannot_be_are_refused(at: tuple[float, ...]) -> None:
    needs = quantiles.needs(BOUNDS, F(1))
    found = exact([(1, 0, 1.0)], needs, BOUNDS, 1)
    with pytest.raises(UsageError, match="probabilities"):
        quantiles.answer(found, off(needs), BOUNDS, 0.95, at=at)
    for branches in (1, 257, True, 2.0):
        with pytest.raises(UsageError, match="branches"):
            quantiles.needs(BOUNDS, F(1), branches=branches)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="shape"):
        quantiles.answer(found | {"fine": found["fine"][:, :9]}, off(needs), BOUNDS, 0.95)
