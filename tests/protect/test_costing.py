"""A budget in exact numbers: what an epsilon becomes, how it is divided, what stands in a charge."""

from fractions import Fraction as F
from typing import Any

import pytest

from consentinel.core.accounting import MICRO, epsilon, micro_rho
from consentinel.core.errors import NotSupported, UsageError
from consentinel.protect.costing import Budget, Part, budget_of, split
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.splitting import price
from consentinel.protect.statistic import Bounds

BOUNDS = Bounds(2, 3, F(0), F(10))


def parts(*kinds: str) -> list[Part]:
    return [Part(f"{kind}_{at}", kind, BOUNDS, MECHANISMS.take(kind)) for at, kind in enumerate(kinds)]


def test_an_epsilon_becomes_the_largest_rho_that_stands_for_at_most_it() -> None:
    found = budget_of("", "1", "gaussian", "1e-6", names=False)
    micro = found.amount * MICRO
    assert micro.denominator == 1
    assert epsilon(int(micro), F(1, 10**6)) <= 1 < epsilon(int(micro) + 1, F(1, 10**6))
    assert found.epsilon <= 1
    assert budget_of("", "1", "laplace", "1e-6", names=False).amount == 1


def test_half_of_delta_is_for_naming_groups() -> None:
    found = budget_of("1/4", "", "gaussian", "1e-6", names=True)
    assert (found.delta, found.naming) == (F(1, 2 * 10**6), F(1, 2 * 10**6))
    assert "5e-07 of it for naming" in found.told
    with pytest.raises(NotSupported, match="declare the values"):
        budget_of("", "1", "laplace", "1e-6", names=True)


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("kinds", [("count",), ("count", "sum", "mean"), ("quantiles",) * 7])
def test_the_parts_cost_no_more_than_the_whole(kinds: tuple[str, ...], law: Any) -> None:
    budget = Budget(law, F(1, 3) if law == "laplace" else F(33_333, MICRO), F(1, 10**6))
    paid = split(parts(*kinds), budget)
    assert sum(one.budget for one in paid) <= budget.amount
    if law == "gaussian":
        assert sum(one.micro for one in paid) <= budget.amount * MICRO
        assert all(micro_rho(one.params["rho"]) == one.micro for one in paid)
    for one in paid:
        cost = price(one.statistics, one.part.bounds, one.params)
        assert cost <= one.micro / F(MICRO)


def test_shares_divide_the_budget() -> None:
    asked = parts("count", "sum")
    low, high = split(asked, Budget("gaussian", F(4, 100), F(1, 10**6)), "sum_1=3")
    assert (low.micro, high.micro) == (10_000, 30_000)
    for text, says in (("sum_2=3", "did you mean 'sum_1'"), ("sum_1", "name=number"), ("sum_1=1,sum_1=2", "once")):
        with pytest.raises(UsageError, match=says):
            split(asked, Budget("gaussian", F(4, 100), F(1, 10**6)), text)


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing is left for 'sum_1'"):
        split(parts("count", "sum"), Budget("gaussian", F(2, MICRO), F(1, 10**6)), "count_0=5")
    with pytest.raises(UsageError, match="less than one millionth"):
        budget_of("1e-7", "", "gaussian", "1e-6", names=False)
