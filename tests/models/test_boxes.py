"""Bounds of models over boxes of inputs: never wrong, tight where a point is asked, and narrower where trained for."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Bounded
from consentinel.models.ads import logistic
from consentinel.models.asked import settings
from consentinel.models.vision import _boxes, _network, scattering_linear, small_cnn
from tests.models.made_pictures import made, right
from tests.models.test_explainable import columns

torch = pytest.importorskip("torch", reason="torch is not installed")
ROWS, OTHERS = made(240), made(60, seed=1)


def trained(asked: str, epochs: int = 10) -> Any:
    found = settings(small_cnn.SETTINGS, f"epochs={epochs},batch=32,mirror=no,{asked}", "test")
    return small_cnn.trainer(found).train(ROWS, seed=3)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small networks are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def plain() -> Any:
    return trained("", epochs=5)


def inside(model: Any, x: np.ndarray, wide: float, tries: int = 20) -> float:
    """Check that no score leaves the bounds: at the ends of the box, at random and where the slope leads; return how
    wide they are."""
    low, high = np.clip(x - np.float32(wide), 0, 1), np.clip(x + np.float32(wide), 0, 1)
    least, most = model.bounds(low, high)
    assert least.dtype == most.dtype == np.float32
    rng = np.random.default_rng(0)
    points = [low, high, x]
    points += [np.where(rng.random(x.shape) < 0.5, low, high) for _ in range(tries)]
    for target in range(least.shape[1]):
        slope = model.gradient(x, np.full(len(x), target))
        points += [np.where(slope > 0, high, low), np.where(slope > 0, low, high)]
    for point in points:
        scores = model.scores(point)
        assert (least <= scores).all()
        assert (scores <= most).all()
    return float((most - least).mean())


@pytest.mark.parametrize("wide", [0.0, 1 / 255, 0.05, 1.0])
def test_no_score_of_a_network_leaves_its_bounds(wide: float) -> None:
    assert isinstance(plain(), Bounded)
    width = inside(plain(), plain().inputs(OTHERS), wide)
    if not wide:
        assert width < 0.01  # rounding alone


def test_bounds_hold_for_the_bounded_activation_and_colours() -> None:
    net = _network.initial((16, 16, 3), 4, "tanh", 0)
    weights = {name: np.asarray(one.detach().numpy()) for name, one in net.state_dict().items()}
    model = _network.Network("private_cnn", "tanh", (16, 16, 3), list("abcd"), weights)
    inside(model, np.random.default_rng(0).random((20, 16, 16, 3)).astype(np.float32), 0.02)


def test_one_linear_layer_is_exact() -> None:
    layer = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 2)).double()
    low = torch.rand(5, 2, 3, dtype=torch.float64)
    high = low + torch.rand(5, 2, 3, dtype=torch.float64)
    least, most = _boxes.bounds(layer, low, high)
    weight = layer[1].weight
    corner = torch.where(weight[0] > 0, high.flatten(1), low.flatten(1))
    assert torch.allclose(most[:, 0], corner @ weight[0] + layer[1].bias[0])
    corner = torch.where(weight[1] > 0, low.flatten(1), high.flatten(1))
    assert torch.allclose(least[:, 1], corner @ weight[1] + layer[1].bias[1])


def test_a_layer_that_is_not_known_is_refused() -> None:
    with pytest.raises(TypeError, match="Sigmoid"):
        _boxes.bounds(torch.nn.Sequential(torch.nn.Sigmoid()), torch.zeros(1), torch.ones(1))


def test_a_logistic_regression_has_exact_bounds() -> None:
    rows = columns()
    model: Any = logistic.trainer(logistic.SETTINGS()).train(rows, seed=0)
    assert isinstance(model, Bounded)
    x = model.inputs(rows)
    low, high = x - np.float32(0.2), x + np.float32(0.2)
    least, most = model.bounds(low, high)
    ends = [model.scores(np.where(model.theta[1:] > 0, one, other))[:, 1] for one, other in ((high, low), (low, high))]
    assert (most[:, 1] >= ends[0]).all()
    assert (least[:, 1] <= ends[1]).all()
    assert np.allclose(most[:, 1], ends[0], atol=1e-5)
    assert np.allclose(least[:, 1], ends[1], atol=1e-5)
    assert not isinstance(scattering_linear.Linear, Bounded)  # no bounds through its moduli and norms


def test_training_for_a_box_narrows_it_and_stays_the_same_twice(tmp_path: Path) -> None:
    boxed = trained("box=0.05", epochs=4)
    x = plain().inputs(OTHERS)
    assert inside(boxed, x, 0.02, tries=2) < 0.5 * inside(plain(), x, 0.02, tries=2)
    again = trained("box=0.05", epochs=4).save(tmp_path / "again")
    kept = boxed.save(tmp_path / "model")
    assert again.read_bytes() == kept.read_bytes()
    assert small_cnn.load(modelfile.load(kept, kind="models.vision.small_cnn")).card["box"] == "0.05"


def test_noise_is_a_setting_and_none_changes_nothing() -> None:
    weights = trained("noise=0", epochs=5).weights
    assert all(np.array_equal(plain().weights[name], weights[name]) for name in weights)
    noisy = trained("noise=0.1", epochs=5)
    assert right(noisy.predict(OTHERS), OTHERS) > 0.5
    assert any(not np.array_equal(plain().weights[name], noisy.weights[name]) for name in weights)
    with pytest.raises(UsageError, match="noise"):
        trained("noise=-1")
