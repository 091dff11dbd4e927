"""The Markov chain: what follows, how far it looks, how it is kept, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.recommend import markov
from consentinel.models.rows import RANKED
from tests.models.made_walks import ITEMS, questions, told, walks

ROWS = pa.table({"user": list("aaabbbcc"), "item": ["x", "y", "z", "x", "y", "w", "y", "z"]})
ONE_STEP = markov.SETTINGS(window=1, backward=0.0, last=1, damping=1.0)


def test_one_step_scores_are_shares_of_what_followed() -> None:
    model = markov.trainer(ONE_STEP).train(ROWS, seed=0)
    ranked = model.predict(questions("s", history=[["y"]]))
    assert ranked.schema == RANKED
    found = {row["item"]: row["score"] for row in ranked.to_pylist()}
    assert list(found) == ["z", "w", "x"]  # y was followed by z twice, by w once, never by x
    assert found["z"] == pytest.approx(2 / 3, abs=0.2)
    assert found["z"] - found["w"] == pytest.approx(1 / 3, abs=0.05)


def test_it_knows_the_next_place_on_a_ring() -> None:
    model = markov.trainer(markov.SETTINGS()).train(walks(), seed=0)
    history = [[f"i{at % ITEMS:02}" for at in range(start, start + 3)] for start in range(ITEMS)]
    found = told(model.predict(questions(*(f"s{at}" for at in range(ITEMS)), k=1, history=history)))
    assert found == {f"s{at}": [f"i{(at + 3) % ITEMS:02}"] for at in range(ITEMS)}


def test_farther_steps_and_earlier_items_count_less() -> None:
    rows = pa.table({"user": list("aaa"), "item": ["x", "y", "z"]})
    wide = markov.trainer(replace(ONE_STEP, window=2, decay=0.5)).train(rows, seed=0)
    found = {row["item"]: row["score"] for row in wide.predict(questions("s", history=[["x"]])).to_pylist()}
    assert found["y"] > found["z"] > 0
    both = markov.trainer(replace(ONE_STEP, last=2, fade=0.5)).train(ROWS, seed=0)
    asked = questions("s", "t", history=[["x", "w"], ["x"]], k=1)
    assert told(both.predict(asked)) == {"s": ["y"], "t": ["y"]}  # nothing followed w: the item before it decides


def test_people_of_training_and_nobody_known() -> None:
    model = markov.trainer(markov.SETTINGS()).train(ROWS, seed=0)
    found = told(model.predict(questions("c", "who", k=9)))
    assert not {"y", "z"} & set(found["c"])
    assert found["who"][0] == "y"  # the most frequent
    assert len(found["who"]) == 4


def test_it_is_the_same_again_and_from_its_file(tmp_path: Path) -> None:
    model = markov.trainer(markov.SETTINGS(last=2)).train(walks(), seed=3)
    asked = questions("p001", "p002", "s", k=5, history=[None, None, ["i01", "i02"]])
    file = modelfile.load(model.save(tmp_path / "a.model"), kind=markov.KIND)
    again = markov.load(file)
    assert again.settings == model.settings
    assert again.predict(asked).equals(model.predict(asked))
    markov.trainer(markov.SETTINGS(last=2)).train(walks(), seed=3).save(tmp_path / "b.model")
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()


def test_damaged_files_and_tickets_are_refused(tmp_path: Path) -> None:
    model = markov.trainer(markov.SETTINGS()).train(walks(), seed=0)
    file = modelfile.load(model.save(tmp_path / "a.model"), kind=markov.KIND)
    items = file.arrays["steps.items"].copy()
    items[0] = 10**6
    for wrong in (
        replace(file, kind="models.recommend.ease"),
        replace(file, card={**file.card, "decay": "7"}),
        replace(file, card={}),
        replace(file, arrays={**file.arrays, "steps.items": items}),
        replace(file, arrays={**file.arrays, "steps.starts": np.zeros(3, np.int64)}),
    ):
        with pytest.raises(BadInput):
            markov.load(wrong)
    with pytest.raises(UsageError, match="takes no ticket"):
        markov.trainer(markov.SETTINGS()).train(walks(), seed=0, tickets=[b"one"])


def test_one_thing_each_leaves_popularity() -> None:
    rows = pa.table({"user": ["a", "b", "c"], "item": ["x", "x", "y"]})
    found = told(markov.trainer(markov.SETTINGS()).train(rows, seed=0).predict(questions("c", "new")))
    assert found == {"c": ["x"], "new": ["x", "y"]}
