"""LambdaRank: equal to LightGBM called directly, whole files only, bad rows refused."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.modelfile import load as read
from consentinel.models.rank import lambdarank
from consentinel.models.rows import RANKED

FEW = lambdarank.SETTINGS(trees=12, leaves=7, least=5, threads=1)


def made(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((400, 6)).astype(np.float32)
    worth = features[:, 0] + np.abs(features[:, 1]) + rng.standard_normal(400) / 2
    return features, np.searchsorted(np.quantile(worth, (0.6, 0.85)), worth).astype(np.float32)


def table(features: NDArray[np.float32], label: NDArray[np.float32] | None = None, each: int = 20) -> pa.Table:
    rows, width = features.shape
    columns = {
        "query": pa.array([f"q{at // each}" for at in range(rows)]).dictionary_encode(),
        "item": pa.array([f"d{at}" for at in range(rows)]).dictionary_encode(),
        "features": pa.ListArray.from_arrays(np.arange(0, rows * width + 1, width, dtype=np.int32), features.ravel()),
    }
    return pa.table(columns if label is None else columns | {"label": pa.array(label)})


FEATURES, LABEL = made()
ROWS = table(FEATURES, LABEL)


def trained() -> lambdarank.LambdaRank:
    return lambdarank.trainer(FEW).train(ROWS, seed=3)


def test_it_is_lightgbm() -> None:
    asked = {
        "objective": "lambdarank",
        "num_leaves": 7,
        "min_data_in_leaf": 5,
        "num_threads": 1,
        "verbosity": -1,
        "seed": 3,
    }
    data = lightgbm.Dataset(FEATURES, LABEL, group=[20] * 20)
    theirs = lightgbm.train(asked, data, 12).predict(FEATURES)
    found = trained().predict(ROWS)
    assert found.schema.equals(RANKED)
    score = dict(zip(found["item"].to_pylist(), found["score"].to_pylist(), strict=True))
    assert [score[f"d{at}"] for at in range(400)] == theirs.tolist()


def test_rows_are_best_first_within_their_query() -> None:
    shuffled = ROWS.take(pa.array(np.random.default_rng(1).permutation(400)))
    found = trained().predict(shuffled).to_pylist()
    names = [row["query"] for row in found]
    assert [name for at, name in enumerate(names) if at % 20 == 0] == list(dict.fromkeys(shuffled["query"].to_pylist()))
    for at in range(0, 400, 20):
        scores = [row["score"] for row in found[at : at + 20]]
        assert scores == sorted(scores, reverse=True)
        assert len(set(names[at : at + 20])) == 1


def test_queries_need_not_stand_together_to_train() -> None:
    apart = ROWS.take(pa.array(np.arange(400).reshape(20, 20).T.ravel()))  # each query's rows keep their order
    assert lambdarank.trainer(FEW).train(apart, seed=3).predict(ROWS).equals(trained().predict(ROWS))


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    model = trained()
    again = lambdarank.load(read(model.save(tmp_path / "m"), kind=lambdarank.KIND))
    assert again.predict(ROWS).equals(model.predict(ROWS))
    assert again.save(tmp_path / "n").read_bytes() == (tmp_path / "m").read_bytes()
    assert trained().save(tmp_path / "o").read_bytes() == (tmp_path / "m").read_bytes()


def test_a_tree_without_a_split_is_kept_too(tmp_path: Path) -> None:
    few = lambdarank.SETTINGS(trees=2, least=300, threads=1)
    model = lambdarank.trainer(few).train(ROWS, seed=0)
    again = lambdarank.load(read(model.save(tmp_path / "m"), kind=lambdarank.KIND))
    assert again.predict(ROWS).equals(model.predict(ROWS))


def changed(name: str, at: int, value: Any) -> tuple[str, Any]:
    return f"{name}[{at}] = {value}", (name, at, value)


SPOILT = dict(
    [
        changed("left_child", 0, 0), changed("left_child", 0, 900), changed("right_child", 1, -900),
        changed("right_child", 2, 1), changed("split_feature", 0, 6), changed("split_feature", 0, -1),
        changed("leaves", 0, 6), changed("leaves", 0, -3), changed("decision_type", 0, 1),
        changed("threshold", 0, np.nan), changed("leaf_value", 0, np.inf), changed("width", 0, 0),
    ]
)  # fmt: skip


@pytest.mark.parametrize("case", SPOILT)
def test_trees_that_are_none_never_reach_lightgbm(tmp_path: Path, case: str) -> None:
    file = read(trained().save(tmp_path / "m"), kind=lambdarank.KIND)
    name, at, value = SPOILT[case]
    array = file.arrays[name].copy()
    array[at] = value
    with pytest.raises(BadInput):
        lambdarank.load(ModelFile(file.kind, "1", "test", dict(file.arrays) | {name: array}, file.card))


@pytest.mark.parametrize("name", ["leaves", "threshold", "leaf_value", "left_child", "width"])
def test_missing_or_cut_arrays_are_refused(tmp_path: Path, name: str) -> None:
    file = read(trained().save(tmp_path / "m"), kind=lambdarank.KIND)
    rest = {other: array for other, array in file.arrays.items() if other != name}
    for arrays in (rest, rest | {name: file.arrays[name][:-1]}, rest | {name: file.arrays[name].astype(np.float32)}):
        with pytest.raises(BadInput):
            lambdarank.load(ModelFile(file.kind, "1", "test", arrays, file.card))


def test_bad_rows_are_refused() -> None:
    bent = FEATURES.copy()
    bent[7, 2] = np.nan
    ragged = ROWS.set_column(2, "features", pa.array([[1.0]] + [[1.0, 2.0]] * 399, pa.list_(pa.float32())))
    for rows, said in (
        (table(bent, LABEL), "NaN or infinite"),
        (table(np.where(np.isnan(bent), np.inf, bent), LABEL), "NaN or infinite"),
        (ragged, "from 1 to 2 features"),
        (table(FEATURES, np.ones(400, np.float32)), "no order to learn"),
        (table(FEATURES, LABEL - 1), "whole number from 0"),
        (table(FEATURES, LABEL + 0.5), "whole number from 0"),
        (table(FEATURES, LABEL + 40), "whole number from 0"),
        (table(FEATURES), "learns from the column 'label'"),
        (ROWS.drop_columns(["features"]), "needs the column 'features'"),
        (ROWS.slice(0, 0), "no order to learn"),
    ):
        with pytest.raises((UsageError, BadInput), match=said):
            lambdarank.trainer(FEW).train(rows, seed=0)
    with pytest.raises(UsageError, match="no ticket"):
        lambdarank.trainer(FEW).train(ROWS, seed=0, tickets=[b"x"])
    with pytest.raises(UsageError, match="trained on 6 features"):
        trained().predict(table(FEATURES[:, :5].copy()))
    assert trained().predict(ROWS.slice(0, 0)).num_rows == 0
