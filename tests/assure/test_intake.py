"""Ways in: each opens what it promises, and nothing hostile runs or gets through."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.assure.coming_in import came_in, trainer_named, ways
from consentinel.assure.shelves import INTAKE
from consentinel.core import meeting
from consentinel.core.contracts import IntakePart
from consentinel.core.errors import BadInput, ConsentinelError, ContractBroken, UsageError
from consentinel.core.model_contracts import Differentiable, Model, Trainer
from consentinel.core.modelfile import ModelFile, save
from consentinel.models.rows import TEXTS
from tests.assure.made_files import people, predicted, put

TYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64}


def tensors(path: Path, arrays: dict[str, np.ndarray], about: dict[str, str] | None = None) -> Path:
    """Write ARRAYS as safetensors, by hand."""
    table: dict[str, object] = {"__metadata__": about} if about is not None else {}
    at, chunks = 0, []
    for name, array in arrays.items():
        code = next(code for code, kind in TYPES.items() if array.dtype == kind)
        table[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        chunks.append(array.tobytes())
        at += array.nbytes
    header = json.dumps(table).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"".join(chunks))
    return path


class Boom:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("raise SystemExit('code of a model file ran')",))


@pytest.mark.parametrize("name", INTAKE.names())
def test_a_way_in_keeps_its_contract_and_says_what_it_allows(name: str) -> None:
    part = INTAKE.take(name)
    assert isinstance(part, IntakePart)
    assert part.ALLOWS
    assert not part.takes("nothing")
    assert f"  {name}: " in ways()


def test_doors_of_other_rooms_lead_somewhere() -> None:
    assert isinstance(meeting.trainer("recommend/ease:reg=5"), Trainer)
    scores, coins = np.zeros(64), np.arange(64) % 2 == 0
    assert meeting.canary_auditor()(scores, coins, claimed=1.0).verdict in ("consistent", "insufficient")


def test_a_model_of_the_room_comes_in_by_its_file_and_by_its_part(tmp_path: Path) -> None:
    rows = pa.table({"text": ["good day", "bad day", "good", "bad"] * 5, "label": ["1", "0", "1", "0"] * 5}).cast(TEXTS)
    trainer = came_in("text/tfidf_linear:columns=8", "text")[1].trainer
    assert trainer is not None
    file = trainer.train(rows, seed=0).save(tmp_path / "model.safetensors")
    way, opened = came_in(str(file), "text")
    assert way == "room"
    assert isinstance(opened.model, Model)
    assert opened.model.predict(rows)["label"].to_pylist() == rows["label"].to_pylist()
    with pytest.raises(BadInput, match="--kind text"):
        came_in(str(file), "vision")
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(BadInput, match="past the end"):
        came_in(str(file), "text")


def test_a_model_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save(file, ModelFile("models.magic.wand", "1", "test", {"a": np.zeros(3)}))
    with pytest.raises(BadInput, match=r"models\.magic\.wand"):
        came_in(str(file), "tabular")


def test_a_linear_model_in_safetensors_answers_and_has_a_gradient(tmp_path: Path) -> None:
    coef, intercept = np.array([[1.0, -2.0]]), np.array([0.5])
    mean, scale = np.array([1.0, 0.0]), np.array([2.0, 1.0])
    file = tensors(tmp_path / "m.safetensors", {"coef": coef, "intercept": intercept, "mean": mean, "scale": scale},
                   {"classes": '["no", "yes"]', "features": '["x", "y"]'})  # fmt: skip
    way, opened = came_in(str(file), "tabular")
    model = opened.model
    assert way == "tensors"
    assert isinstance(model, Differentiable)
    rows = people(20)
    z = ((np.stack([rows["x"], rows["y"]], axis=1) - mean) / scale) @ coef[0] + intercept
    p = np.asarray(model.predict(rows)["probabilities"].to_pylist())[:, 1]
    assert p == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-12)
    x = model.inputs(rows)
    for target in (0, 1):
        step = model.scores(x + np.float32([1, 0]))[:, target] - model.scores(x)[:, target]
        assert model.gradient(x, np.full(len(x), target))[:, 0] == pytest.approx(step, abs=1e-5)
    assert list(model.classes()) == ["no", "yes"]


@pytest.mark.parametrize(
    ("arrays", "about", "says"),
    [
        ({"weight": np.zeros((3, 3))}, {}, "has the array 'weight'"),
        ({"coef": np.zeros((3, 2))}, {}, "lacks coef or intercept"),
        ({"coef": np.zeros((3, 2)), "intercept": np.zeros(2)}, {}, "do not fit"),
        ({"coef": np.full((1, 2), np.nan), "intercept": np.zeros(1)}, {}, "not finite"),
        ({"coef": np.zeros((3, 2)), "intercept": np.zeros(3)}, {}, "0 classes for 3"),
        ({"coef": np.zeros((3, 2)), "intercept": np.zeros(3)}, {"classes": "{}"}, "no JSON list"),
        ({"coef": np.zeros((1, 2)), "intercept": np.zeros(1), "scale": np.zeros(2)}, {}, "do not fit"),
    ],
)
def test_other_safetensors_are_refused_and_the_layout_is_told(
    tmp_path: Path, arrays: dict[str, np.ndarray], about: dict[str, str], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        came_in(str(tensors(tmp_path / "m.safetensors", arrays, about)), "tabular")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00" * 7, (1 << 62).to_bytes(8, "little") + b"{}", (5_000_000).to_bytes(8, "little") + b"{" * 5_000_000,
        (2).to_bytes(8, "little") + b"[]", pickle.dumps(Boom()), b"PK\x03\x04" + b"\x00" * 100,
        (100_000).to_bytes(8, "little") + b'{"a":' * 20_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["safetensors", "onnx", "parquet", "csv"])
def test_a_hostile_file_is_refused_and_runs_nothing(tmp_path: Path, data: bytes, suffix: str) -> None:
    if suffix == "onnx":
        pytest.importorskip("onnxruntime", reason="install with: pip install 'consentinel[onnx]'")
    file = tmp_path / f"model.{suffix}"
    file.write_bytes(data)
    with pytest.raises(ConsentinelError):
        came_in(str(file), "tabular")


@pytest.mark.parametrize("suffix", ["pkl", "pt", "joblib", "npz", "zip", "h5", "py"])
def test_a_file_that_can_hold_code_is_never_opened(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"model.{suffix}"
    file.write_bytes(pickle.dumps(Boom()))
    with pytest.raises(UsageError, match="can hold code"):
        came_in(str(file), "tabular")


def test_bombs_are_told_by_their_headers(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.safetensors", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("a", b"\0" * 10_000_000)
    with pytest.raises(BadInput):
        came_in(str(tmp_path / "bomb.safetensors"), "tabular")
    big = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), ["x" * 1000])
    put(pa.table({"score": np.zeros(1000), "pad": big}), tmp_path / "p.parquet")
    from consentinel.assure import tables_read

    assert tables_read.read(tmp_path / "p.parquet").num_rows == 1000
    patched = pytest.MonkeyPatch()
    with patched.context() as context:
        context.setattr(tables_read, "LARGEST", 100)
        with pytest.raises(BadInput, match="unpacks to"):
            tables_read.read(tmp_path / "p.parquet")


def test_predictions_name_what_they_lack(tmp_path: Path) -> None:
    rows = people(10)
    way, opened = came_in(str(put(predicted(rows), tmp_path / "p.parquet")), "tabular")
    assert way == "predictions"
    assert opened.answers is not None
    assert "label" in opened.answers.column_names
    with pytest.raises(UsageError, match="no column 'score'"):
        came_in(str(put(rows, tmp_path / "q.parquet")), "tabular")
    with pytest.raises(UsageError, match="no column 'query'"):
        came_in(str(put(predicted(rows), tmp_path / "q.parquet")), "recsys")


CODE = """
import numpy as np
import pyarrow as pa

def scores(rows):
    return 1 / (1 + np.exp(-np.asarray(rows["x"])))

def table(rows):
    return {"score": [0.9] * rows.num_rows, "label": ["1"] * rows.num_rows}

def nonsense(rows):
    return object()

class Estimator:
    classes_ = np.array([0, 1])
    n_features_in_ = 2
    feature_names_in_ = np.array(["x", "y"])
    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-x[:, 0]))
        return np.stack([1 - p, p], axis=1)

class Maker:
    kind = "tabular"
    def train(self, rows, *, seed, tickets=()):
        return None

estimator = Estimator()
maker = Maker()
number = 3
"""


def test_code_runs_only_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made_up_model.py").write_text(CODE)
    rows = people(6)
    got = {}
    for name in ("scores", "table", "estimator"):
        way, opened = came_in(f"made_up_model:{name}", "tabular")
        assert way == "callable"
        assert opened.made_of[0].name == "made_up_model.py"
        assert opened.model is not None
        got[name] = opened.model.predict(rows)
        with pytest.raises(UsageError):
            opened.model.save(tmp_path / "m")
    assert got["scores"].column_names == ["score"]
    assert np.asarray(got["estimator"]["probabilities"].to_pylist())[:, 1] == pytest.approx(
        np.asarray(got["scores"]["score"])
    )
    broken = came_in("made_up_model:nonsense", "tabular")[1].model
    assert broken is not None
    with pytest.raises(ContractBroken, match="neither a table"):
        broken.predict(rows)
    assert trainer_named("made_up_model:maker", "tabular").trainer is not None
    for wrong in ("made_up_model:nothing", "no_such_module_at_all:x", "made_up_model:number"):
        with pytest.raises(UsageError):
            came_in(wrong, "tabular")
    with pytest.raises(UsageError, match="no train"):
        trainer_named("made_up_model:scores", "tabular")
    with pytest.raises(UsageError, match="no trainer"):
        trainer_named("model.onnx", "tabular")
    with pytest.raises(UsageError, match="predictions"):
        came_in("what is this", "tabular")


def test_a_network_in_onnx_answers_as_its_weights_say(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="install with: pip install 'consentinel[onnx]'")
    onnx = pytest.importorskip("onnx", reason="makes the network of this test: pip install onnx")
    helper = onnx.helper
    weight = np.array([[1.0, -1.0], [0.5, 0.25]], np.float32)

    def network(domain: str = "", outside: bool = False) -> bytes:
        node = helper.make_node("MatMul", ["x", "w"], ["z"], domain=domain)
        tensor = onnx.numpy_helper.from_array(weight, "w")
        if outside:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="../secret")
        graph = helper.make_graph(
            [node], "g", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2])],
            [helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["n", 2])], [tensor],
        )  # fmt: skip
        imports = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
        made = helper.make_model(graph, opset_imports=imports, ir_version=9)
        helper.set_model_props(made, {"classes": '["no", "yes"]', "features": '["x", "y"]'})
        return bytes(made.SerializeToString())

    file = tmp_path / "m.onnx"
    file.write_bytes(network())
    model = came_in(str(file), "tabular")[1].model
    rows = people(30)
    z = np.stack([rows["x"], rows["y"]], axis=1) @ weight
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert model is not None
    got = model.predict(rows)
    assert np.asarray(got["probabilities"].to_pylist()) == pytest.approx(p, abs=1e-6)
    assert set(got["label"].to_pylist()) <= {"no", "yes"}
    file.write_bytes(network(domain="made.up"))
    with pytest.raises(BadInput, match="without operators of others"):
        came_in(str(file), "tabular")
    file.write_bytes(network(outside=True))
    with pytest.raises(BadInput, match="names other files"):
        came_in(str(file), "tabular")
    with pytest.raises(UsageError, match="column 'y'"):
        model.predict(rows.drop_columns(["y"]))


def test_a_damaged_parquet_of_answers_is_told(tmp_path: Path) -> None:
    file = put(predicted(people(10)), tmp_path / "p.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BadInput, match="cannot be read as a table"):
        came_in(str(file), "tabular")
    pq.write_table(pa.table({"score": ["a"]}), file)
    with pytest.raises(UsageError, match="holds no numbers"):
        came_in(str(file), "tabular")
