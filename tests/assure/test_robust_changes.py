"""Noise, missing inputs and drift on models and samples whose truth is known by construction."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.assure.measure import Plan
from consentinel.assure.robust import _scored, _shift, drift, noise
from consentinel.assure.subject import Subject
from consentinel.core.errors import UsageError
from tests.assure.made_subjects import recommender
from tests.assure.made_weak import (
    PLAN,
    Asked,
    constant,
    found,
    linear,
    pictures,
    ranker,
    reads,
    table_of,
    value,
    writings,
)  # fmt: skip

# Noise and missing inputs


def test_noise_flips_as_many_signs_as_it_must() -> None:
    measures = found("noise", table_of(2000), Plan(draws=200, rows=2000))
    for level in (0.1, 0.2, 0.5):  # a normal number and its noise: the angle between them
        truth = math.atan(level) / math.pi
        flips = measures["flip_rate_under_noise", f"noise={level:g}"]
        assert flips.estimate is not None
        assert flips.estimate.low <= truth <= flips.estimate.high
        assert value(measures["accuracy_change_under_noise", f"noise={level:g}"]) == pytest.approx(-value(flips))
    assert noise.numeric(table_of().rows) == ["x", "y"]


def test_what_is_missing_counts_only_where_it_is_looked_at() -> None:
    measures = found("missing", table_of())
    assert value(measures["accuracy_change_under_missing", "column=y"]) == 0
    assert value(measures["accuracy_change_under_missing", "column=word"]) == 0
    assert value(measures["accuracy_change_under_missing", "column=x"]) < -0.3
    worse = [value(measures["accuracy_under_missing", f"values missing={share:g}"]) for share in (0.1, 0.25, 0.5)]
    assert worse == sorted(worse, reverse=True)
    assert "typical" not in measures["accuracy_under_missing", "values missing=0.1"].why
    strict = found("missing", table_of(nulls=False))["accuracy_under_missing", "values missing=0.1"]
    assert "typical" in strict.why
    value(strict)


def test_columns_keep_their_types() -> None:
    subject = table_of()
    rows = subject.rows.set_column(3, "word", subject.rows["word"].combine_chunks().dictionary_encode())
    rows = rows.append_column("old", pa.array([True, None] * 200)).append_column(
        "day", pa.array([None] * 400, pa.date32())
    )
    kept: list[pa.Schema] = []

    def says(asked_rows: pa.Table) -> pa.Table:
        kept.append(asked_rows.schema)
        return table_of().model.predict(asked_rows)  # type: ignore[union-attr]

    subject = replace(subject, rows=rows, model=Asked(says, "tabular"))
    for part in ("noise", "missing"):
        assert all(one.estimate is not None for one in found(part, subject).values())
    assert {schema == rows.schema for schema in kept} == {True}


def test_pictures_get_noise_and_lose_pixels_and_a_constant_model_does_not_care() -> None:
    for part in ("noise", "missing"):
        flips = [value(one) for (name, _), one in found(part, pictures(constant())).items() if name.startswith("flip")]
        assert set(flips) == {0.0}
        moved = [value(one) for (name, _), one in found(part, pictures(linear())).items() if name.startswith("flip")]
        assert max(moved) > 0.05
    assert len(moved) == 6


def test_texts_lose_words() -> None:
    measures = found("missing", writings(reads("splendid"), n=300), Plan(draws=200, rows=300))
    for share in (0.1, 0.25, 0.5):  # half of the texts have the word, and lose it as often as any
        kept = measures["accuracy_under_missing", f"words missing={share:g}"].estimate
        assert kept is not None
        assert kept.low <= 1 - share / 2 <= kept.high


def test_graphs_lose_links_at_both_ends_and_features() -> None:
    n = 200
    rng = np.random.default_rng(0)
    near: list[set[int]] = [set() for _ in range(n)]
    for at in range(n):
        for other in rng.choice(n, 3).tolist():
            if other != at:
                near[at].add(other)
                near[other].add(at)

    def says(rows: pa.Table) -> pa.Table:
        lists = rows["neighbours"].to_pylist()
        for at, some in enumerate(lists):
            assert all(at in lists[other] for other in some)
        many = np.array([len(some) for some in lists])
        return pa.table({"score": np.full(n, 0.6), "label": np.where(many >= 6, "hub", "leaf").tolist()})

    rows = pa.table({"node": [f"n{at}" for at in range(n)], "features": pa.array(
        rng.random((n, 3)).tolist(), pa.list_(pa.float32())), "neighbours": pa.array(
        [sorted(some) for some in near], pa.list_(pa.int32()))})  # fmt: skip
    rows = rows.append_column("label", says(rows)["label"])
    groups = pa.table({"unit": rows["node"]})
    subject = Subject("graph", "made", rows, says(rows), np.arange(n), groups, model=Asked(says, "graph"))
    measures = found("missing", subject)
    assert value(measures["accuracy_change_under_missing", "links missing=0.5"]) < -0.1
    assert value(measures["accuracy_change_under_missing", "features missing=0.5"]) == 0


def test_rankings_of_features_get_noise_and_lose_features() -> None:
    loud = found("noise", ranker(), Plan(draws=200, rows=40))
    drops = [value(loud["ndcg@10_change_under_noise", f"noise={level:g}"]) for level in (0.05, 0.5)]
    assert drops[1] < drops[0] <= 0
    gone = found("missing", ranker())["ndcg@10_change_under_missing", "features missing=0.5"]
    assert value(gone) < -0.05
    with pytest.raises(UsageError, match="features"):
        found("noise", replace(ranker(), rows=ranker().rows.drop_columns(["features"])))


# Drift


def moved(by: float, worse: float = 0.0, n: int = 1500) -> Subject:
    """Return rows whose x lies BY off that of the learned ones, and are answered WORSE in the later half."""
    rng = np.random.default_rng(1)

    def sample(shift: float) -> dict[str, Any]:
        return {
            "x": rng.normal(shift, 1, n),
            "z": rng.normal(0, 1, n),
            "place": rng.choice(["a", "b", "c"], n).tolist(),
        }

    learned, rows = pa.table(sample(0.0)), pa.table(sample(by))
    time = rng.permutation(n)
    right = rng.random(n) < np.where(time >= n / 2, 0.85 - worse, 0.85)
    right &= rng.random(n) < np.where(np.asarray(rows["x"]) > 1, 0.5, 1.0)  # it errs where x is large
    rows = rows.append_column("time", pa.array(time)).append_column("label", pa.array(["1"] * n))
    answers = pa.table({"score": np.full(n, 0.5), "label": np.where(right, "1", "0").tolist()})
    groups = pa.table({"unit": [f"row {at}" for at in range(n)]})
    return Subject("tabular", "made", rows, answers, np.arange(n), groups, learned=learned, positive="1")


def test_drift_is_seen_where_it_is_and_nowhere_else() -> None:
    measures = found("drift", moved(1.0, 0.2))
    told = {slice: one for (metric, slice), one in measures.items() if metric.endswith("distance")}
    assert (told["column=x"].p or 0) < 1e-6
    assert (told["column=z"].p or 0) > 0.01
    assert (told["column=place"].p or 0) > 0.01
    apart = measures["domain_auc", "learned rows"].estimate
    assert apart is not None
    truth = 0.5 * (1 + math.erf(0.5))  # of two normal numbers one standard deviation apart
    assert apart.low - 0.02 <= truth <= apart.high + 0.02
    late = measures["accuracy_late_less_early", "time=late"]
    assert late.estimate is not None
    assert late.estimate.high < 0
    like = measures["accuracy_if_like_learned_change", "like learned rows"]
    assert like.estimate is not None
    assert like.estimate.low > 0  # the learned rows have fewer large x


def test_without_drift_nothing_is_shown() -> None:
    measures = found("drift", moved(0.0))
    apart = measures["domain_auc", "learned rows"].estimate
    assert apart is not None
    assert apart.low - 0.02 <= 0.5 <= apart.high + 0.02
    for name, slice in (
        ("accuracy_late_less_early", "time=late"),
        ("accuracy_if_like_learned_change", "like learned rows"),
    ):
        estimate = measures[name, slice].estimate
        assert estimate is not None
        assert estimate.low <= 0 <= estimate.high
    alone = found("drift", replace(moved(0.0), learned=None))
    assert "--learned" in alone["domain_auc", ""].why
    far = found("drift", moved(9.0))["accuracy_if_like_learned_change", "like learned rows"]
    assert far.estimate is None
    assert "overlap" in far.why


def test_every_kind_has_something_to_compare() -> None:
    texts, seen, ranked = writings(reads("splendid")), pictures(linear()), ranker()
    for subject in (replace(texts, learned=texts.rows), replace(seen, learned=seen.rows),
                    replace(ranked, learned=ranked.rows), recommender()):  # fmt: skip
        measures = found("drift", subject)
        assert value(measures["domain_auc", "learned rows"]) < 0.75
        assert any(metric == "ks_distance" for metric, _ in measures)


def test_late_and_early_are_queries_for_rankings() -> None:
    subject = ranker(100)
    time = pa.array(np.repeat(np.arange(100), 8))
    bad = np.repeat(np.arange(100) >= 50, 8)  # later queries are answered the wrong way round
    score = np.where(bad, -1.0, 1.0) * np.array(subject.rows["label"].to_pylist())
    answers = pa.table({"query": subject.rows["query"], "item": subject.rows["item"], "score": score})
    query = np.array(subject.rows["query"].to_pylist())
    answers = answers.take(pa.array(np.lexsort((-score, query))))
    late = replace(subject, rows=subject.rows.append_column("time", time), answers=answers)
    measure = found("drift", late)["ndcg@10_late_less_early", "time=late"]
    assert measure.estimate is not None
    assert measure.estimate.high < -0.1


def test_days_are_times_and_words_are_not() -> None:
    assert (np.diff(drift._numbers(pa.array(["2020-01-02", "2021-03-04"]))) > 0).all()
    with pytest.raises(UsageError, match="dates"):
        drift._numbers(pa.array(["soon", "later"]))


# Shares


def test_a_paired_change_covers_its_truth() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(300):
        worse, better = 0.1, 0.04
        draw = rng.random(120)
        was = np.where(draw < worse, 1.0, np.where(draw < worse + better, 0.0, rng.random(120) < 0.7))
        now = np.where(draw < worse, 0.0, np.where(draw < worse + better, 1.0, was))
        estimate = _scored.change("change", was, now, np.arange(120), PLAN).estimate
        assert estimate is not None
        inside += estimate.low <= better - worse <= estimate.high
    assert 0.92 <= inside / 300 <= 0.99


def test_the_auc_of_two_samples_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    yes, no = rng.normal(1, 1, 50).round(1), rng.normal(0, 1, 70).round(1)
    estimate, p, _ = _shift.auc(yes, no, np.arange(70), 0.95)
    wanted = metrics.roc_auc_score(np.repeat([1, 0], [50, 70]), np.concatenate([yes, no]))
    assert estimate.value == pytest.approx(wanted, abs=1e-12)
    assert p < 1e-6
