"""core/modelfile against the safetensors package: it opens our files, and we notice its files as not ours."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import TYPES, ModelFile, load, save
from consentinel.core.rng import generator


def test_safetensors_opens_our_files(tmp_path: Path) -> None:
    rng = generator(1, "arrays")
    arrays = {
        f"layer.{name}": rng.integers(0, 2, (3, at % 4)).astype(code) for at, (name, code) in enumerate(TYPES.items())
    }
    arrays["scalar"] = np.array(2.5)
    path = tmp_path / "m.safetensors"
    save(path, ModelFile("detect.datum", "1", "consentinel", arrays, {"note": "ü"}))
    theirs = load_file(path)
    assert sorted(theirs) == sorted(arrays)
    for name, array in arrays.items():
        assert theirs[name].dtype == array.dtype
        np.testing.assert_array_equal(theirs[name], array)
    with safe_open(path, framework="np") as opened:
        assert opened.metadata()["kind"] == "detect.datum"


def test_a_foreign_file_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(BadInput, match="header should say"):
        load(path, kind="detect.datum")
