"""Budgets are split in exact fractions, and noise never costs more than what was paid."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.protect.splitting import deviations, params, price, root_up, split
from consentinel.protect.statistic import Bounds, Statistic, l1, l2_squared

POSITIVE = st.builds(F, st.integers(1, 10**9), st.integers(1, 10**9))
A = Statistic("a", "count(*)", F(1), F(1))
B = Statistic("b", "sum(x)", F(7, 3), F(1))
BOUNDS = Bounds(3, 2, None, None)


@settings(deadline=None)
@given(POSITIVE, st.lists(POSITIVE, min_size=1, max_size=5))
def test_parts_add_up_exactly(budget: F, shares: list[F]) -> None:
    parts = split(budget, {str(i): share for i, share in enumerate(shares)})
    assert sum(parts.values()) == budget
    assert all(parts[str(i)] * shares[0] == parts["0"] * share for i, share in enumerate(shares))


@settings(deadline=None)
@given(POSITIVE)
def test_roots_are_rounded_up_and_tight(square: F) -> None:
    root = root_up(square)
    assert square <= root**2 <= square * (1 + F(1, 2**37))
    assert max(root.numerator, root.denominator).bit_length() < 128


@settings(deadline=None)
@given(POSITIVE, st.sampled_from(["gaussian", "laplace"]))
def test_the_price_is_at_most_the_budget_and_nearly_all_of_it(budget: F, law: str) -> None:
    paid = params((A, B), BOUNDS, budget, {"a": F(1), "b": F(1, 3)}, law=law)
    limit = budget**2 / 2 if law == "laplace" else budget
    assert limit * (1 - F(1, 2**36)) <= price((A, B), BOUNDS, paid) <= limit


def test_the_split_is_optimal_for_the_declared_weights() -> None:
    """The variance of w_a A + w_b B is least at shares w_i s_i: any other split of the same budget has more."""
    bounds, weights = Bounds(1, 1, None, None), {"a": F(2), "b": F(1, 5)}
    sensitive = {one.name: one.per_row for one in (A, B)}

    def variance(shares: dict[str, F]) -> F:
        parts = split(F(1), shares)
        return sum(
            (weights[n] ** 2 * l2_squared(one, bounds) / (2 * parts[n]) for n, one in (("a", A), ("b", B))), F(0)
        )

    best = {name: weights[name] * sensitive[name] for name in weights}
    for other in (F(1, 2), F(9, 10), F(11, 10), F(3)):
        assert variance(best) < variance(best | {"a": best["a"] * other})


def test_prices_follow_the_formulas() -> None:
    assert price((A,), BOUNDS, {"sigma_a": F(2)}) == l2_squared(A, BOUNDS) / 8
    assert (
        price((A, B), BOUNDS, {"scale_a": F(6), "scale_b": F(14)}) == (l1(A, BOUNDS) / 6 + l1(B, BOUNDS) / 14) ** 2 / 2
    )
    for wrong in ({}, {"sigma_a": F(1), "scale_a": F(1)}, {"sigma_a": F(0)}, {"sigma_a": F(-1)}):
        with pytest.raises(UsageError):
            price((A,), BOUNDS, wrong)


@pytest.mark.parametrize("sigma", ["1/10", "3/10", "1", "4", "30"])
def test_deviations_are_those_of_the_discrete_laws(sigma: str) -> None:
    scale = F(sigma)
    x = np.arange(-3000, 3001)
    for name, weight in (
        ("sigma_a", np.exp(-(x**2) / (2 * float(scale) ** 2))),
        ("scale_a", np.exp(-abs(x) / float(scale))),
    ):
        sd = math.sqrt((x**2 * weight).sum() / weight.sum())
        assert deviations((A,), {name: scale})["a"] == pytest.approx(sd, rel=1e-9, abs=1e-12)


def test_what_cannot_be_split_is_refused() -> None:
    for budget in (F(0), F(-1), 0.5, math.nan, "1"):
        with pytest.raises(UsageError):
            split(budget, {"a": F(1)})  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        split(F(1), {})
    with pytest.raises(UsageError):
        split(F(1), {"a": F(0)})
    with pytest.raises(UsageError):
        params((A, B), BOUNDS, F(1), {"a": F(1)})
    with pytest.raises(UsageError):
        params((A, A), BOUNDS, F(1), {"a": F(1)})
    with pytest.raises(UsageError):
        params((A,), BOUNDS, F(1), {"a": F(1)}, law="uniform")
