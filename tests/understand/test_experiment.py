"""Experiments: each reading agrees with an independent library, holds its level, and says when not to read it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import UsageError
from consentinel.understand import experiment
from consentinel.understand.experimenting.planning import planned, power_of_means
from consentinel.understand.experimenting.reading import assigned
from consentinel.understand.experimenting.trial import Reading, Trial
from consentinel.understand.experiments._linear import fitted, wild_p
from consentinel.understand.shelves import EXPERIMENTS

stats = pytest.importorskip("scipy.stats")
LEVEL = 0.95


def made(n: int = 400, effect: float = 0.5, seed: int = 0, groups: int = 50) -> Trial:
    """Return a trial whose outcome before it foretells much, in clusters of one arm each."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, groups, n)
    treated = cluster % 2 == 1
    before = rng.gamma(2, 1, n)
    outcome = before + rng.normal(0, 1, n) + effect * treated + rng.normal(0, 0.4, groups)[cluster]
    return Trial(
        outcome, treated, before, rng.poisson(5, n) + 1.0, cluster, rng.random(n) < 0.5, rng.normal(0, 1, (n, 2))
    )


def alone(trial: Trial) -> Trial:
    """Return TRIAL without clusters."""
    return Trial(trial.outcome, trial.treated, trial.before, trial.denominator, None, trial.after, trial.adjust)


def read(name: str, trial: Trial) -> Reading:
    """Return what the part NAME reads."""
    return EXPERIMENTS.take(name).read(trial, LEVEL, 0)


def test_welch_is_that_of_scipy() -> None:
    control, treated = (trial := made()).arms()
    effect, theirs = read("welch", trial).effects[0], stats.ttest_ind(treated, control, equal_var=False)
    ends = theirs.confidence_interval(LEVEL)
    assert (effect.p, effect.low, effect.high) == pytest.approx((theirs.pvalue, ends.low, ends.high))


def test_brunner_munzel_is_that_of_scipy() -> None:
    control, treated = (trial := made(120)).arms()
    answer, beside = read("brunner_munzel", trial).effects
    assert answer.p == pytest.approx(stats.brunnermunzel(control, treated).pvalue)
    assert beside.p == pytest.approx(stats.mannwhitneyu(treated, control).pvalue)
    above = (treated[:, None] > control[None, :]).mean()
    assert answer.value == pytest.approx(above)
    assert 0 <= answer.low < above < answer.high <= 1
    apart = Trial(np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0]), np.array([False] * 3 + [True] * 3))
    assert read("brunner_munzel", apart).effects[0].value == 1


def test_proportions_are_newcombe_and_fisher() -> None:
    trial = Trial(np.repeat([1.0, 0.0, 1.0, 0.0], [48, 32, 56, 14]), np.repeat([False, True], [80, 70]))
    effect = read("proportions", trial).effects[0]
    # Newcombe 1998, table II, example (a), method 10: 56/70 less 48/80 is 0.2 [0.0524, 0.3339]
    assert (effect.value, effect.low, effect.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert effect.p == pytest.approx(stats.fisher_exact([[56, 14], [48, 32]]).pvalue)
    with pytest.raises(UsageError, match="0 and 1"):
        read("proportions", made())


def test_regression_and_clusters_are_those_of_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.api")
    trial = made(300)
    design = np.column_stack([np.ones(300), trial.treated, trial.before])
    grouped = {"cov_type": "cluster", "cov_kwds": {"groups": trial.cluster}, "use_t": True}
    for cluster, kind in ((None, {"cov_type": "HC3", "use_t": True}), (trial.cluster, grouped)):
        fit, theirs = fitted(design, trial.outcome, cluster), api.OLS(trial.outcome, design).fit(**kind)
        np.testing.assert_allclose(fit.beta, theirs.params)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), theirs.bse)
    centred = trial.adjust - trial.adjust.mean(axis=0)
    whole = np.column_stack([np.ones(300), trial.treated, centred, centred * trial.treated[:, None]])
    theirs = api.OLS(trial.outcome, whole).fit(cov_type="HC3", use_t=True)
    effect = read("regression", alone(trial)).effects[0]
    assert (effect.value, effect.p) == pytest.approx((theirs.params[1], theirs.pvalues[1]))
    assert (effect.low, effect.high) == pytest.approx(tuple(theirs.conf_int()[1]))
    twice = np.column_stack([design, design[:, 2]])
    with pytest.raises(UsageError, match="coefficients apart"):
        fitted(twice, trial.outcome, None)


def test_few_clusters_are_told_and_tested_by_wild_bootstrap() -> None:
    small = made(300, effect=0.0, groups=12)
    reading = read("cluster_randomised", small)
    assert "wild cluster bootstrap" in reading.effects[0].method
    assert not next(check for check in reading.checks if check.what == "enough clusters").holds
    p = np.array([read("cluster_randomised", made(120, 0.0, seed, 10)).effects[0].p for seed in range(60)])
    assert (p <= 0.1).mean() <= 0.2
    design = np.column_stack([np.ones(300), small.treated]).astype(np.float64)
    assert wild_p(design, small.outcome + 3 * small.treated, small.cluster, 1, seed=0) < 0.02


def test_cuped_saves_variance_and_keeps_the_plain_reading() -> None:
    trial = alone(made(600))
    adjusted, plain = read("cuped", trial).effects
    assert adjusted.high - adjusted.low < 0.8 * (plain.high - plain.low)
    assert plain == read("welch", trial).effects[0].__class__(
        **{**read("welch", trial).effects[0].__dict__, "name": plain.name}
    )
    unfair = Trial(trial.outcome, trial.treated, trial.before + trial.treated)
    checks = {check.what: check.holds for check in read("cuped", unfair).checks}
    assert checks["arms alike before"] is False


def test_ratio_is_the_delta_method() -> None:
    trial = alone(made(500))
    effect = read("ratio", trial).effects[0]
    draws = np.random.default_rng(0).integers(0, 500, (3000, 500))
    y, d, arm = trial.outcome[draws], trial.denominator[draws], trial.treated[draws]
    gaps = (y * arm).sum(1) / (d * arm).sum(1) - (y * ~arm).sum(1) / (d * ~arm).sum(1)
    assert (effect.high - effect.low) / 2 == pytest.approx(1.96 * gaps.std(), rel=0.06)
    assert read("ratio", made(500)).effects[0].value == pytest.approx(effect.value)


def test_bootstrap_is_near_welch_and_of_whole_clusters() -> None:
    trial = alone(made(300))
    effect, plain = read("bootstrap", trial).effects[0], read("welch", trial).effects[0]
    assert (effect.low, effect.high) == pytest.approx((plain.low, plain.high), abs=0.06)
    wide = read("bootstrap", made(300)).effects[0]
    clustered = read("cluster_randomised", made(300)).effects[0]
    assert (wide.low, wide.high) == pytest.approx((clustered.low, clustered.high), abs=0.12)


def test_sequential_holds_at_all_looks_and_is_wider() -> None:
    trial = alone(made(2000))
    always, once = read("sequential", trial).effects
    assert always.low < once.low < once.high < always.high
    assert always.p > once.p
    wrong = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        checks = read("sequential", Trial(rng.normal(0, 1, 600), rng.random(600) < 0.5)).checks
        wrong += "never" not in next(check for check in checks if check.what == "first told").said
    assert wrong <= 7


def test_difference_in_differences_is_the_interaction() -> None:
    trial = made(800)
    cells = [[trial.outcome[(trial.treated == a) & (trial.after == b)].mean() for b in (0, 1)] for a in (0, 1)]
    reading = read("difference_in_differences", trial)
    assert reading.effects[0].value == pytest.approx(cells[1][1] - cells[1][0] - cells[0][1] + cells[0][0])
    assert any(check.holds is False for check in read("difference_in_differences", alone(trial)).checks)


def test_arms_that_lost_units_are_noticed() -> None:
    arm = np.zeros(10_000, bool)
    arm[:5300] = True
    check = assigned(Trial(np.zeros(10_000), arm), 0.5)
    assert check.holds is False
    assert assigned(Trial(np.zeros(10_000), arm), 0.53).holds is True


def test_plans_are_those_of_statsmodels() -> None:
    power = pytest.importorskip("statsmodels.stats.power").TTestIndPower()
    plan = planned(0.2, deviation=1.0, rate=0.0, level=LEVEL, power=0.8, size=1, correlation=0.0)
    assert plan.units == int(np.ceil(power.solve_power(0.2, alpha=0.05, power=0.8)))
    assert power_of_means(0.5, 1.0, 40, LEVEL) == pytest.approx(power.power(0.5, 40, 0.05))
    grouped = planned(0.2, deviation=1.0, rate=0.0, level=LEVEL, power=0.8, size=20, correlation=0.05)
    assert grouped.design == pytest.approx(1.95)
    assert grouped.units >= 1.95 * plan.units - 20
    with pytest.raises(UsageError, match="either the --deviation"):
        planned(0.2, deviation=1.0, rate=0.1, level=LEVEL, power=0.8, size=1, correlation=0.0)


@pytest.mark.parametrize("method", EXPERIMENTS.names())
def test_every_method_is_a_verb(method: str, tmp_path: Path) -> None:
    trial = made(400)
    hits = (trial.outcome > 2).astype(int)
    table = pa.table({
        "clicks": trial.outcome, "bought": hits, "arm": np.where(trial.treated, "new", "old"), "old": trial.before,
        "views": trial.denominator, "team": trial.cluster, "post": trial.after, "x": trial.adjust[:, 0],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")
    asked: dict[str, Any] = {"arm": "arm", "control": "old", "before": "old", "denominator": "views", "cluster": "team",
                             "after": "post", "adjust": "x", "out": tmp_path / "out", "method": method}  # fmt: skip
    outcome = "bought" if method == "proportions" else "clicks,bought"
    done = experiment(tmp_path / "rows.parquet", outcome=outcome, **asked)
    assert done.exit_code in (0, 3)
    effects = pq.read_table(done.tables["effects"])
    assert effects.filter(effects["answer"])["outcome"].to_pylist() == outcome.split(",")
    assert pq.read_table(done.tables["checks"])["check"].to_pylist()[0] == "arms of the planned sizes"
    assert "<svg" in (tmp_path / "out" / "experiment.html").read_text("utf-8")


def test_the_verb_refuses_what_cannot_be_read_and_plans(tmp_path: Path) -> None:
    table = pa.table({"y": [1.0, 2.0, 3.0, None, 5.0], "arm": ["a", "a", "b", "b", "b"]})
    pq.write_table(table, tmp_path / "rows.parquet")
    for asked, said in (
        ({"outcome": "y"}, "no arm 'control'"),
        ({"outcome": "z", "control": "a"}, "no column 'z'"),
        ({"outcome": "y", "control": "a", "method": "cuped"}, "--before"),
        ({"outcome": "arm", "control": "a"}, "not of numbers"),
        ({"control": "a"}, "name the outcome"),
        ({"outcome": "y", "control": "a", "method": "magic"}, "no 'magic'"),
    ):
        with pytest.raises(UsageError, match=said):
            experiment(tmp_path / "rows.parquet", out=tmp_path / "out", **asked)
    lost = pa.table({"y": np.arange(300.0), "arm": ["a"] * 220 + ["b"] * 80})
    pq.write_table(lost, tmp_path / "lost.parquet")
    assert experiment(tmp_path / "lost.parquet", outcome="y", control="a", out=tmp_path / "out").exit_code == 3
    plan = experiment(out=tmp_path / "plan", effect=0.1, rate=0.2)
    assert "units in each arm" in plan.text
    assert (tmp_path / "plan" / "plan.html").is_file()
