"""Questions in SQL: what they mean, the ranges that follow, and that SQL and Python are one question."""

from collections.abc import Mapping
from fractions import Fraction

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import parse_one

from consentinel.protect.asking import ask, ask_about, bound_question
from consentinel.protect.exact import statistics
from consentinel.protect.ranges import range_of
from consentinel.protect.statistic import Statistic
from tests.protect.made_questions import DECLARED, ROWS


@pytest.mark.parametrize(
    ("sql", "kind", "params"),
    [
        ("count(*)", "count", {"of": "rows"}),
        ("count(distinct who)", "count", {"of": "units"}),
        ("count(country)", "count", {"of": "rows"}),
        ("count_if(qty > 2)", "count", {"of": "rows"}),
        ("sum(price)", "sum", {}),
        ("avg(price * qty)", "mean", {}),
        ("variance(price)", "variance", {}),
        ("var_samp(price)", "variance", {}),
        ("stddev(price)", "standard_deviation", {}),
        ("stddev_pop(price)", "standard_deviation", {}),
        ("median(price)", "quantiles", {"at": "1/2"}),
        ("quantile_cont(price, 0.9)", "quantiles", {"at": "9/10"}),
        ("quantile_cont(price, [0.1, 0.9])", "quantiles", {"at": "1/10,9/10"}),
        ("approx_quantile(price, 0.25)", "quantiles", {"at": "1/4"}),
        ("percentile_cont(0.5) within group (order by price)", "quantiles", {"at": "1/2"}),
        ("histogram(price, 20)", "histogram", {"bins": "20"}),
        ("histogram(price, [-1, 0.5, 2])", "histogram", {"bins": "2"}),
    ],
)
def test_aggregates_find_their_mechanism(sql: str, kind: str, params: Mapping[str, str]) -> None:
    (found,) = ask(f"SELECT {sql} FROM events", DECLARED).aggregates
    assert (found.kind, dict(found.params)) == (kind, params)
    (filtered,) = ask(f"SELECT {sql} FILTER (WHERE page = 'home') FROM events", DECLARED).aggregates
    assert (filtered.kind, dict(filtered.params)) == (kind, params)
    assert filtered.value is not None
    assert "'home'" in filtered.value


@pytest.mark.parametrize(
    ("value", "low", "high", "most"),
    [
        ("price", 0, 100, 1000),
        ("price * qty", 0, 500, 5000),
        ("-price + 2", -98, 2, None),
        ("abs(price - 50)", 0, 50, 950),
        ("price / qty", 0, 100, 1000),
        ("(price - 10) / 4", Fraction(-5, 2), Fraction(45, 2), Fraction(495, 2)),
        ("CASE WHEN qty > 1 THEN price ELSE -1 END", -1, 100, 1000),
        ("CASE WHEN qty > 1 THEN 1 ELSE 0 END", 0, 1, None),
        ("LEAST(GREATEST(CAST(country AS double), 2), 7)", 2, 7, None),
        ("LEAST(price, 20)", 0, 20, None),
        ("coalesce(price, 0)", 0, 100, 1000),
        ("floor(price / 3)", 0, 34, 334),
        ("CAST(page = 'home' AS int)", 0, 1, None),
    ],
)
def test_ranges_follow_from_the_columns(value: str, low: Fraction, high: Fraction, most: Fraction | None) -> None:
    bounds = ask(f"SELECT sum({value}) FROM events", DECLARED).aggregates[0].bounds
    assert (bounds.low, bounds.high, bounds.most) == (low, high, most)
    assert (bounds.groups, bounds.rows) == (1, 3)  # without GROUP BY there is one group


number = st.integers(-5, 5)
terms = st.recursive(
    st.one_of(number.map(lambda n: f"({n})"), st.sampled_from(["a", "b"])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"abs({t})"),
        inner.map(lambda t: f"floor({t})"),
        st.tuples(st.sampled_from(["least", "greatest"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"(CASE WHEN {t[0]} > 0 THEN {t[1]} ELSE {t[2]} END)"),
        inner.map(lambda t: f"(- {t})"),
        inner.map(lambda t: f"coalesce({t}, 3)"),
    ),
    max_leaves=6,
)
ENGINE = duckdb.connect(":memory:", config={"threads": 1})


@settings(max_examples=120, deadline=None)
@given(term=terms, points=st.lists(st.tuples(number, st.one_of(number, st.none())), min_size=1, max_size=4))
def test_no_value_leaves_its_derived_range(term: str, points: list[tuple[int, int | None]]) -> None:
    low, high = range_of(
        parse_one(f"SELECT {term}", dialect="duckdb").expressions[0], lambda _, __: (Fraction(-5), Fraction(5))
    )
    rows = ", ".join(f"({a}, {'NULL' if b is None else b})" for a, b in points)
    for (value,) in ENGINE.execute(f"SELECT TRY(CAST({term} AS DOUBLE)) FROM (VALUES {rows}) v(a, b)").fetchall():
        if value is not None and abs(value) < 1e9:
            assert low is None or value >= float(low) - 1e-6
            assert high is None or value <= float(high) + 1e-6


def test_keys_are_public_by_declaration_or_by_what_they_are() -> None:
    asked = ask(
        "SELECT page, price > 50 AS dear, CASE WHEN qty < 3 THEN 'few' ELSE 'many' END AS how, count(*) FROM events "
        "GROUP BY page, dear, 3",
        DECLARED,
    )
    assert [(k.name, k.values) for k in asked.keys] == [
        ("page", ("home", "shop")),
        ("dear", (False, True)),
        ("how", ("few", "many")),
    ]
    assert asked.width == 8
    assert not asked.selects
    assert ask("SELECT lower(country) c, count(*) FROM events GROUP BY ALL", DECLARED).selects
    top = ask("SELECT approx_top_k(page, 3) FROM events", DECLARED)
    assert (top.aggregates[0].kind, top.aggregates[0].param("k"), top.keys[0].name) == ("top_k", "3", "value")


def test_sql_and_python_are_one_question() -> None:
    spelled = ask(
        "select PAGE, count( * ) as n, sum(price*qty) AS s from Events e where (qty>1 and country='a') group by page",
        DECLARED,
    )
    nested = ask(
        "WITH s AS (SELECT page, price * qty AS money FROM events WHERE qty > 1 AND country = 'a') "
        "SELECT page, count(*) AS n, sum(money) AS s FROM s GROUP BY page",
        DECLARED,
    )
    python = ask_about(
        "events", {"n": "count(*)", "s": "sum(price * qty)"}, DECLARED, by=["page"], where="qty > 1 AND country = 'a'"
    )
    assert spelled.question().digest == python.question().digest
    assert [a.bounds for a in nested.aggregates] == [a.bounds for a in python.aggregates]
    for other in (
        ask_about("events", {"n": "count(*)", "s": "sum(price * qty)"}, DECLARED, by=["page"], where="qty > 1"),
        ask_about("events", {"n": "count(*)"}, DECLARED, by={"page": "lower(page)"}),
        ask_about("events", {"n": "count(*)"}, DECLARED, groups=2),
    ):
        assert other.question().digest != python.question().digest
    using = ask_about("events", {"n": "count(*)"}, DECLARED, joins={"buys": ["who"]})
    assert using == ask("SELECT count(*) n FROM events JOIN buys USING (who)", DECLARED)


def test_a_question_is_bound_to_the_bytes_of_its_tables() -> None:
    asked = ask("SELECT count(*) FROM events", DECLARED)
    changed = ROWS.set_column(3, "price", pa.array([1.0, 2.0, 3.5]))
    digests = {bound_question(asked, DECLARED, {"events": rows}).digest for rows in (ROWS, ROWS.slice(0, 3), changed)}
    assert len(digests) == 2


def test_epochs_are_read_off_the_conditions() -> None:
    def epochs(where: str) -> object:
        return ask(f"SELECT count(*) FROM events WHERE {where}", DECLARED).epochs

    assert epochs("week = 'w1'") == (("events", ("w1",)),)
    assert epochs("qty > 1 AND week IN ('w1', 'w2') AND week = 'w2'") == (("events", ("w2",)),)
    assert epochs("week = 'w1' OR qty > 1") == (("events", ()),)  # all of them


def count_of(where: str) -> int:
    asked = ask(f"SELECT count(*) FROM events WHERE {where}", DECLARED)
    rows = (Statistic("rows", "sum(n)", Fraction(1), Fraction(1)),)
    return int(statistics(asked, DECLARED, [rows], tables={"events": ROWS}, threads=1).arrays[0]["rows"][0])


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ("page = '''; DROP TABLE x; --'", 1),
        ("page = '\\' OR page = 'shop'", 1),
        ("\"page\" = 'home'", 1),
        ("country LIKE 'a%' OR country ILIKE 'B'", 2),
        ("country IS NULL", 1),
        ("NOT (country IS NOT NULL)", 1),
        ("country IN ('a', 'x')", 1),
        ("qty BETWEEN 2 AND 3", 2),
        ("qty % 2 = 1 AND qty // 2 = 1", 1),
        ("at >= DATE '2024-01-02'", 1),
        ("at IS NULL", 1),
        ("extract(year FROM at) = 2024 AND date_trunc('month', at) = '2024-01-01'::date", 2),
        ("upper(country) || '!' = concat('A', '!') AND length(page) = 4 AND substring(page, 1, 1) = 'h'", 1),
        ("coalesce(country, '?') = '?' OR nullif(country, 'a') IS NULL", 2),
        ("round(price / 3, 1) = 0.3 OR power(price, 2) = 4 OR starts_with(page, 'sh')", 2),
        ("if(qty > 2, TRUE, FALSE) OR CASE country WHEN 'a' THEN TRUE END", 2),
        ("country IS DISTINCT FROM 'a'", 2),
        ("price = 1e0 AND -price < 0", 1),
    ],
)
def test_conditions_mean_what_they_say(where: str, n: int) -> None:
    assert count_of(where) == n
