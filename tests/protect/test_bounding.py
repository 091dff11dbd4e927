"""What one person contributes is bounded, whatever the table: against a slow oracle that knows nothing of the SQL."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.protect.asked import Asked
from consentinel.protect.asking import ask
from consentinel.protect.declared import Column, Declared, Private, Public, column
from consentinel.protect.exact import Exact, statistics
from consentinel.protect.statistic import Statistic, clipped_steps, lattice

KEY = bytes(range(32))
SALES = Private(
    "sales",
    {"who": Column(), "shop": column(values=("a", "b", "c")), "kind": Column(), "paid": column(low=-10, high=10)},
    unit="who",
    groups=2,
    rows=2,
)
DECLARED = Declared((SALES,))
Rows = list[tuple[int | None, str | None, int | None, float | None]]

rows_of_sales = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4, None]),
        st.sampled_from(["a", "b", "c", "d", None]),
        st.sampled_from([0, 1, 2, 3, None]),
        st.sampled_from([0.5, -0.0, 3.0, 11.0, -1e300, 5e-324, float("inf"), float("-inf"), float("nan"), None]),
    ),
    max_size=25,
)
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table(rows: Rows) -> pa.Table:
    names = ("who", "shop", "kind", "paid")
    kinds = (pa.int64(), pa.string(), pa.int32(), pa.float64())
    return pa.table({n: pa.array([r[at] for r in rows], k) for at, (n, k) in enumerate(zip(names, kinds, strict=True))})


def counts() -> tuple[Statistic, ...]:
    return (
        Statistic("units", "count(*)", Fraction(1, 2), Fraction(1)),
        Statistic("rows", "sum(n)", Fraction(1), Fraction(1)),
    )


def needs(asked: Asked) -> list[tuple[Statistic, ...]]:
    """Units, rows, and for values their sum and how many kept rows lie in the upper half."""
    found: list[tuple[Statistic, ...]] = []
    for a in asked.aggregates:
        per_unit = Statistic("units", "count(*)", Fraction(1, a.bounds.rows), Fraction(1))
        some: tuple[Statistic, ...] = (per_unit, counts()[1])
        if a.bounds.low is not None:
            low, high = clipped_steps(a.bounds)
            furthest = Fraction(max(abs(low), abs(high)))
            some += (Statistic("sum", "sum(x)", furthest, lattice(a.bounds)),)
            some += (Statistic("half", "CASE WHEN x > 0 THEN 1 ELSE 0 END", Fraction(1), Fraction(1), 2),)
        found.append(some)
    return found


def run(asked: Asked, rows: Rows, **more: Any) -> Exact:
    return statistics(asked, DECLARED, needs(asked), tables={"sales": table(rows)}, secret=KEY, threads=1, **more)


def by_key(exact: Exact, at: int) -> dict[tuple[Any, ...], dict[str, list[int]]]:
    """The statistics of aggregate AT per group, groups without anything left out."""
    keys = [tuple(row.values()) for row in exact.keys.to_pylist()] if exact.keys.num_columns else [()]
    found = {}
    for g, key in enumerate(keys):
        numbers = {name: np.atleast_1d(array[g]).tolist() for name, array in exact.arrays[at].items()}
        if any(any(v) for v in numbers.values()):
            found[key] = numbers
    return found


def steps(value: float | None, asked: Asked, at: int) -> int | None:
    """The oracle's clipping: exact fractions, then the nearest whole step."""
    if value is None or value != value:
        return None
    bounds = asked.aggregates[at].bounds
    assert bounds.low is not None
    assert bounds.high is not None
    inside = bounds.high if value == float("inf") else bounds.low if value == float("-inf") else Fraction(value)
    low, high = clipped_steps(bounds)
    return min(max(round(min(max(inside, bounds.low), bounds.high) / lattice(bounds)), low), high)


@few
@given(rows=rows_of_sales, groups=st.integers(1, 3), most=st.integers(1, 3), shops=st.booleans())
def test_nobody_contributes_more_than_declared(rows: Rows, groups: int, most: int, shops: bool) -> None:
    key = "shop" if shops else "kind"
    asked = ask(
        f"SELECT {key}, count(*), sum(paid) FROM sales WHERE kind <> 3 OR kind IS NULL GROUP BY {key}",
        DECLARED,
        groups=groups,
        rows=most,
    )
    whole = run(asked, rows)
    total: dict[int, dict[tuple[Any, ...], Counter[str]]] = {0: defaultdict(Counter), 1: defaultdict(Counter)}
    for who in sorted({r[0] for r in rows if r[0] is not None}):
        own: Rows = [r for r in rows if r[0] == who and r[2] != 3 and (not shops or r[1] in ("a", "b", "c"))]
        alone = run(asked, [r for r in rows if r[0] == who])
        oracle: dict[tuple[Any, ...], list[float | None]] = defaultdict(list)
        for row in own:
            oracle[(row[1] if shops else row[2],)].append(row[3])
        kept = by_key(alone, 0)
        assert len(kept) == min(groups, len(oracle))
        for group, numbers in kept.items():
            assert numbers["units"] == [1]
            assert numbers["rows"] == [min(most, len(oracle[group]))]
        check_values(by_key(alone, 1), kept, oracle, asked, most)
        check_sensitivity(alone, asked)
        for at in (0, 1):
            for group, numbers in by_key(alone, at).items():
                for name, values in numbers.items():
                    for place, value in enumerate(values):
                        total[at][group][f"{name}{place}"] += value
    for at in (0, 1):  # what everybody contributes is what each contributes alone: nobody changes another's choice
        found = by_key(whole, at)
        assert {k: {n: v for n, v in c.items() if v} for k, c in total[at].items()} == {
            group: {f"{n}{p}": v for n, vs in numbers.items() for p, v in enumerate(vs) if v}
            for group, numbers in found.items()
        }


def check_values(
    found: Mapping[tuple[Any, ...], Mapping[str, Sequence[int]]],
    kept: Mapping[tuple[Any, ...], Any],
    oracle: Mapping[tuple[Any, ...], list[float | None]],
    asked: Asked,
    most: int,
) -> None:
    """The sum of a group is that of some choice of MOST of its rows, and rows without a value are not counted."""
    assert set(found) <= set(kept)
    for group in kept:
        clipped = [steps(v, asked, 1) for v in oracle[group]]
        possible = set()
        for chosen in combinations(clipped, min(most, len(clipped))):
            have = [v for v in chosen if v is not None]
            possible.add((len(have), sum(have), sum(v > 0 for v in have)))
        numbers = found.get(group, {"rows": [0], "sum": [0], "half": [0, 0]})
        assert (numbers["rows"][0], numbers["sum"][0], numbers["half"][1]) in possible
        assert sum(numbers["half"]) == numbers["rows"][0]


def check_sensitivity(alone: Exact, asked: Asked) -> None:
    """A person's whole contribution is inside the L1 and L2 that the noise is made for."""
    for arrays, declared in zip(alone.arrays, alone.sensitivities, strict=True):
        for name, array in arrays.items():
            l1, l2_squared = declared[name]
            numbers = [int(v) for v in array.ravel()]
            assert sum(map(abs, numbers)) <= l1
            assert sum(v * v for v in numbers) <= l2_squared


@few
@given(rows=rows_of_sales, who=st.sampled_from([1, 2, 3, 4]), seed=st.integers(0, 3))
def test_taking_one_person_away_changes_at_most_the_sensitivity(rows: Rows, who: int, seed: int) -> None:
    asked = ask("SELECT shop, kind, count(*), avg(paid + kind) FROM sales GROUP BY ALL", DECLARED_WIDE)
    secret = bytes([seed]) * 32
    full, less = (
        statistics(asked, DECLARED_WIDE, needs(asked), tables={"sales": table(r)}, secret=secret, threads=1)
        for r in (rows, [r for r in rows if r[0] != who])
    )
    for at in (0, 1):
        a, b = by_key(full, at), by_key(less, at)
        for name in full.arrays[at]:
            change = [
                x - y
                for group in {*a, *b}
                for x, y in zip(*(v.get(group, {}).get(name, [0, 0]) for v in (a, b)), strict=False)
            ]
            l1, l2_squared = full.sensitivities[at][name]
            assert sum(map(abs, change)) <= l1
            assert sum(v * v for v in change) <= l2_squared


DECLARED_WIDE = Declared(
    (Private("sales", {**SALES.columns, "kind": column(low=0, high=3)}, unit="who", groups=2, rows=2),)
)


def test_within_the_bounds_everything_is_counted() -> None:
    rows: Rows = [(w, s, k, w / 4) for w in range(50) for s, k in (("a", 1), ("a", 2), ("b", 3))]
    asked = ask("SELECT shop, count(*) n, count(DISTINCT who) u, sum(paid) s FROM sales GROUP BY shop", DECLARED)
    exact = run(asked, rows)
    assert exact.keys.to_pylist() == [{"shop": "a"}, {"shop": "b"}, {"shop": "c"}]
    assert exact.arrays[0]["rows"].tolist() == [100, 50, 0]
    assert exact.arrays[1]["units"].tolist() == [50, 50, 0]
    wanted = [sum(round(Fraction(min(w / 4, 10)) / lattice(asked.aggregates[2].bounds)) for w in range(50))]
    assert exact.arrays[2]["sum"].tolist() == [2 * wanted[0], wanted[0], 0]


def test_groups_to_be_selected_hold_somebody() -> None:
    rows: Rows = [(1, None, k, 1.0) for k in range(5)] + [(2, None, None, 2.0)] * 3
    asked = ask("SELECT kind, count(*), count(DISTINCT who), sum(paid) FROM sales GROUP BY kind", DECLARED)
    exact = run(asked, rows)
    assert exact.units is not None
    assert exact.units.tolist() == [1, 1, 1]  # two of the five groups, and null
    assert exact.n_groups == exact.keys.num_rows == 3
    assert exact.keys["kind"].to_pylist()[2] is None
    assert exact.arrays[0]["rows"].tolist() == [1, 1, 2]
    assert exact.arrays[1]["rows"].tolist() == [1, 1, 1]
    empty = run(asked, [])
    assert (empty.n_groups, empty.arrays[2]["sum"].shape) == (0, (0,))


def test_what_others_keep_does_not_depend_on_who_else_is_there() -> None:
    rows: Rows = [(who, None, k, float(v)) for who in range(40) for k in range(6) if (who + k) % 4 for v in range(4)]
    asked = ask("SELECT kind, count(*), sum(paid) FROM sales GROUP BY kind", DECLARED)
    stranger: Rows = [(99, None, -1, 1.0)]  # a group before all others
    with_stranger, without = run(asked, stranger + rows), run(asked, rows)
    assert with_stranger.keys["kind"].to_pylist() == [-1, *without.keys["kind"].to_pylist()]
    for one, other in zip(with_stranger.arrays, without.arrays, strict=True):
        for name in one:
            assert one[name][1:].tolist() == other[name].tolist()


def test_without_group_by_the_rows_of_a_unit_are_bounded() -> None:
    asked = ask("SELECT count(*), sum(paid) FROM sales", DECLARED)
    exact = run(asked, [(1, "a", 1, 1.0)] * 7 + [(2, "b", 1, 2.0)])
    assert exact.n_groups == 1
    assert exact.arrays[0]["rows"].tolist() == [3]
    assert Fraction(int(exact.arrays[1]["sum"][0])) * lattice(asked.aggregates[1].bounds) == 4
    assert run(asked, []).arrays[0]["rows"].tolist() == [0]


def test_every_group_and_row_of_a_person_has_the_same_chance() -> None:
    rows: Rows = [(who, None, k, float(v)) for who in range(400) for k in range(4) for v in (0, 0, 0, 4)]
    asked = ask("SELECT kind, count(*), sum(paid) FROM sales GROUP BY kind", DECLARED, groups=1, rows=1)
    exact = run(asked, rows)
    kept = exact.arrays[0]["rows"]
    assert kept.sum() == 400
    assert all(60 < k < 140 for k in kept)  # 100 expected, standard deviation 8.7
    fours = int(exact.arrays[1]["sum"].sum()) * lattice(asked.aggregates[1].bounds) / 4
    assert 60 < fours < 140  # one of four rows: equal rows count as often as they occur
    again = statistics(asked, DECLARED, needs(asked), tables={"sales": table(rows)}, threads=1)
    assert again.arrays[0]["rows"].sum() == 400
    assert not np.array_equal(again.arrays[0]["rows"], kept)  # another key, another choice


def test_sums_are_exact_in_every_order() -> None:
    wide = Declared((Private("sales", {**SALES.columns, "paid": column(low=-(2**49), high=2**49)}, "who", 1, 3),))
    values = [2.0**49, -(2.0**49), 2.0**49 - 1, 1.0, 5e-324, -0.0, 1e308, -1e308, 0.1] * 40
    rows: Rows = [(at // 3, "a", 0, v) for at, v in enumerate(values)]
    asked = ask("SELECT sum(paid) FROM sales", wide)
    sums = set()
    for order in (rows, rows[::-1], sorted(rows, key=lambda r: r[3] or 0), rows[7:] + rows[:7]):
        exact = statistics(asked, wide, needs(asked), tables={"sales": table(order)}, secret=KEY, threads=2)
        sums.add(int(exact.arrays[0]["sum"][0]))
    assert sums == {sum(step for v in values if (step := steps(v, asked, 0)) is not None)}


def test_a_range_that_does_not_fit_is_refused_before_anything_is_read() -> None:
    far = Declared((Private("sales", {**SALES.columns, "paid": column(low=10**15 - 1, high=10**15)}, "who", 2, 2),))
    asked = ask("SELECT sum(paid) FROM sales", far)
    with pytest.raises(UsageError, match="shift the values"):
        statistics(asked, far, needs(asked), tables={"sales": table([])})
    asked = ask("SELECT sum(paid) FROM sales", DECLARED)
    huge = [(Statistic("sum", "sum(x)", Fraction(2**62), Fraction(1)),)]
    with pytest.raises(UsageError, match="64 bits"):
        statistics(asked, DECLARED, huge, tables={"sales": table([])})


def test_totals_leave_room_for_noise_in_64_bits() -> None:
    asked = ask("SELECT count(*) FROM sales", DECLARED, rows=1)
    huge = [(Statistic("sum", f"sum({2**62 - 1})", Fraction(2**62 - 1), Fraction(1)),)]
    exact = statistics(asked, DECLARED, huge, tables={"sales": table([(w, "a", 1, 1.0) for w in range(5)])})
    assert exact.arrays[0]["sum"].tolist() == [2**62 - 1]


def test_errors_of_single_rows_are_no_errors() -> None:
    rows: Rows = [(1, "1e400", 1, 1.0), (2, "7", 0, 2.0), (3, "x", None, 3.0), (4, "9223372036854775807", 2, 0.0)]
    plain = Declared((Private("sales", {**SALES.columns, "shop": Column()}, unit="who", groups=2, rows=2),))
    for value in ("paid / kind", "paid % kind", "ln(paid - 2)", "CAST(shop AS bigint) + paid", "exp(paid * 1000)"):
        asked = ask(f"SELECT count(*), sum(LEAST(GREATEST({value}, 0), 9)) FROM sales", plain)
        exact = statistics(asked, plain, needs(asked), tables={"sales": table(rows)}, secret=KEY, threads=1)
        assert exact.arrays[0]["rows"].tolist() == [4]
    for key in ("CAST(shop AS bigint) // kind", "kind % (kind - 1)", "CAST(shop AS date)"):
        asked = ask(
            f"SELECT {key} AS k, count(*) FROM sales WHERE kind // (kind - 1) IS NULL OR TRUE GROUP BY k", plain
        )
        exact = statistics(asked, plain, needs(asked), tables={"sales": table(rows)}, secret=KEY, threads=1)
        assert exact.arrays[0]["rows"].sum() == 4


# Joins

VISITS = Private(
    "visits", {"who": Column(), "page": Column()}, unit="who", groups=2, rows=3, fanout={"who": 2, "page": 2}
)
ORDERS = Private(
    "orders",
    {"buyer": Column(), "page": Column(), "paid": column(low=0, high=10)},
    unit="buyer",
    groups=2,
    rows=3,
    fanout={"buyer": 2, "page": 2},
)
PAGES = Public("pages", {"page": Column(), "topic": column(values=("x", "y"))})
JOINED = Declared((VISITS, ORDERS, PAGES))

visits = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 3])), max_size=12)
orders = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 3]), st.integers(0, 12)), max_size=12)
PUBLIC = pa.table({"page": [1, 2, 2, None], "topic": ["x", "y", "x", "y"]})


def join_tables(left: Sequence[Any], right: Sequence[Any]) -> dict[str, pa.Table]:
    whole = pa.int64()
    return {
        "visits": pa.table({n: pa.array([r[at] for r in left], whole) for at, n in enumerate(("who", "page"))}),
        "orders": pa.table(
            {n: pa.array([r[at] for r in right], whole) for at, n in enumerate(("buyer", "page", "paid"))}
        ),
        "pages": PUBLIC,
    }


def joined(asked: Asked, left: Sequence[Any], right: Sequence[Any]) -> Exact:
    return statistics(asked, JOINED, needs(asked), tables=join_tables(left, right), secret=KEY, threads=1)


@few
@given(left=visits, right=orders)
def test_joining_by_unit_is_brute_force_where_nothing_exceeds(left: Any, right: Any) -> None:
    asked = ask(
        "SELECT count(*) n, count(DISTINCT v.who) u, sum(o.paid) s FROM visits v JOIN orders o ON o.buyer = v.who "
        "WHERE v.page < 3",
        JOINED,
        rows=4,
    )
    of_left, of_right = Counter(r[0] for r in left if r[1] < 3), Counter(r[0] for r in right)
    left = [r for r in left if of_left[r[0]] <= 2 or r[1] == 3]
    right = [r for r in right if of_right[r[0]] <= 2]
    pairs = [(v, o) for v in left for o in right if v[0] == o[0] and v[1] < 3]
    exact = joined(asked, left, right)
    assert exact.arrays[0]["rows"].tolist() == [len(pairs)]
    assert exact.arrays[1]["units"].tolist() == [len({v[0] for v, _ in pairs})]
    step = lattice(asked.aggregates[2].bounds)
    assert int(exact.arrays[2]["sum"][0]) * step == sum(min(o[2], 10) for _, o in pairs)


@few
@given(left=visits, right=orders, who=st.integers(1, 4), kind=st.sampled_from(["unit", "left unit", "page", "public"]))
def test_taking_one_person_out_of_a_join_changes_at_most_its_reach(left: Any, right: Any, who: int, kind: str) -> None:
    froms = {
        "unit": "visits v JOIN orders o ON v.who = o.buyer JOIN pages p ON v.page = p.page",
        "left unit": "visits v LEFT JOIN orders o ON v.who = o.buyer JOIN pages p ON o.page = p.page",
        "page": "visits v JOIN orders o USING (page) JOIN pages p ON v.page = p.page",
        "public": "orders o LEFT JOIN pages p USING (page)",
    }
    asked = ask(f"SELECT p.topic, count(*), sum(o.paid) FROM {froms[kind]} GROUP BY p.topic", JOINED, groups=1, rows=2)
    assert asked.reach == (1 + 2 * (2 + 2 * 2) if kind == "page" else 1)
    full = joined(asked, left, right)
    less = joined(asked, [r for r in left if r[0] != who], [r for r in right if r[0] != who])
    for a, b, declared in zip(full.arrays, less.arrays, full.sensitivities, strict=True):
        for name in a:
            change = [int(v) for v in (a[name] - b[name]).ravel()]
            assert sum(v * v for v in change) <= declared[name][1]
            assert sum(map(abs, change)) <= declared[name][0]


def test_a_join_cannot_explode() -> None:
    left, right = [(1, 1)] * 5_000, [(1, 1, 3)] * 5_000
    asked = ask("SELECT count(*) FROM visits v JOIN orders o ON v.who = o.buyer", JOINED, rows=100)
    assert joined(asked, left, right).arrays[0]["rows"].tolist() == [4]  # 2 rows of each are kept before the join
    asked = ask("SELECT count(*) FROM visits JOIN orders USING (page)", JOINED, rows=100)
    assert joined(asked, left, right).arrays[0]["rows"].tolist() == [4]
