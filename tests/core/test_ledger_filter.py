"""The privacy filter: totals hold, promises are kept, and nothing is given back."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.accounting import epsilon
from consentinel.core.errors import UsageError
from consentinel.core.ledger_filter import LOST, Account, Budget, forfeited, granted, paid, plan_price, room
from tests.core.made_ledger import ACCOUNT, DELTA, charge

BUDGET = granted(None, 100, DELTA, {"ads": 30, "lift": 20}, {"safety": 10})


def test_an_account_is_what_a_charge_names() -> None:
    assert Account.of(charge()) == ACCOUNT
    assert str(ACCOUNT) == "exposures|person|2026-W47"


@pytest.mark.parametrize(
    ("principal", "purpose", "most", "limit"),
    [
        ("ads", "reach", 30, "quota"),
        ("ads", "safety", 30, "quota"),
        ("lift", "reach", 20, "quota"),
        ("search", "reach", 40, "promised"),  # what nobody was promised
        ("search", "safety", 50, "promised"),  # and the reserve
    ],
)
def test_what_each_can_spend(principal: str, purpose: str, most: int, limit: str) -> None:
    found = room(BUDGET, principal, purpose)
    assert (found.most, found.limit, found.total) == (most, limit, 100)
    assert paid(BUDGET, principal, purpose, most).spent == most
    for wrong in (most + 1, 0, -1):
        with pytest.raises(ValueError, match="does not fit"):
            paid(BUDGET, principal, purpose, wrong)


def test_others_cannot_use_a_quota_up_and_together_they_reach_the_total_exactly() -> None:
    budget = paid(paid(BUDGET, "search", "reach", 40), "reach-team", "safety", 10)
    assert [room(budget, who, "safety").most for who in ("search", "reach-team", "x")] == [0, 0, 0]
    budget = paid(paid(budget, "ads", "reach", 30), "lift", "reach", 20)
    assert budget.spent == budget.total == 100
    assert budget.promised() == 0
    assert [room(budget, who, "safety").most for who in ("ads", "lift", "search")] == [0, 0, 0]
    assert room(budget, "search", "reach").limit == "total"


def test_a_quota_counts_what_its_principal_used_before_it_had_one() -> None:
    budget = granted(paid(granted(None, 100, DELTA, {}, {}), "ads", "reach", 25), 100, DELTA, {"ads": 30}, {})
    assert room(budget, "ads", "reach").most == 5
    lower = granted(budget, 100, DELTA, {"ads": 10}, {})
    assert room(lower, "ads", "reach").most == 0
    assert lower.spent == 25


@pytest.mark.parametrize(
    ("total", "delta", "quotas", "reserves", "why"),
    [
        (101, DELTA, {}, {}, "never raised"),
        (100, DELTA / 2, {}, {}, "delta never changed"),
        (39, DELTA, {}, {}, "exceed the total"),
        (100, DELTA, {"ads": 61}, {}, "exceed the total"),
        (100, DELTA, {"ads": 30}, {"safety": 31}, "exceed the total"),
        (100, DELTA, {"ads": -1}, {}, "whole number"),
        (100, DELTA, {"ads": 1.5}, {}, "whole number"),
        (True, DELTA, {}, {}, "whole number"),
        (math.nan, DELTA, {}, {}, "whole number"),
    ],
)
def test_limits_that_cannot_be(
    total: int, delta: Fraction, quotas: dict[str, int], reserves: dict[str, int], why: str
) -> None:
    used = paid(granted(None, 100, DELTA, {}, {}), "search", "reach", 40)
    with pytest.raises(UsageError, match=why):
        granted(used, total, delta, quotas, reserves)


def test_a_first_total_is_something_and_may_be_lowered_to_what_is_spent() -> None:
    for total in (0, -1, 10**18 + 1):
        with pytest.raises(UsageError):
            granted(None, total, DELTA, {}, {})
    used = paid(granted(None, 100, DELTA, {}, {}), "search", "reach", 40)
    assert room(granted(used, 40, DELTA, {}, {}), "search", "reach").most == 0


def test_a_plan_declared_whole_takes_an_untouched_account_whole() -> None:
    free = granted(None, 100_000, DELTA, {}, {})
    stands_for = epsilon(100_000, DELTA)
    assert plan_price(free, charge(), stands_for) == 100_000
    assert plan_price(free, charge(), 0.0) == 100_000
    for loss in (math.nextafter(stands_for, 9), math.inf, math.nan, -1.0):
        assert plan_price(free, charge(), loss) is None
    assert plan_price(paid(free, "ads", "reach", 1), charge(), 0.1) is None
    assert plan_price(granted(None, 100_000, DELTA, {"lift": 1}, {}), charge(), 0.1) is None
    assert plan_price(granted(None, 100_000, DELTA, {}, {"safety": 1}), charge(), 0.1) is None
    assert plan_price(granted(None, 100_000, DELTA, {"ads": 99_999}, {}), charge(), 0.1) is None
    assert plan_price(granted(None, 100_000, DELTA, {"ads": 100_000}, {}), charge(), 0.1) == 100_000


def test_forfeiting_leaves_nothing() -> None:
    gone = forfeited(paid(BUDGET, "ads", "reach", 7))
    assert (gone.spent, gone.promised(), dict(gone.principals)) == (100, 0, {"ads": 7, LOST: 93})
    assert forfeited(gone) == gone
    with pytest.raises(UsageError):
        granted(gone, 100, DELTA, {"ads": 8}, {})


spends = st.tuples(st.sampled_from(("ads", "lift", "search")), st.sampled_from(("reach", "safety")), st.integers(1, 40))


@given(st.lists(spends, max_size=30))
def test_promises_are_kept_in_every_order(asked: list[tuple[str, str, int]]) -> None:
    budget: Budget = BUDGET
    for who, why, micro in asked:
        if micro <= room(budget, who, why).most:
            budget = paid(budget, who, why, micro)
        assert budget.spent + budget.promised() <= budget.total
        for name, quota in budget.quotas.items():
            assert budget.principals.get(name, 0) <= quota
            assert room(budget, name, "reach").most == quota - budget.principals.get(name, 0)
