"""Attribution in SQL against a slow oracle on random logs, per-ad results, and attribution under privacy."""

from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.attribution import private
from consentinel.protect.attribution.credit import WAYS, weight_sql
from consentinel.protect.attribution.matching import attribute
from consentinel.protect.attribution.private import ad_groups, bounded_sql, credit_bounds
from consentinel.protect.attribution.results import attributed_pairs, per_ad
from consentinel.protect.attribution.rules import DAY, RULES, Rule, rule_named
from consentinel.protect.attribution.shares import rejoin, rejoin_words
from consentinel.protect.estimates import Facts
from consentinel.protect.exchange import take
from consentinel.protect.simulator import Campaign, simulate
from consentinel.protect.statistic import l2_squared, lattice
from consentinel.protect.tabulate import tabulate

MILLION = 1_000_000
HALF_LIFE = 2 * DAY

# Times on a coarse grid, so that edges of windows and ties happen.
times = st.one_of(st.integers(-1, 2), st.integers(0, 18).map(lambda n: n * DAY // 2 + 5), st.just(DAY + 5))
touch = st.tuples(st.integers(1, 4), times, st.integers(0, 1), st.integers(0, 1), st.integers(0, 1))
conversion = st.tuples(times, st.integers(-5, 50), st.integers(0, 1), st.integers(0, 1))
log = st.lists(st.tuples(st.lists(touch, max_size=4), st.lists(conversion, max_size=4)), min_size=1, max_size=30)
Log = list[tuple[list[tuple[int, ...]], list[tuple[int, ...]]]]


def opened(people: Log) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    lists = pa.list_(pa.int64())
    sides = (
        ("publisher", ("ad_ids", "timestamps", "is_click", "target_id", "action_type")),
        ("partner", ("conversion_timestamps", "conversion_values", "conversion_target_id", "conversion_action_type")),
    )
    for side, (who, names) in enumerate(sides):
        columns = {
            name: pa.array([[e[at] for e in one[side]] for one in people], lists) for at, name in enumerate(names)
        }
        table = pa.table({"id": pa.array([f"p{at}" for at in range(len(people))], pa.string()), **columns})
        take(connection, table, f"attribution.{who}")
    return connection


def in_window(rule: Rule, touched: tuple[int, ...], converted: tuple[int, ...]) -> bool:
    _, at, click, target, action = touched
    window = rule.click if click else rule.view
    same = not rule.same_target or (target, action) == (converted[2], converted[3])
    return window is not None and at > 0 and same and window[0] < converted[0] - at <= window[1]


def oracle(people: Log, rule: Rule, way: str, cap: int | None) -> dict[tuple[str, int, int], int]:
    """Credit in millionths of (person, place of the conversion, place of the touch), one conversion after another."""
    found = {}
    for number, (touches, conversions) in enumerate(people):
        kept = sorted((e[0], place) for place, e in enumerate(conversions, 1) if cap is None or e[0] > 0)[:cap]
        for _, place in kept:
            converted = conversions[place - 1]
            eligible = [(t, at) for at, t in enumerate(touches, 1) if in_window(rule, t, converted)]
            best = sorted(eligible, key=lambda e: (e[0][2], e[0][1], e[1]), reverse=True)
            early = sorted(eligible, key=lambda e: (e[0][1], e[1]))
            weights = []
            for one in best:
                n = len(best)
                weights.append(
                    {
                        "last": Fraction(one == best[0]),
                        "first": Fraction(one == early[0]),
                        "linear": Fraction(1),
                        "position": Fraction(1)
                        if n <= 2
                        else Fraction(2, 5)
                        if one in (early[0], early[-1])
                        else Fraction(1, 5) / (n - 2),
                        "time_decay": Fraction(0.5 ** ((converted[0] - one[0][1]) / HALF_LIFE)),
                    }[way]
                )
            exact = [MILLION * weight / sum(weights) for weight in weights]
            shares = [int(one) for one in exact]
            order = sorted(range(len(best)), key=lambda at: (-(exact[at] - shares[at]), at))
            for at in order[: MILLION - sum(shares) if best else 0]:
                shares[at] += 1
            for (_, at), share in zip(best, shares, strict=True):
                if share:
                    found[f"p{number}", place, at] = share
    return found


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=5, deadline=None)
@given(people=log, name=st.sampled_from(sorted(RULES)), cap=st.sampled_from([None, 1, 2]))
def test_credit_equals_a_slow_oracle(way: str, people: Log, name: str, cap: int | None) -> None:
    connection = opened(people)
    attribute(connection, RULES[name], way=way, half_life=HALF_LIFE, cap=cap)
    rows = connection.execute("SELECT id, conversion, touch, credit, ad FROM credits").fetchall()
    found = {row[:3]: row[3] for row in rows}
    wanted = oracle(people, RULES[name], way, cap)
    assert found.keys() == wanted.keys()
    slack = 1 if way in ("time_decay", "position") else 0  # the oracle is exact where SQL has doubles
    assert all(abs(found[key] - wanted[key]) <= slack for key in found)
    sums: dict[tuple[str, int], int] = {}
    for person, conversion, _, credit, _ in rows:
        sums[person, conversion] = sums.get((person, conversion), 0) + credit
    assert set(sums.values()) <= {MILLION}, "credit of a conversion is exactly one"
    assert all(people[int(row[0][1:])][0][row[2] - 1][0] == row[4] for row in rows)


def test_windows_of_every_rule_at_their_edges() -> None:
    def credited(name: str, age: int, click: int) -> bool:
        connection = opened([([(1, 5, click, 0, 0)], [(5 + age, 1, 0, 0)])])
        attribute(connection, rule_named(name))
        return connection.execute("SELECT count(*) FROM credits").fetchall() == [(1,)]

    for name, age, click, wanted in (
        ("last_click_1d", DAY, 1, True),
        ("last_click_1d", DAY + 1, 1, False),
        ("last_click_1d", 0, 1, False),
        ("last_click_1d", 1, 0, False),
        ("last_click_2_7d", DAY, 1, False),
        ("last_click_2_7d", DAY + 1, 1, True),
        ("last_click_2_7d", 7 * DAY, 1, True),
        ("last_click_2_7d", 7 * DAY + 1, 1, False),
        ("last_touch_2_7d", DAY, 0, True),
        ("last_touch_2_7d", DAY + 1, 0, False),
        ("last_touch_2_7d", DAY, 1, False),
        ("last_touch_2_7d", DAY + 1, 1, True),
        ("last_touch_1d", DAY, 0, True),
        ("last_touch_28d", 28 * DAY, 1, True),
    ):
        assert credited(name, age, click) is wanted, (name, age, click)


def test_unknown_names_and_windows_are_refused() -> None:
    with pytest.raises(UsageError, match="there is: last_click_1d"):
        rule_named("first_click_9d")
    with pytest.raises(UsageError, match="there is: last, first"):
        weight_sql("shapley")
    with pytest.raises(UsageError, match="half-life"):
        weight_sql("time_decay", 0)
    for windows in ((None, None), ((5, 5), None), ((-1, 5), None)):
        with pytest.raises(UsageError, match="low < high"):
            Rule(*windows)
    connection = opened([([(1, 5, 1, 0, 0)], [(9, 1, 0, 0)])])
    with pytest.raises(UsageError, match="a cap is"):
        attribute(connection, RULES["last_click_1d"], cap=0)
    attribute(connection, RULES["last_click_1d"])
    with pytest.raises(UsageError, match="room for 0"):
        attributed_pairs(connection, places=0)
    with pytest.raises(UsageError, match="fewest people"):
        per_ad(connection, fewest=0)


def spread_over_ads(sizes: dict[int, int]) -> duckdb.DuckDBPyConnection:
    """A log in which each ad has one conversion of each of so many people."""
    people: Log = [([(ad, 5, 1, 0, 0)], [(9, 10, 0, 0)]) for ad, n in sizes.items() for _ in range(n)]
    connection = opened(people)
    attribute(connection, RULES["last_click_1d"])
    return connection


def test_small_ads_are_one_row_that_is_not_small() -> None:
    def shown(sizes: dict[int, int]) -> list[tuple[Any, ...]]:
        rows = per_ad(spread_over_ads(sizes), fewest=5).to_pylist()
        return [(row["ad"], row["credit"] // MILLION, int(row["value"]) // MILLION, row["people"]) for row in rows]

    assert shown({1: 9, 2: 6, 3: 8}) == [(1, 9, 90, 9), (2, 6, 60, 6), (3, 8, 80, 8)]
    assert shown({1: 9, 2: 2, 3: 3}) == [(1, 9, 90, 9), (None, 5, 50, 5)]
    assert shown({1: 9, 2: 2, 3: 6}) == [(1, 9, 90, 9), (None, 8, 80, 8)], "one small ad alone would be a difference"
    assert shown({1: 2, 2: 2}) == []


def test_plain_per_ad_results_add_up() -> None:
    study = simulate(Campaign(people=3000, base=0.5, clicks=0.3), 4)
    connection = duckdb.connect()
    take(connection, study.touches, "attribution.publisher")
    take(connection, study.conversions, "attribution.partner")
    totals = set()
    for way in WAYS:
        attribute(connection, RULES["last_touch_28d"], way=way)
        rows = per_ad(connection).to_pylist()
        totals.add((sum(row["credit"] for row in rows), sum(row["value"] for row in rows)))
    assert len(totals) == 1, "every way divides the same conversions"
    assert next(iter(totals))[0] > 50 * MILLION


def test_shares_of_different_people_are_refused(tmp_path: Any) -> None:
    for name, who in (("one.csv", "1"), ("other.csv", "2")):
        (tmp_path / name).write_text(f"id_,ad_ids,timestamps,is_click\n{who},[1],[2],[3]\n")
    with pytest.raises(BadInput, match="2 people have only one share"):
        rejoin(duckdb.connect(), tmp_path / "one.csv", tmp_path / "other.csv")


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1))
def test_words_rejoin(value: int, mask: int) -> None:
    assert rejoin_words(value % 2**64 ^ mask, mask) == value
    assert rejoin_words((value % 2**64 ^ mask) - 2**64, mask) == value


# Under privacy


@pytest.mark.parametrize("of", ["conversions", "value"])
@settings(max_examples=4, deadline=None)
@given(people=log, cap=st.integers(1, 3), way=st.sampled_from(["last", "linear", "position"]))
def test_one_person_moves_all_ads_together_by_one_groups_sensitivity(of: Any, people: Log, cap: int, way: str) -> None:
    bounds = credit_bounds(cap, None if of == "conversions" else Fraction(30))
    connection = opened(people)
    query = bounded_sql(connection, RULES["last_touch_28d"], bounds, of=of, way=way)
    groups = [(f"p{at}", ad) for at in range(len(people)) for ad in (1, 2, 3, 4)]
    for one in private.needs(bounds, Fraction(1, 10)):
        exact = tabulate(connection, query, (one,), ("unit", "ad"), groups)[one.name].astype(object)
        moved = (exact.reshape(len(people), -1) ** 2).sum(axis=1)
        assert max(moved) <= l2_squared(one, bounds), one.name


def test_noisy_credit_becomes_conversions_per_ad() -> None:
    connection = spread_over_ads({1: 300, 2: 200})
    bounds = credit_bounds(2)
    query = bounded_sql(connection, RULES["last_click_1d"], bounds)
    statistics = private.needs(bounds, Fraction(1, 10))
    exact = tabulate(connection, query, statistics, ("ad",), ad_groups([1, 2, 3]))
    found = private.answer(exact, dict.fromkeys(exact, 1.0), bounds, 0.95)
    assert found.value.tolist() == pytest.approx([300, 200, 0])
    assert found.low[0] < 300 < found.high[0]
    assert (found.high - found.low)[0] / 2 == pytest.approx(1.96 * 300**0.5, rel=0.1)
    assert lattice(bounds) == Fraction(1, MILLION)
    told = private.forecast(bounds, {"sum": 1.0}, Facts(300, mean=1.0, spread=0.0))
    assert told == pytest.approx(1.96 * 300**0.5, rel=0.001)


def test_bounds_that_do_not_fit_attribution_are_refused() -> None:
    connection = spread_over_ads({1: 1})
    with pytest.raises(UsageError, match="credit_bounds"):
        bounded_sql(connection, RULES["last_click_1d"], credit_bounds(2).__class__(2, 2, Fraction(0), Fraction(1)))
    with pytest.raises(UsageError, match="counts 1 at most"):
        bounded_sql(connection, RULES["last_click_1d"], credit_bounds(2, Fraction(9)))
