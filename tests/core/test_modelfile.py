import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile, from_bytes, load, save, to_bytes

MODEL = ModelFile(
    kind="detect.datum",
    version="3",
    made_by="consentinel 0.1.0",
    arrays={"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.array([1, -2], np.int64)},
    card={"licence": "Apache-2.0", "trained on": "généré, 12 families"},
)
dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="<"),
    hnp.unsigned_integer_dtypes(endianness=">"),
    hnp.floating_dtypes(sizes=(16, 32, 64)),
)
arrays = st.dictionaries(
    st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_./-]{0,20}\Z"),
    dtypes.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))),
    max_size=5,
)
models = st.builds(
    ModelFile, st.text(max_size=9), st.text(max_size=9), st.text(max_size=9), arrays,
    st.dictionaries(st.text(max_size=9), st.text(max_size=20), max_size=3),
)  # fmt: skip


def parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def packed(header: object, payload: bytes, *, honest: bool = True) -> bytes:
    """Return a file of HEADER and PAYLOAD, with a digest that matches where that is possible."""
    if honest and isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        table = {name: entry for name, entry in header.items() if name != "__metadata__"}
        about = {name: text for name, text in header["__metadata__"].items() if name != "sha256"}
        said = json.dumps([about, table], sort_keys=True, separators=(",", ":")).encode()
        header["__metadata__"]["sha256"] = sha256(said + payload).hexdigest()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


@given(models)
def test_models_read_back(model: ModelFile) -> None:
    data = to_bytes(model)
    got = from_bytes(data)
    assert (got.kind, got.version, got.made_by, got.card) == (model.kind, model.version, model.made_by, model.card)
    assert list(got.arrays) == sorted(model.arrays)
    for name, array in model.arrays.items():
        assert got.arrays[name].shape == array.shape
        assert got.arrays[name].dtype == array.dtype.newbyteorder("<")
        np.testing.assert_array_equal(got.arrays[name], array)
    assert to_bytes(got) == data


def test_equal_models_give_equal_bytes_in_any_order_and_layout(tmp_path: Path) -> None:
    weights = np.asfortranarray(MODEL.arrays["weights"])
    other = ModelFile(
        MODEL.kind, MODEL.version, MODEL.made_by, {"bias": MODEL.arrays["bias"].astype(">i8"), "weights": weights},
        dict(reversed(MODEL.card.items())),
    )  # fmt: skip
    assert to_bytes(other) == to_bytes(MODEL)
    digest = save(tmp_path / "m.safetensors", MODEL)
    assert digest == sha256((tmp_path / "m.safetensors").read_bytes()).hexdigest()
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        from_bytes(to_bytes(MODEL)).arrays["bias"][0] = 5


def test_every_changed_byte_is_noticed() -> None:
    data = to_bytes(MODEL)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            got = from_bytes(changed)
        except BadInput:
            continue
        assert changed[at : at + 1] in b" !", at  # only the padding after the header may differ
        assert to_bytes(got) == data


def test_every_cut_file_is_noticed() -> None:
    data = to_bytes(MODEL)
    for length in range(len(data)):
        with pytest.raises(BadInput):
            from_bytes(data[:length])
    with pytest.raises(BadInput, match="after the last"):
        from_bytes(data + b"x")


def change(place: str, value: object) -> Any:
    def on(header: dict[str, Any]) -> None:
        header["weights"][place] = value

    return on


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (change("data_offsets", [16, 2**62]), "list of sizes"),
        (change("data_offsets", [-8, 16]), "list of sizes"),
        (change("data_offsets", [16.0, 40.0]), "list of sizes"),
        (change("data_offsets", [True, 40]), "list of sizes"),
        (change("data_offsets", [40, 16]), "wrong form"),
        (change("data_offsets", [16]), "wrong form"),
        (change("data_offsets", [8, 32]), "overlap"),
        (change("data_offsets", [17, 41]), "overlap or leave a gap"),
        (change("data_offsets", [0, 24]), "overlap"),
        (change("data_offsets", {"0": 1}), "list of sizes"),
        (change("shape", [2, 4]), "does not fit"),
        (change("shape", [2**31] * 8), "does not fit"),
        (change("shape", [1] * 9 + [6]), "wrong form"),
        (change("shape", [-2, -3]), "list of sizes"),
        (change("shape", "23"), "list of sizes"),
        (change("dtype", "O"), "unknown type"),
        (change("dtype", "F8_E4M3"), "unknown type"),
        (change("dtype", ["F32"]), "unknown type"),
        (change("code", "os.system"), "malformed"),
        (lambda h: h.update({"../x y": h.pop("weights")}), "malformed"),
        (lambda h: h.update({"weights": None}), "malformed"),
        (lambda h: h.pop("__metadata__"), "should say"),
        (lambda h: h.update({"__metadata__": "x"}), "should say"),
        (lambda h: h["__metadata__"].pop("kind"), "should say"),
        (lambda h: h["__metadata__"].update({"kind": 3}), "texts"),
        (lambda h: h["__metadata__"].update({"card": "[]"}), "not a JSON object"),
        (lambda h: h["__metadata__"].update({"card": '{"a":1}'}), "texts"),
        (lambda h: h["__metadata__"].update({"card": '{"a":"1","a":"2"}'}), "not JSON"),
        (lambda h: h["__metadata__"].update({"card": "\ud800"}), "not JSON"),
    ],
)
def test_hostile_headers_are_refused(spoil: Any, says: str) -> None:
    header, payload = parts(to_bytes(MODEL))
    spoil(header)
    with pytest.raises(BadInput, match=says):
        from_bytes(packed(header, payload), where="m.safetensors")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 7,
        b"\x00" * 8,
        b"\xff" * 8 + b"{}",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 3) + b"NaN",
        struct.pack("<Q", 2) + b"\xff\xfe",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        struct.pack("<Q", 6_000) + b'{"a":' + b"1" * 5_994 + b"}",
        struct.pack("<Q", 5_000_000) + b" " * 5_000_000,
        struct.pack("<Q", 17) + b'{"a":{},"a":null}',
        b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    ],
)
def test_what_is_no_model_file_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="not a whole model file"):
        from_bytes(data)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_clearly(data: bytes) -> None:
    for hostile in (data, struct.pack("<Q", len(data)) + data, struct.pack("<Q", max(0, len(data) - 3)) + data):
        with pytest.raises(BadInput):
            from_bytes(hostile)


def test_truth_values_are_0_or_1() -> None:
    header, payload = parts(to_bytes(ModelFile("k", "1", "m", {"flags": np.array([True, False])})))
    with pytest.raises(BadInput, match="truth value"):
        from_bytes(packed(header, b"\x02\x00"))
    assert from_bytes(packed(header, payload)).arrays["flags"].tolist() == [True, False]


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["text"]),
        np.array(["2026-01-01"], "datetime64[us]"),
        np.array([1j]),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
        np.zeros((1,) * 9),
        np.zeros(2, np.longdouble),
    ],
)
def test_only_plain_arrays_are_kept(array: np.ndarray) -> None:
    with pytest.raises(UsageError, match="cannot be kept"):
        to_bytes(ModelFile("k", "1", "m", {"a": array}))


@pytest.mark.parametrize("name", ["", "../a", " a", "__metadata__", "a\n", "x" * 201])
def test_array_names_are_plain(name: str) -> None:
    with pytest.raises(UsageError):
        to_bytes(ModelFile("k", "1", "m", {name: np.zeros(1)}))


def test_texts_are_texts_and_of_a_bounded_size() -> None:
    with pytest.raises(UsageError, match="texts"):
        to_bytes(ModelFile("k", "1", "m", {}, {"accuracy": 0.9}))  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="shorten"):
        to_bytes(ModelFile("k", "1", "m", {}, {"a": "x" * 4_000_001}))


def test_load_names_the_file_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(BadInput, match=r"m\.safetensors: cannot be read"):
        load(path, kind="detect.datum")
    save(path, MODEL)
    assert load(path, kind="detect.datum").arrays["bias"].tolist() == [1, -2]
    with pytest.raises(BadInput, match=r"kind 'detect\.datum'.*models\.text") as refused:
        load(path, kind="models.text")
    assert str(tmp_path) not in str(refused.value)
    with pytest.raises(BadInput, match="more than the 10 allowed"):
        load(path, kind="detect.datum", largest=10)
