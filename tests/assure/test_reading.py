"""Subjects from files: what is wrong with rows and people is told and left out, and the rest goes on."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from consentinel.assure.given import Wish
from consentinel.assure.reading import subject_of
from consentinel.assure.subject import MISSING, Subject
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import LinearRecommender
from consentinel.core.run import Run
from tests.assure.made_files import people, predicted, put


def read(tmp_path: Path, model: Any, data: pa.Table, **asked: Any) -> Subject:
    """Return the subject of MODEL (a name, or a table of predictions) on DATA."""
    tables = {
        name: put(value, tmp_path / f"{name}.parquet") for name, value in asked.items() if isinstance(value, pa.Table)
    }
    given = model if isinstance(model, str) else str(put(model, tmp_path / "answers.parquet"))
    wish = Wish(**({"kind": "tabular"} | asked | tables))
    with Run.open("assure.audit", tmp_path / "out", data=tmp_path / "data.parquet") as run:
        return subject_of(run, given, put(data, tmp_path / "data.parquet"), wish)[0]


def told(subject: Subject, words: str) -> bool:
    return any(words in note for note in subject.notes)


def test_predictions_are_joined_by_id_and_what_does_not_fit_is_told(tmp_path: Path) -> None:
    rows = people(100)
    answers = predicted(rows)
    shuffled = answers.take(pa.array(np.random.default_rng(0).permutation(100)))
    strange = pa.table({"id": [900, 901, 3], "score": [0.5, 0.5, 0.99], "prediction": [1, 1, 1]})
    subject = read(tmp_path, pa.concat_tables([shuffled.filter(pc.not_equal(shuffled["id"], 7)), strange]), rows)
    assert subject.rows.num_rows == subject.answers.num_rows == 99
    assert told(subject, "2 of 102 predictions are for ids that the data do not have")
    assert told(subject, "1 rows have no prediction")
    assert told(subject, "repeat an id")
    assert told(subject, "is a table of predictions")
    right = answers.filter(pc.not_equal(answers["id"], 7))
    assert subject.answers["score"].to_pylist() == right["score"].to_pylist()
    assert subject.lacks("ask")
    assert subject.lacks("train")
    assert subject.positive == "1"


def test_without_ids_the_rows_have_to_be_as_many(tmp_path: Path) -> None:
    rows = people(100).drop_columns(["id"])
    with pytest.raises(UsageError, match="there are 90 predictions for 100 rows"):
        read(tmp_path, predicted(people(90)).drop_columns(["id"]), rows)


@pytest.mark.parametrize("positive", ["1", "0"])
def test_the_score_is_that_of_the_positive_label_whatever_the_model_answers(tmp_path: Path, positive: str) -> None:
    rows = people(100)
    score = np.asarray(predicted(rows)["score"])
    said = (score >= 0.5).astype(int)
    of_label = pa.table({"score": np.where(said == 1, score, 1 - score), "prediction": said})
    of_one = pa.table({"score": score if positive == "1" else 1 - score, "prediction": said})
    both = of_label.append_column("probabilities", pa.array(np.stack([1 - score, score], axis=1).tolist()))
    alone = pa.table({"score": of_one["score"]})
    wanted = score if positive == "1" else 1 - score
    for answers in (of_label, of_one, both, alone):
        got = read(tmp_path, answers, rows.drop_columns(["id"]), positive=positive)
        assert np.asarray(got.answers["score"]) == pytest.approx(wanted)
        assert [int(label) for label in got.answers["label"].to_pylist()] == said.tolist()


def test_people_are_units_and_their_attributes_may_be_missing_or_contradict(tmp_path: Path) -> None:
    rows = people(100)
    group = rows["group"].to_pylist()
    group[0:2], group[2:4], group[4:6] = ["a", "a"], ["a", "b"], [None, None]
    rows = rows.set_column(rows.column_names.index("group"), "group", pa.array(group, pa.string()))
    subject = read(tmp_path, predicted(rows), rows, groups="group", person="person")
    assert subject.groups.num_rows == 50
    assert subject.attribute("group")[:3].tolist() == ["a", "a", MISSING]
    assert told(subject, "people have several values")
    assert subject.unit.tolist() == [at // 2 for at in range(100)]
    with pytest.raises(UsageError, match="no column 'size'"):
        read(tmp_path, predicted(rows), rows, groups="size")
    with pytest.raises(UsageError, match="no column 'who'"):
        read(tmp_path, predicted(rows), rows, person="who")


def test_a_table_of_people_is_joined_and_numbers_are_cut(tmp_path: Path) -> None:
    rows = people(100)
    table = pa.table({
        "person": [*(f"p{at}" for at in range(40)), "p0"], "age": [*range(40), 99],
        "home": [f"h{at}" for at in range(40)] + [""],
        "job": ["x"] * 20 + [""] * 20 + ["y"],
    })  # fmt: skip
    subject = read(tmp_path, predicted(rows), rows, people=table, person="person")
    assert set(subject.attributes()) == {"age", "home", "job"}
    assert (subject.attribute("age") == MISSING).sum() == 10
    assert len(set(subject.attribute("age"))) == 5
    assert set(subject.attribute("job")) == {"x", MISSING}
    assert told(subject, "10 of 50 have no row there")
    assert told(subject, "repeat a person")
    assert told(subject, "cut into quarters")
    with pytest.raises(UsageError, match="needs --person"):
        read(tmp_path, predicted(rows), rows, people=table)


def test_leaks_are_told(tmp_path: Path) -> None:
    rows = people(100)
    twice = rows.append_column("outcome", pa.array(["won" if one else "lost" for one in rows["label"].to_pylist()]))
    learned = pa.concat_tables([twice.slice(0, 10), twice.slice(0, 5)])
    subject = read(tmp_path, predicted(rows), twice, learned=learned, person="person")
    assert told(subject, "'outcome' has one value for each label")
    assert told(subject, "10 of 100 rows have the same inputs as a learned row")
    assert not told(subject, "'x'")


def test_rows_without_label_and_with_nan_are_left_out(tmp_path: Path) -> None:
    rows = people(100)
    label = pa.array([None if at < 3 else one for at, one in enumerate(rows["label"].to_pylist())])
    rows = rows.set_column(rows.column_names.index("label"), "label", label)
    answers = predicted(rows)
    score = np.array(answers["score"].to_pylist())
    score[50:55] = np.nan
    subject = read(tmp_path, answers.set_column(1, "score", pa.array(score)), rows)
    assert subject.rows.num_rows == 92
    assert told(subject, "3 of 100 rows have no label")
    assert told(subject, "no finite score")
    with pytest.raises(ContractBroken, match="no prediction has a finite score"):
        read(tmp_path, answers.set_column(1, "score", pa.array(np.full(100, np.nan))), rows)


MODEL = """
import numpy as np

def picky(rows):
    x = np.asarray(rows["x"])
    assert "label" not in rows.column_names
    if (x > 2).any():
        raise ValueError("secret value")
    return np.where(x < -1, np.nan, 1 / (1 + np.exp(-x)))

def order(rows):
    first = [pair[0] for pair in rows["features"].to_pylist()]
    return {"query": rows["query"], "item": rows["item"], "score": first}

def broken(rows):
    raise ValueError("secret value")
"""


def test_a_model_that_raises_or_answers_nan_is_told_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picky_model.py").write_text(MODEL)
    rows = people(300)
    x = np.asarray(rows["x"])
    subject = read(tmp_path, "picky_model:picky", rows)
    assert subject.rows.num_rows == ((x <= 2) & (x >= -1)).sum()
    assert np.asarray(subject.rows["x"]).tolist() == x[(x <= 2) & (x >= -1)].tolist()
    assert told(subject, "the model raised ValueError")
    assert told(subject, "no finite score")
    assert not told(subject, "secret")
    assert subject.ask(subject.rows).equals(subject.answers)
    with pytest.raises(ContractBroken, match="answers no row: the model raised ValueError"):
        read(tmp_path, "picky_model:broken", rows)


def interactions(seed: int = 0) -> tuple[pa.Table, pa.Table]:
    """Return what 40 people did with 30 items, learned and held out."""
    rng = np.random.default_rng(seed)
    who, what = np.nonzero(rng.random((40, 30)) < 0.3)
    held = rng.random(len(who)) < 0.3
    table = pa.table({"user": [f"u{at}" for at in who], "item": [f"i{at}" for at in what]})
    return table.filter(pa.array(~held)), table.filter(pa.array(held))


def test_a_recommender_is_trained_asked_and_strangers_are_told(tmp_path: Path) -> None:
    learned, held = interactions()
    leak = learned.slice(0, 4)
    strange = pa.table({"user": ["stranger", "u1", None], "item": ["i1", "new", "i2"]})
    attributes = pa.table({"user": [f"u{at}" for at in range(39)], "gender": ["F", "M", None] * 13})
    genre = [["a", "b"], ["c"], []] * 9 + [["a"], ["c"]]
    genres = pa.table({"item": [f"i{at}" for at in range(29)], "genre": genre})
    data = pa.concat_tables([held, held.slice(0, 2), leak, strange])
    subject = read(tmp_path, "recommend/ease:reg=5", data, kind="recsys", learned=learned, people=attributes,
                   items=genres, k=5)  # fmt: skip
    assert told(subject, "labels leak: 4 of")
    assert told(subject, "people of the data are unknown to the model")
    assert told(subject, "items of the data are unknown")
    assert told(subject, "repeat a pair")
    assert told(subject, "lack a user")
    assert subject.queries is not None
    assert subject.rows["query"].to_pylist() == [subject.queries["query"][at].as_py() for at in subject.unit]
    assert subject.groups["unit"].to_pylist() == subject.queries["query"].to_pylist()
    assert subject.groups.num_rows == subject.queries.num_rows
    assert set(subject.attribute("gender")) == {"F", "M", MISSING}
    assert subject.items is not None
    assert set(subject.items["genre"].to_pylist()) == {"a", "c", MISSING}
    place = {query: at for at, query in enumerate(subject.queries["query"].to_pylist())}
    order = [place[query] for query in subject.answers["query"].to_pylist()]
    assert order == sorted(order)
    assert not subject.lacks("train")
    assert isinstance(subject.model, LinearRecommender) or subject.lacks("weights")
    assert subject.trainer is not None
    assert subject.learned is not None
    again = subject.trainer.train(subject.learned, seed=0)
    assert subject.answered(again.predict(subject.queries)).answers.equals(subject.ask(subject.queries))


def test_rankings_from_a_table_leave_out_unknown_ids(tmp_path: Path) -> None:
    _, held = interactions()
    users = held["user"].unique().to_pylist()
    answers = pa.table({
        "user": [users[1], users[0], users[0], "nobody", users[0]], "item": ["i1", "i2", "i3", "i1", "i2"],
        "score": [1.0, 0.2, 0.9, 1.0, 0.1],
    })  # fmt: skip
    subject = read(tmp_path, answers, held, kind="recsys")
    assert subject.answers["item"].to_pylist() == ["i3", "i2", "i1"]
    assert told(subject, "1 of 5 answers are for ids")
    assert told(subject, "repeat an item")
    assert told(subject, "got no answer")


def test_a_ranker_of_features_orders_the_candidates_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ordering_model.py").write_text(MODEL)
    rng = np.random.default_rng(0)
    feature = rng.normal(size=(600, 2))
    rows = pa.table({
        "query": [f"q{at // 10}" for at in range(600)], "item": [f"d{at}" for at in range(600)],
        "label": (feature[:, 0] > 0.5).astype(float), "features": pa.array(feature.tolist(), pa.list_(pa.float32())),
        "topic": [f"t{at // 10 % 2}" for at in range(600)],
    })  # fmt: skip
    subject = read(tmp_path, "ordering_model:order", rows, kind="ranking", groups="topic")
    assert subject.answers.num_rows == 600
    assert set(subject.attribute("topic")) == {"t0", "t1"}
    assert subject.queries is not None
    assert subject.ask(subject.queries.slice(0, 3)).num_rows == 30


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"kind": "audio"}, "no kind 'audio'"), ({"k": 0}, "at least 1"),
        ({"columns": "a=b"}, "no file has a column 'b'"),
        ({"columns": "a"}, "not ours=theirs"), ({"label": "truth"}, "no column 'truth'"),
        ({"positive": "9"}, "no row has"),
        ({"claimed_epsilon": -1.0}, "epsilon and delta"), ({"trainer": "nothing"}, "is no trainer"),
        ({"kind": "text"}, "no column 'text'"),
    ],
)  # fmt: skip
def test_wrong_wishes_are_told(tmp_path: Path, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(tmp_path, predicted(people(30)), people(30), **asked)


def test_columns_are_mapped(tmp_path: Path) -> None:
    rows = people(30).rename_columns(["x", "y", "sex", "who", "id", "truth"])
    asked = {"columns": "group=sex,person=who", "label": "truth", "person": "person", "groups": "group"}
    subject = read(tmp_path, predicted(people(30)), rows, **asked, claimed_epsilon=2.0, claimed_delta=1e-5)
    assert subject.attributes() == ["group"]
    assert subject.claimed == (2.0, 1e-5)
