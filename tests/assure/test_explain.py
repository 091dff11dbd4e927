"""Explanations of models whose truth is known: exact where they can be, faithful, and told where there are none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from consentinel.assure.explain import _integrated, _treeshap, counterfactual, gradients, linear_recommender, stability
from consentinel.assure.explain._asked import Asking, sampled
from consentinel.assure.explain._curves import EXAMPLES
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.shelves import EXPLAIN
from consentinel.assure.subject import Subject
from consentinel.core.errors import ContractBroken, UsageError
from tests.assure.made_subjects import recommender

PLAN = Plan(draws=200, rows=60)
Floats = NDArray[np.float64]


def found(part: str, subject: Subject, plan: Plan = PLAN) -> dict[str, Measure]:
    return {measure.metric: measure for measure in EXPLAIN.take(part).probe(subject, plan)}


def value(measure: Measure) -> float:
    assert measure.estimate is not None, measure.why
    return measure.estimate.value


def ahead(measure: Measure) -> bool:
    return measure.estimate is not None and measure.estimate.low > 0 and measure.p is not None and measure.p < 0.05


# Linear recommenders


def test_reasons_of_a_list_sum_to_its_scores_and_leads() -> None:
    subject = recommender()
    lists = list(linear_recommender.explained(subject, PLAN))
    assert len(lists) == PLAN.rows
    for one in lists:
        assert np.allclose(one.contributions.sum(axis=0), one.answered, atol=1e-12)
        lead = one.margins(0, 3)
        assert abs(lead.sum() - (one.answered[0] - one.answered[3])) < 1e-12
    assert value(found("linear_recommender", subject)["additivity_error"]) < 1e-12
    assert value(found("linear_recommender", subject)["answer_additivity_error"]) < 1e-12
    assert value(found("linear_recommender", subject)["reproduced_lists"]) == 1


def test_a_model_that_answers_otherwise_than_its_weights_is_seen() -> None:
    subject = recommender()
    model: Any = subject.model
    measures = found("linear_recommender", replace(subject, model=replace(model, made=model.made.T[::-1].copy())))
    assert value(measures["answer_additivity_error"]) > 1
    assert value(measures["reproduced_lists"]) < 0.5


def test_a_dropped_item_gives_the_list_that_the_model_would() -> None:
    subject = recommender()
    model: Any = subject.model
    for one in list(linear_recommender.explained(subject, PLAN))[:10]:
        shorter = np.delete(one.history, 0)
        score = model.made[shorter].sum(axis=0)
        score[one.history] = -np.inf
        assert one.without(np.array([0]), 10).tolist() == np.argsort(-score, kind="stable")[:10].tolist()


def test_the_strongest_reason_counts_more_than_a_random_one() -> None:
    measures = found("linear_recommender", recommender(people=200))
    assert ahead(measures["top_item_changed_difference"])
    assert ahead(measures["deletion_auc_difference"])


def test_strangers_have_no_reasons() -> None:
    subject = recommender()
    nobody = replace(subject.model, histories={})  # type: ignore[type-var]
    measure = found("linear_recommender", replace(subject, model=nobody))["additivity_error"]
    assert measure.estimate is None
    assert "history" in measure.why


# Trees


@dataclass(frozen=True)
class Grown:
    """Trees as a model that can be looked into."""

    made: list[dict[str, NDArray[Any]]]
    kind: str = "ranking"

    def features(self, rows: pa.Table, /) -> Floats:
        return np.array(rows["features"].to_pylist(), np.float64)

    def trees(self) -> Sequence[dict[str, NDArray[Any]]]:
        return self.made

    def predict(self, rows: pa.Table, /) -> pa.Table:
        x = self.features(rows)
        score = _treeshap.scores(_treeshap.paths(self.made, x.shape[1]), x)
        table = pa.table({"query": rows["query"], "item": rows["item"], "score": score})
        return table.take(pa.array(np.lexsort((-score, np.array(rows["query"].to_pylist())))))

    def save(self, path: Path, /) -> Path:
        raise AssertionError


def tree(seed: int, width: int = 4, depth: int = 4) -> dict[str, NDArray[Any]]:
    """Return a tree with a feature that comes twice on a path, uneven covers, and a branch that no row reached."""
    rng = np.random.default_rng(seed)
    rows: list[list[float]] = []

    def grow(cover: int, level: int) -> int:
        at = len(rows)
        if level == depth or (level > 1 and rng.random() < 0.2):
            rows.append([-1, 0, 0, 0, rng.normal(), cover])
            return at
        rows.append([rng.integers(width), rng.normal(), 0, 0, 0, cover])
        left = int(rng.integers(0, cover + 1))
        rows[at][2], rows[at][3] = grow(left, level + 1), grow(cover - left, level + 1)
        return at

    grow(100, 0)
    columns = np.array(rows).T
    names = ("feature", "threshold", "left", "right", "value", "cover")
    return {
        n: c.astype(np.int64) if n in ("feature", "left", "right") else c for n, c in zip(names, columns, strict=True)
    }


def counted(made: dict[str, NDArray[Any]], x: Floats) -> dict[str, NDArray[Any]]:
    """Return the tree with covers that the rows X have."""
    cover, todo = np.zeros(len(made["feature"])), [(0, np.ones(len(x), bool))]
    while todo:
        node, here = todo.pop()
        cover[node] = here.sum()
        if made["feature"][node] >= 0:
            left = x[:, made["feature"][node]] <= made["threshold"][node]
            todo += [(int(made["left"][node]), here & left), (int(made["right"][node]), here & ~left)]
    return made | {"cover": cover}


def known(made: dict[str, NDArray[Any]], x: Floats, features: set[int], node: int = 0) -> float:
    """Return the mean of the tree when only FEATURES of X are known, by going down it as it is."""
    feature = int(made["feature"][node])
    if feature < 0:
        return float(made["value"][node])
    sides = [int(made[side][node]) for side in ("left", "right")]
    if feature in features:
        return known(made, x, features, sides[int(x[feature] > made["threshold"][node])])
    cover = [float(made["cover"][side]) for side in sides]
    whole = float(made["cover"][node])
    return sum(c / whole * known(made, x, features, side) for c, side in zip(cover, sides, strict=True)) if whole else 0


def test_shapley_values_of_trees_are_those_of_all_subsets() -> None:
    from itertools import combinations
    from math import comb

    made, width = [tree(seed) for seed in range(5)], 4
    x = np.random.default_rng(0).normal(size=(6, width))
    got, begin = _treeshap.contributions(_treeshap.paths(made, width), x)
    for row, values in zip(x, got, strict=True):
        for feature in range(width):
            others = [one for one in range(width) if one != feature]
            wanted = 0.0
            for size in range(width):
                for some in combinations(others, size):
                    change = sum(known(t, row, {*some, feature}) - known(t, row, set(some)) for t in made)
                    wanted += change / width / comb(width - 1, size)
            assert abs(values[feature] - wanted) < 1e-12
        assert abs(values.sum() + begin - sum(known(t, row, set(range(width))) for t in made)) < 1e-12


def ranking(seed: int = 0, queries: int = 40, each: int = 6) -> Subject:
    rng = np.random.default_rng(seed)
    n = queries * each
    query = np.repeat([f"q{at}" for at in range(queries)], each)
    rows = pa.table({
        "query": query, "item": [f"d{at}" for at in range(n)], "label": rng.integers(0, 2, n).astype(float),
        "features": pa.array(rng.normal(size=(n, 4)).tolist(), pa.list_(pa.float32())),
    })  # fmt: skip
    x = np.array(rows["features"].to_pylist())
    model = Grown([counted(tree(one, depth=3), x) for one in range(20)])
    names = pa.table({"unit": [f"q{at}" for at in range(queries)]})
    unit = np.repeat(np.arange(queries), each)
    return Subject("ranking", "made", rows, model.predict(rows), unit, names, queries=names, model=model)


def test_values_of_two_documents_sum_to_the_lead_of_one() -> None:
    subject = ranking()
    measures = found("trees", subject, Plan(draws=200))
    assert value(measures["additivity_error"]) < 1e-12
    assert value(measures["pair_additivity_error"]) < 1e-12
    assert "most 0.0e+00" in measures["additivity_error"].why
    assert ahead(measures["deletion_auc_difference"])


def test_rows_without_features_are_told() -> None:
    subject = ranking()
    with pytest.raises(UsageError, match="features"):
        list(EXPLAIN.take("trees").probe(replace(subject, rows=subject.rows.drop_columns("features")), PLAN))


@pytest.mark.parametrize("change", [{"left": 9999}, {"left": 0}, {"feature": 40}])
def test_trees_that_are_none_are_refused(change: dict[str, int]) -> None:
    made = tree(0)
    for name, number in change.items():
        made[name] = made[name].copy()
        made[name][0] = number
    with pytest.raises(ContractBroken):
        _treeshap.paths([made], 4)


# Gradients


@dataclass(frozen=True)
class Smooth:
    """Three classes whose logits are smooth in the inputs, and known."""

    weights: Floats
    shape: tuple[int, ...]
    kind: str = "tabular"

    def inputs(self, rows: pa.Table, /) -> NDArray[np.float32]:
        return np.array(rows["x"].to_pylist(), np.float32).reshape(-1, *self.shape)

    def classes(self) -> Sequence[str]:
        return ["a", "b", "c"]

    def scores(self, inputs: NDArray[np.float32], /) -> NDArray[np.float32]:
        flat = np.nan_to_num(inputs).reshape(len(inputs), -1).astype(np.float64)
        return (np.sin(flat) @ self.weights).astype(np.float32)

    def gradient(self, inputs: NDArray[np.float32], target: NDArray[np.int64], /) -> NDArray[np.float32]:
        flat = np.nan_to_num(inputs).reshape(len(inputs), -1).astype(np.float64)
        return (np.cos(flat) * self.weights.T[target]).astype(np.float32).reshape(inputs.shape)

    def predict(self, rows: pa.Table, /) -> pa.Table:
        best = self.scores(self.inputs(rows)).argmax(axis=1)
        return pa.table({"score": np.ones(len(best)), "label": [self.classes()[at] for at in best]})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


def smooth(shape: tuple[int, ...], rows: int = 40, kind: str = "tabular") -> Subject:
    rng = np.random.default_rng(0)
    width = int(np.prod(shape))
    model = Smooth(rng.normal(size=(width, 3)), shape, kind)
    table = pa.table({"x": rng.uniform(-1, 1, (rows, width)).tolist(), "label": ["a"] * rows})
    units = pa.table({"unit": [str(at) for at in range(rows)]})
    return Subject(kind, "made", table, model.predict(table), np.arange(rows), units, model=model)


@pytest.mark.parametrize("shape", [(6,), (5, 3), (4, 3, 2)])
def test_integrated_gradients_are_the_known_integral(shape: tuple[int, ...]) -> None:
    subject = smooth(shape)
    model: Any = subject.model
    some = next(gradients.explained(subject, PLAN))
    flat = some.x.reshape(len(some.x), -1).astype(np.float64)
    wanted = (np.sin(flat) * model.weights.T[some.target]).reshape(some.x.shape)
    assert np.abs(some.values - wanted).max() < 1e-6
    assert some.positions.shape == (len(some.x), int(np.prod(shape[: 2 if len(shape) == 3 else 1])))
    measures = found("gradients", subject)
    assert value(measures["completeness_gap"]) < 1e-6
    assert ahead(measures["deletion_auc_difference"])
    assert ahead(measures["insertion_auc_difference"])


def test_what_is_not_there_adds_nothing() -> None:
    subject = smooth((4, 2))
    model: Any = subject.model
    x = model.inputs(subject.rows).copy()
    x[:, 3] = np.nan
    base = np.where(np.isnan(x), x, np.float32(0))
    values = _integrated.attributed(model, x, np.zeros(len(x), np.int64), base)
    assert (values[:, 3] == 0).all()
    assert np.isfinite(values).all()


# Models that can only be asked


@dataclass(frozen=True)
class Told:
    """A classifier of three columns, one of which it does not look at."""

    kind: str = "tabular"
    sure: Callable[[Floats, Floats], Floats] = lambda a, b: 1 / (1 + np.exp(-(2 * a + b)))

    def predict(self, rows: pa.Table, /) -> pa.Table:
        a, b = (np.asarray(rows[name], np.float64) for name in ("a", "b"))
        score = self.sure(a, b)
        return pa.table({"score": score, "label": np.where(score >= 0.5, "1", "0").tolist()})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


def told(rows: int = 80, **changed: Any) -> Subject:
    rng = np.random.default_rng(0)
    table = pa.table({name: rng.normal(size=rows) for name in ("a", "b", "unused")} | {"label": ["1"] * rows})
    model, units = Told(**changed), pa.table({"unit": [str(at) for at in range(rows)]})
    return Subject("tabular", "made", table, model.predict(table), np.arange(rows), units, model=model, positive="1")


def test_sampled_values_sum_exactly_and_know_an_unused_column() -> None:
    subject = told()
    values = sampled(Asking.of(subject), np.arange(10), 16, PLAN)
    assert np.abs(values.values.sum(axis=1) + values.begin - values.score).max() < 1e-12
    assert (values.values[:, 2] == 0).all()
    measures = found("sampling", subject)
    assert value(measures["additivity_error"]) < 1e-12
    assert value(measures["monte_carlo_error"]) > 0
    assert ahead(measures["deletion_auc_difference"])


def test_sampled_values_are_those_of_all_subsets_of_a_linear_model() -> None:
    subject = told(sure=lambda a, b: 0.5 + 0.1 * a + 0.05 * b)
    got = sampled(Asking.of(subject), np.arange(5), 400, PLAN)
    a = np.asarray(subject.rows["a"])
    wanted = 0.1 * (a[:5] - a.mean())
    assert (np.abs(got.values[:, 0] - wanted) < 5 * got.errors[:, 0]).all()


def test_a_counterfactual_flips_and_needs_each_of_its_columns() -> None:
    subject = told()
    one = counterfactual.flipped(subject, PLAN)
    assert one.done.mean() > 0.9
    assert not one.columns[:, 2].any()
    measures = found("counterfactual", subject)
    assert value(measures["counterfactual_share"]) > 0.9
    assert 1 <= value(measures["counterfactual_size"]) <= 2


def test_a_model_that_always_says_the_same_has_no_counterfactual() -> None:
    with pytest.raises(UsageError, match="same answer"):
        counterfactual.flipped(told(sure=lambda a, b: np.full(len(a), 0.7)), PLAN)


# Stability and examples


def test_explanations_stay_under_small_noise() -> None:
    for subject in (ranking(), smooth((20,)), told()):
        measure = found("stability", subject)["explanation_stability"]
        assert 0.5 < value(measure) <= 1
    nothing = replace(told(), kind="text")
    assert found("stability", nothing)["explanation_stability"].estimate is None


def test_rank_correlation_leaves_out_what_does_not_vary() -> None:
    first = np.array([[1.0, 2, 3], [1, 1, 1], [1, 2, np.nan]])
    got = stability.correlation(first, np.array([[3.0, 2, 1], [1, 2, 3], [1, 3, np.nan]]))
    assert got[0] == -1
    assert np.isnan(got[1])
    assert got[2] == 1


def test_examples_name_items_and_columns_and_never_people() -> None:
    cases = {"linear_recommender": recommender(), "trees": ranking(), "gradients": smooth((4,)), "sampling": told(),
             "counterfactual": told()}  # fmt: skip
    for part, subject in cases.items():
        table = EXPLAIN.take(part).examples(subject, PLAN)  # type: ignore[attr-defined]
        assert table.schema.equals(EXAMPLES)
        assert table.num_rows
        assert not {*subject.groups["unit"].to_pylist()} & {*table["about"].to_pylist()}


def test_equal_seeds_give_equal_measures() -> None:
    for part, subject in {"linear_recommender": recommender(), "sampling": told(), "gradients": smooth((4,))}.items():
        assert found(part, subject) == found(part, subject)
