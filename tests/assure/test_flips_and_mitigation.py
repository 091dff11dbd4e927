"""Counterfactual flips, and mitigation: gaps shrink on people that nothing was chosen on; what cannot is said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.fair import flips
from consentinel.assure.fair._identity import PAIRS, TEMPLATES, WORDS, exchanged
from consentinel.assure.measure import Plan
from consentinel.assure.mitigate import thresholds
from consentinel.assure.mitigating import applied, mitigated
from consentinel.assure.subject import Subject
from consentinel.core.errors import UsageError
from consentinel.core.tables import AUDITS
from tests.assure import made_subjects


@dataclass(frozen=True)
class Scores:
    """A linear classifier of x and of whether the group is b."""

    weights: tuple[float, float, float]
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return score and label."""
        x, b = np.asarray(rows["x"], np.float64), np.array([g == "b" for g in rows["group"].to_pylist()], float)
        w = self.weights
        score = 1 / (1 + np.exp(-(w[0] + w[1] * x + w[2] * b)))
        return pa.table({"score": score, "label": pa.array((score >= 0.5).astype(int).astype(str).tolist())})

    def save(self, path: Path, /) -> Path:
        """Not needed here."""
        raise AssertionError


@dataclass(frozen=True)
class Logistic:
    """Trains it by Newton's method."""

    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Scores:
        """Return the classifier of ROWS."""
        x, b = np.asarray(rows["x"], np.float64), np.array([g == "b" for g in rows["group"].to_pylist()], float)
        y = np.array([int(label) for label in rows["label"].to_pylist()], float)
        table, w = np.stack([np.ones(len(x)), x, b], axis=1), np.zeros(3)
        for _ in range(8):
            p = 1 / (1 + np.exp(-table @ w))
            w += np.linalg.solve((table * (p * (1 - p))[:, None]).T @ table + 1e-3 * np.eye(3), table.T @ (y - p))
        return Scores((float(w[0]), float(w[1]), float(w[2])))


def world(n: int, seed: int) -> pa.Table:
    """Return rows whose group b is said yes less often, for the same x."""
    rng = np.random.default_rng(seed)
    b, x = rng.random(n) < 0.4, rng.normal(0, 1, n)
    yes = rng.random(n) < 1 / (1 + np.exp(-(0.3 + 1.5 * x - 1.5 * b)))
    return pa.table({"x": x, "group": np.where(b, "b", "a").tolist(), "label": yes.astype(int).astype(str).tolist()})


def trainable(n: int = 2000) -> Subject:
    """Return a logistic regression that can be trained anew."""
    learned, rows = world(n, 1), world(n, 2)
    model = Logistic().train(learned, seed=0)
    groups = pa.table({"unit": [str(at) for at in range(n)], "group": rows["group"]})
    return Subject("tabular", "logistic", rows, model.predict(rows), np.arange(n), groups, learned=learned, model=model,
                   trainer=Logistic(), positive="1")  # fmt: skip


def test_words_are_exchanged_both_ways_with_their_capitals() -> None:
    got = exchanged(["She saw the MAN.", "nobody here", "Women and men"], "gender")
    assert got == ["He saw the WOMAN.", None, "Men and women"]
    assert all(set(WORDS) == set(PAIRS) for _ in TEMPLATES)


def test_flips_of_a_column_find_what_the_model_does_with_it() -> None:
    subject = trainable(1500)
    made = {(m.metric, m.slice, m.against): m for m in flips.probe(subject, Plan(rows=400))}
    change = made["flip_score_change", "group=b", "group=a"]
    assert change.estimate is not None
    assert change.estimate.low > 0.1
    assert change.p is not None
    assert change.p < 1e-6
    b = np.flatnonzero(subject.attribute("group") == "b")
    both = [subject.ask(subject.rows.take(pa.array(b)).set_column(1, "group", pa.array([g] * len(b)))) for g in "ba"]
    truth = float(np.mean(np.asarray(both[1]["score"]) - np.asarray(both[0]["score"])))
    assert change.estimate.low <= truth <= change.estimate.high
    blind = replace(subject, model=Scores((0.0, 1.0, 0.0)))
    blind = blind.answered(blind.ask(blind.rows))
    for measure in flips.probe(blind, Plan(rows=400)):
        assert measure.estimate is not None
        assert measure.estimate.value == 0


def test_flips_say_what_they_cannot_do() -> None:
    subject = made_subjects.classifier()
    subject = replace(subject, model=Scores((0.0, 1.0, 0.0)))
    whys = [m.why for m in flips.probe(subject, Plan())]
    assert len(whys) == 2
    assert all("no column of the rows" in why for why in whys)


class Words:
    """A text model that says yes to whatever names women."""

    kind = "text"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return score and label."""
        yes = [any(word in text.lower().split() for word in ("women", "she")) for text in rows["text"].to_pylist()]
        return pa.table({"score": np.where(yes, 0.9, 0.2), "label": ["1" if one else "0" for one in yes]})

    def save(self, path: Path, /) -> Path:
        """Not needed here."""
        raise AssertionError


def test_flips_of_words() -> None:
    rows = pa.table(
        {"text": ["she is here", "he is here", "women talk", "a dog barks"] * 5, "label": ["1", "0", "1", "0"] * 5}
    )
    model = Words()
    groups = pa.table({"unit": [str(at) for at in range(20)]})
    subject = Subject("text", "words", rows, model.predict(rows), np.arange(20), groups, model=model, positive="1")
    made = {(m.metric, m.slice): m for m in flips.probe(subject, Plan())}
    rate = made["flip_rate", "words=gender"].estimate
    assert rate is not None
    assert (rate.value, rate.n) == (1.0, 15)
    assert made["flip_rate", "words=race"].estimate is None
    gap = made["template_score_gap", "words=women"].estimate
    assert gap is not None
    assert gap.low > 0.1
    same = made["template_score_gap", "words=Muslims"].estimate
    assert same is not None
    assert same.value == 0


@pytest.mark.parametrize(
    "part",
    ["thresholds", "thresholds:demographic_parity", "thresholds:equal_opportunity:balanced_accuracy", "reweigh",
     "constraint", "constraint:equalized_odds"],
)  # fmt: skip
def test_the_gap_of_a_classifier_is_at_least_halved(part: str) -> None:
    subject = trainable()
    made = applied(subject, part, "group", seed=0)
    assert made.answers.num_rows == subject.rows.num_rows
    assert made.gap.before.low > 0.1
    assert abs(made.gap.after.value) < made.gap.before.value / 2
    assert made.gap.change.high < 0
    assert made.utility.change.value > -0.15
    assert applied(subject, part, "group", seed=0).answers.equals(made.answers)


def test_thresholds_reach_one_point_of_all_curves() -> None:
    rng = np.random.default_rng(0)
    n = 40_000
    code, yes = rng.integers(0, 2, n), rng.random(n) < 0.4
    score = yes * np.where(code == 1, 0.6, 1.5) + rng.normal(0, 1, n)
    rules = thresholds.chosen(score, yes, code, 2, "equalized_odds")
    points = []
    for at, rule in enumerate(rules):
        assert rule is not None
        chance = rule.chance(score)
        points.append([chance[(code == at) & (yes == side)].mean() for side in (True, False)])
    np.testing.assert_allclose(points[0], points[1], atol=1e-9)


def test_lists_are_made_alike_for_people_and_fair_to_items() -> None:
    subject = made_subjects.recommender(300, 40, seed=2)
    linear: Any = subject.model

    class Deep(made_subjects.Linear):
        def predict(self, rows: pa.Table, /) -> pa.Table:
            lines = []
            for query, k in zip(rows["query"].to_pylist(), rows["k"].to_pylist(), strict=True):
                seen = self.history(query)
                score = self.made[seen].sum(axis=0)
                score[seen] = -np.inf
                best = [at for at in np.argsort(-score, kind="stable")[:k] if np.isfinite(score[at])]
                lines += [{"query": query, "item": self.items[at], "score": float(score[at])} for at in best]
            return pa.Table.from_pylist(lines)

    subject = replace(subject, model=Deep(linear.items, linear.made, linear.histories), k=5)
    subject = subject.answered(subject.ask(subject.queries.set_column(1, "k", pa.array([5] * 300, pa.int32()))))
    people = applied(subject, "rerank", "taste", seed=0)
    assert abs(people.gap.after.value) < max(abs(people.gap.before.value), 0.05)
    items = applied(subject, "rerank", "genre", seed=0)
    assert items.gap.after.value < items.gap.before.value / 2
    assert items.answers.num_rows == subject.answers.num_rows


def test_mitigation_as_rows_of_an_audit() -> None:
    made = mitigated(trainable(1000), "thresholds:demographic_parity", "group", Plan())
    assert made.schema.names == AUDITS.names
    metrics = made["metric"].to_pylist()
    assert metrics[:3] == [f"demographic_parity_difference_{when}" for when in ("before", "after", "change")]
    assert "accuracy_change" in metrics
    assert "balanced_accuracy_change" in metrics


@pytest.mark.parametrize(
    ("part", "attribute", "said"),
    [
        ("rerank", "group", "this one is tabular"),
        ("reweigh", "group", "train"),
        ("thresholds:fairness", "group", "no criterion"),
        ("thresholds:equalized_odds:speed", "group", "no objective"),
        ("reweigh:demographic_parity:accuracy", "group", "after its name"),
        ("thresholds", "height", "no attribute"),
    ],
)
def test_what_cannot_be_mitigated_is_said(part: str, attribute: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        applied(made_subjects.classifier(), part, attribute, seed=0)
