"""The device of Attribution Level 1: budgets are never exceeded, whatever is asked in whatever order."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.protect.w3c.credit import fairly_allocate
from consentinel.protect.w3c.device import DAY, Device, Limits
from consentinel.protect.w3c.sites import parse_site, parse_sites

SERVICE = "https://agg.test"
LIMITS = Limits(
    aggregation_services=frozenset({SERVICE}),
    global_budget=3_000_000,
    site_budget=1_000_000,
    impression_site_quota=2_000_000,
    epoch_days=7,
    lookback_days=30,
    histogram_size=4,
    credit_size=3,
    match_values=2,
    conversion_sites=2,
    conversion_callers=2,
    impression_sites=2,
    impression_callers=2,
)


def device(**changes: Any) -> Device:
    return Device(replace(LIMITS, **changes), draw_epoch=lambda: Fraction(1, 2), draw_credit=lambda: Fraction(1, 2))


def ask(**options: Any) -> dict[str, Any]:
    return {"aggregationService": SERVICE, "histogramSize": 4, **options}


step = st.one_of(
    st.tuples(st.just("save"), st.sampled_from("ab"), st.integers(0, 3)),
    st.tuples(
        st.just("ask"),
        st.sampled_from("xyz"),
        st.fixed_dictionaries(
            {
                "epsilon": st.sampled_from([0.1, 1, 1.5]),
                "value": st.integers(1, 5),
                "maxValue": st.just(5),
                "lookbackDays": st.sampled_from([1, 8, 30]),
                "credit": st.lists(st.sampled_from([1, 2.5, 0.25]), min_size=1, max_size=3),
            }
        ),
    ),
    st.tuples(st.just("clear"), st.sampled_from("xab"), st.booleans()),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4 * DAY), step), max_size=30))
def test_no_sequence_overspends(steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    one, now = device(), 0
    paid: dict[tuple[int, str], int] = {}
    for later, (kind, name, what) in steps:
        now += later
        site = f"{name}.test"
        if kind == "save":
            one.save_impression(now, site, {"histogramIndex": what})
        elif kind == "clear":
            one.clear_history(now, [site], forget_visits=what)
        else:
            before = dict(one.budgets.sites)
            found = one.measure_conversion(now, site, ask(**what))
            assert sum(found) <= what["value"]
            for key, left in one.budgets.sites.items():
                paid[key] = paid.get(key, 0) + before.get(key, LIMITS.site_budget) - left
    left = one.budgets
    assert min([0, *left.sites.values(), *left.all_sites.values(), *left.quotas.values()]) == 0
    assert all(spent <= LIMITS.site_budget for spent in paid.values()), "also across forgotten visits"


def test_a_wider_lookback_pays_for_twice_the_value_in_each_epoch() -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0})
    one.save_impression(8 * DAY, "a.test", {"histogramIndex": 1})
    assert one.measure_conversion(9 * DAY, "x.test", ask(epsilon=0.25, value=1, maxValue=1, credit=[1, 1])) == [
        0,
        1,
        0,
        0,
    ]
    assert sorted(one.budgets.sites.values()) == [750_000, 750_000]
    assert set(one.budgets.quotas.values()) == {1_750_000}
    assert set(one.budgets.all_sites.values()) == {2_750_000}


def test_a_single_epoch_pays_its_own_sum_and_its_safety_in_full() -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0})
    assert one.measure_conversion(2, "x.test", ask(epsilon=1, value=1, maxValue=4, lookbackDays=1)) == [1, 0, 0, 0]
    assert list(one.budgets.sites.values()) == [875_000]
    assert list(one.budgets.all_sites.values()) == [2_750_000]


def test_prices_round_up_in_exact_numbers() -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0})
    one.measure_conversion(2, "x.test", ask(epsilon=1, value=1, maxValue=3, lookbackDays=1))
    assert list(one.budgets.sites.values()) == [1_000_000 - 166_667]
    other = device()
    other.save_impression(1, "a.test", {"histogramIndex": 0})
    other.measure_conversion(2, "x.test", ask(epsilon=0.1))
    assert list(other.budgets.sites.values()) == [900_000], "0.1 is a tenth, not the double next to it"


def test_quota_of_one_impression_site_stops_it_and_not_others() -> None:
    one = device(impression_site_quota=500_000)
    one.save_impression(1, "a.test", {"histogramIndex": 0})
    one.save_impression(2, "b.test", {"histogramIndex": 1})
    first = ask(epsilon=0.5, impressionSites=["a.test"])
    assert one.measure_conversion(3, "x.test", first) == [1, 0, 0, 0]
    assert one.measure_conversion(4, "y.test", first) == [0, 0, 0, 0]
    assert one.measure_conversion(5, "y.test", ask(epsilon=0.5, impressionSites=["b.test"])) == [0, 1, 0, 0]


def test_colluding_sites_stop_at_the_common_budget() -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0})
    one.save_impression(1, "b.test", {"histogramIndex": 1})
    answers = []
    for at in range(6):
        place = "a.test" if at % 2 else "b.test"
        answers.append(sum(one.measure_conversion(2 + at, f"x{at}.test", ask(impressionSites=[place]))))
    assert answers == [1, 1, 1, 0, 0, 0]


def test_priority_comes_before_time() -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0, "priority": 1})
    one.save_impression(2, "a.test", {"histogramIndex": 1})
    one.save_impression(3, "a.test", {"histogramIndex": 2, "priority": -1})
    assert one.measure_conversion(4, "x.test", ask()) == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"epsilon": float("nan")}, "TypeError"),
        ({"epsilon": float("inf")}, "TypeError"),
        ({"epsilon": 4295}, "RangeError"),
        ({"value": 1.5}, "TypeError"),
        ({"value": True}, "TypeError"),
        ({"credit": [1, -1]}, "RangeError"),
        ({"credit": [1, "a"]}, "TypeError"),
        ({"matchValues": [-1]}, "TypeError"),
        ({"histogramSize": 2**32}, "TypeError"),
    ],
)
def test_bad_options_are_refused_before_anything_is_paid(options: dict[str, Any], name: str) -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0})
    with pytest.raises(UsageError, match=f"^{name}"):
        one.measure_conversion(2, "x.test", ask(**options))
    assert one.budgets.sites == {}


def test_expired_impressions_can_be_dropped_and_budgets_emptied() -> None:
    one = device()
    one.save_impression(1, "a.test", {"histogramIndex": 0, "lifetimeDays": 1})
    one.clear_expired(1 + DAY)
    assert one.impressions == []
    with pytest.raises(UsageError, match="name the sites"):
        one.clear_history(2, [], forget_visits=False)
    one.save_impression(2 * DAY, "a.test", {"histogramIndex": 0})
    one.clear_history(2 * DAY, ["x.test"], forget_visits=False)
    assert one.measure_conversion(2 * DAY, "x.test", ask()) == [0, 0, 0, 0]
    assert one.measure_conversion(2 * DAY, "y.test", ask()) == [1, 0, 0, 0]


@given(
    st.lists(st.fractions(Fraction(1, 10), 10, max_denominator=20), min_size=1, max_size=6),
    st.integers(1, 50),
    st.lists(st.fractions(0, Fraction(99, 100), max_denominator=100), min_size=6, max_size=6),
)
def test_shares_are_whole_add_up_and_stay_within_one(credit: list[Fraction], value: int, draws: list[Fraction]) -> None:
    left = iter(draws)
    shares = fairly_allocate(credit, value, lambda: next(left))
    assert sum(shares) == value
    for share, part in zip(shares, credit, strict=True):
        assert abs(share - value * part / sum(credit)) < 1


def test_shares_are_fair_on_average() -> None:
    grid = 60
    sums = [0, 0, 0]
    for first in range(grid):
        for second in range(grid):
            draws = iter([Fraction(2 * first + 1, 2 * grid), Fraction(2 * second + 1, 2 * grid)])
            shares = fairly_allocate([Fraction(1)] * 3, 10, lambda draws=draws: next(draws))
            sums = [a + b for a, b in zip(sums, shares, strict=True)]
    for one in sums:
        assert one / grid**2 == pytest.approx(10 / 3, abs=0.03)


def test_what_a_site_is() -> None:
    assert parse_site("www.Shop.test") == "shop.test"
    assert parse_site("a.b.co.uk") == "b.co.uk"
    for host in ("co.uk", "localhost", "a.localhost", "127.0.0.1", ":", "", "a..test", "-a.test", "x" * 300 + ".test"):
        with pytest.raises(UsageError, match=r"^SyntaxError"):
            parse_site(host)
    with pytest.raises(UsageError, match=r"^RangeError"):
        parse_sites(["a.test"] * 3, "sites", 2)
