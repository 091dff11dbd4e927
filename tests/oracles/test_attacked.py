"""Attacks on pictures beside those of the Adversarial Robustness Toolbox, where it is installed."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from consentinel.assure.robust._descent import attacked, ball
from tests.assure.made_weak import SIDE, Sees, Singles

torch = pytest.importorskip("torch", reason="needs the [models] extra")


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_it_finds_as_much_as_the_adversarial_robustness_toolbox(norm: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attacks = pytest.importorskip("art.attacks.evasion", reason="pip install adversarial-robustness-toolbox")
        estimators = pytest.importorskip("art.estimators.classification")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIDE * SIDE, 12), torch.nn.Tanh(),
                              torch.nn.Linear(12, 3))  # fmt: skip
    for layer in (net[1], net[3]):
        torch.nn.init.normal_(layer.weight, std=0.7)

    class Net(Sees):
        def scores(self, inputs: Singles, /) -> Singles:
            with torch.inference_mode():
                return np.asarray(net(torch.as_tensor(inputs)).numpy())

        def gradient(self, inputs: Singles, target: NDArray[np.int64], /) -> Singles:
            x = torch.tensor(inputs, requires_grad=True)
            net(x).gather(1, torch.as_tensor(target)[:, None]).sum().backward()
            return np.asarray(x.grad.numpy())

    model = Net(np.zeros((SIDE * SIDE, 3), np.float32), np.zeros(3, np.float32))
    x = np.random.default_rng(0).random((150, SIDE, SIDE, 1), np.float32)
    label = model.scores(x).argmax(axis=1)
    radius = 0.08 if norm == "Linf" else 0.25
    ours, when = attacked(model, x, label, radius, ball(norm), np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs_model = estimators.PyTorchClassifier(
            net, loss=torch.nn.CrossEntropyLoss(), input_shape=(SIDE, SIDE, 1), nb_classes=3, clip_values=(0, 1),
            device_type="cpu",
        )  # fmt: skip
        theirs = attacks.ProjectedGradientDescent(
            theirs_model, norm=np.inf if norm == "Linf" else 2, eps=radius, eps_step=2.5 * radius / 20, max_iter=20,
            num_random_init=3, verbose=False,
        ).generate(x, y=np.eye(3)[label])  # fmt: skip
    assert (ball(norm).size(ours - x) <= radius * (1 + 1e-4)).all()
    assert ours.min() >= 0
    assert ours.max() <= 1
    assert np.array_equal(model.scores(ours).argmax(axis=1) != label, when >= 0)
    broken = model.scores(theirs).argmax(axis=1) != label
    assert 0.1 < broken.mean() < 0.95
    assert (when >= 0).sum() >= broken.sum()
    assert ((when >= 0) != broken).mean() < 0.03
