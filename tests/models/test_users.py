"""Models of people: vectors, look-alikes and segments."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models.pieces.histories import sequences_of
from consentinel.models.pieces.nearness import factors, surprise, unit
from consentinel.models.rows import RANKED
from consentinel.models.shelves import USERS
from consentinel.models.users import co_engagement, demographics, look_alike, segments, sequence
from tests.models.made_walks import groups, questions, told, walks

PEOPLE = [f"p{at:03}" for at in range(60)]
FEW = {
    "co_engagement": co_engagement.SETTINGS(width=2),
    "sequence": sequence.SETTINGS(width=4),
    "look_alike": look_alike.SETTINGS(width=2),
    "demographics": demographics.SETTINGS(),
    "segments": segments.SETTINGS(segments=2, width=2, resamples=5),
}


def asked(part: str) -> pa.Table:
    """Return a question that PART understands: an audience, or a person and strangers."""
    if part in ("look_alike", "demographics"):
        return questions("fans", "none", k=5, history=[["p001", "p003"], ["unheard of"]])
    return questions("p000", "stranger", "nobody", k=2, history=[None, ["b1", "b2", "new"], None])


def test_every_part_of_the_shelf_is_examined() -> None:
    assert set(FEW) == set(USERS.names())


@pytest.mark.parametrize("part", FEW)
def test_it_is_the_same_again_and_from_its_file(part: str, tmp_path: Path) -> None:
    module: Any = USERS.take(part)
    model = module.trainer(FEW[part]).train(groups(), seed=2)
    answer = model.predict(asked(part))
    assert answer.schema == RANKED
    assert list(told(answer)) == asked(part)["query"].to_pylist()
    file = modelfile.load(model.save(tmp_path / "a.model"), kind=f"models.users.{part}")
    assert module.load(file).predict(asked(part)).equals(answer)
    module.trainer(FEW[part]).train(groups(), seed=2).save(tmp_path / "b.model")
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()
    with pytest.raises(BadInput, match="is a model of kind"):
        module.load(replace(file, kind="models.users.other"))
    for name, array in file.arrays.items():
        if "." not in name:  # what the part itself keeps
            with pytest.raises(BadInput, match=r"(?i)train the model again"):
                module.load(replace(file, arrays={**file.arrays, name: array[:0].astype(np.float32)}))
    with pytest.raises(UsageError, match="takes no ticket"):
        module.trainer(FEW[part]).train(groups(), seed=2, tickets=[b"one"])


@pytest.mark.parametrize("part", ["co_engagement", "sequence"])
def test_people_who_did_alike_lie_near(part: str) -> None:
    model: Any = USERS.take(part).trainer(FEW[part]).train(groups(), seed=0)
    rows = model.embed(questions(*PEOPLE, "stranger", "nobody", history=[*[None] * 60, ["b1", "b2"], None]))
    vectors = np.array(rows["embedding"].to_pylist())
    assert np.allclose(np.linalg.norm(vectors[:61], axis=1), 1, atol=1e-5)
    assert not vectors[61].any()
    near = vectors[:60] @ vectors[:60].T
    same = (np.arange(60)[:, None] - np.arange(60)) % 2 == 0
    assert near[same].mean() > near[~same].mean() + 0.3
    assert vectors[60] @ vectors[1] > vectors[60] @ vectors[0]
    found = told(model.predict(questions("p000", "p001", k=3)))
    assert {item[0] for item in found["p000"]} == {"a"}
    assert {item[0] for item in found["p001"]} == {"b"}


def test_the_latest_step_counts_most() -> None:
    model = sequence.trainer(sequence.SETTINGS(width=8, window=1, fade=0.3)).train(walks(200), seed=0)
    found = told(model.predict(questions("s", k=2, history=[["i08", "i00", "i01"]])))
    assert found["s"][0] == "i02"


def test_look_alikes_of_one_kind_are_of_that_kind() -> None:
    model = look_alike.trainer(FEW["look_alike"]).train(groups(), seed=0)
    found = told(model.predict(questions("b fans", k=28, history=[["p001", "p003", "gone", "p001"]])))["b fans"]
    assert not {"p001", "p003"} & set(found)
    assert np.mean([int(one[1:]) % 2 for one in found]) > 0.95


def test_demographics_read_attributes_as_items() -> None:
    rows = pa.table({"user": ["a", "b", "c", "d"] * 2, "item": ["age=1", "age=1", "age=2", "age=2", *"xyxy"]})
    model = demographics.trainer(demographics.SETTINGS()).train(rows, seed=0)
    assert told(model.predict(questions("young", k=1, history=[["a"]]))) == {"young": ["b"]}


def test_audiences_that_make_no_sense_are_refused() -> None:
    model = look_alike.trainer(FEW["look_alike"]).train(groups(), seed=0)
    with pytest.raises(ContractBroken, match="'history', the people of the seed, is missing"):
        model.predict(questions("fans"))
    with pytest.raises(ContractBroken, match="lists of ids"):
        model.predict(questions("fans").append_column("history", pa.array(["p001"])))
    with pytest.raises(UsageError, match="asked twice"):
        model.predict(questions("fans", "fans", history=[["p001"], ["p002"]]))
    with pytest.raises(UsageError, match="k is at least 1"):
        model.predict(questions("fans", k=0, history=[["p001"]]))


def test_segments_find_the_kinds_and_say_that_they_are_stable() -> None:
    model = segments.trainer(FEW["segments"]).train(groups(), seed=0)
    first = {who: names[0] for who, names in told(model.predict(questions(*PEOPLE, k=1))).items()}
    assert len({first[who] for who in PEOPLE[::2]}) == len({first[who] for who in PEOPLE[1::2]}) == 1
    assert first["p000"] != first["p001"]
    assert model.stability.min() == pytest.approx(1)
    assert float(model.card["stability"]) == 1.0
    found = model.predict(questions("s", "nobody", k=2, history=[["b3"], None]))
    assert told(found)["s"][0] == first["p001"]
    assert told(found)["nobody"] == ["segment 1", "segment 2"]


def test_segments_of_noise_are_told_to_be_unstable() -> None:
    rng = np.random.default_rng(0)
    rows = pa.table({"user": np.repeat(PEOPLE, 5), "item": [f"i{at}" for at in rng.integers(0, 30, 300)]})
    model = segments.trainer(segments.SETTINGS(segments=6, width=8, resamples=5)).train(rows, seed=0)
    assert model.stability.mean() < 0.8


def test_more_segments_than_people_is_refused() -> None:
    rows = pa.table({"user": ["a", "b", "c"], "item": ["x", "x", "y"]})
    with pytest.raises(UsageError, match="fewer than 3 people differ"):
        segments.trainer(segments.SETTINGS(segments=3)).train(rows, seed=0)


def test_a_decomposition_is_that_of_numpy_up_to_sign() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(30, 20))
    left, values, right = factors(sparse.csr_matrix(dense), 3, 0)
    assert np.allclose(values, np.linalg.svd(dense, compute_uv=False)[:3], atol=1e-4)
    assert np.allclose(dense @ right, left * values, atol=1e-3)
    whole = factors(sparse.csr_matrix(dense[:, :3]), 8, 0)
    assert np.allclose(whole[0] * whole[1] @ whole[2].T, dense[:, :3], atol=1e-4)
    assert np.allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)), [[0.6, 0.8], [0, 0]])


def test_surprise_is_positive_pointwise_mutual_information() -> None:
    about = sequences_of(pa.table({"user": list("aabbccd"), "item": list("xyxyzwx")}))
    found = surprise(about.done, 4, 2).toarray()
    x, y, w, z = (about.items.to_pylist().index(name) for name in "xywz")
    assert found[x, y] == pytest.approx(np.log(2 * 6 / (2 * 2)))
    assert found[z, w] == found[w, z] == pytest.approx(np.log(1 * 6 / (1 * 1)))
    assert found[x, z] == found[x, x] == 0
