"""The parts of the ads shelf that train without privacy: they learn, and refuse what they cannot read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.rng import generator
from consentinel.models import asked
from consentinel.models.ads._encode import Columns, distinct, learnt, unpacked
from consentinel.models.evaluation import effects
from consentinel.models.shelves import ADS

PLAIN = {
    "logistic": "",
    "factorisation_machine": "batch=256,epochs=4,rate=0.05",
    "deep": "batch=256,epochs=5,rate=0.02,hidden=16",
    "calibrated": "",
}


def clicks(n: int = 3000, seed: int = 0) -> pa.Table:
    """Rows whose label depends on site, on device within site, and on a price."""
    rng = generator(seed, "tests.clicks")
    site, device = rng.integers(0, 4, n), rng.integers(0, 3, n)
    price = rng.normal(10, 2, n)
    odds = np.array([-2, -1, 0, 1])[site] + (site == device) * 1.5 - (price - 10) / 4
    label = rng.random(n) < 1 / (1 + np.exp(-odds))
    names = {"site": [f"site{s}.example.com" for s in site], "device": [f"d{d}" for d in device]}
    return pa.table(names | {"price": price, "label": label.astype(np.int64)})


def made(name: str, text: str = "") -> Any:
    """The trainer of the part NAME with settings in TEXT."""
    part = ADS.take(name)
    return part.trainer(asked.settings(part.SETTINGS, text, name))


def scores(model: Any, rows: pa.Table) -> np.ndarray:
    """The scores of ROWS."""
    return np.asarray(model.predict(rows)["score"])


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """The chance that a row of label 1 scores above one of label 0, ties counting one half."""
    ones, zeros = score[label == 1][:, None], score[label == 0][None, :]
    return float((ones > zeros).mean() + (ones == zeros).mean() / 2)


@pytest.mark.parametrize("name", PLAIN)
def test_a_part_learns_keeps_itself_and_repeats(name: str, tmp_path: Path) -> None:
    train, test = clicks(), clicks(1000, seed=1)
    model = made(name, PLAIN[name]).train(train, seed=3)
    found = scores(model, test)
    assert auc(found, np.asarray(test["label"])) > 0.72
    assert abs(found.mean() - np.asarray(test["label"]).mean()) < 0.05
    again = modelfile.load(model.save(tmp_path / "m"), kind=f"models.ads.{name}")
    np.testing.assert_allclose(scores(ADS.take(name).load(again), test), found)
    assert scores(made(name, PLAIN[name]).train(train, seed=3), test).tolist() == found.tolist()
    assert model.predict(test.slice(0, 0)).num_rows == 0


def test_pairs_help_where_the_label_depends_on_pairs() -> None:
    train, test = clicks(8000), clicks(3000, seed=1)
    label = np.asarray(test["label"])

    def loss(p: np.ndarray) -> float:
        return float(-np.mean(label * np.log(p) + (1 - label) * np.log(1 - p)))

    single, pairs = (
        scores(made("logistic", text).train(train, seed=0), test) for text in ("", "pairs=true,pull_pairs=2")
    )
    assert loss(pairs) < loss(single) - 0.01


def test_logistic_agrees_with_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rows = clicks(1500)
    encoding = learnt(rows, Columns(), pairs=False, who="test")
    x = encoding.sparse(rows, "test")
    dense = np.zeros((rows.num_rows, x.width))
    np.put_along_axis(dense, x.index, x.value, axis=1)
    theirs = linear.LogisticRegression(C=1.0, tol=1e-8, max_iter=2000).fit(dense[:, 1:], np.asarray(rows["label"]))
    ours = scores(made("logistic").train(rows, seed=0), rows)
    np.testing.assert_allclose(ours, theirs.predict_proba(dense[:, 1:])[:, 1], atol=2e-4)


BAD: Mapping[str, tuple[Any, str]] = {
    "constant": (lambda t: t.set_column(3, "label", pa.array([1] * t.num_rows)), "same label"),
    "other labels": (lambda t: t.set_column(3, "label", pa.array([2] * t.num_rows)), "0 or 1"),
    "text labels": (lambda t: t.set_column(3, "label", pa.array(["x"] * t.num_rows)), "0 or 1"),
    "missing label": (lambda t: t.drop_columns(["label"]), "no column 'label'"),
    "NaN": (lambda t: t.set_column(2, "price", pa.array([float("nan")] * t.num_rows)), "row 0"),
    "empty": (lambda t: t.slice(0, 0), "0 or 1|no rows|nothing to learn"),
    "no features": (lambda t: t.select(["label"]), "no column is left"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    change, message = BAD[name]
    with pytest.raises(UsageError, match=message):
        made("logistic").train(change(clicks(200)), seed=0)


def test_asked_columns_tickets_and_missing_columns() -> None:
    rows = clicks(300)
    model = made("logistic", "categorical=site device").train(rows, seed=0)
    assert scores(model, rows.drop_columns(["price", "label"])).shape == (300,)
    with pytest.raises(UsageError, match="no column 'site'"):
        model.predict(rows.drop_columns(["site"]))
    with pytest.raises(UsageError, match="no column 'place'"):
        made("logistic", "categorical=place").train(rows, seed=0)
    for name in (*PLAIN, "uplift"):
        with pytest.raises(UsageError, match="takes no ticket"):
            made(name).train(rows, seed=0, tickets=[b"x"])


def test_unknown_and_missing_categories_share_a_code() -> None:
    rows = pa.table({"a": ["x", None, "y", "x"], "label": [0, 1, 0, 1]})
    encoding = learnt(rows, Columns(), pairs=False, who="test")
    strange = pa.table({"a": pa.array(["z", None, "x"])})
    assert encoding.codes(strange, "test")[:, 0].tolist() == [0, 0, 1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), min_size=1, max_size=40), st.booleans())
def test_any_texts_survive_the_file(texts: list[str | None], hashed: bool) -> None:
    rows = pa.table({"a": pa.array(texts, pa.string()), "b": pa.array(texts[::-1], pa.string())})
    encoding = learnt(rows, Columns(), pairs=True, who="test", buckets=5 if hashed else 0)
    again = unpacked(encoding.arrays(), "test")
    assert again.sparse(rows, "test").index.tolist() == encoding.sparse(rows, "test").index.tolist()
    x, y, times = distinct(encoding.sparse(rows, "test"), np.zeros(len(texts)))
    assert times.sum() == len(texts)
    np.testing.assert_allclose(x.add(times * (y + 1)), encoding.sparse(rows, "test").add(np.ones(len(texts))))


@pytest.mark.parametrize("name", ["encoding/site.ends", "encoding/values0.ends", "encoding/form", "theta"])
def test_damaged_files_are_refused(name: str) -> None:
    file = made("logistic").train(clicks(200), seed=0).file()
    arrays = dict(file.arrays)
    arrays[name] = np.array([10**6, 3], dtype=np.int64)
    if name == "encoding/site.ends":
        arrays.pop("encoding/categorical.ends")
    with pytest.raises(BadInput):
        ADS.take("logistic").load(modelfile.ModelFile(file.kind, "1", "t", arrays, file.card))


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_calibration_repairs_odds_that_are_too_extreme(method: str) -> None:
    train, test = clicks(6000), clicks(4000, seed=1)
    label = np.asarray(test["label"])
    model = made("calibrated", f"method={method},of=logistic,given=pairs=true;pull=0.0;pull_pairs=0.0").train(
        train, seed=0
    )
    found = scores(model, test)
    for low in np.arange(0, 1, 0.25):
        inside = (found >= low) & (found < low + 0.25)
        assert abs(found[inside].mean() - label[inside].mean()) < 0.05
    with pytest.raises(UsageError, match="not over itself"):
        made("calibrated", "of=calibrated").train(train, seed=0)
    with pytest.raises(UsageError, match="is private"):
        made("calibrated", "of=private_logistic").train(train, seed=0)


@pytest.mark.parametrize("method", ["two", "robust"])
def test_uplift_finds_whom_the_treatment_helps(method: str, tmp_path: Path) -> None:
    rng = generator(0, "tests.uplift")
    n = 12_000
    group, treated = rng.integers(0, 4, n), rng.integers(0, 2, n)
    effect = np.array([-0.1, 0.0, 0.1, 0.3])[group]
    label = rng.random(n) < 0.3 + effect * treated
    rows = pa.table({"group": [f"g{g}" for g in group], "treatment": treated, "label": label.astype(int)})
    train, test = rows.slice(0, 8000), rows.slice(8000)
    model = made("uplift", f"method={method}").train(train, seed=0)
    found = scores(model, test.drop_columns(["label", "treatment"]))
    assert np.abs(found - effect[8000:]).max() < 0.08
    again = modelfile.load(model.save(tmp_path / "m"), kind="models.ads.uplift")
    np.testing.assert_allclose(scores(ADS.take("uplift").load(again), test), found)
    trial = effects.Trial(np.asarray(test["treatment"]), np.asarray(test["label"]))
    good = effects.interval("qini", found, trial, seed=0, draws=100)
    random = effects.interval("qini", rng.random(len(found)), trial, seed=0, draws=100)
    assert good.low > 0.01
    assert random.low < 0 < random.high
