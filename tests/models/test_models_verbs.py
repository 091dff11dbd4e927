"""Train, evaluate and predict from files, as a person does."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core.errors import BadInput, BudgetRefused, ContractBroken, UsageError
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, opened
from consentinel.core.model_contracts import Model
from consentinel.models import files, kept, verbs
from consentinel.models.evaluation import measuring
from consentinel.models.rows import INTERACTIONS
from tests.models.made_rows import interactions, made

EASE = "reg=5"


def kept_rows(tmp_path: Path, table: pa.Table, name: str = "rows.parquet") -> Path:
    return files.write(table, tmp_path / name)


def metrics(outcome: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["model"], row["metric"]): row for row in pq.read_table(outcome.tables["metrics"]).to_pylist()}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return kept_rows(tmp_path, interactions(people=60), "log.inter")


# Train, evaluate, predict: recommenders


def test_a_recommender_from_a_file_to_an_honest_number(tmp_path: Path, log: Path) -> None:
    out = verbs.train("recommend/ease", log, out=tmp_path / "t", settings=EASE, split="last", seed=4)
    assert out.exit_code == 0
    assert set(out.tables) == {"training", "held_out", "model"}
    assert "models evaluate" in out.text
    got = verbs.evaluate(
        str(out.tables["model"]), out.tables["held_out"], train=out.tables["training"], out=tmp_path / "e", k=5
    )
    table = metrics(got)
    ease, popular = table["recommend/ease", "recall@5"], table["popularity", "recall@5"]
    assert ease["low"] <= ease["value"] <= ease["high"]
    assert ease["n"] == 60
    gap = table["recommend/ease - popularity", "recall@5"]
    assert gap["value"] == pytest.approx(ease["value"] - popular["value"])
    assert gap["low"] > 0
    assert pq.read_table(got.tables["per_query"]).num_rows == 60
    record = json.loads((tmp_path / "e" / "run.json").read_text())
    assert record["asked"]["model"] == "model.safetensors"
    assert len(record["read"]) == 3


def test_a_part_is_split_trained_and_measured_in_one_go(tmp_path: Path, log: Path) -> None:
    by_hand = verbs.train("recommend/ease", log, out=tmp_path / "t", settings=EASE, split="random", seed=4)
    hand = verbs.evaluate(
        str(by_hand.tables["model"]), by_hand.tables["held_out"], train=by_hand.tables["training"],
        out=tmp_path / "h", seed=4,
    )  # fmt: skip
    once = verbs.evaluate("recommend/ease", log, out=tmp_path / "e", settings=EASE, split="random", seed=4)
    assert metrics(once) == metrics(hand)


def test_several_seeds_give_intervals_over_people_and_seeds(tmp_path: Path, log: Path) -> None:
    got = metrics(
        verbs.evaluate("recommend/ials", log, out=tmp_path / "e", settings="factors=4,iterations=2", split="last",
                       seeds=3, metrics="ndcg,hit")
    )  # fmt: skip
    assert {metric for _, metric in got} == {"ndcg@10", "hit@10"}
    assert got["recommend/ials", "ndcg@10"]["method"] == "t over people and seeds"
    assert got["recommend/ials", "ndcg@10"]["n"] == 3


def test_sampled_metrics_only_when_asked_and_then_named_so(tmp_path: Path, log: Path) -> None:
    plain = metrics(verbs.evaluate("recommend/ease", log, out=tmp_path / "p", settings=EASE, split="last"))
    assert not [metric for _, metric in plain if metric.startswith("sampled")]
    got = verbs.evaluate(
        "recommend/ease", log, out=tmp_path / "e", settings=EASE, split="last", sampled=10, metrics="hit"
    )
    assert {metric for _, metric in metrics(got)} == {"sampled_hit@10"}
    assert "do not keep the order of models" in got.text
    better = metrics(got)["recommend/ease", "sampled_hit@10"]["value"]
    assert better >= plain["recommend/ease", "hit@10"]["value"]


def test_repeats_strangers_and_new_items_are_told(tmp_path: Path, log: Path) -> None:
    out = verbs.train("recommend/ease", log, out=tmp_path / "t", settings=EASE)
    held = interactions(people=60).slice(0, 3).to_pylist()
    held += [
        {"user": "new", "item": "i1", "time": 1, "weight": 1},
        {"user": "u1", "item": "new", "time": 1, "weight": 1},
    ]
    rows = kept_rows(tmp_path, pa.Table.from_pylist(held, INTERACTIONS))
    got = verbs.evaluate(str(out.tables["model"]), rows, train=log, out=tmp_path / "e")
    assert "3 held-out rows repeat what was learned from" in got.text
    assert "1 of 2 people were not learned from" in got.text
    assert "1 of 2 held-out rows are of items that were not learned from" in got.text
    assert metrics(got)["recommend/ease", "recall@10"]["n"] == 2
    with pytest.raises(UsageError, match="no held-out row is left"):
        verbs.evaluate(str(out.tables["model"]), log, train=log, out=tmp_path / "f")


def test_recommendations_for_users_and_queries(tmp_path: Path, log: Path) -> None:
    model = verbs.train("recommend/ease", log, out=tmp_path / "t", settings=EASE).tables["model"]
    got = verbs.predict(model, log, out=tmp_path / "p", k=4, form="run")
    table = pq.read_table(got.tables["predictions"])
    assert table.num_rows == 240
    assert files.read(got.tables["run"]).num_rows == 240
    ask = kept_rows(tmp_path, pa.table({"query": ["u1", "stranger"], "history": [None, ["i0", "i2"]]}), "q.parquet")
    two = pq.read_table(verbs.predict(model, ask, out=tmp_path / "q", k=2).tables["predictions"])
    assert two["query"].to_pylist() == ["u1", "u1", "stranger", "stranger"]


def test_columns_of_files_can_be_named(tmp_path: Path) -> None:
    table = interactions().rename_columns(["session", "track", "time", "weight"])
    rows = kept_rows(tmp_path, table)
    with pytest.raises(UsageError, match=r"rows\.parquet: no column 'user'.*--columns user=THEIRS"):
        verbs.train("recommend/popularity", rows, out=tmp_path / "a")
    out = verbs.train("recommend/popularity", rows, out=tmp_path / "b", columns="user=session,item=track")
    assert out.tables["model"].is_file()


# The other kinds


def test_a_classifier_beside_the_base_rate(tmp_path: Path) -> None:
    learn = made("ads")[0].learn
    rows = kept_rows(tmp_path, learn.append_column("who", pa.array([f"p{n // 3}" for n in range(240)])))
    got = verbs.evaluate(
        "ads/logistic", rows, out=tmp_path / "e", split="random", share=0.3, person="who",
        settings="categorical=device slot",
    )  # fmt: skip
    table = metrics(got)
    assert {metric for _, metric in table} == {"accuracy", "log_loss", "explained_entropy", "auc", "calibration_error"}
    assert table["ads/logistic", "auc"]["n"] == 24
    assert table["base rate", "auc"]["value"] == 0.5
    assert abs(table["base rate", "explained_entropy"]["value"]) < 0.05
    assert table["ads/logistic - base rate", "auc"]["value"] == pytest.approx(
        table["ads/logistic", "auc"]["value"] - 0.5
    )
    model = verbs.train("ads/logistic", rows, out=tmp_path / "t", settings="categorical=device slot").tables["model"]
    alone = verbs.evaluate(str(model), rows, out=tmp_path / "m", metrics="auc")
    assert "--train would name another" in alone.text
    answers = pq.read_table(verbs.predict(model, rows, out=tmp_path / "p").tables["predictions"])
    assert answers.num_rows == 240
    with pytest.raises(UsageError, match=r"no \.run file"):
        verbs.predict(model, rows, out=tmp_path / "q", form="run")


class Sure:
    """Answers left to everything, with probabilities of classes or without."""

    kind = "text"

    def __init__(self, p: list[float]) -> None:
        self.p = p

    def predict(self, rows: pa.Table, /) -> pa.Table:
        return pa.table({"score": self.p, "label": ["left"] * len(self.p)})

    def save(self, path: Path, /) -> Path:
        return path


def test_labels_of_several_classes_are_measured_by_accuracy_and_calibration() -> None:
    model: Model = Sure([0.9, 0.6, 0.7, 0.8])
    rows = pa.table({"text": ["a", "b", "c", "d"]})
    got = measuring.answers(model, rows)
    figures = measuring.row_figures("sure", "text", pa.array(["left", "right", None, "left"]), got)
    assert figures.means["accuracy"].tolist() == [1, 0, 1]
    assert figures.p.tolist() == [0.9, 0.6, 0.8]
    base = measuring.constant(pa.array(["left", "right", "left"]), None)
    assert base.said.to_pylist() == ["left"] * 3
    assert base.p.tolist() == pytest.approx([2 / 3] * 3)


@pytest.mark.parametrize(("p", "said"), [([0.5], "answered 1 of 2 rows"), ([0.5, float("nan")], "not finite")])
def test_a_model_that_breaks_its_promise_is_told(p: list[float], said: str) -> None:
    with pytest.raises(ContractBroken, match=said):
        measuring.answers(Sure(p), pa.table({"text": ["a", "b"]}))


def test_effects_are_not_held_against_labels() -> None:
    answered = measuring.Answered(pa.array(["1", "0"]), np.array([0.2, -0.1]))
    with pytest.raises(UsageError, match="answers no probabilities"):
        measuring.row_figures("ads/uplift", "tabular", pa.array(["1", "0"]), answered)
    with pytest.raises(UsageError, match="labels of a tabular model are 0 and 1"):
        measuring.row_figures("ads/logistic", "tabular", pa.array(["yes", "no"]), answered)
    with pytest.raises(UsageError, match="no row has a label"):
        measuring.row_figures("ads/logistic", "tabular", pa.array([None, None], pa.string()), answered)


def test_rankers_beside_chance_and_bm25(tmp_path: Path) -> None:
    judged, texts = (form.learn for form in made("rank")[:2])
    letor = files.write(judged, tmp_path / "rows.letor")
    got = metrics(
        verbs.evaluate("rank/lambdarank", letor, out=tmp_path / "e", split="random", settings="trees=10,least=2", k=3)
    )
    assert got["rank/lambdarank", "ndcg@3"]["value"] > 0.5
    assert ("random order", "ndcg@3") in got
    rows = kept_rows(tmp_path, texts)
    model = verbs.train("rank/bm25", rows, out=tmp_path / "t").tables["model"]
    alone = verbs.evaluate(str(model), rows, out=tmp_path / "m", k=0)
    assert "ap" in {metric for _, metric in metrics(alone)}
    assert metrics(alone)["rank/bm25", "ap"]["n"] == 8
    ask = kept_rows(tmp_path, made("rank")[1].ask, "ask.parquet")
    ranked = files.read(verbs.predict(model, ask, out=tmp_path / "p", form="run").tables["run"])
    assert set(ranked["query"].to_pylist()) == {"a", "b"}


def test_a_fair_ranking_beside_the_one_that_was_given(tmp_path: Path) -> None:
    form = made("rank")[2].learn
    label = pa.array([float(n % 4 == 0) for n in range(form.num_rows)])
    rows = kept_rows(tmp_path, form.append_column("label", label))
    model = verbs.train("rank/fair_rerank", rows, out=tmp_path / "t").tables["model"]
    got = metrics(verbs.evaluate(str(model), rows, out=tmp_path / "e"))
    assert got["order given", "precision@10"]["value"] == 0.3
    ranked = pq.read_table(verbs.predict(model, rows, out=tmp_path / "p").tables["predictions"])
    assert ranked.num_rows == form.num_rows


def test_what_answers_with_no_items_is_not_measured_on_items(tmp_path: Path, log: Path) -> None:
    with pytest.raises(UsageError, match="answers with none of the items"):
        verbs.evaluate("users/look_alike", log, out=tmp_path / "e", split="last")


# What is refused


def test_bad_requests_say_what_to_do(tmp_path: Path, log: Path) -> None:
    model = str(verbs.train("recommend/popularity", log, out=tmp_path / "t").tables["model"])
    cases: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (
            UsageError,
            "'popularity' is no part: name it shelf/part",
            lambda: verbs.train("popularity", log, out=tmp_path / "a"),
        ),
        (UsageError, "no 'eaze' on models/recommend", lambda: verbs.train("recommend/eaze", log, out=tmp_path / "a")),
        (
            UsageError,
            "no setting 'rg'; did you mean reg",
            lambda: verbs.train("recommend/ease", log, out=tmp_path / "a", settings="rg=1"),
        ),
        (
            UsageError,
            "reg is at least",
            lambda: verbs.train("recommend/ease", log, out=tmp_path / "a", settings="reg=-1"),
        ),
        (
            UsageError,
            "pays nothing; leave out --ledger",
            lambda: verbs.train("recommend/ease", log, out=tmp_path / "a", ledger="l"),
        ),
        (UsageError, "say with --split", lambda: verbs.evaluate("recommend/ease", log, out=tmp_path / "a")),
        (UsageError, "is trained already", lambda: verbs.evaluate(model, log, out=tmp_path / "a", split="last")),
        (UsageError, "say with --train", lambda: verbs.evaluate(model, log, out=tmp_path / "a")),
        (
            UsageError,
            "no metric 'map' here",
            lambda: verbs.evaluate("recommend/ease", log, out=tmp_path / "a", split="last", metrics="map"),
        ),
        (
            UsageError,
            "k and sampled are at least 0",
            lambda: verbs.evaluate("recommend/ease", log, out=tmp_path / "a", split="last", k=-1),
        ),
        (UsageError, "at least 1; got 0", lambda: verbs.predict(Path(model), log, out=tmp_path / "a", k=0)),
        (BadInput, "is not a whole model file", lambda: verbs.predict(log, log, out=tmp_path / "a")),
        (BadInput, "cannot be read", lambda: verbs.evaluate(str(tmp_path / "no.safetensors"), log, out=tmp_path / "a")),
        (
            UsageError,
            "no format for '.csv'",
            lambda: verbs.train(
                "recommend/ease", kept_rows(tmp_path, interactions()).rename(tmp_path / "a.csv"), out=tmp_path / "a"
            ),
        ),
    ]
    for kind, said, ask in cases:
        with pytest.raises(kind, match=said):
            ask()


def test_files_of_no_rows_are_refused(tmp_path: Path) -> None:
    rows = kept_rows(tmp_path, interactions().slice(0, 0))
    with pytest.raises(UsageError, match=r"rows\.parquet: there are no rows"):
        verbs.train("recommend/ease", rows, out=tmp_path / "a")


# Private parts are paid for


def test_a_private_part_is_paid_for_before_it_trains(tmp_path: Path) -> None:
    pytest.importorskip("opendp")
    private = [name for name in kept.SHELVES["ads"].names() if name == "private_logistic"]
    assert private
    rows = kept_rows(tmp_path, made("ads")[0].learn)
    ask: dict[str, Any] = {"settings": "categorical=device slot,steps=3", "out": tmp_path / "t"}
    with pytest.raises(UsageError, match="has to be paid for; name --ledger, --dataset"):
        verbs.train("ads/private_logistic", rows, **ask)
    where = str(tmp_path / "ledger.sqlite")
    created(where)
    who = {"ledger": where, "dataset": "clicks", "epoch": "2026", "principal": "ads", "purpose": "ranking"}
    with pytest.raises(BudgetRefused):
        verbs.train("ads/private_logistic", rows, **ask, **who)
    with opened(where) as book:
        book.grant(Account("clicks", "event", "2026"), 10**8, delta=Fraction(1, 10**7))
    out = verbs.train("ads/private_logistic", rows, **ask, **who)
    record = json.loads((tmp_path / "t" / "run.json").read_text())
    assert len(record["charges"]) == 1
    assert record["charges"][0]["account"] == ["clicks", "event", "2026"]
    assert record["charges"][0]["micro_rho"] > 0
    assert out.tables["model"].is_file()
