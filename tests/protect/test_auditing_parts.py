"""Parts of the auditing shelf, beyond the matrix: what they refuse, what too little evidence is, their numbers."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.rng import generator
from consentinel.protect.auditing import (
    answers,
    canaries,
    events,
    histogram,
    lattice,
    ledgers,
    normaliser,
    sampling,
    sensitivity,
    timing,
    training,
)
from consentinel.protect.auditing._finding import Claim, Plan
from consentinel.protect.auditor import AUDITING, from_canaries, from_outputs
from tests.protect.doubles import books, noise, steps

PAIR = ((np.array([0.0]), np.array([1.0])),)
RNG = generator(7, "tests.auditing.parts")


@pytest.mark.parametrize("name", AUDITING.names())
def test_every_part_says_what_it_catches(name: str) -> None:
    part = AUDITING.take(name)
    assert callable(part.audit)
    assert set(part.CATCHES) <= {f"C{n}" for n in range(1, 11)}
    assert part.CATCHES


def test_together_they_are_made_for_every_class() -> None:
    assert {bug for name in AUDITING.names() for bug in AUDITING.take(name).CATCHES} == {f"C{n}" for n in range(1, 11)}


@pytest.mark.parametrize("part", [events, histogram, lattice])
def test_outputs_need_inputs_to_compare(part: Any) -> None:
    with pytest.raises(UsageError, match="pair of neighbouring inputs"):
        part.audit(noise.discrete_laplace(0), Plan(Claim(1.0)))


@pytest.mark.parametrize("outputs", [np.zeros(3), np.zeros((100, 2, 2)), np.array(["a"] * 100), 1.0])
def test_outputs_have_the_shape_that_was_asked_for(outputs: Any) -> None:
    with pytest.raises(ContractBroken, match="100 outputs"):
        events.audit(lambda data, n: outputs, Plan(Claim(1.0), 100, PAIR))


def test_few_outputs_cannot_refute_a_large_claim() -> None:
    found = events.audit(noise.discrete_laplace(0), Plan(Claim(12.0), 1000, PAIR))
    assert found.verdict == "insufficient"
    assert "below the claim" in found.why


def test_the_bound_of_exact_noise_comes_close_to_the_claim() -> None:
    found = histogram.audit(noise.discrete_laplace(1), Plan(Claim(1.0), 400_000, PAIR))
    assert 0.97 < found.lower_bound_epsilon <= 1.0 <= found.interval[1]


def test_gaussian_noise_is_bounded_in_its_own_measure() -> None:
    release = lambda data, n: data.sum() + RNG.normal(0, 2.0, n)  # noqa: E731
    plan = Plan(Claim(0.5, "mu", 1e-5), 200_000, PAIR)
    found = events.audit(release, plan)
    assert found.verdict == "consistent"
    assert 0.46 < found.lower_bound <= 0.5
    assert found.lower_bound_epsilon == pytest.approx(Claim(found.lower_bound, "mu", 1e-5).epsilon)
    assert events.audit(release, Plan(Claim(0.45, "mu", 1e-5), 200_000, PAIR)).verdict == "refuted"
    assert events.audit(release, Plan(Claim(0.04, "rho", 1e-5), 200_000, PAIR)).verdict == "refuted"
    assert events.audit(release, Plan(Claim(0.125, "rho", 1e-5), 200_000, PAIR)).verdict == "consistent"


def test_delta_is_granted() -> None:
    def leaky(data: np.ndarray, n: int) -> np.ndarray:
        return np.where(RNG.random(n) < 0.01, data.sum() * 1000 + 0.5, RNG.integers(0, 2, n))

    assert events.audit(leaky, Plan(Claim(0.1, delta=0.02), 20_000, PAIR)).verdict == "consistent"
    assert events.audit(leaky, Plan(Claim(0.1, delta=0.001), 20_000, PAIR)).verdict == "refuted"


def test_infinite_and_missing_outputs_are_values() -> None:
    def broken(data: np.ndarray, n: int) -> np.ndarray:
        return np.full(n, np.inf if data.sum() else np.nan)

    for part in (events, histogram, lattice):
        assert part.audit(broken, Plan(Claim(1.0), 2000, PAIR)).verdict == "refuted"


def test_vectors_are_read_whole() -> None:
    def release(data: np.ndarray, n: int) -> np.ndarray:
        return data.sum() + RNG.normal(0, 3.0, (n, 9))  # each coordinate 1/3, together 1

    found = events.audit(release, Plan(Claim(0.6, "mu", 1e-5), 20_000, PAIR))
    assert found.verdict == "refuted"
    assert 0.85 < found.lower_bound <= 1.0


def test_the_step_of_a_lattice_is_found() -> None:
    rng = generator(1, "tests.auditing.step")
    assert lattice.step_of(rng.integers(-50, 50, 100) * 6 + 1) == 6
    assert lattice.step_of((rng.integers(-50, 50, 100) * 3 + 1) * 2.0**-20) == 3 * 2.0**-20
    assert lattice.step_of(rng.normal(0, 1, 1000)) is None
    assert lattice.step_of(np.full(10, 5)) is None


# One run


@pytest.mark.parametrize("delta", [0.0, 1e-4])
def test_the_chance_of_right_guesses_is_as_the_theorem_writes_it(delta: float) -> None:
    m, r, v, epsilon = 200, 60, 45, 0.7
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    f = [float(binom.sf(k - 1, r, q)) for k in range(r + 1)]
    worst = max((f[v - i] - f[v]) / i for i in range(1, v + 1))
    assert canaries.guess_p(epsilon, delta, m, r, v) == pytest.approx(f[v] + 2 * m * delta * worst)


def test_scores_of_a_finished_run_are_enough() -> None:
    run = steps.one_run_without_noise(0)
    assert run.included is not None
    found = from_canaries(run.run(run.included), run.included, claimed=2.0)
    assert found.verdict == "refuted"
    assert found.lower_bound_epsilon > 3


def test_the_auditor_flips_its_own_coins() -> None:
    seen = []

    def run(inside: np.ndarray) -> np.ndarray:
        seen.append(inside.copy())
        return inside.astype(float)

    for _ in range(2):
        assert canaries.audit(canaries.Canaries(run, 500), Plan(Claim(1.0))).verdict == "refuted"
    assert (seen[0] != seen[1]).any()
    assert 150 < seen[0].sum() < 350


def test_few_canaries_show_little() -> None:
    assert canaries.audit(canaries.Canaries(lambda b: b * 1.0, 10), Plan(Claim(3.0))).verdict == "insufficient"
    with pytest.raises(UsageError, match="at least 10"):
        canaries.audit(canaries.Canaries(lambda b: b * 1.0, 5), Plan(Claim(3.0)))
    with pytest.raises(ContractBroken, match="finite score"):
        canaries.audit(canaries.Canaries(lambda b: b * np.nan, 50), Plan(Claim(3.0)))


def test_outputs_of_anyone_can_be_judged() -> None:
    one, two = RNG.laplace(0, 1, 20_000), RNG.laplace(1, 1, 30_000)
    assert from_outputs(one, two, claimed=1.1).verdict == "consistent"
    assert from_outputs(one, two, claimed=0.7).verdict == "refuted"
    with pytest.raises(UsageError, match="one width"):
        from_outputs(one, two.reshape(-1, 2), claimed=1.0)


# Refusals of the others


def test_parts_refuse_what_they_cannot_audit() -> None:
    plan = Plan(Claim(1.0), 50)
    with pytest.raises(UsageError, match="100 draws"):
        timing.audit(timing.Draws(lambda: 0.0), plan)
    with pytest.raises(ContractBroken, match="finite"):
        timing.audit(timing.Draws(lambda: math.nan), Plan(Claim(1.0), 100))
    with pytest.raises(UsageError, match="rate"):
        sampling.audit(sampling.Batches(lambda rounds: np.zeros((rounds, 5)), 5, 1.0), plan)
    with pytest.raises(ContractBroken, match="shape"):
        sampling.audit(sampling.Batches(lambda rounds: np.zeros((rounds, 4)), 5, 0.1), plan)
    with pytest.raises(UsageError, match="2 queries"):
        answers.audit(answers.Answers(noise.discrete_laplace(0), queries=1), plan)
    with pytest.raises(UsageError, match="sizes"):
        normaliser.audit(normaliser.Average(noise.discrete_laplace(0), sizes=()), plan)
    with pytest.raises(UsageError, match="clip"):
        training.audit(training.Step(noise.discrete_laplace(0), clip=0.0), plan)


def test_noise_that_never_changes_has_no_time() -> None:
    ticks = iter(range(10**6))
    found = timing.audit(timing.Draws(lambda: 1.0, lambda: float(next(ticks))), Plan(Claim(1.0), 100))
    assert found.verdict == "consistent"
    assert "the same in every draw" in found.why


def test_a_sum_beyond_its_sensitivity_is_named_with_its_table() -> None:
    total = sensitivity.Total(lambda rows: 2 * len(rows), 0, 1, Fraction(1))
    found = sensitivity.audit(total, Plan(Claim(1.0)))
    assert found.verdict == "refuted"
    assert "2 times its sensitivity" in found.why
    assert found.error_rate == 0.0


def test_a_ledger_that_refuses_everything_stands_no_attack() -> None:
    class Closed(books.Book):
        def fits(self, charge: object) -> bool:
            return False

    found = ledgers.audit(Closed, Plan(Claim(1.0)))
    assert found.verdict == "refuted"
    assert "nothing it refuses means anything" in found.why
