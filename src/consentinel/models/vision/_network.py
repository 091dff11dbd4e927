"""The small convolutional network that the plain and the private part train: two convolutions and two full layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.classes import answered
from consentinel.models.pieces.ids import from_file, to_arrays
from consentinel.models.vision import _boxes
from consentinel.models.vision._pictures import pictures, same_size

__all__ = ["Network", "initial", "network", "read", "scaled", "shown", "slopes"]

LEAST_SIDE, MOST_SIDE = 16, 256  # below, nothing is left after two strides and two poolings
AT_ONCE = 512
ACTIVATIONS = ("relu", "tanh")


@dataclass(frozen=True)
class Network:
    """A trained network; PART is the name of the part that reads it, weights are named as in torch."""

    part: str
    activation: str
    size: tuple[int, int, int]  # height, width, channels
    labels: list[str]
    weights: Mapping[str, NDArray[np.float32]]
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "vision"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score (of the label), label, probabilities in the order of the classes."""
        torch: Any = need("torch", extra="models")
        x = same_size(pictures(rows, self.part), self.size, self.part)
        net = self._net
        with torch.inference_mode():
            parts = [net(scaled(x[at : at + AT_ONCE])).softmax(1) for at in range(0, len(x), AT_ONCE)]
        return answered(torch.cat(parts).double().numpy(), self.labels)

    def inputs(self, rows: pa.Table, /) -> NDArray[np.float32]:
        """Return the pictures of ROWS, shape (n, height, width, channels), in [0, 1]."""
        return same_size(pictures(rows, self.part), self.size, self.part).astype(np.float32) / np.float32(255)

    def classes(self) -> list[str]:
        """Return the labels, in the order of `scores`."""
        return self.labels

    def scores(self, inputs: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the logits of pictures INPUTS as `inputs` gives them; shape (n, classes)."""
        torch: Any = need("torch", extra="models")
        net = self._net  # made before the mode that forbids gradients
        with torch.inference_mode():
            parts = [net(shown(inputs[at : at + AT_ONCE])) for at in range(0, len(inputs), AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy(), np.float32)

    def gradient(self, inputs: NDArray[np.float32], target: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Return the gradient of the logit of TARGET (n,) by INPUTS; shape of INPUTS."""
        return slopes(lambda x: self._net(shown(x)), inputs, target, AT_ONCE)

    def bounds(
        self, low: NDArray[np.float32], high: NDArray[np.float32], /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what `scores` is never below and never above for inputs from LOW to HIGH; (n, classes) each."""
        return _boxes.certain(self._net, low, high, shown)

    @cached_property
    def _net(self) -> Any:
        torch: Any = need("torch", extra="models")
        net = network(self.size, len(self.labels), self.activation)
        net.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in self.weights.items()})
        return net.eval().requires_grad_(False)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays = {f"net.{name}": np.asarray(array) for name, array in self.weights.items()}
        arrays = arrays | to_arrays("classes", self.labels) | {"size": np.asarray(self.size, np.int64)}
        card = dict(self.card) | {"activation": self.activation}
        kind = f"models.vision.{self.part}"
        modelfile.save(path, ModelFile(kind, "1", f"consentinel {__version__}", arrays, card))
        return path


def network(size: tuple[int, int, int], classes: int, activation: str) -> Any:
    """Return the untrained torch module for pictures of SIZE. Raises UsageError for sides outside [16, 256].

    ACTIVATION is relu, or tanh, whose bounded values lose less to clipping (Papernot et al. 2021, table 6, whose
    network this is).
    """
    torch: Any = need("torch", extra="models")
    if activation not in ACTIVATIONS or not all(LEAST_SIDE <= side <= MOST_SIDE for side in size[:2]):
        raise UsageError(f"sides are {LEAST_SIDE} to {MOST_SIDE} pixels and the activation is relu or tanh, got {size}")
    nn = torch.nn
    act = nn.Tanh if activation == "tanh" else nn.ReLU
    height, width = (((side - 4) // 2 + 1 - 1 - 4) // 2 + 1 - 1 for side in size[:2])
    return nn.Sequential(
        nn.Conv2d(size[2], 16, 8, stride=2, padding=2), act(), nn.MaxPool2d(2, stride=1),
        nn.Conv2d(16, 32, 4, stride=2), act(), nn.MaxPool2d(2, stride=1),
        nn.Flatten(), nn.Linear(32 * height * width, 32), act(), nn.Linear(32, classes),
    )  # fmt: skip


def initial(size: tuple[int, int, int], classes: int, activation: str, seed: int) -> Any:
    """Return the module with weights that depend on SEED alone; the global state of torch is left as it was."""
    torch: Any = need("torch", extra="models")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(size, classes, activation)


def scaled(x: NDArray[np.uint8]) -> Any:
    """Return pictures (n, height, width, channels) as a tensor (n, channels, height, width) in [-1, 1]."""
    torch: Any = need("torch", extra="models")
    return torch.from_numpy(x.transpose(0, 3, 1, 2).astype(np.float32, order="C")) / 127.5 - 1


def shown(x: Any) -> Any:
    """Return pictures (n, height, width, channels) in [0, 1] as the network takes them, as `scaled` does."""
    torch: Any = need("torch", extra="models")
    return torch.as_tensor(x).permute(0, 3, 1, 2) * 2 - 1


def slopes(
    logits: Callable[[Any], Any], inputs: NDArray[np.float32], target: NDArray[np.int64], size: int
) -> NDArray[np.float32]:
    """Return the gradient of LOGITS[TARGET] by INPUTS (n, ...), SIZE of them at a time; LOGITS maps a tensor of inputs
    to one of (n, classes)."""
    torch: Any = need("torch", extra="models")
    found = np.empty_like(inputs, np.float32)
    for at in range(0, len(inputs), size):
        x = torch.tensor(np.asarray(inputs[at : at + size], np.float32), requires_grad=True)
        picked = logits(x).gather(1, torch.as_tensor(np.asarray(target[at : at + size], np.int64))[:, None])
        found[at : at + size] = torch.autograd.grad(picked.sum(), x)[0].numpy()
    return found


def read(file: ModelFile, part: str) -> Network:
    """Return the network in FILE; raises BadInput where it holds none of PART."""
    kind = f"models.vision.{part}"
    if file.kind != kind:
        raise BadInput(f"holds a '{file.kind}', not a '{kind}'", where="model", todo="Load it with its own part")
    classes, size = from_file("classes", file).to_pylist(), file.arrays.get("size")
    weights = {name[4:]: array for name, array in file.arrays.items() if name.startswith("net.")}
    try:
        if size is None or size.shape != (3,) or len(classes) < 2:
            raise UsageError("no size")
        shape = (int(size[0]), int(size[1]), int(size[2]))
        wanted = network(shape, len(classes), file.card.get("activation", "")).state_dict()
    except UsageError:
        raise BadInput("does not say what its network is", where=kind, todo="Train the model again") from None
    fits = set(weights) == set(wanted) and all(weights[n].shape == tuple(w.shape) for n, w in wanted.items())
    if not fits or not all(w.dtype == np.float32 and np.isfinite(w).all() for w in weights.values()):
        raise BadInput("its weights do not fit its network", where=kind, todo="Train the model again")
    card = {name: text for name, text in file.card.items() if name != "activation"}
    return Network(part, file.card["activation"], shape, classes, weights, card)
