"""Experiments in the feed: intervals hold, plans come true, guardrails stop, equal arguments give equal results."""

import json
import math
import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from consentinel.core.accounting import epsilon
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.resample import cluster_bootstrap
from consentinel.models.feed.assigning import Units, assigned, met
from consentinel.models.feed.experiment import RESULT, Design, Experiment, Guardrails, judged, planned, run
from consentinel.models.feed.logged import logged
from consentinel.models.feed.reading import always_valid, detectable, deviation_limit, gap_values, interval, units_for
from consentinel.models.feed.replay import expected, shown
from consentinel.models.feed.spent import epsilon_spent
from consentinel.models.feed.variants import Variant, built_in, exploring
from consentinel.models.feed.world import Feed, World

EXAMPLES = Path(__file__).parents[2] / "examples"
WORLD = World(Feed(items=60, topics=5, sessions=3, slots=4, logged=20), seed=3)
LOG = logged(WORLD, np.arange(2**30, 2**30 + 600))
CLICKS, SATISFACTION = built_in("clicks", WORLD, LOG), built_in("satisfaction", WORLD, LOG)


def verdicts(found: Experiment) -> dict[str, str]:
    return {row["metric"]: row["verdict"] for row in found.table.to_pylist() if row["verdict"] != "measured"}


@pytest.mark.parametrize("reading", ["fixed", "always"])
@pytest.mark.parametrize("meeting", ["replay", "arms"])
def test_a_better_variant_is_found_and_the_truth_is_in_the_interval(meeting: str, reading: str) -> None:
    design = Design(people=1200, meeting=meeting, reading=reading, pilot=200)  # type: ignore[arg-type]
    found = run(WORLD, [CLICKS, SATISFACTION], design, Guardrails(exposure=0.4, gap=2.0))
    assert found.table.schema == RESULT
    row = next(row for row in found.table.to_pylist() if row["variant"] == "satisfaction - clicks")
    crowd = logged(WORLD, np.arange(20_000, 24_000))
    truth = [expected(WORLD, crowd.crowd, shown(WORLD, one, crowd)).mean() for one in (CLICKS, SATISFACTION)]
    assert row["metric"] == "satisfaction"
    assert row["low"] <= truth[1] - truth[0] <= row["high"]
    assert verdicts(found)["satisfaction"] == "better"
    assert found.sentence.startswith("Show satisfaction: satisfaction satisfies people more (+")
    assert run(WORLD, [CLICKS, SATISFACTION], design, Guardrails(exposure=0.4, gap=2.0)) == found


def test_more_looks_stop_earlier_and_a_replay_sees_more_than_arms() -> None:
    pair = [CLICKS, SATISFACTION]
    often = run(WORLD, pair, Design(people=1200, looks=20, pilot=100), Guardrails(exposure=0.5, gap=3.0))
    assert often.units < 1200
    replay, arms = (planned(WORLD, pair, Design(meeting=how, pilot=400))["satisfaction"] for how in ("replay", "arms"))
    assert (replay.units, arms.units) == (4000, 2000)
    assert replay.detectable < 0.75 * arms.detectable


def test_equal_variants_are_rarely_told_apart() -> None:
    """Two equal ways to explore: by lot at 5 %, 12 or more of 80 have a chance below 1 in 1,000."""
    equal = [exploring(SATISFACTION, WORLD, places=5, stream=at, name=f"stirred {at}") for at in (0, 1)]
    people = np.arange(80 * 60)
    replayed = met(WORLD, equal, assigned(WORLD, people, 2, "replay"))
    design = Design(people=60, reading="fixed")
    wrong = 0
    for start in range(0, len(people), 60):
        at = slice(start, start + 60)
        part = Units(replayed.sensitive[at], {name: column[at] for name, column in replayed.values.items()})
        found = judged(part, equal, design, Guardrails(), {})
        wrong += verdicts(found)["satisfaction"] != "undecided"
        assert found.sentence.startswith("Stay with stirred 0") or verdicts(found)["satisfaction"] == "better"
    assert wrong < 12


def test_guardrails_stop_what_satisfies_more() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    sensitive = np.arange(n) % 4 == 0
    gain = 1.0 - 1.5 * sensitive + rng.normal(0, 0.5, n)
    still = rng.normal(0, 0.1, (n, 2))
    exposure = 0.4 + still + np.array([0.0, -0.2])
    units = Units(sensitive, {"satisfaction": np.stack([gain * 0, gain], 1), "exposure": exposure, "clicks": still,
                              "sessions": still})  # fmt: skip
    pair = [Variant("now", CLICKS.rank), Variant("new", CLICKS.rank, 4.0)]
    found = judged(units, pair, Design(people=n), Guardrails(epsilon=3.0), {})
    assert verdicts(found) == {
        "satisfaction": "better", "exposure": "broken", "gap": "broken", "epsilon": "broken", "clicks": "not judged",
        "sessions": "not judged",
    }  # fmt: skip
    assert found.sentence.startswith("Stay with now: new satisfies people more")
    assert found.sentence.endswith("and breaks exposure, gap, epsilon.")
    kept = judged(units, pair, Design(people=n), Guardrails(exposure=0.3, gap=2.0, epsilon=5.0), {})
    assert kept.sentence.startswith("Show new")
    assert set(verdicts(kept).values()) == {"better", "kept", "not judged"}
    lonely = Units(np.zeros(n, bool), units.values)
    assert verdicts(judged(lonely, pair, Design(people=n), Guardrails(), {}))["gap"] == "undecided"


def test_arms_are_by_lot_within_groups_and_nobody_is_in_two() -> None:
    people = np.arange(1001)
    units = assigned(WORLD, people, 3, "arms")
    assert len(set(units.ravel().tolist())) == units.size >= 997
    sensitive = WORLD.crowd(units.ravel()).sensitive.reshape(units.shape)
    assert (sensitive == sensitive[:, :1]).all()
    np.testing.assert_array_equal(units, assigned(WORLD, people, 3, "arms"))
    other = assigned(WORLD, people, 3, "arms", draw=1)
    np.testing.assert_array_equal(np.sort(units, axis=1), np.sort(other, axis=1))
    first = (units[:, 0] == units.min(axis=1)).mean()
    assert 0.2 < first < 0.47
    assert abs((units[:, 0] == other[:, 0]).mean() - 1 / 3) < 0.12


def test_always_valid_intervals_hold_at_all_looks_together_where_a_fixed_one_does_not() -> None:
    rng = np.random.default_rng(1)
    missed = {"always": 0, "fixed": 0}
    for _ in range(300):
        values = rng.exponential(1.0, 400) - 1.0
        for reading in missed:
            looks = [interval(values[:n], 0.95, reading, 400) for n in range(40, 401, 20)]  # type: ignore[arg-type]
            missed[reading] += any(not one.low <= 0 <= one.high for one in looks)
    assert missed["always"] <= 27, "nominal 15 of 300: more than 27 has a chance below 1 in 500"
    assert missed["fixed"] > 40
    assert (always_valid(np.ones(1), 10).low, always_valid(np.ones(1), 10).high) == (-math.inf, math.inf)


def test_the_gap_is_that_of_the_groups_and_varies_as_a_bootstrap_says() -> None:
    rng = np.random.default_rng(2)
    sensitive = rng.random(800) < 0.25
    values = rng.normal(0, 1 + sensitive, 800) + 0.3 * sensitive
    found = interval(gap_values(values, sensitive), 0.95, "fixed", 800)
    assert found.value == pytest.approx(values[~sensitive].mean() - values[sensitive].mean())

    def gap(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        means = [(weights * side) @ rows[:, 0] / (weights @ side) for side in (1 - rows[:, 1], rows[:, 1])]
        return np.asarray(means[0] - means[1])

    drawn = cluster_bootstrap(np.stack([values, sensitive], 1), np.arange(800), gap, seed=0)
    assert found.high - found.low == pytest.approx(drawn.high - drawn.low, rel=0.1)


@pytest.mark.parametrize("reading", ["fixed", "always"])
def test_plans_come_true(reading: str) -> None:
    n = units_for(0.2, 1.0, level=0.95, power=0.8, reading=reading)  # type: ignore[arg-type]
    asked = {"level": 0.95, "power": 0.8, "reading": reading}
    assert detectable(n, 1.0, **asked) <= 0.2 < detectable(n - 1, 1.0, **asked)  # type: ignore[arg-type]
    assert (n == 199) if reading == "fixed" else (300 < n < 500)  # the exact answer of the fixed one is 199
    rng = np.random.default_rng(3)
    found = sum(interval(rng.normal(0.2, 1.0, n), 0.95, reading, n).low > 0 for _ in range(1000))  # type: ignore[arg-type]
    assert 750 < found < 850


def test_the_limit_of_a_deviation_is_rarely_exceeded_whatever_the_tails() -> None:
    rng = np.random.default_rng(4)
    draws = {"normal": lambda: rng.normal(0, 2, 200), "laplace": lambda: rng.laplace(0, 2**0.5, 200)}
    for draw in draws.values():
        held = sum(deviation_limit(draw()) >= 2 for _ in range(500))
        assert 400 <= held <= 480, "450 nominal, less where tails are heavy"
    values = draws["normal"]()
    assert values.std(ddof=1) < deviation_limit(values, 0.8) < deviation_limit(values, 0.95)
    assert deviation_limit(np.zeros(50)) == 0
    with pytest.raises(UsageError, match="at least 30 values"):
        deviation_limit(np.arange(29.0))
    with pytest.raises(UsageError, match="level"):
        deviation_limit(values, 1.0)


def test_a_plan_counts_with_the_limit() -> None:
    plan = planned(WORLD, [CLICKS, SATISFACTION], Design(pilot=200, reading="fixed"))["satisfaction"]
    assert plan.deviation < plan.limit < 1.5 * plan.deviation
    assert plan.detectable == detectable(4000, plan.limit, level=0.95, power=0.8, reading="fixed")


def test_epsilon_is_that_of_the_charges(tmp_path: Path) -> None:
    record = tmp_path / "run.json"
    says = {"verb": "models.train", "outcome": {"state": "finished"}, "charges": [{"micro_rho": 40_000}] * 2}
    record.write_text(json.dumps(says))
    delta = Fraction(1, 10**6)
    assert epsilon_spent(record, delta) == epsilon(80_000, delta)
    record.write_text(json.dumps(says | {"charges": []}))
    assert epsilon_spent(record, delta) == math.inf
    with pytest.raises(UsageError, match="delta"):
        epsilon_spent(record, Fraction(2))
    for wrong in ({"verb": "models.predict"}, {"outcome": {"state": "failed"}}, {"charges": [{"micro_rho": -1}]}):
        record.write_text(json.dumps(says | wrong))
        with pytest.raises(BadInput, match="no record of a finished training"):
            epsilon_spent(record, delta)


def test_what_makes_no_experiment_is_refused() -> None:
    for wrong in ({"people": 10}, {"first": -1}, {"level": 1.0}, {"looks": 0}, {"pilot": 3}, {"power": 1.0},
                  {"reading": "fixed", "looks": 5}):  # fmt: skip
        with pytest.raises(UsageError):
            Design(**wrong)
    with pytest.raises(UsageError, match="above 0"):
        Guardrails(gap=0.0)
    with pytest.raises(UsageError, match="name of its own"):
        run(WORLD, [CLICKS, CLICKS])
    with pytest.raises(UsageError, match="at least one variant"):
        run(WORLD, [CLICKS])
    with pytest.raises(UsageError, match="fewer than 30 a look"):
        run(WORLD, [CLICKS, SATISFACTION], Design(people=200, looks=10, pilot=60))
    with pytest.raises(UsageError, match="too few"):
        run(WORLD, [CLICKS, SATISFACTION], Design(people=40, meeting="arms", pilot=100))


@pytest.mark.parametrize("name", ["feed_experiment", "train_recommender", "train_models"])
def test_the_examples_find_what_is_true(name: str) -> None:
    for module in ("lightgbm", "opendp", "scipy", "sklearn"):
        pytest.importorskip(module)
    main = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]
    if name == "feed_experiment":
        found = main(people=2000)
        said = {(row["variant"].split(" ")[0], row["metric"]): row["verdict"] for row in found.table.to_pylist()}
        assert found.sentence.startswith("Show private")
        assert {said[name, "satisfaction"] for name in ("satisfaction", "fair", "private")} == {"better"}
        assert (
            said["satisfaction", "exposure"] == said["satisfaction", "epsilon"] == said["fair", "epsilon"] == "broken"
        )
        assert said["private", "exposure"] == said["private", "gap"] == said["private", "epsilon"] == "kept"
    elif name == "train_recommender":
        found = main(people=600)
        assert found.over_popularity.low > 0
        assert len(found.best) == 10
    else:
        found = main(people=800)
        assert found.ndcg["recommend/ease - popularity"][1] > 0
        assert found.accuracy["vision/scattering_linear"][1] > 0.95
        assert 0.8 < found.private["vision/private_scattering"][0] <= found.accuracy["vision/scattering_linear"][0]
        assert len(found.best) == 5
        assert "epsilon 3 of 3 spent" in found.ledger
