"""Nearest pictures: alike before unlike, never itself, k and names as asked."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.asked import settings
from consentinel.models.rows import RANKED
from consentinel.models.vision import nearest
from consentinel.models.vision.nearest import Nearest
from tests.models.made_pictures import made

pytest.importorskip("faiss", reason="faiss is not installed")
NAMES = pa.array([f"i{n}" for n in range(90)])
ROWS = made(90).append_column("item", NAMES)
OTHERS = made(12, seed=1)
TRAINER = nearest.trainer(settings(nearest.SETTINGS, "width=8", "test"))


@pytest.fixture(scope="module")
def model() -> Nearest:
    return TRAINER.train(ROWS, seed=0)


def test_what_is_alike_comes_first(model: Nearest) -> None:
    asked = OTHERS.append_column("k", pa.array([5] * 12, pa.int32()))
    answer = model.predict(asked)
    assert answer.schema.equals(RANKED)
    assert answer.num_rows == 60
    query, item = (np.array(answer[name].to_pylist()) for name in ("query", "item"))
    assert list(dict.fromkeys(query)) == [str(n) for n in range(12)]
    alike = [int(q) % 3 == int(i[1:]) % 3 for q, i in zip(query, item, strict=True)]
    assert np.mean(alike) > 0.9
    scores = answer["score"].to_numpy().reshape(12, 5)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_a_picture_finds_itself_unless_it_says_its_name(model: Nearest) -> None:
    stranger = model.predict(ROWS.slice(7, 1))
    assert stranger["item"][0].as_py() == "i7"
    assert stranger["score"][0].as_py() == pytest.approx(1, abs=1e-5)
    assert stranger.num_rows == 20
    named = model.predict(ROWS.slice(7, 1).append_column("query", NAMES.slice(7, 1)))
    assert named["item"].to_pylist()[:19] == stranger["item"].to_pylist()[1:]
    assert named.num_rows == 20
    assert "i7" not in named["item"].to_pylist()


def test_it_is_kept_and_the_same_twice(model: Nearest, tmp_path: Path) -> None:
    path = model.save(tmp_path / "model")
    assert TRAINER.train(ROWS, seed=1).vectors.tobytes() == model.vectors.tobytes()
    read = nearest.load(modelfile.load(path, kind="models.vision.nearest"))
    assert read.predict(OTHERS).equals(model.predict(OTHERS))
    assert read.items == NAMES.to_pylist()
    kept = modelfile.load(path, kind="models.vision.nearest")
    with pytest.raises(BadInput):
        nearest.load(modelfile.ModelFile(kept.kind, "1", "t", dict(kept.arrays) | {"vectors": kept.arrays["mix"]}, {}))


def test_bad_questions_are_refused(model: Nearest) -> None:
    for k in (0, 1001):
        with pytest.raises(UsageError, match="1 to 1000"):
            model.predict(OTHERS.append_column("k", pa.array([k] * 12)))
    with pytest.raises(BadInput, match="same name"):
        TRAINER.train(made(2).append_column("item", pa.array(["a", "a"])), seed=0)
    with pytest.raises(BadInput, match="no name"):
        TRAINER.train(made(2).append_column("item", pa.array(["a", None])), seed=0)
    with pytest.raises(BadInput, match="20 x 20"):
        model.predict(made(2, side=20))


def test_more_than_there_is_gives_all_of_it(model: Nearest) -> None:
    assert model.predict(OTHERS.slice(0, 1).append_column("k", pa.array([500]))).num_rows == 90
