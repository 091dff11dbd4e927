"""Bounds of a privacy loss from counts: exact limits, three measures, p-values; Gaussian noise in closed form."""

import math

import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_distribution as pld
from scipy.stats import norm

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import clopper_pearson
from consentinel.protect.auditing import events
from consentinel.protect.auditing._bounds import ceiling, event_p, limits, loss, lower_bounds
from consentinel.protect.auditing._finding import Claim, Plan
from consentinel.protect.auditing._gaussian import discrete_mu, gaussian_delta, gaussian_epsilon
from consentinel.protect.auditing.composition import Spent, exact_epsilon


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (500, 20_000)])
def test_limits_are_those_of_clopper_and_pearson(k: int, n: int) -> None:
    low, high = limits(k, n, 0.01)
    assert float(low) == pytest.approx(clopper_pearson(k, n, 0.99, side="lower").low, abs=1e-12)
    assert float(high) == pytest.approx(clopper_pearson(k, n, 0.99, side="upper").high, abs=1e-12)


def test_limits_stay_apart_for_tiny_error_rates() -> None:
    assert float(limits(10, 10_000, 1e-200)[1]) < 0.2


def test_loss_of_randomised_response_is_its_epsilon() -> None:
    p = math.exp(1.5) / (1 + math.exp(1.5))
    assert float(loss("epsilon", p, 1 - p, 0.0)) == pytest.approx(1.5)
    assert float(loss("epsilon", p, 1 - p, 0.1)) < 1.5
    assert float(loss("epsilon", 1 - p, p, 0.0)) == 0.0


def test_loss_in_mu_is_the_shift_of_a_normal_tail() -> None:
    assert float(loss("mu", norm.sf(0.2), norm.sf(0.2 + 0.7), 0.0)) == pytest.approx(0.7)


def test_loss_in_rho_is_never_above_that_of_the_gaussian() -> None:
    cuts = np.linspace(-3, 8, 100)
    found = loss("rho", norm.sf(cuts - 1.0), norm.sf(cuts), 0.0)
    assert found.max() <= 0.5
    assert found.max() > 0.35


def test_loss_of_a_sure_event_is_without_bound() -> None:
    assert float(loss("epsilon", 1.0, 0.0, 0.0)) == math.inf
    assert float(loss("mu", 1.0, 0.0, 0.0)) == math.inf
    assert float(loss("rho", 1.0, 0.5, 0.0)) == pytest.approx(math.log(2), rel=0.01)


def test_p_value_and_bound_agree() -> None:
    claim = Claim(1.0)
    p = event_p(claim, 600, 1000, 100, 1000)
    assert 0 < p < 0.05
    assert float(lower_bounds(claim, 600, 1000, 100, 1000, p * 1.01)) > 1.0
    assert float(lower_bounds(claim, 600, 1000, 100, 1000, p * 0.99)) <= 1.0 + 1e-6
    assert event_p(claim, 100, 1000, 100, 1000) == 1.0
    assert event_p(claim, 10**6, 10**6, 0, 10**6) == 1e-300


def test_ceiling_grows_with_the_number_of_outputs() -> None:
    assert 3 < ceiling(Claim(1.0), 1000, 1000, 0.01) < ceiling(Claim(1.0), 10_000, 10_000, 0.01) < 9


@pytest.mark.parametrize("mu", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("delta", [1e-3, 1e-6])
def test_gaussian_epsilon_agrees_with_an_independent_accountant(mu: float, delta: float) -> None:
    epsilon = gaussian_epsilon(mu, delta)
    assert gaussian_delta(mu, epsilon) <= delta * (1 + 1e-9)
    made = pld.from_gaussian_mechanism(1 / mu, value_discretization_interval=1e-4)
    assert epsilon == pytest.approx(made.get_epsilon_for_delta(delta), rel=2e-3, abs=1e-4)


@pytest.mark.parametrize(
    "spent",
    [(Spent("gaussian", 2.0, 5),), (Spent("pure", 0.1, 30),), (Spent("gaussian", 5.0, 4), Spent("pure", 0.2, 10))],
)
def test_compositions_agree_with_an_independent_accountant(spent: tuple[Spent, ...]) -> None:
    whole = pld.identity(value_discretization_interval=1e-4)
    for part in spent:
        if part.kind == "gaussian":
            one = pld.from_gaussian_mechanism(part.amount, value_discretization_interval=1e-4)
        else:
            chance = 2 / (1 + math.exp(part.amount))
            one = pld.from_randomized_response(chance, 2, value_discretization_interval=1e-4)
        whole = whole.compose(one.self_compose(part.times))
    assert exact_epsilon(spent, 1e-5) == pytest.approx(whole.get_epsilon_for_delta(1e-5), rel=5e-3)
    assert exact_epsilon(spent, 1e-5) <= whole.get_epsilon_for_delta(1e-5) * (1 + 1e-6)


def test_discrete_noise_hides_a_little_less() -> None:
    chances = np.exp(-(np.arange(-40, 41) ** 2) / 2)
    chances /= chances.sum()
    p, q = chances[40:].sum(), chances[41:].sum()  # at least 0, with a shift of 1 and without
    assert norm.ppf(p) - norm.ppf(q) <= discrete_mu(1, 1.0) + 1e-12
    assert 1.04 < discrete_mu(1, 1.0) < 1.06
    ratios = [discrete_mu(1, sigma) * sigma for sigma in (1.0, 2.0, 5.0, 20.0, 300.0, 1e6)]
    assert ratios == sorted(ratios, reverse=True)
    assert 1 <= ratios[-1] < 1.001
    assert discrete_mu(30, 20.0) * 20 / 30 < 1.01


@pytest.mark.parametrize("amount", [0.0, -1.0, math.nan, math.inf])
def test_a_claim_is_a_positive_number(amount: float) -> None:
    with pytest.raises(UsageError, match="positive"):
        Claim(amount)


def test_a_claim_shows_its_epsilon() -> None:
    assert Claim(1.0).epsilon == 1.0
    assert Claim(1.0, "mu", 1e-5).epsilon == pytest.approx(4.38, abs=0.01)
    assert Claim(0.5, "rho", 1e-5).epsilon > Claim(1.0, "mu", 1e-5).epsilon
    with pytest.raises(UsageError, match="delta above 0"):
        Claim(1.0, "mu")
    with pytest.raises(UsageError, match="level"):
        Plan(Claim(1.0), level=1.0)


def test_a_claim_that_is_just_true_is_refuted_no_oftener_than_stated() -> None:
    rng = generator(3, "tests.auditing.level")
    pair = ((np.array([0.0]), np.array([1.0])),)
    plan = Plan(Claim(1.0), 600, pair, 0.8)
    alarms = sum(
        events.audit(lambda data, n: data.sum() + rng.laplace(0, 1, n), plan).verdict == "refuted" for _ in range(150)
    )
    assert alarms <= 30  # 0.2 of 150; Clopper-Pearson leaves it far below
