"""Probes of privacy on made models: one that remembers, one that says nothing, and known truths."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.private import attribute, canaries, epsilon, membership, membership_recsys
from consentinel.assure.private._attacks import Shadows, coins, lira, rmia
from consentinel.assure.private._confidence import confidence
from consentinel.assure.private._roc import Attack, area, area_measure, measures
from consentinel.assure.subject import MISSING, Subject

PLAN = Plan(draws=200, shadows=16, rows=200)


def by_name(found: Sequence[Measure], metric: str, slice: str = "") -> Measure:
    return next(one for one in found if one.metric == metric and one.slice == slice)


def ends(one: Measure) -> tuple[float, float, float]:
    assert one.estimate is not None, one.why
    return one.estimate.low, one.estimate.value, one.estimate.high


# Classifiers


@dataclass(frozen=True)
class Ridge:
    """A linear classifier; with CONSTANT it says one half of everything, with MEMORY it knows what it learned."""

    weights: np.ndarray
    memory: frozenset[bytes] = frozenset()
    constant: bool = False
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        x = inputs(rows)
        logit = x @ self.weights + 1e-3 * x[:, 0]
        if self.constant:
            logit = np.zeros(len(x))
        if self.memory:
            logit = np.where([row.tobytes() in self.memory for row in x], 9.0, 0.5) * np.sign(x[:, 0]) + 1e-6 * logit
        score = 1 / (1 + np.exp(-logit))
        return pa.table({"score": score, "label": np.where(score >= 0.5, "1", "0")})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


@dataclass(frozen=True)
class RidgeTrainer:
    """Fits it, or remembers, or learns nothing."""

    how: str = "ridge"
    reg: float = 1.0
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Ridge:
        x, y = inputs(rows), np.where(np.asarray(rows["label"]) == "1", 1.0, -1.0)
        weights = 4 * np.linalg.solve(x.T @ x + self.reg * np.eye(x.shape[1]), x.T @ y)
        memory = frozenset(row.tobytes() for row in x) if self.how == "remembers" else frozenset()
        return Ridge(weights, memory, self.how == "constant")


def inputs(rows: pa.Table) -> np.ndarray:
    return np.stack([np.asarray(rows[name]) for name in rows.column_names if name.startswith("x")], axis=1)


def classifier(how: str = "ridge", n: int = 150, width: int = 40, seed: int = 0, **more: Any) -> Subject:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * n, width))
    y = (x[:, 0] + rng.normal(size=2 * n) > 0).astype(int).astype(str)
    if how == "remembers":  # what it says of a label must not hide what it remembers
        y = (x[:, 0] > 0).astype(int).astype(str)
    group = np.where(rng.random(2 * n) < 0.5, "a", "b")
    table = pa.table({f"x{at}": x[:, at] for at in range(width)} | {"label": y, "group": group})
    trainer = RidgeTrainer(how)
    model = trainer.train(table.slice(0, n), seed=0)
    rows = table.slice(n)
    groups = pa.table({"unit": [f"row {at}" for at in range(n)], "group": rows["group"]})
    made = Subject("tabular", "made", rows, model.predict(rows), np.arange(n), groups, learned=table.slice(0, n),
                   model=model, trainer=trainer, positive="1")  # fmt: skip
    return replace(made, **more)


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


# Recommenders


@dataclass(frozen=True)
class Ease:
    """A linear autoencoder in closed form, which scores strangers by their history; DEAF: all alike."""

    items: list[str]
    weights: np.ndarray
    popular: np.ndarray
    deaf: bool = False
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        place = {name: at for at, name in enumerate(self.items)}
        query, item, score = [], [], []
        histories = rows["history"].to_pylist() if "history" in rows.column_names else [None] * rows.num_rows
        for name, k, history in zip(rows["query"].to_pylist(), rows["k"].to_pylist(), histories, strict=True):
            seen = [place[one] for one in history or [] if one in place]
            scores = self.popular.copy() if self.deaf else self.weights[seen].sum(axis=0) + 1e-6 * self.popular
            scores[seen] = -np.inf
            best = np.argsort(-scores, kind="stable")[: min(k, len(scores) - len(seen))]
            query += [name] * len(best)
            item += [self.items[at] for at in best]
            score += scores[best].tolist()
        return pa.table({"query": pa.array(query, pa.string()), "item": pa.array(item, pa.string()), "score": score})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


@dataclass(frozen=True)
class EaseTrainer:
    """Fits it."""

    reg: float = 1.0
    deaf: bool = False
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Ease:
        users, items = (np.unique(np.asarray(rows[name]), return_inverse=True) for name in ("user", "item"))
        x = np.zeros((len(users[0]), len(items[0])))
        x[users[1], items[1]] = 1.0
        inverse = np.linalg.inv(x.T @ x + self.reg * np.eye(x.shape[1]))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        order = np.cos(7.0 * np.array([int(name[1:]) for name in items[0]]))
        return Ease(items[0].tolist(), weights, order if self.deaf else x.sum(axis=0), self.deaf)


def recommender(people: int = 120, strangers: int = 0, deaf: bool = False, reg: float = 1.0) -> Subject:
    rng = np.random.default_rng(0)
    taste = rng.integers(0, 2, people)
    likes = np.where((np.arange(60) % 2)[None, :] == taste[:, None], 0.4, 0.1)
    did = rng.random((people, 60)) < likes
    held = did & (rng.random(did.shape) < 0.3)
    held[people - strangers :] = did[people - strangers :]
    who, what = np.nonzero(did & ~held)
    learned = pa.table({"user": [f"p{at}" for at in who], "item": [f"i{at}" for at in what]})
    who, what = np.nonzero(held)
    rows = pa.table({"query": [f"p{at}" for at in who], "item": [f"i{at}" for at in what], "label": np.ones(len(who))})
    names = [f"p{at}" for at in range(people)]
    queries = pa.table({"query": names, "k": pa.array([10] * people, pa.int32())})
    groups = pa.table({"unit": names, "taste": np.where(taste == 1, "odd", "even").tolist(),
                       "coin": rng.choice(["head", "tail"], people).tolist()})  # fmt: skip
    trainer = EaseTrainer(reg, deaf)
    model = trainer.train(learned, seed=0)
    shown = [learned.filter(pa.array(np.asarray(learned["user"]) == name))["item"].to_pylist() for name in names]
    answers = model.predict(queries.append_column("history", pa.array(shown, pa.list_(pa.string()))))
    return Subject("recsys", "made", rows, answers, who, groups, queries=queries, learned=learned, model=model,
                   trainer=trainer)  # fmt: skip


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
