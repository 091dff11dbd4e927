"""One examination for every mechanism: sensitivities by brute force, intervals, forecasts, and what is refused."""

import random
from fractions import Fraction as F
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from consentinel.core.errors import NotSupported, UsageError
from consentinel.protect.estimates import MECHANISMS, Facts
from consentinel.protect.splitting import deviations, params
from consentinel.protect.statistic import Bounds, Statistic, l1, l2_squared
from tests.protect.made_statistics import Row, exact, off

NAMES = MECHANISMS.names()
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "count": [{}, {"of": "units"}],
    "histogram": [{}, {"bins": 3}, {"edges": (F(0), F(3, 2))}],
    "quantiles": [{}, {"branches": 4}],
}
RANGES = [(F(0), F(5)), (F(-2), F(5)), (F(1, 3), F(7)), (F(-4), F(-1))]
PAIRS = 40
CASES = [(name, options) for name in NAMES for options in OPTIONS.get(name, [{}])]


def wanted(name: str, bounds: Bounds, options: dict[str, Any]) -> tuple[Statistic, ...]:
    part: Any = MECHANISMS.take(name)
    return part.needs(bounds, F(1), **options)


def several(name: str) -> list[int]:
    return [1] if name in ("variance", "standard_deviation") else [1, 3]


@pytest.mark.parametrize("name", NAMES)
def test_a_part_says_what_it_guarantees_and_assumes(name: str) -> None:
    part: Any = MECHANISMS.take(name)
    assert isinstance(part, ModuleType)
    text = part.__doc__ or ""
    assert text.partition("\n")[0].endswith(".")
    assert "\nGuarantee: " in text
    assert "\nAssumes: " in text
    assert "\nSource" in text
    bounds = Bounds(1, 1, F(0), F(1))
    assert {one.name for one in part.needs(bounds, F(1))} <= set(part.shares(bounds))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_no_unit_changes_a_statistic_by_more_than_declared(name: str, options: dict[str, Any]) -> None:
    """Add one unit to small random tables, with values at and beyond the ends as often as inside."""
    for low, high in RANGES[:1] if "edges" in options else RANGES:
        for rows in several(name):
            bounds = Bounds(2, rows, low, high, low - 1, high + 2)
            statistics = wanted(name, bounds, options)
            chance = random.Random(f"{name}{low}{rows}")
            ends = [float(low) - 1, float(low), (float(low) + float(high)) / 2, float(high), float(high) + 9]
            tables: list[Row] = []  # many at once: table t without the unit in groups 6t to 6t + 2, with it from 6t + 3
            for t in range(PAIRS):
                others = [(u, chance.randrange(3), chance.choice(ends)) for u in range(4)]
                same, kept = chance.random() < 0.5, chance.choice(ends)
                mine = [
                    (9, g, kept if same else chance.choice(ends))
                    for g in chance.sample(range(3), 2)
                    for _ in range(rows if same else chance.randint(1, rows))
                ]
                tables += [(10 * t + u, 6 * t + g, x) for u, g, x in others]
                tables += [(10 * t + u, 6 * t + 3 + g, x) for u, g, x in others + mine]
            found = exact(tables, statistics, bounds, 6 * PAIRS)
            for one in statistics:
                both = found[one.name].reshape(PAIRS, 2, -1).astype(float)
                change = abs(both[:, 1] - both[:, 0])
                assert change.sum(axis=1).max() <= float(l1(one, bounds)), one.name
                assert (change**2).sum(axis=1).max() <= float(l2_squared(one, bounds)) * (1 + 1e-12), one.name
                if one is statistics[0]:
                    assert change.sum(axis=1).max() > 0.5 * float(l1(one, bounds)), "far less than declared"


@pytest.mark.parametrize(("name", "options"), CASES)
def test_statistics_are_whole_numbers_at_most_as_declared_by_row(name: str, options: dict[str, Any]) -> None:
    bounds = Bounds(1, 1, F(0), F(5))
    statistics = wanted(name, bounds, options)
    values = np.linspace(-1, 6, 141)
    found = exact([(at, at, value) for at, value in enumerate(values)], statistics, bounds, len(values))
    for one in statistics:
        assert np.abs(found[one.name]).reshape(len(values), -1).sum(axis=1).max() <= one.per_row
        if one.width > 1:
            assert (found[one.name].sum(axis=1) == 1).all()


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_intervals_hold_their_value_and_widen_with_the_level_and_with_noise(
    name: str, options: dict[str, Any], law: Any
) -> None:
    bounds = Bounds(1, 1, F(0), F(5))
    part: Any = MECHANISMS.take(name)
    statistics = wanted(name, bounds, options)
    chance = random.Random(5)
    table = [(u, u % 2, chance.uniform(0, 5)) for u in range(400)]
    found = exact(table, statistics, bounds, 2)
    said = {key: value for key, value in options.items() if key in ("of", "edges")}

    def width(scales: dict[str, float], level: float) -> float:
        got = part.answer(found, scales, bounds, level, law=law, **said)
        assert got.value.shape[0] == 2
        assert (got.low <= got.value + 1e-9).all()
        assert (got.value <= got.high + 1e-9).all()
        return float((got.high - got.low).mean())

    narrow, wide = width(off(statistics), 0.8), width(off(statistics), 0.99)
    paid = params(statistics, bounds, F(1, 50), part.shares(bounds))
    assert 0 < narrow < wide < width(deviations(statistics, paid), 0.99)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_forecasts_fall_with_the_budget(name: str, options: dict[str, Any]) -> None:
    bounds = Bounds(2, 1, F(0), F(5), None, F(6))
    part: Any = MECHANISMS.take(name)
    statistics = wanted(name, bounds, options)
    facts = Facts(20_000, mean=1.0, spread=1.0, share=0.5, clipped=0.01)
    widths = []
    for budget in (F(1, 1000), F(1, 100), F(1, 10), F(1), F(100)):
        paid = params(statistics, bounds, budget, part.shares(bounds))
        widths.append(part.forecast(bounds, deviations(statistics, paid), facts))
    assert all(a >= b > 0 for a, b in pairwise(widths))
    assert widths[0] > widths[-1]


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_is_refused(name: str) -> None:
    part: Any = MECHANISMS.take(name)
    bounds = Bounds(1, 1, F(0), F(5))
    for budget in (F(0), F(-1), 0.1, "1", None):
        with pytest.raises(UsageError, match="budget"):
            part.needs(bounds, budget)
    statistics = part.needs(bounds, F(1))
    found = {one.name: np.zeros((1, one.width) if one.width > 1 else 1) for one in statistics}
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match="level"):
            part.answer(found, off(statistics), bounds, level)
    bad = {**found, statistics[0].name: found[statistics[0].name] + np.nan}
    for noisy, scale in ((bad, 0.0), (found, float("inf")), (found, -1.0)):
        with pytest.raises(UsageError, match="finite"):
            part.answer(noisy, dict.fromkeys(found, scale), bounds, 0.95)
    if name not in ("count", "top_k", "partitions"):
        with pytest.raises(UsageError, match="range"):
            part.needs(Bounds(1, 1, None, None), F(1))


@pytest.mark.parametrize("name", ["variance", "standard_deviation"])
def test_a_variance_over_several_rows_per_unit_is_not_supported(name: str) -> None:
    with pytest.raises(NotSupported, match="rows=1"):
        MECHANISMS.take(name).needs(Bounds(1, 2, F(0), F(5)), F(1))


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("name", NAMES)
def test_empty_groups_and_lost_counts_have_an_answer(name: str, law: Any) -> None:
    part: Any = MECHANISMS.take(name)
    bounds = Bounds(1, 1, F(0), F(5))
    statistics = part.needs(bounds, F(1))
    for shift in (0, -50, 50):
        found = {one.name: np.full((2, one.width) if one.width > 1 else 2, shift) for one in statistics}
        for scale in (0.0, 30.0):
            got = part.answer(found, dict.fromkeys(found, scale), bounds, 0.95, law=law)
            assert all(np.isfinite(ends).all() for ends in (got.value, got.low, got.high))
            assert (got.low <= got.high).all()
    none = {one.name: np.zeros((0, one.width) if one.width > 1 else 0) for one in statistics}
    assert len(part.answer(none, off(statistics), bounds, 0.95).value) == 0


def test_facts_that_cannot_be_are_refused() -> None:
    for wrong in ({"units": 0}, {"units": float("nan")}, {"mean": float("inf")}, {"spread": -1.0}, {"share": 1.5}):
        with pytest.raises(UsageError):
            Facts(**({"units": 10} | wrong))  # type: ignore[arg-type]
