"""BM25: the formula by hand and by another library, words and stems, bad tables, files."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.modelfile import load as read
from consentinel.models.rank import bm25
from consentinel.models.rank._porter import stem
from consentinel.models.rank._terms import words
from consentinel.models.rows import DOCUMENTS, RANKED
from tests.models.made_documents import TEXTS, documents, everything, judgments, questions, ranking

PLAIN = bm25.SETTINGS(stops="none", stems="none")


def trained(settings: bm25.SETTINGS = PLAIN) -> bm25.BM25:
    return bm25.trainer(settings).train(everything(), seed=0)


def test_the_score_is_the_formula() -> None:
    found = trained().predict(pa.table({"query": ["q"], "text": ["oven"]}))
    assert found.schema.equals(RANKED)
    said = {item: "".join(c if c.isalnum() else " " for c in text.lower()).split() for item, text in TEXTS.items()}
    mean, idf = sum(map(len, said.values())) / 6, math.log(1 + (6 - 2 + 0.5) / (2 + 0.5))
    for row in found.to_pylist():
        times = said[row["item"]].count("oven")
        norm = 1.2 * (0.25 + 0.75 * len(said[row["item"]]) / mean)
        assert row["score"] == pytest.approx(idf * times / (times + norm))
    assert ranking(found, "q") == ["oven", "bread"]


def test_it_orders_as_another_library() -> None:
    bm25s = pytest.importorskip("bm25s", reason="needs bm25s, of the extra [dev]")
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in rng.zipf(1.4, rng.integers(3, 40)) if n < 60) for _ in range(80)]
    texts = [text or "w1" for text in texts]
    rows = pa.Table.from_pylist([{"item": f"d{at}", "text": text} for at, text in enumerate(texts)], DOCUMENTS)
    model = bm25.trainer(PLAIN).train(rows, seed=0)
    other = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    other.index([text.split() for text in texts], show_progress=False)
    for asked in ("w3 w7 w7", "w2 w11 w25"):
        mine = {r["item"]: r["score"] for r in model.predict(pa.table({"query": ["q"], "text": [asked]})).to_pylist()}
        theirs = other.get_scores(asked.split())
        assert len(mine) == (theirs > 0).sum()
        for at, score in enumerate(theirs):
            assert mine.get(f"d{at}", 0.0) == pytest.approx(float(score), abs=1e-5)


def test_k_is_kept_and_unknown_words_find_nothing() -> None:
    asked = pa.table({"query": ["a", "b", "c"], "text": ["hot bread", "zebra", "hot bread"], "k": [1, 5, None]})
    found = trained().predict(asked)
    assert ranking(found, "a") == ranking(found, "c")[:1]
    assert ranking(found, "b") == []
    assert len(ranking(found, "c")) == 2
    assert trained().predict(asked.slice(0, 0)).num_rows == 0


def test_stems_and_stop_words_find_more_and_less() -> None:
    asked = questions("q1")
    assert ranking(trained(bm25.SETTINGS(stops="long", stems="porter")).predict(asked), "q1") == ["pear"]
    assert len(ranking(trained().predict(asked), "q1")) > 1  # "a" is everywhere
    with pytest.raises(UsageError, match="stop words are none, short, long"):
        trained(bm25.SETTINGS(stops="all"))


def test_equal_scores_stand_in_the_order_of_the_documents() -> None:
    rows = pa.Table.from_pylist([{"item": name, "text": "same"} for name in "bca"], DOCUMENTS)
    assert ranking(
        bm25.trainer(PLAIN).train(rows, seed=0).predict(pa.table({"query": ["q"], "text": ["same"]})), "q"
    ) == [*"bca"]


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    model = trained(bm25.SETTINGS(k1=0.9, b=0.4))
    again = bm25.load(read(model.save(tmp_path / "m"), kind=bm25.KIND))
    assert again.predict(questions()).equals(model.predict(questions()))
    assert again.settings == model.settings
    assert again.save(tmp_path / "n").read_bytes() == (tmp_path / "m").read_bytes()


@pytest.mark.parametrize("name", ["items.starts", "starts", "tokens", "vocabulary.bytes", "lead"])
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, name: str) -> None:
    file = read(trained().save(tmp_path / "m"), kind=bm25.KIND)
    for array in (
        file.arrays[name][:-1],
        file.arrays[name].astype(np.float32),
        -1 - file.arrays[name].astype(np.int64),
    ):
        with pytest.raises(BadInput):
            bm25.load(ModelFile(file.kind, "1", "test", dict(file.arrays) | {name: array}, file.card))
    with pytest.raises(BadInput, match="kind"):
        bm25.load(ModelFile("models.rank.dense", "1", "test", file.arrays, file.card))


def said(label: float) -> pa.Table:
    return pa.Table.from_pylist([{"query": "q4", "item": "bus", "label": label}], DOCUMENTS)


BAD = {
    "no document": (questions(), "no document"),
    "two documents of an id": (pa.concat_tables([documents(), documents()]), "stands twice"),
    "a judgment of nothing": (pa.concat_tables([documents(), judgments()]), "name a question"),
    "a row of nothing": (pa.Table.from_pylist([{"label": 1.0}], DOCUMENTS), "row 1 is no document"),
    "a label below 0": (pa.concat_tables([everything(), said(-1.0)]), "label is missing"),
    "a label that is NaN": (pa.concat_tables([everything(), said(math.nan)]), "label is missing"),
    "no text": (documents().drop_columns(["text"]), "needs the column 'text'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_refused(case: str) -> None:
    with pytest.raises((UsageError, BadInput), match=BAD[case][1]):
        bm25.trainer(PLAIN).train(BAD[case][0], seed=0)


def test_bad_questions_and_tickets_are_refused() -> None:
    model = trained()
    for asked, said in (
        ({"query": ["a", "a"], "text": ["x", "y"]}, "twice"),
        ({"query": ["a"], "text": pa.array([None], pa.string())}, "no text"),
        ({"query": ["a"], "text": ["x"], "k": [0]}, "at least 1"),
        ({"text": ["x"]}, "needs the column 'query'"),
    ):
        with pytest.raises((UsageError, BadInput), match=said):
            model.predict(pa.table(asked))
    with pytest.raises(UsageError, match="no ticket"):
        bm25.trainer(PLAIN).train(everything(), seed=0, tickets=[b"x"])


# Examples that Porter's paper gives for its steps, as word:stem.
STEMS = (
    "caresses:caress", "ponies:poni", "ties:ti", "cats:cat", "feed:feed", "agreed:agre", "plastered:plaster",
    "motoring:motor", "sing:sing", "conflated:conflat", "troubled:troubl", "sized:size", "hopping:hop",
    "tanned:tan", "falling:fall", "hissing:hiss", "fizzed:fizz", "failing:fail", "filing:file", "happy:happi",
    "sky:sky", "relational:relat", "conditional:condit", "rational:ration", "digitizer:digit", "operator:oper",
    "feudalism:feudal", "decisiveness:decis", "hopefulness:hope", "formality:formal", "triplicate:triplic",
    "formative:form", "electrical:electr", "goodness:good", "revival:reviv", "allowance:allow", "inference:infer",
    "airliner:airlin", "adjustable:adjust", "replacement:replac", "adoption:adopt", "effective:effect",
    "probate:probat", "rate:rate", "cease:ceas", "controlling:control", "roll:roll", "generalizations:gener",
    "oscillators:oscil",
)  # fmt: skip


@pytest.mark.parametrize("pair", STEMS)
def test_stems_are_those_of_the_paper(pair: str) -> None:
    word, wanted = pair.split(":")
    assert stem(word) == wanted


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_becomes_terms(text: str) -> None:
    vocabulary, terms = words(pa.array([text, None, "bread"]), "short", "porter")
    assert terms.starts[-1] == len(terms.tokens)
    assert vocabulary == sorted(set(vocabulary))
    assert all(vocabulary)
    assert [vocabulary[at] for at in terms.tokens[terms.starts[2] :]] == ["bread"]
