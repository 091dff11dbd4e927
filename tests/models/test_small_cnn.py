"""The small network, trained plainly: it learns, is the same twice, and keeps torch's own random numbers alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.asked import settings
from consentinel.models.vision import small_cnn
from tests.models.made_pictures import made, right

torch = pytest.importorskip("torch", reason="torch is not installed")
ROWS, OTHERS = made(240), made(60, seed=1)
TRAINER = small_cnn.trainer(settings(small_cnn.SETTINGS, "epochs=10,batch=32,mirror=no", "test"))


def test_it_learns_and_equal_seeds_give_equal_models(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    model = TRAINER.train(ROWS, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    assert right(model.predict(OTHERS), OTHERS) > 0.9
    path = model.save(tmp_path / "model")
    assert TRAINER.train(ROWS, seed=3).save(tmp_path / "again").read_bytes() == path.read_bytes()
    read = small_cnn.load(modelfile.load(path, kind="models.vision.small_cnn"))
    assert read.predict(OTHERS).equals(model.predict(OTHERS))
    p = np.array(read.predict(OTHERS)["probabilities"].to_pylist())
    assert np.allclose(p.sum(axis=1), 1)


def test_colours_and_mirrored_pictures() -> None:
    rows = made(30, channels=3)
    model = small_cnn.trainer(settings(small_cnn.SETTINGS, "epochs=1", "test")).train(rows, seed=0)
    assert model.size == (16, 16, 3)
    with pytest.raises(BadInput, match="16 x 16 x 1"):
        model.predict(ROWS)


def test_small_sides_and_tickets_are_refused() -> None:
    with pytest.raises(UsageError, match="16 to 256 pixels"):
        TRAINER.train(made(9, side=12), seed=0)
    with pytest.raises(UsageError, match="takes no ticket"):
        TRAINER.train(ROWS, seed=0, tickets=[b"x"])


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    model = small_cnn.trainer(settings(small_cnn.SETTINGS, "epochs=1", "test")).train(made(9), seed=0)
    kept = modelfile.load(model.save(tmp_path / "model"), kind="models.vision.small_cnn")
    weights = {name: array[:-1] if name == "net.9.bias" else array for name, array in kept.arrays.items()}
    wrong = {"activation": "softplus"}
    for other in (
        replace(kept, arrays=weights),
        replace(kept, card=wrong),
        replace(kept, kind="models.vision.nearest"),
    ):
        with pytest.raises(BadInput):
            small_cnn.load(other)
