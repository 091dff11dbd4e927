"""Lift in SQL against a slow oracle, effects against independent formulas, and lift under privacy."""

import math
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from consentinel.core.errors import UsageError
from consentinel.core.stats import power_two_proportions
from consentinel.protect.estimates import Facts
from consentinel.protect.exchange import take
from consentinel.protect.lift.counting import Arm, count
from consentinel.protect.lift.effect import arm_mean, compare, effect, power, smallest_effect
from consentinel.protect.lift.private import PrivateLift, arm_groups, bounded_sql
from consentinel.protect.simulator import Campaign, simulate
from consentinel.protect.statistic import Bounds, Statistic, l2_squared
from consentinel.protect.tabulate import tabulate

BINARY = Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(1))
RHO = Fraction(1, 10)

person = st.fixed_dictionaries(
    {
        "opportunity": st.integers(0, 1),
        "test_flag": st.integers(0, 1),
        "opportunity_timestamp": st.integers(0, 60),
        "num_impressions": st.integers(0, 2),
        "breakdown_id": st.integers(0, 1),
        "cohort_id": st.integers(0, 2),
        "events": st.lists(st.tuples(st.integers(0, 60), st.integers(-50, 50)), max_size=6).map(sorted),
        "known": st.booleans(),
    }
)


def opened(people: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """The two checked tables of PEOPLE; the partner has no row of unknown ones."""
    connection = duckdb.connect()
    ours = ("opportunity", "test_flag", "opportunity_timestamp", "num_impressions", "breakdown_id")
    publisher = pa.table(
        {
            "id": pa.array([str(at) for at in range(len(people))], pa.string()),
            **{name: pa.array([one[name] for one in people], pa.int64()) for name in ours},
        }
    )
    rows = [(str(at), one) for at, one in enumerate(people) if one["known"]]
    partner = pa.table(
        {
            "id": pa.array([name for name, _ in rows], pa.string()),
            "cohort_id": pa.array([one["cohort_id"] for _, one in rows], pa.int64()),
            "event_timestamps": pa.array([[e[0] for e in one["events"]] for _, one in rows], pa.list_(pa.int64())),
            "values": pa.array([[e[1] for e in one["events"]] for _, one in rows], pa.list_(pa.int64())),
        }
    )
    take(connection, publisher, "lift.publisher")
    take(connection, partner, "lift.partner")
    return connection


def oracle(people: list[dict[str, Any]], test: int, cap: int, epoch: int) -> Arm:
    """Person by person, as Meta's plaintext calculator tells it."""
    total = Arm()
    for one in people:
        if not one["opportunity"] or one["opportunity_timestamp"] <= epoch or one["test_flag"] != test:
            continue
        events = one["events"][:cap] if one["known"] else []
        valid = [(at, value) for at, value in events if at > epoch and at + 10 > one["opportunity_timestamp"]]
        conversions, value = len(valid), sum(value for _, value in valid)
        reached = one["num_impressions"] > 0
        total += Arm(
            people=1,
            conversions=conversions,
            converters=int(conversions > 0),
            value=value,
            value_squared=value**2,
            conversions_squared=conversions**2,
            matched=int(any(at > epoch for at, _ in events)),
            reached_people=int(reached),
            reached_conversions=conversions * reached,
            reached_value=value * reached,
            impressions=one["num_impressions"],
        )
    return total


@settings(max_examples=12, deadline=None)
@given(st.lists(person, max_size=60), st.integers(1, 5), st.integers(0, 20))
def test_counts_equal_a_slow_oracle(people: list[dict[str, Any]], cap: int, epoch: int) -> None:
    found = count(opened(people), cap=cap, epoch=epoch)
    groups = {"everyone": (found.everyone, people)}
    for name, arms in found.cohorts.items():
        groups[f"cohort {name}"] = (arms, [p for p in people if p["known"] and p["cohort_id"] == name])
    for name, arms in found.breakdowns.items():
        groups[f"breakdown {name}"] = (arms, [p for p in people if p["breakdown_id"] == name])
    for arms, members in groups.values():
        assert arms.test == oracle(members, 1, cap, epoch)
        assert arms.control == oracle(members, 0, cap, epoch)
    assert set(found.breakdowns) == {p["breakdown_id"] for p in people}
    assert set(found.cohorts) == {p["cohort_id"] for p in people if p["known"]}


def test_caps_and_epochs_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="cap is 1 to 1000"):
        count(opened([]), cap=0)


def test_difference_is_welch_with_normal_quantiles() -> None:
    rng = np.random.default_rng(3)
    test, control = rng.gamma(2, 3, 500), rng.gamma(2, 2.5, 700)
    treated, untreated = (arm_mean(len(x), x.sum(), (x**2).sum()) for x in (test, control))
    found = effect(treated, untreated)
    welch = scipy_stats.ttest_ind(test, control, equal_var=False)
    assert found.difference == pytest.approx(test.mean() - control.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * found.difference / welch.statistic, rel=1e-6)
    assert found.increment == pytest.approx(500 * found.difference)
    assert found.p == pytest.approx(2 * scipy_stats.norm.sf(abs(welch.statistic)))


def test_relative_lift_covers_and_is_unbounded_when_control_may_be_zero() -> None:
    rng = np.random.default_rng(5)
    seeds, n, truth = 4000, 400, (0.3, 0.2)
    arms = [rng.binomial(n, p, seeds).astype(float) for p in truth]
    found = effect(
        arm_mean(np.full(seeds, float(n)), arms[0], arms[0]), arm_mean(np.full(seeds, float(n)), arms[1], arms[1])
    )
    inside = ((found.relative_low <= 0.5) & (found.relative_high >= 0.5)).mean()
    assert inside == pytest.approx(0.95, abs=0.012)
    few = effect(arm_mean(1000, 30, 30), arm_mean(1000, 1, 1))
    assert np.isneginf(few.relative_low)
    assert np.isposinf(few.relative_high)
    assert few.low > 0, "the difference is told from zero all the same"


def test_empty_arms_say_nothing() -> None:
    found = effect(arm_mean(0, 0, 0), arm_mean(10, 5, 5))
    assert np.isnan(found.difference) or not np.isfinite(found.high)


def test_power_equals_the_shared_formula_and_inverts() -> None:
    p1, p2, n = 0.11, 0.10, 20_000
    variance = (p1 * (1 - p1), p2 * (1 - p2))
    assert power(p1 - p2, (n, n), variance) == pytest.approx(power_two_proportions(p1, p2, n, n), abs=0.01)
    least = smallest_effect((n, n), variance, chance=0.8)
    assert power(least, (n, n), variance) == pytest.approx(0.8, abs=1e-6)
    assert smallest_effect((4 * n, 4 * n), variance) == pytest.approx(least / 2, rel=1e-6)
    with pytest.raises(UsageError, match="power is in"):
        smallest_effect((n, n), variance, chance=0.2)
    with pytest.raises(UsageError, match="people in both arms"):
        power(0.1, (0, n), variance)


def test_groups_are_told_to_be_read_with_adjusted_p() -> None:
    study = simulate(Campaign(people=4000), 2)
    connection = duckdb.connect()
    take(connection, study.lift_publisher, "lift.publisher")
    take(connection, study.lift_partner, "lift.partner")
    rows = compare(count(connection), "conversions")
    cohorts = [row for row in rows if row["kind"] == "cohort"]
    assert len(cohorts) == 3
    assert all("3 groups were looked at" in str(row["note"]) for row in cohorts)
    assert all(float(str(row["p_adjusted"])) >= float(str(row["p"])) for row in rows)
    everyone = next(row for row in rows if row["kind"] == "everyone")
    assert everyone["p"] == everyone["p_adjusted"]
    with pytest.raises(UsageError, match="no outcome"):
        compare(count(connection), "clicks")


# Under privacy


def parts() -> list[tuple[PrivateLift, Bounds]]:
    wide = Bounds(groups=1, rows=1, low=Fraction(-20), high=Fraction(60), least=Fraction(-99), most=Fraction(500))
    return [
        (PrivateLift("converters"), BINARY),
        (PrivateLift("conversions"), Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(3))),
        (PrivateLift("value"), wide),
    ]


@pytest.mark.parametrize(("part", "bounds"), parts())
@settings(max_examples=5, deadline=None)
@given(people=st.lists(person, min_size=1, max_size=40))
def test_one_person_changes_no_statistic_beyond_its_sensitivity(
    part: PrivateLift, bounds: Bounds, people: list[dict[str, Any]]
) -> None:
    """A statistic is a sum over people, so what one of them adds to it is what leaving that one out takes away."""
    statistics, connection = part.needs(bounds, RHO), opened(people)
    query = bounded_sql(connection, part.outcome, bounds, by_cohort=True, epoch=5)
    for one in statistics:
        groups = [(str(at), *arm) for at in range(len(people)) for arm in arm_groups([0, 1, 2])]
        exact = tabulate(connection, query, (one,), ("unit", "cohort", "test"), groups)[one.name].astype(object)
        moved = (exact.reshape(len(people), -1) ** 2).sum(axis=1)
        assert max(moved) <= l2_squared(one, bounds), one.name
        whole = tabulate(connection, query, (one,), ("cohort", "test"), arm_groups([0, 1, 2]))[one.name]
        assert exact.sum() == whole.sum()


def released(
    part: PrivateLift, bounds: Bounds, test: np.ndarray, control: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, float]]:
    """Normal noise on statistics of given outcomes, in the data's own units."""
    connection = duckdb.connect()
    rows = [(int(at), True, 1, int(x)) for at, x in enumerate(test)]
    rows += [(len(test) + at, False, 1, int(x)) for at, x in enumerate(control)]
    table = pa.table(dict(zip(("unit", "test", "n", "raw"), map(list, zip(*rows, strict=True)), strict=True)))
    connection.register("rows", table)
    scale = {"converters": 1, "conversions": 10**6, "value": 10**4}[part.outcome]
    low, high = int((bounds.low or 0) * scale), int((bounds.high or 0) * scale)
    query = f"SELECT unit, test, 0 AS cohort, n, least(greatest(raw * {scale}, {low}), {high}) AS x FROM rows"
    statistics, shares = part.needs(bounds, RHO), part.shares(bounds)
    exact = tabulate(connection, query, statistics, ("cohort", "test"), arm_groups(None))
    scales = {one.name: sigma(one, bounds, RHO * shares[one.name] / sum(shares.values())) for one in statistics}
    noisy = {name: values + rng.normal(0, scales[name], values.shape) for name, values in exact.items()}
    return noisy, scales


def sigma(statistic: Statistic, bounds: Bounds, rho: Fraction) -> float:
    return math.sqrt(l2_squared(statistic, bounds) / (2 * rho))


def test_intervals_of_a_clipped_value_hold_the_unclipped_truth() -> None:
    rng = np.random.default_rng(11)
    bounds = Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(100), most=Fraction(200))
    part = PrivateLift("value")
    for _ in range(10):
        test, control = rng.integers(0, 150, 20_000), rng.integers(0, 120, 20_000)
        noisy, scales = released(part, bounds, test, control, rng)
        found = part.answer(noisy, scales, bounds, 0.95)
        assert found.low[0, 0] <= 74.5 - 59.5 <= found.high[0, 0]
        assert found.low[0, 1] <= 74.5 / 59.5 - 1 <= found.high[0, 1]
        narrow = part.answer(noisy, scales, Bounds(groups=1, rows=1, low=bounds.low, high=bounds.high), 0.95)
        assert narrow.high[0, 0] < found.high[0, 0], "without a plausible range clipping is not told"


def test_intervals_cover_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(7)
    seeds, n = 4000, 3000
    counts = np.stack([rng.binomial(n, 0.02, seeds), rng.binomial(n, 0.03, seeds)], axis=1).ravel()
    bins = np.stack([n - counts, counts], axis=1) + rng.normal(0, 5.0, (2 * seeds, 2))
    found = PrivateLift("converters").answer({"bins": bins}, {"bins": 5.0}, BINARY, 0.95)
    held = ((found.low <= (0.01, 0.5, 30.0)) & (found.high >= (0.01, 0.5, 30.0))).mean(axis=0)
    assert held[0] == pytest.approx(0.95, abs=0.012)
    assert held[1] == pytest.approx(0.95, abs=0.015)
    assert found.labels == ("difference", "relative", "increment")


def test_forecasts_are_met_and_cost_nothing() -> None:
    rng = np.random.default_rng(13)
    part, bounds = PrivateLift("conversions"), Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(3))
    test, control = np.minimum(rng.poisson(0.5, 20_000), 3), np.minimum(rng.poisson(0.4, 20_000), 3)
    noisy, scales = released(part, bounds, test, control, rng)
    found = part.answer(noisy, scales, bounds, 0.95)
    facts = Facts(20_000, mean=0.45, spread=0.66)
    told = part.forecast(bounds, scales, facts)
    assert (found.high - found.low)[0, 0] / 2 == pytest.approx(told, rel=0.1)
    assert part.detectable(bounds, scales, facts) == pytest.approx(told / 1.96 * 2.8016, rel=0.01)
    none = dict.fromkeys(scales, 0.0)
    assert part.forecast(bounds, none, facts) < told
    assert PrivateLift("converters").forecast(BINARY, {"bins": 2.0}, Facts(1000, mean=0.1)) > 0


def test_tiny_and_noise_only_arms_do_not_claim() -> None:
    part = PrivateLift("converters")
    found = part.answer({"bins": np.array([[-3.0, 4.0], [2.0, -1.0]])}, {"bins": 5.0}, BINARY, 0.95)
    assert found.low[0, 0] == -1.0
    assert found.high[0, 0] == 1.0
    assert np.isneginf(found.low[0, 1])
    assert np.isposinf(found.high[0, 1])


@pytest.mark.parametrize(
    ("outcome", "bounds", "told"),
    [
        ("converters", Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(2)), "0 or 1"),
        ("value", Bounds(groups=1, rows=1, low=None, high=None), "give low and high"),
        ("value", Bounds(groups=2, rows=1, low=Fraction(0), high=Fraction(2)), "one arm of one group"),
    ],
)
def test_bounds_that_do_not_fit_are_refused(outcome: Any, bounds: Bounds, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        PrivateLift(outcome).needs(bounds, RHO)


def test_bad_releases_and_groups_are_refused() -> None:
    part = PrivateLift("converters")
    with pytest.raises(UsageError, match="exact positive fraction"):
        part.needs(BINARY, Fraction(0))
    with pytest.raises(UsageError, match="finite value"):
        part.answer({"bins": np.array([[1.0, math.nan], [1.0, 1.0]])}, {"bins": 1.0}, BINARY, 0.95)
    with pytest.raises(UsageError, match="finite value"):
        part.answer({"bins": np.ones((3, 2))}, {"bins": 1.0}, BINARY, 0.95)
    for groups in ([], [(0, True), (0, True)], [(0,)]):
        with pytest.raises(UsageError, match="name every group once"):
            tabulate(duckdb.connect(), "SELECT 1", (), ("cohort", "test"), groups)
