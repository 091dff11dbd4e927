"""core/accounting against the exact privacy of Gaussian noise and an independent minimisation over orders."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import log_ndtr

from consentinel.core.accounting import MICRO, epsilon, gaussian_rho, micro_rho


def true_epsilon(sigma: float, delta: float) -> float:
    """Epsilon of Gaussian noise at sensitivity 1, exactly (Balle and Wang 2018, Theorem 8)."""

    def excess(eps: float) -> float:
        first = math.exp(log_ndtr(0.5 / sigma - eps * sigma))
        return first - math.exp(eps + log_ndtr(-0.5 / sigma - eps * sigma)) - delta

    return float(brentq(excess, 0, 500))


@pytest.mark.parametrize("delta", [Fraction(1, 10**3), Fraction(1, 10**6), Fraction(1, 10**12)])
@pytest.mark.parametrize("sigma", [Fraction(1, 2), Fraction(1), Fraction(7, 2), Fraction(20), Fraction(300)])
def test_never_below_the_truth_and_not_far_above(sigma: Fraction, delta: Fraction) -> None:
    stated = epsilon(micro_rho(gaussian_rho(Fraction(1), sigma)), delta)
    truth = true_epsilon(float(sigma), float(delta))
    assert truth <= stated <= truth * 1.35 + 0.002


@pytest.mark.parametrize("delta", [Fraction(1, 10), Fraction(1, 10**6), Fraction(1, 10**30)])
@pytest.mark.parametrize("micro", [1, 500, 125_000, 2_000_000, 10**9])
def test_equal_to_a_minimum_over_a_dense_grid_of_orders(micro: int, delta: Fraction) -> None:
    rho, order = micro / MICRO, 1 + np.logspace(-7, 9, 2_000_001)
    grid = order * rho + np.log1p(-1 / order) - (math.log(delta) + np.log(order)) / (order - 1)
    expected = max(0.0, float(grid.min()))
    assert epsilon(micro, delta) == pytest.approx(expected, rel=1e-6)
