"""Scattering as kymatio has it, features without other pictures, and the plain classifier with its bad inputs."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models.asked import settings
from consentinel.models.vision import scattering_linear
from consentinel.models.vision._features import coefficients
from consentinel.models.vision._linear import Linear
from consentinel.models.vision._scattering import scattered
from tests.models.made_pictures import drawn, made, right, table

ROWS, OTHERS = made(90), made(60, seed=1)
TRAINER = scattering_linear.trainer(settings(scattering_linear.SETTINGS, "width=64,steps=40", "test"))


@pytest.fixture(scope="module")
def model() -> Linear:
    return TRAINER.train(ROWS, seed=0)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (16, 20), (17, 30)])
def test_it_is_the_scattering_of_kymatio(height: int, width: int) -> None:
    front = pytest.importorskip("kymatio.scattering2d.frontend.numpy_frontend", reason="kymatio is not installed")
    x = np.random.default_rng(1).integers(0, 256, (5, height, width), np.uint8)
    theirs = front.ScatteringNumPy2D(J=2, shape=(height, width), L=8)(x.astype(np.float32) / 255)
    ours = scattered(x[..., None])
    assert ours.shape == (5, 81, height // 4, width // 4)
    assert np.abs(ours - theirs[:, :, : height // 4, : width // 4]).max() < 1e-4  # their pi is 3.1415


def test_colours_are_scattered_apart() -> None:
    x, _ = drawn(3, channels=3)
    x[..., 1] = 255 - x[..., 1]
    whole = scattered(x)
    assert whole.shape == (3, 243, 4, 4)
    assert np.array_equal(whole[:, 81:162], scattered(x[..., 1:2]))


def test_coefficients_of_a_picture_do_not_depend_on_others() -> None:
    x, _ = drawn(200)
    assert np.allclose(coefficients(x)[150:], coefficients(x[150:]), atol=1e-6)
    assert np.allclose(np.linalg.norm(coefficients(x), axis=1), 1, atol=1e-5)
    assert np.isfinite(coefficients(np.zeros((2, 16, 16, 1), np.uint8))).all()


def test_it_learns_and_answers_row_by_row(model: Linear) -> None:
    answer = model.predict(OTHERS)
    assert right(answer, OTHERS) > 0.95
    p = np.array(answer["probabilities"].to_pylist())
    assert answer["score"].type == pa.float64()
    assert np.allclose(p.sum(axis=1), 1)
    assert np.allclose(p.max(axis=1), answer["score"].to_numpy())
    alone = pa.concat_tables([model.predict(OTHERS.slice(at, 1)) for at in range(5)])
    assert np.allclose(alone["score"].to_numpy(), answer["score"].to_numpy()[:5], atol=1e-5)


def test_equal_rows_and_seed_give_an_equal_model_that_is_kept(model: Linear, tmp_path: Path) -> None:
    path = model.save(tmp_path / "model")
    again = TRAINER.train(pa.concat_tables([ROWS.slice(0, 40), ROWS.slice(40)]), seed=0).save(tmp_path / "again")
    assert path.read_bytes() == again.read_bytes()
    read = scattering_linear.load(modelfile.load(path, kind="models.vision.scattering_linear"))
    assert read.predict(OTHERS).equals(model.predict(OTHERS))
    assert read.card["width"] == "64"


def changed(name: str, column: pa.Array | None) -> pa.Table:
    at = ROWS.schema.get_field_index(name)
    return ROWS.remove_column(at) if column is None else ROWS.set_column(at, name, column)


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (ROWS.slice(0, 0), BadInput, "no pictures"),
        (changed("image", None), ContractBroken, "no column 'image'"),
        (changed("image", pa.array(["a"] * 90)), ContractBroken, "list<uint8>"),
        (changed("image", pa.array([[1, 2]] * 90, pa.list_(pa.uint8()))), BadInput, "256 bytes"),
        (changed("image", pa.array([[1] * 255, [1] * 257] * 45, pa.list_(pa.uint8()))), BadInput, "256 bytes"),
        (changed("image", pa.array([None] + [[1] * 256] * 89, pa.list_(pa.uint8()))), BadInput, "null"),
        (changed("height", pa.array([16] * 89 + [8], pa.int32())), BadInput, "several sizes"),
        (changed("channels", pa.array([2] * 90, pa.int32())), BadInput, "channels"),
        (changed("label", pa.array(["a"] * 90)), UsageError, "same label"),
        (changed("label", pa.array(["a", None] * 45)), BadInput, "45 of 90 rows have no label"),
        (table(np.zeros((4, 4, 4, 1), np.uint8), list("abab")), UsageError, "sides of 8 to 512"),
    ],
)
def test_bad_rows_are_refused(rows: pa.Table, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        TRAINER.train(rows, seed=0)


def test_a_ticket_and_another_size_are_refused(model: Linear) -> None:
    with pytest.raises(UsageError, match="takes no ticket"):
        TRAINER.train(ROWS, seed=0, tickets=[b"x"])
    with pytest.raises(BadInput, match=r"20 x 20 x 1.*16 x 16 x 1"):
        model.predict(made(3, side=20))


@pytest.mark.parametrize("name", ["mix", "weights", "classes.starts", "size"])
def test_a_file_that_makes_no_sense_is_refused(model: Linear, tmp_path: Path, name: str) -> None:
    kept = modelfile.load(model.save(tmp_path / "model"), kind="models.vision.scattering_linear")
    for array in (None, kept.arrays[name][:-1]):
        arrays = {n: a for n, a in kept.arrays.items() if n != name} | ({} if array is None else {name: array})
        with pytest.raises(BadInput):
            scattering_linear.load(modelfile.ModelFile(kept.kind, "1", "t", arrays, {}))
