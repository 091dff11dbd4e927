"""BM25 with features: each feature says what it should, learnt weights order, files, bad tables."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.modelfile import load as read
from consentinel.models.evaluation import ranking as metrics
from consentinel.models.rank import bm25_features
from consentinel.models.rank._features import MU, NAMES, Evidence, standardised
from consentinel.models.rank._learn import average_precision, listwise, mixed, ranks
from consentinel.models.rank._lexicon import Lexicon
from consentinel.models.rows import DOCUMENTS
from tests.models.made_documents import documents, everything, judgments, questions, ranking


def features(texts: list[str], asked: str, stops: str = "none") -> dict[str, list[float]]:
    """Return each feature of the documents TEXTS for the question ASKED, in their order."""
    evidence = Evidence(Lexicon.of(pa.array(texts), stops, "none"))
    found = evidence.candidates(evidence.lexicon.asked(pa.array([asked])), 100)
    assert found.item.tolist() == list(range(len(texts)))
    return dict(zip(NAMES, found.features.T.tolist(), strict=True))


def test_likelihood_is_that_of_the_smoothed_language_model() -> None:
    texts = ["a b b c", "a c c d d e", "a e"]
    found = features(texts, "b c a")["likelihood"]
    every = " ".join(texts).split()
    for text, score in zip(texts, found, strict=True):
        said = text.split()
        wanted = sum(
            np.log((said.count(w) + MU * every.count(w) / len(every)) / (len(said) + MU))
            - np.log(MU * every.count(w) / len(every))
            for w in ("a", "b", "c")
        )
        assert score == pytest.approx(wanted + 0.0)


def test_leads_phrases_windows_and_cover_tell_documents_apart() -> None:
    found = features(["red wine\nold house x", "old house\nred wine x", "wine old\nred house x"], "red wine")
    assert found["lead"][0] > found["lead"][2] > found["lead"][1] == 0
    assert found["phrase"][0] == found["phrase"][1] > found["phrase"][2] == 0
    assert min(found["near"]) > 0
    assert len(set(found["bm25"])) == 1
    far = features(["red " + "x " * 9 + "wine", "wine red " + "x " * 9, "red " + "x " * 10], "red wine")
    assert far["near"][1] > far["near"][0] == far["near"][2] == 0
    assert far["phrase"] == [0, 0, 0]
    assert far["covered"][0] == far["covered"][1] > far["covered"][2]
    assert far["length"] == pytest.approx([np.log(12)] * 3)


def test_the_expanded_question_finds_documents_without_its_words() -> None:
    texts = ["plane wing lift", "plane wing lift drag", "wing lift drag", "bread oven"]
    evidence = Evidence(Lexicon.of(pa.array(texts), "none", "none"))
    found = evidence.candidates(evidence.lexicon.asked(pa.array(["plane"])), 100, ("bm25", "expanded"))
    score = dict(zip(found.item.tolist(), found.features.tolist(), strict=True))
    assert score[2][0] == 0 < score[2][1]
    assert 3 not in score


def test_questions_in_blocks_are_as_one_by_one() -> None:
    evidence = Evidence(Lexicon.of(documents()["text"].combine_chunks(), "long", "porter"))
    asked = questions()["text"].combine_chunks()
    whole = evidence.candidates(evidence.lexicon.asked(pa.concat_arrays([asked] * 70)), 3)
    for at in (0, 1, 2, 3, 277, 278):
        single = evidence.candidates(evidence.lexicon.asked(asked.slice(at % 4, 1)), 3)
        few = whole.query == at
        assert whole.item[few].tolist() == single.item.tolist()
        assert np.array_equal(whole.features[few], single.features)


def test_average_precision_is_that_of_the_evaluation() -> None:
    rng = np.random.default_rng(0)
    query, score, hit = np.repeat(np.arange(9), 15), rng.random(135), rng.random(135) < 0.2
    order = np.lexsort((-score, query))
    names = [f"q{at}" for at in query], [f"d{at}" for at in range(135)]
    ranked = pa.table({"query": names[0], "item": names[1]}).take(pa.array(order))
    truth = pa.table({"query": names[0], "item": names[1], "label": hit.astype(float)})
    wanted = metrics.values(metrics.per_query(ranked, truth), "ap")
    assert average_precision(query, score, hit) == pytest.approx(wanted)
    assert ranks(np.array([0, 0, 0, 1]), np.array([1.0, 3.0, 3.0, 0.0])).tolist() == [3, 1, 2, 1]


def test_weights_find_the_feature_that_tells() -> None:
    rng = np.random.default_rng(0)
    query = np.repeat(np.arange(40), 20)
    columns = standardised(query, rng.standard_normal((800, 3)))
    hit = columns[:, 1] + rng.standard_normal(800) / 3 > 1.2
    assert np.abs(columns.reshape(40, 20, 3).mean(axis=1)).max() < 1e-9
    assert listwise(query, columns, hit.astype(float), 0.01).argmax() == 1
    assert mixed(query, columns, hit, 4).tolist() == [0, 1, 0]
    with pytest.raises(UsageError, match="nothing to learn"):
        listwise(query, columns, np.zeros(800), 0.1)
    with pytest.raises(UsageError, match="nothing to learn"):
        mixed(query, columns, np.zeros(800, bool), 4)


def many() -> pa.Table:
    """Documents of two words of twelve, in their order; the right one says the question's words as a phrase."""
    rng = np.random.default_rng(1)
    rows = []
    for at in range(30):
        one, two = (f"w{n}" for n in rng.choice(12, 2, replace=False))
        rest = [f"x{n}" for n in rng.integers(0, 6, 4)]
        rows += [
            {"item": f"yes{at}", "text": f"{rest[0]} {one} {two} {rest[1]}"},
            {"item": f"no{at}", "text": f"{two} {rest[2]} {rest[3]} {one}"},
            {"query": f"q{at}", "text": f"{one} {two}"},
            {"query": f"q{at}", "item": f"yes{at}", "label": 1},
        ]
    return pa.Table.from_pylist(rows, DOCUMENTS)


@pytest.mark.parametrize("learner", ["linear", "trees"])
def test_it_learns_beyond_bm25_and_answers_the_same_when_saved(tmp_path: Path, learner: str) -> None:
    settings = bm25_features.SETTINGS(learner=learner, trees=10, threads=1, stems="none", pool=30)
    model = bm25_features.trainer(settings).train(many(), seed=0)
    asked = [row for row in many().to_pylist() if row["query"] and row["text"]]
    found = model.predict(pa.Table.from_pylist(asked, DOCUMENTS))
    first = [ranking(found, row["query"])[0] for row in asked]
    assert sum(item.startswith("yes") for item in first) >= 27
    again = bm25_features.load(read(model.save(tmp_path / "m"), kind=bm25_features.KIND))
    assert again.predict(pa.Table.from_pylist(asked, DOCUMENTS)).equals(found)
    assert again.save(tmp_path / "n").read_bytes() == (tmp_path / "m").read_bytes()


def test_bad_tables_settings_and_files_are_refused(tmp_path: Path) -> None:
    plain = bm25_features.trainer(bm25_features.SETTINGS(pool=10))
    with pytest.raises(UsageError, match="learns from judgments"):
        plain.train(pa.concat_tables([documents(), questions()]), seed=0)
    zebra = pa.Table.from_pylist([{"query": "q4", "item": "bus", "label": 1}], DOCUMENTS)
    with pytest.raises(UsageError, match="nothing to learn"):
        plain.train(pa.concat_tables([documents(), questions(), zebra]), seed=0)
    with pytest.raises(UsageError, match="no learner"):
        bm25_features.trainer(bm25_features.SETTINGS(learner="forest"))
    with pytest.raises(UsageError, match="no ticket"):
        plain.train(everything(), seed=0, tickets=[b"x"])
    half = judgments().set_column(3, "label", pa.array([0.5] * judgments().num_rows, pa.float32()))
    with pytest.raises(UsageError, match="whole labels"):
        bm25_features.trainer(bm25_features.SETTINGS(learner="trees")).train(
            pa.concat_tables([documents(), questions(), half]), seed=0
        )
    model = plain.train(everything(), seed=0)
    assert ranking(model.predict(questions()), "q4") == []
    with pytest.raises(UsageError, match="at most the pool of 10"):
        model.predict(pa.table({"query": ["a"], "text": ["bread"], "k": [11]}))
    file = read(model.save(tmp_path / "m"), kind=bm25_features.KIND)
    for array in (file.arrays["weights"][:3], file.arrays["weights"] * np.nan):
        with pytest.raises(BadInput):
            bm25_features.load(ModelFile(file.kind, "1", "test", dict(file.arrays) | {"weights": array}, file.card))


def test_documents_without_a_word_are_no_candidates() -> None:
    evidence = Evidence(Lexicon.of(pa.array(["", None]), "long", "porter"))
    found = evidence.candidates(evidence.lexicon.asked(pa.array(["bread", ""])), 10)
    assert found.features.shape == (0, len(NAMES))
