import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.claims.epsilon_agreement import truth
from consentinel.core import accounting, losses
from consentinel.core.errors import ConsentinelError, NotSupported, UsageError
from consentinel.core.loss_grid import Shift, between, gaussian_epsilon
from consentinel.core.losses import Agreed, Step, agreed, epsilon_of

pytest.importorskip("dp_accounting", reason="needs the extra [protect]")

ONE, SMALL = Fraction(1), Fraction(1, 10**6)


@pytest.mark.parametrize(
    "plan",
    [
        [Step("gaussian", ONE, Fraction(2), 5)],
        [Step("laplace", ONE, Fraction(3))],
        [Step("discrete_gaussian", ONE, Fraction(1, 2), 2)],
        [Step("discrete_gaussian", Fraction(5), Fraction(40), 7)],
        [Step("discrete_laplace", Fraction(4), Fraction(9), 7)],
        [Step("pure", ONE, Fraction(2), 30)],
        [Step("pure", ONE, ONE), Step("pure", ONE, Fraction(20), 40)],
        [Step("discrete_gaussian", ONE, Fraction(9), 12), Step("pure", ONE, Fraction(10), 8)],
        [Step("gaussian", ONE, Fraction(4)), Step("discrete_laplace", Fraction(2), Fraction(5), 3)],
    ],
)
@pytest.mark.parametrize("delta", [Fraction(1, 100), SMALL, Fraction(1, 10**12)])
def test_stated_epsilon_is_the_exact_one(plan: list[Step], delta: Fraction) -> None:
    found, exact = agreed(plan, delta), truth(plan, float(delta))
    assert exact is not None
    assert exact * (1 - 1e-9) <= found.epsilon <= exact * (1 + 1e-3)
    assert found.low <= exact * (1 + 1e-9)
    assert found.epsilon == epsilon_of(plan, delta) == max(found.pld, found.high)
    assert abs(found.pld - found.high) <= 1e-3 * found.high
    assert found.epsilon <= found.ceiling


@pytest.mark.parametrize(
    ("mu", "delta", "wanted"),
    # sigma that the analytic Gaussian mechanism needs for epsilon ln 3 and delta 1e-5, as Google's cases have it
    [(1 / math.sqrt(11.73597717285156), 1e-5, math.log(3)), (1 / math.sqrt(0.795824289321899), 1e-5, 5.0)],
)
def test_gaussian_closed_form_against_published_figures(mu: float, delta: float, wanted: float) -> None:
    assert gaussian_epsilon(mu, delta) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("claimed", [10, 20, 50])
def test_the_classical_formula_would_state_less_than_the_truth(claimed: int) -> None:
    sigma = Fraction(math.sqrt(2 * math.log(1.25 / 1e-5)) / claimed).limit_denominator(10**9)
    assert epsilon_of([Step("gaussian", ONE, sigma)], Fraction(1, 10**5)) > claimed * 1.03


def test_delta_that_covers_the_loss_costs_nothing() -> None:
    assert epsilon_of([Step("pure", ONE, Fraction(100))], Fraction(1, 10)) == 0
    assert epsilon_of([Step("gaussian", ONE, Fraction(500))], Fraction(1, 10)) == 0


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["gaussian", "laplace", "discrete_gaussian", "discrete_laplace", "pure"]),
            st.integers(1, 4),
            st.fractions(2, 40, max_denominator=3),
            st.integers(1, 20),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([2, 6, 11]),
)
def test_bounds_enclose_and_order_and_grouping_do_not_matter(drawn: list, digits: int) -> None:
    delta = 10.0**-digits
    shifts = [Shift(kind, float(d), float(scale), count) for kind, d, scale, count in drawn]
    low, high, _ = between(shifts, delta)
    assert 0 <= low <= high
    assert high <= between(shifts[::-1], delta)[1] * (1 + 1e-4) + 1e-12
    rho = sum((Step(k, Fraction(d), s, n).rho for k, d, s, n in drawn), Fraction(0))
    assert low <= accounting.epsilon(accounting.micro_rho(rho), Fraction(1, 10**digits)) * (1 + 1e-6)


def test_more_noise_and_fewer_steps_cost_less() -> None:
    few, many = (epsilon_of([Step("discrete_gaussian", ONE, Fraction(10), n)], SMALL) for n in (3, 30))
    loud = epsilon_of([Step("discrete_gaussian", ONE, Fraction(20), 30)], SMALL)
    assert few < many
    assert loud < many


def test_a_large_lattice_is_the_continuous_one() -> None:
    fine = epsilon_of([Step("discrete_gaussian", Fraction(5000), Fraction(20_000))], SMALL)
    assert fine == pytest.approx(gaussian_epsilon(0.25, 1e-6), rel=1e-3)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Agreed(1.0, 1.0, 0.9, 1.002, 2.0), "0.1 %"),
        (Agreed(1.0, 0.9995, 0.9999, 1.0, 2.0), "below a proven"),
        (Agreed(1.0, 1.0, 0.99, 1.0, 0.5), "gives less"),
        (Agreed(math.inf, math.inf, 0.99, 1.0, 2.0), "no finite"),
        (Agreed(math.nan, math.nan, 0.99, 1.0, 2.0), "no finite"),
    ],
)
def test_computations_that_disagree_state_nothing(found: Agreed, why: str) -> None:
    with pytest.raises(ConsentinelError, match=why):
        losses.check(found)


def test_a_wrong_accountant_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = [Step("discrete_laplace", ONE, Fraction(5), 4)]
    assert epsilon_of(plan, SMALL) > 0
    monkeypatch.setattr(losses, "_by_pld", lambda *_: 0.5)
    with pytest.raises(ConsentinelError, match="no epsilon is stated"):
        epsilon_of(plan, SMALL)


@pytest.mark.parametrize("delta", [Fraction(0), Fraction(1), Fraction(1, 10**13), Fraction(-1, 2), 1e-6, "1e-6"])
def test_delta_out_of_range_is_refused(delta: object) -> None:
    with pytest.raises(UsageError, match="delta"):
        epsilon_of([Step("pure", ONE, ONE)], delta)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "cauchy"},
        {"sensitivity": 1.0},
        {"sensitivity": Fraction(0)},
        {"scale": Fraction(-1)},
        {"scale": Fraction(1, 1000)},
        {"scale": Fraction(10**7)},
        {"count": 0},
        {"count": 1.5},
        {"count": True},
        {"kind": "discrete_laplace", "sensitivity": Fraction(1, 2)},
    ],
)
def test_wrong_steps_are_refused(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"kind": "gaussian", "sensitivity": ONE, "scale": Fraction(3)} | wrong
    with pytest.raises(UsageError):
        Step(**given)


def test_plans_that_cannot_be_composed_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one"):
        epsilon_of([], SMALL)
    with pytest.raises(NotSupported, match="lattice"):
        epsilon_of([Step("discrete_gaussian", Fraction(10**6), Fraction(10**7))], SMALL)
