"""Membership of classifiers: one that remembers is found, one that says nothing is not; the attacks and their areas."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.measure import Plan
from consentinel.assure.private import membership
from consentinel.assure.private._attacks import Shadows, coins, lira, rmia
from consentinel.assure.private._confidence import confidence
from consentinel.assure.private._roc import Attack, area, area_measure, measures
from consentinel.assure.subject import MISSING, Subject
from tests.assure.made_private import (
    PLAN,
    by_name,
    classifier,
    ends,
)


def test_a_model_that_remembers_is_found() -> None:
    found = list(membership.probe(classifier("remembers"), PLAN))
    for name in ("confidence_attack", "lira", "lira_offline", "rmia", "rmia_offline"):
        low, value, high = ends(by_name(found, f"{name}_auc"))
        assert value > 0.99, name
        assert low > 0.93
        assert high >= value
        assert ends(by_name(found, f"{name}_balanced_accuracy"))[1] > 0.97


def test_a_constant_model_is_not() -> None:
    found = list(membership.probe(classifier("constant"), PLAN))
    for name in ("confidence_attack", "lira", "rmia"):
        one = by_name(found, f"{name}_auc")
        low, value, high = ends(one)
        assert low < 0.5 < high
        assert abs(value - 0.5) < 0.13
        assert one.p is not None
        assert one.p > 0.01


def test_shadow_models_see_more_than_confidence_and_the_same_comes_out_twice() -> None:
    subject = classifier(width=80)
    found = list(membership.probe(subject, replace(PLAN, shadows=64)))
    assert ends(by_name(found, "lira_auc"))[0] > 0.55
    assert ends(by_name(found, "lira_auc"))[1] > ends(by_name(found, "confidence_attack_auc"))[1]
    assert found == list(membership.probe(subject, replace(PLAN, shadows=64)))
    assert by_name(found, "lira_auc", "group=a").estimate is not None


def test_what_cannot_be_attacked_is_said() -> None:
    subject = classifier()
    alone = list(membership.probe(replace(subject, trainer=None), PLAN))
    assert by_name(alone, "confidence_attack_auc").estimate is not None
    assert "--trainer" in by_name(alone, "lira_auc").why
    assert "--shadows" in by_name(list(membership.probe(subject, replace(PLAN, shadows=0))), "rmia_auc").why
    (nothing,) = membership.probe(replace(subject, learned=None), PLAN)
    assert nothing.estimate is None
    assert "--learned" in nothing.why
    rate = by_name(alone, "confidence_attack_tpr_at_0.001_fpr")
    assert rate.estimate is None
    assert "10,000" in rate.why


def test_predictions_with_a_column_of_members() -> None:
    rng = np.random.default_rng(0)
    member = rng.random(4000) < 0.5
    score = 1 / (1 + np.exp(-rng.normal(np.where(member, 1.5, 0.0), 1)))
    rows = pa.table({"label": ["1"] * 4000, "member": member})
    answers = pa.table({"score": score, "label": np.where(score >= 0.5, "1", "0")})
    groups = pa.table({"unit": [f"row {at}" for at in range(4000)]})
    subject = Subject("tabular", "made", rows, answers, np.arange(4000), groups, positive="1")
    found = list(membership.probe(subject, PLAN))
    low, _, high = ends(by_name(found, "confidence_attack_auc"))
    assert low < 0.8556 < high  # Phi(1.5 / sqrt 2)
    low, _, high = ends(by_name(found, "confidence_attack_tpr_at_0.01_fpr"))
    assert low < 0.2045 < high  # 1 - Phi(2.3263 - 1.5)
    assert "member" in by_name(found, "lira_auc").why


def test_people_of_learned_rows_are_clusters_and_have_their_groups() -> None:
    subject = classifier()
    who = pa.array([f"p{at // 2}" for at in range(150)])
    assert subject.learned is not None
    groups = pa.table({"unit": [f"p{at}" for at in range(75)], "group": ["a", "b", MISSING] * 25})
    subject = replace(subject, rows=subject.rows.append_column("who", who), unit=np.arange(150) // 2, groups=groups,
                      learned=subject.learned.append_column("who", who))  # fmt: skip
    found = list(membership.probe(replace(subject, trainer=None), PLAN))
    estimate = by_name(found, "confidence_attack_auc").estimate
    assert estimate is not None
    assert estimate.n == 75
    assert by_name(found, "confidence_attack_auc", f"group={MISSING}").estimate is not None


# Measures of attacks


def test_area_equals_delong_by_pairs() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(0.5, 1, 40).round(1), rng.normal(0, 1, 60).round(1)
    attack = Attack(np.concatenate([one, other]), np.arange(100) < 40, np.arange(100))
    wins = (one[:, None] > other) + 0.5 * (one[:, None] == other)
    found = area(attack)
    assert found.value[0] == pytest.approx(wins.mean(), abs=1e-12)
    variance = wins.mean(axis=1).var(ddof=1) / 40 + wins.mean(axis=0).var(ddof=1) / 60
    assert found.covariance[0, 0] == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize(("shift", "many"), [(0.0, 60), (0.5, 60), (1.5, 60), (0.7, 300)])
def test_intervals_of_auc_and_rates_cover(shift: float, many: int) -> None:
    rng = np.random.default_rng(5)
    from statistics import NormalDist

    auc = NormalDist().cdf(shift / math.sqrt(2))
    truth = {"auc": auc, "rate": 1 - NormalDist().cdf(NormalDist().inv_cdf(0.99) - shift)}
    times, hit, plan = 300, {"auc": 0, "rate": 0}, Plan()
    for _ in range(times):
        scores = np.concatenate([rng.normal(shift, 1, many), rng.normal(0, 1, many)])
        attack = Attack(scores, np.arange(2 * many) < many, np.arange(2 * many))
        low, _, high = ends(area_measure("auc", attack, plan))
        hit["auc"] += low <= truth["auc"] <= high
        if many == 300:  # 1,000 others allow a rate of 1%
            scores = np.concatenate([rng.normal(shift, 1, 400), rng.normal(0, 1, 1000)])
            attack = Attack(scores, np.arange(1400) < 400, np.arange(1400))
            low, _, high = ends(by_name(list(measures("a", attack, plan)), "a_tpr_at_0.01_fpr"))
            hit["rate"] += low <= truth["rate"] <= high
    assert 0.915 <= hit["auc"] / times <= 0.99
    assert many != 300 or hit["rate"] / times >= 0.915


def test_clusters_make_the_interval_wide() -> None:
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(60), 20)
    scores, member = np.repeat(rng.normal(size=60), 20), person % 2 == 0
    wide = ends(area_measure("auc", Attack(scores, member, person), Plan()))
    narrow = ends(area_measure("auc", Attack(scores, member, np.arange(1200)), Plan()))
    assert wide[2] - wide[0] > 3 * (narrow[2] - narrow[0])


# Attacks


def test_coins_put_every_row_into_half_of_the_shadows() -> None:
    drawn = coins(16, 500, 3)
    assert (drawn.sum(axis=0) == 8).all()
    assert drawn.mean(axis=1).min() > 0.4


@pytest.mark.parametrize("shadows", [16, 80])
def test_lira_is_the_ratio_of_two_normals(shadows: int) -> None:
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    inside = coins(shadows, 50, 0)
    signals = rng.normal(np.where(inside, 2.0, 0.0), 1.0)
    target = rng.normal(size=50)
    got = lira(target, Shadows(signals, inside))
    expected = []
    for at in range(50):
        a, b = signals[inside[:, at], at], signals[~inside[:, at], at]
        if shadows >= 64:
            one, other = a.std(ddof=1), b.std(ddof=1)
        else:
            groups = [(signals[m[:, j], j]) for m in (inside, ~inside) for j in range(50)]
            left, right = groups[:50], groups[50:]
            one, other = (
                math.sqrt(sum(((g - g.mean()) ** 2).sum() for g in side) / sum(len(g) - 1 for g in side))
                for side in (left, right)
            )
        expected.append(norm.logpdf(target[at], a.mean(), one) - norm.logpdf(target[at], b.mean(), other))
    assert got == pytest.approx(np.array(expected), abs=1e-9)


def test_rmia_orders_as_its_pairwise_definition() -> None:
    rng = np.random.default_rng(0)
    inside = coins(16, 60, 0)
    p = rng.uniform(0.05, 0.95, (16, 60))
    target = rng.uniform(0.05, 0.95, 60)
    got = rmia(np.log(target), Shadows(np.log(p), inside))
    mean = np.array([(p[inside[:, j], j].mean() + p[~inside[:, j], j].mean()) / 2 for j in range(60)])
    ratio = target / mean
    assert np.exp(got) == pytest.approx(ratio, rel=1e-9)
    share = ((ratio[:30, None] / ratio[None, 30:]) >= 2).mean(axis=1)  # gamma 2, the rest as the population
    order = np.argsort(got[:30])
    assert (np.diff(share[order]) >= 0).all()


def test_confidence_reads_probabilities_scores_and_margins() -> None:
    label = np.array(["a", "b", "c"], dtype=object)
    table = pa.table({"score": [0.7, 0.6, 0.9], "label": ["a", "b", "a"],
                      "probabilities": [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.9, 0.05, 0.05]]})  # fmt: skip
    assert np.exp(confidence(table, label, "")[0]) == pytest.approx([0.7, 0.6, 0.05])
    yes = pa.table({"score": [0.7, 0.6], "label": ["1", "1"]})
    assert np.exp(confidence(yes, np.array(["1", "0"], dtype=object), "1")[0]) == pytest.approx([0.7, 0.4])
    margin = pa.table({"score": [3.0, -2.0], "label": ["1", "0"]})
    assert confidence(margin, np.array(["1", "1"], dtype=object), "1")[1] == pytest.approx([3.0, -2.0])
