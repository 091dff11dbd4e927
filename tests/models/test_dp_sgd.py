"""The accountant: right epsilons, and no noise for a sampling that was not accounted for."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from consentinel.core.errors import BudgetRefused, UsageError
from consentinel.core.ledger import Charge
from consentinel.models.private.dp_sgd import Accountant, Plan, noise_for, plan_loss
from consentinel.models.private.poisson import Batch, Loader

DELTA, HALF = Fraction(1, 10**5), Fraction(1, 2)
PLAN = Plan(Fraction(2), HALF, 3)
NOTHING = np.zeros(4, np.int64)


def test_epsilon_of_full_participation_is_that_of_one_gaussian() -> None:
    # steps of noise z compose to one Gaussian of z / sqrt(steps) (Dong, Roth and Su 2022); its epsilon by their formula
    from scipy.optimize import brentq
    from scipy.stats import norm

    mu = 10 / 14.0
    exact = brentq(lambda e: norm.cdf(-e / mu + mu / 2) - np.exp(e) * norm.cdf(-e / mu - mu / 2) - 1e-5, 0.1, 20)
    found = Plan(Fraction(14), Fraction(1), 100).epsilon(DELTA)
    assert exact <= found <= exact * 1.001


def test_epsilon_of_sampling_lies_under_renyi_and_over_a_published_lower_end() -> None:
    # Tramer and Boneh's setting for Fashion-MNIST: 8192 of 60000, noise 4.05, 40 epochs, told as epsilon 3
    plan = Plan(Fraction("4.05"), Fraction(8192, 60000), 293)
    assert 2.3 < plan.epsilon(DELTA) < 2.66
    assert Plan(Fraction("4.05"), Fraction(1), 293).epsilon(DELTA) > 10 * plan.epsilon(DELTA)


@pytest.mark.parametrize("rate", [Fraction(1), Fraction(1, 10)])
def test_noise_for_spends_what_it_may(rate: Fraction) -> None:
    plan = noise_for(2.0, DELTA, rate, 20, before=Fraction(1, 200))
    assert 1.995 < plan.epsilon(DELTA) <= 2.0


def test_a_step_gets_the_noise_of_the_plan() -> None:
    accountant, loader = Accountant(Plan(Fraction(3), Fraction(1), 1)), Loader(5, Fraction(1))
    drawn = accountant.noisy(next(loader.batches(1)), np.zeros((100, 100), np.int64), 1000)
    assert drawn.shape == (100, 100)
    assert abs(drawn.std() / 3000 - 1) < 6 / np.sqrt(2 * drawn.size)
    assert abs(drawn.mean()) < 6 * 3000 / 100
    assert accountant.done == 1
    assert accountant.epsilon(DELTA) == Plan(Fraction(3), Fraction(1), 1).epsilon(DELTA)


def test_other_draws_count_before_the_first_step() -> None:
    assert Accountant(PLAN).epsilon(DELTA) == 0
    first = Accountant(replace(PLAN, before=Fraction(1, 50))).epsilon(DELTA)
    assert 0 < first < replace(PLAN, before=Fraction(1, 50)).epsilon(DELTA)


def test_an_empty_batch_is_a_step_like_any_other() -> None:
    accountant = Accountant(PLAN)
    assert np.any(accountant.noisy(next(Loader(0, HALF).batches(1)), NOTHING, 2**20))
    assert accountant.done == 1


def test_refuses_what_no_poisson_loader_drew() -> None:
    shuffled = np.random.default_rng(0).permutation(100)[:50]
    with pytest.raises(BudgetRefused, match="not drawn by a Poisson loader"):
        Accountant(PLAN).noisy(shuffled, NOTHING, 1000)  # type: ignore[arg-type]
    forged = Batch(shuffled, np.ones(50), 1, "a torch DataLoader")  # type: ignore[arg-type]
    with pytest.raises(BudgetRefused, match="not drawn by a Poisson loader"):
        Accountant(PLAN).noisy(forged, NOTHING, 1000)


def test_refuses_another_rate() -> None:
    with pytest.raises(BudgetRefused, match=r"probability 3/4, and 1/2"):
        Accountant(PLAN).noisy(next(Loader(9, Fraction(3, 4)).batches(1)), NOTHING, 1000)


def test_refuses_more_steps_than_paid_for_the_same_batch_and_another_loader() -> None:
    loader, accountant = Loader(9, HALF), Accountant(PLAN)
    batches = list(loader.batches(4))
    accountant.noisy(batches[0], NOTHING, 1000)
    with pytest.raises(BudgetRefused, match="used already"):
        accountant.noisy(batches[0], NOTHING, 1000)
    with pytest.raises(BudgetRefused, match="another loader"):
        accountant.noisy(next(Loader(9, HALF).batches(1)), NOTHING, 1000)
    accountant.noisy(batches[1], NOTHING, 1000)
    accountant.noisy(batches[2], NOTHING, 1000)
    with pytest.raises(BudgetRefused, match="all 3 steps"):
        accountant.noisy(batches[3], NOTHING, 1000)
    assert accountant.done == 3


def test_refuses_a_lattice_too_coarse_before_it_counts() -> None:
    accountant = Accountant(PLAN)
    with pytest.raises(UsageError, match="lattice"):
        accountant.noisy(next(Loader(9, HALF).batches(1)), NOTHING, 4)
    assert accountant.done == 0


@pytest.mark.parametrize("noise", [Fraction(0), Fraction(-1), 1.0])
def test_a_plan_has_noise(noise: Fraction) -> None:
    with pytest.raises(UsageError):
        Plan(noise, HALF, 1)


def test_plans_are_priced_from_their_charges() -> None:
    def charge(params: dict[str, Fraction]) -> Charge:
        return Charge("models.vision.x", tuple(params.items()), "event", "test", "me", "d", "e", 10**6)

    told = {"sensitivity": Fraction(1), "sigma": Fraction(2), "rate": HALF, "steps": Fraction(3)}
    assert plan_loss([charge(told)], DELTA) == PLAN.epsilon(DELTA)
    assert plan_loss([charge(told | {"before": Fraction(1, 50)})], DELTA) > PLAN.epsilon(DELTA)
    with pytest.raises(UsageError, match="no plan"):
        plan_loss([charge({"rho": Fraction(1)})], DELTA)
