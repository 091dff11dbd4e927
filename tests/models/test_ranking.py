"""Ranking metrics agree with scikit-learn and with their definitions written out."""

import math
import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.models.evaluation import ranking

Ranking = dict[str, list[str]]
Truth = dict[str, dict[str, float]]


def tables(ranked: Ranking, truth: Truth) -> tuple[pa.Table, pa.Table]:
    rows = [(q, i) for q, items in ranked.items() for i in items]
    right = [(q, i, label) for q, items in truth.items() for i, label in items.items()]
    return (
        pa.table({"query": [q for q, _ in rows], "item": [i for _, i in rows]}).cast(
            pa.schema([("query", pa.string()), ("item", pa.string())])
        ),
        pa.table({"query": [q for q, *_ in right], "item": [i for _, i, _ in right], "label": [x for *_, x in right]}),
    )


def measured(ranked: Ranking, truth: Truth, k: int = 0, **how: str) -> dict[str, dict[str, float]]:
    rows = ranking.per_query(*tables(ranked, truth), k, **how).to_pylist()  # type: ignore[arg-type]
    return {row.pop("query"): row for row in rows}


def by_definition(items: list[str], labels: dict[str, float], k: int, gain: str) -> dict[str, float]:
    """Return the metrics of one query, written as the formulas read."""
    cut = items[: k or None]
    worth = (lambda x: 2**x - 1) if gain == "exponential" else (lambda x: x)
    relevant = [item for item, label in labels.items() if label > 0]
    best = sorted(labels.values(), reverse=True)[: k or None]
    hits = [i + 1 for i, item in enumerate(cut) if item in relevant]
    return {
        "ndcg": sum(worth(labels.get(item, 0)) / math.log2(i + 2) for i, item in enumerate(cut))
        / sum(worth(label) / math.log2(i + 2) for i, label in enumerate(best)),
        "recall": len(hits) / len(relevant),
        "precision": len(hits) / (k or max(len(cut), 1)),
        "ap": sum((n + 1) / rank for n, rank in enumerate(hits)) / len(relevant),
        "hit": float(bool(hits)),
        "rr": 1 / hits[0] if hits else 0.0,
    }


IDS = st.sampled_from("abcdefgh")
RANKED = st.dictionaries(st.sampled_from("pqrs"), st.lists(IDS, unique=True), max_size=4)
TRUTH = st.dictionaries(st.sampled_from("pqrt"), st.dictionaries(IDS, st.integers(0, 3), min_size=1), min_size=1)


@settings(max_examples=150, deadline=None)
@given(RANKED, TRUTH, st.integers(0, 6), st.sampled_from(["exponential", "linear"]))
def test_it_is_what_the_definitions_say(ranked: Ranking, truth: Truth, k: int, gain: str) -> None:
    got = measured(ranked, truth, k, gain=gain)
    judged = [query for query, labels in truth.items() if any(labels.values())]
    assert list(got) == judged
    for query in judged:
        assert got[query] == pytest.approx(by_definition(ranked.get(query, []), truth[query], k, gain))


@pytest.mark.parametrize("k", [1, 5, 10, 40])
def test_it_equals_scikit_learn(k: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(7)
    queries, items = 30, 40
    labels = rng.integers(0, 4, (queries, items)) * (rng.random((queries, items)) < 0.3)
    labels[:, 0] = 1
    scores = rng.random((queries, items))
    ranked = {f"q{q}": [f"i{i}" for i in np.argsort(-scores[q])] for q in range(queries)}
    truth = {f"q{q}": {f"i{i}": float(labels[q, i]) for i in range(items)} for q in range(queries)}
    got, whole = measured(ranked, truth, k, gain="linear"), measured(ranked, truth)
    powered = measured(ranked, truth, k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for q in range(queries):
            row, wanted = got[f"q{q}"], labels[q : q + 1]
            assert row["ndcg"] == pytest.approx(metrics.ndcg_score(wanted, scores[q : q + 1], k=k))
            assert powered[f"q{q}"]["ndcg"] == pytest.approx(metrics.ndcg_score(2**wanted - 1, scores[q : q + 1], k=k))
            assert whole[f"q{q}"]["ap"] == pytest.approx(metrics.average_precision_score(wanted[0] > 0, scores[q]))
            assert whole[f"q{q}"]["rr"] == pytest.approx(
                max(1 / metrics.coverage_error((one > 0)[None], scores[q : q + 1]) for one in _each(wanted[0]))
            )


def _each(labels: np.ndarray) -> list[np.ndarray]:
    """Return each relevant item alone: its reciprocal rank is 1 / coverage error."""
    return [np.arange(len(labels)) == at for at in np.flatnonzero(labels > 0)]


def test_a_query_without_an_answer_counts_zero_and_one_without_truth_not_at_all() -> None:
    got = measured({"x": ["a"]}, {"x": {"a": 1.0}, "missing": {"a": 1.0}, "judged bad": {"a": 0.0}})
    assert got == {"x": dict.fromkeys(ranking.METRICS, 1.0), "missing": dict.fromkeys(ranking.METRICS, 0.0)}


def test_rows_of_queries_may_be_mixed_and_columns_dictionaries() -> None:
    ranked, truth = tables({"x": ["a", "b"], "y": ["b", "a"]}, {"y": {"a": 2.0}, "x": {"a": 1.0}})
    mixed = ranked.take([2, 0, 3, 1])
    coded = pa.table({name: mixed[name].dictionary_encode() for name in mixed.column_names})
    got = ranking.per_query(coded, truth, 2)
    assert got.schema.equals(ranking.PER_QUERY)
    assert got["query"].to_pylist() == ["y", "x"]
    assert ranking.values(got, "rr").tolist() == [0.5, 1.0]
    assert ranking.per_query(ranked, truth, 2)["ndcg"].to_pylist() == got["ndcg"].to_pylist()


def test_of_a_repeated_pair_the_highest_label_counts() -> None:
    truth = pa.table({"query": ["x"] * 3, "item": ["a", "a", "b"], "label": [1, 3, 1]})
    ranked = pa.table({"query": ["x", "x"], "item": ["a", "b"]})
    assert ranking.per_query(ranked, truth)["ndcg"].to_pylist() == [1.0]
    assert ranking.per_query(ranked.take([1, 0]), truth)["ndcg"][0].as_py() < 0.8


def test_bad_input_is_named() -> None:
    ranked, truth = tables({"x": ["a", "a"]}, {"x": {"a": 1.0}})
    with pytest.raises(BadInput, match="twice"):
        ranking.per_query(ranked, truth)
    with pytest.raises(UsageError, match="ranked needs the columns query and item"):
        ranking.per_query(truth.drop_columns(["item"]), truth)
    with pytest.raises(UsageError, match="at least 1"):
        ranking.per_query(truth, truth, -1)
    with pytest.raises(UsageError, match="gain"):
        ranking.per_query(truth, truth, gain="cubic")  # type: ignore[arg-type]
    for label in (None, -1.0, math.nan):
        with pytest.raises(BadInput, match="label"):
            ranking.per_query(truth, truth.set_column(2, "label", pa.array([label], pa.float64())))
    with pytest.raises(BadInput, match="1 empty cells"):
        ranking.per_query(truth.set_column(1, "item", pa.array([None], pa.string())), truth)
    with pytest.raises(UsageError, match="no metric 'map'"):
        ranking.values(ranking.per_query(truth, truth), "map")


def test_nothing_asked_gives_no_rows() -> None:
    ranked, truth = tables({"x": ["a"]}, {"x": {"a": 1.0}})
    assert ranking.per_query(ranked, truth.slice(0, 0)).num_rows == 0
    assert ranking.per_query(ranked.slice(0, 0), truth)["recall"].to_pylist() == [0.0]
