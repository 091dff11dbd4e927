"""Leaks of recommenders, attributes, canaries and claimed epsilons, on made models with known truth."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.measure import Plan
from consentinel.assure.private import attribute, canaries, epsilon, membership_recsys
from tests.assure.made_private import PLAN, by_name, classifier, ends, recommender


def test_interactions_and_people_of_a_recommender_are_found() -> None:
    found = list(membership_recsys.probe(recommender(), PLAN))
    assert ends(by_name(found, "interaction_lira_auc"))[0] > 0.7
    person = by_name(found, "person_lira_auc")
    assert ends(person)[0] > 0.6
    assert "shadow models" in person.why
    assert by_name(found, "interaction_lira_auc", "taste=odd").estimate is not None


def test_strangers_in_the_data_are_the_others_of_the_model_itself() -> None:
    found = list(membership_recsys.probe(recommender(strangers=50), PLAN))
    person = by_name(found, "person_lira_auc")
    assert ends(person)[0] > 0.6
    assert person.why == "16 shadow models"


def test_a_recommender_that_is_deaf_to_histories_gives_nobody_away() -> None:
    found = list(membership_recsys.probe(recommender(deaf=True), PLAN))
    low, _, high = ends(by_name(found, "person_lira_auc"))
    assert low < 0.62
    assert high > 0.5


def test_without_a_trainer_scores_alone_are_used() -> None:
    found = list(membership_recsys.probe(replace(recommender(), trainer=None), PLAN))
    assert by_name(found, "interaction_score_attack_auc").estimate is not None
    assert "--trainer" in by_name(found, "person_lira_auc").why


# Attributes


def test_an_attribute_in_the_lists_is_found_and_a_coin_is_not() -> None:
    found = list(attribute.probe(recommender(people=240), PLAN))
    assert ends(by_name(found, "attribute_inference_auc", "taste=even"))[0] > 0.8
    assert ends(by_name(found, "attribute_inference_auc_from_history", "taste=even"))[0] > 0.8
    low, _, high = ends(by_name(found, "attribute_inference_auc", "coin=head"))
    assert low < 0.5 < high


def test_an_attribute_in_the_scores_of_a_classifier() -> None:
    subject = classifier(n=600)
    group = np.where(
        np.asarray(subject.answers["score"]) + np.random.default_rng(0).normal(0, 0.2, 600) > 0.5, "a", "b"
    )
    told = replace(subject, groups=pa.table({"unit": subject.groups["unit"], "group": group, "one": ["x"] * 600}))
    found = list(attribute.probe(told, PLAN))
    assert ends(by_name(found, "attribute_inference_auc", "group=a"))[0] > 0.7
    assert "at least 2" in by_name(found, "attribute_inference_auc", "one").why


# Canaries and epsilon


@pytest.mark.parametrize("make", [lambda: classifier("constant"), lambda: recommender(deaf=True)])
def test_canaries_of_a_model_that_learns_nothing_are_not_exposed(make: Any) -> None:
    for one in canaries.probe(make(), PLAN):
        low, _, high = ends(one)
        assert one.null is not None
        assert one.null == pytest.approx(1.44, abs=0.1)
        assert low < one.null + 0.7
        assert high > one.null - 0.7
        assert one.p is not None
        assert one.p > 0.001


def test_canaries_that_are_remembered_are_exposed() -> None:
    found = list(canaries.probe(classifier(n=400, width=150), PLAN))
    once, often = by_name(found, "canary_exposure", "copies=1"), by_name(found, "canary_exposure", "copies=8")
    assert ends(often)[0] > ends(once)[1]
    assert often.p is not None
    assert often.p < 0.01
    people = list(canaries.probe(recommender(people=400, reg=0.1), PLAN))
    assert ends(by_name(people, "canary_exposure", "copies=8"))[0] > 1.6


def test_a_false_claim_is_refuted_and_a_true_one_is_not() -> None:
    leaky = replace(classifier(n=800, width=400), claimed=(0.1, 1e-5))
    (found,) = epsilon.probe(leaky, PLAN)
    assert found.estimate is not None
    assert found.estimate.low > 0.1
    assert "is refuted" in found.why
    (found,) = epsilon.probe(replace(classifier("constant", n=800), claimed=(0.1, 1e-5)), PLAN)
    assert found.estimate is not None
    assert found.estimate.low <= 0.1
    assert "not refuted" in found.why or "too few" in found.why


def test_the_auditor_gets_scores_coins_and_the_claim() -> None:
    seen: dict[str, Any] = {}

    @dataclass(frozen=True)
    class Finding:
        lower_bound_epsilon: float = 2.5
        p: float = 0.01
        verdict: str = "refuted"
        why: str = "so it is"

    def auditor(scores: Any, included: Any, /, *, claimed: float, delta: float, level: float) -> Finding:
        seen.update(claimed=claimed, delta=delta, level=level, many=len(scores))
        return Finding()

    found = epsilon.measured(auditor, np.zeros(20), np.ones(20, bool), (1.0, 1e-6), Plan(level=0.9), "rows")
    assert seen == {"claimed": 1.0, "delta": 1e-6, "level": 0.9, "many": 20}
    assert found.estimate is not None
    assert (found.estimate.low, found.null, found.p) == (2.5, 1.0, 0.01)
