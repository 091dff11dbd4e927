"""Two layers over a graph, and their training: each adds up a node's own values and what comes from its neighbours.

The layers are a few sparse products of our own: features are often bags of words, of which 1 % are not zero, and
dense layers would multiply the rest too. Tests hold them against the layers of torch-geometric.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.core.rng import generator
from consentinel.models.asked import setting
from consentinel.models.graph._classifier import Floats, Weights
from consentinel.models.graph._matrix import Sparse
from consentinel.models.graph._nodes import Csr, features, labelled, links
from consentinel.models.pieces.torch_weights import arrays_of, seeded, tensors_of

__all__ = ["OWN", "SHAPES", "Settings", "forward", "learn"]

SHAPES = {"0.near": "xh", "0.offset": "h", "1.near": "hc", "1.offset": "c"}
OWN = {"0.own": "xh", "1.own": "hc"}  # where a node's own values have weights of their own


@dataclass(frozen=True)
class Settings:
    """What can be set of a network."""

    width: int = setting(64, "numbers in the hidden layer", low=1, high=8192)
    epochs: int = setting(200, "full passes over the graph", low=1, high=100_000)
    rate: float = setting(0.01, "step of Adam", low=1e-6, high=1.0)
    dropout: float = setting(0.5, "share of values dropped before each layer while learning", low=0.0, high=0.95)
    decay: float = setting(5e-4, "weight decay of the first layer", low=0.0, high=1.0)
    scaled: bool = setting(True, "divide each node's features by the sum of their absolute values")


def forward(smooth: Csr, x: Csr, weights: Weights) -> Floats:
    """Return the logits of nodes with features X (n, width), whose neighbours' values SMOOTH (n, n) adds up."""
    hidden = _layer(smooth, x, weights, "0")
    return _layer(smooth, np.maximum(hidden, 0), weights, "1")


def learn(
    rows: pa.Table, part: str, asked: Settings, smooth: Any, shapes: Mapping[str, str], seed: int
) -> tuple[list[str], Weights]:
    """Return the classes and the weights that Adam finds for the labelled nodes of ROWS in so many full passes.

    SMOOTH makes the links ready. The first layer's weights decay; values are dropped before both layers.
    Raises UsageError, BadInput, ContractBroken. Source: Kipf and Welling 2017, sections 3 and 5.2.
    """
    graph, x = smooth(links(rows, part)), features(rows, part, asked.scaled)
    known, codes, classes = labelled(rows, part)
    start = _initial(shapes, {"x": x.shape[1], "h": asked.width, "c": len(classes)}, part, seed)
    with seeded(seed, "models.graph", part, "dropout") as torch:
        around, whole = Sparse.of(torch, graph), Sparse.of(torch, x)
        weights = tensors_of(torch, start, learn=True)
        first = [one for name, one in weights.items() if name.startswith("0.")]
        others = [one for name, one in weights.items() if not name.startswith("0.")]
        steps = torch.optim.Adam([{"params": first, "weight_decay": asked.decay}, {"params": others}], lr=asked.rate)
        rows_known, targets = torch.from_numpy(known), torch.from_numpy(codes)
        drop = torch.nn.functional.dropout
        for _ in range(asked.epochs):
            shown = whole.having(torch, drop(whole.values, asked.dropout))
            hidden = drop(_step(torch, around, shown, weights, "0").relu(), asked.dropout)
            made = _step(torch, around, hidden, weights, "1")[rows_known]
            steps.zero_grad()
            torch.nn.functional.cross_entropy(made, targets).backward()
            steps.step()
        return classes, arrays_of(weights)


def _layer(smooth: Csr, x: Any, weights: Weights, at: str) -> Floats:
    made = smooth @ (x @ weights[f"{at}.near"]) + weights[f"{at}.offset"]
    own = weights.get(f"{at}.own")
    return np.asarray(made if own is None else made + x @ own, np.float32)


def _step(torch: Any, around: Any, x: Any, weights: Mapping[str, Any], at: str) -> Any:
    made = around.times(torch, _times(torch, x, weights[f"{at}.near"])) + weights[f"{at}.offset"]
    return made + _times(torch, x, weights[f"{at}.own"]) if f"{at}.own" in weights else made


def _times(torch: Any, x: Any, weights: Any) -> Any:
    return x.times(torch, weights) if isinstance(x, Sparse) else torch.mm(x, weights)


def _initial(shapes: Mapping[str, str], sizes: Mapping[str, int], part: str, seed: int) -> Weights:
    """Return even draws scaled by the number of inputs and outputs (Glorot and Bengio 2010), and offsets of 0."""
    found = {}
    for name, axes in shapes.items():
        shape = tuple(sizes[axis] for axis in axes)
        bound = np.sqrt(6 / sum(shape)) if len(shape) == 2 else 0.0
        found[name] = generator(seed, "models.graph", part, name).uniform(-bound, bound, shape).astype(np.float32)
    return found
