"""The model that classifiers of nodes share: layers of weights over a node's own values and those of its neighbours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.graph._nodes import Csr, features, links
from consentinel.models.pieces.classes import answered, softmax
from consentinel.models.pieces.ids import from_file, to_arrays

__all__ = ["Classifier", "Floats", "Weights", "averaged", "even", "read"]

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
Forward = Callable[[Csr, Csr, Weights, Mapping[str, str]], Floats]  # links, features, weights, card -> logits


@dataclass(frozen=True)
class Classifier:
    """Trained weights, without the graph; PART reads it and FORWARD turns links and features into logits.

    Any graph whose nodes have the same features can be asked about, the one learned from too.
    """

    part: str
    classes: list[str]
    weights: Weights
    card: Mapping[str, str]
    forward: Forward
    kind: str = "graph"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per node of ROWS (NODES): score (of the label), label, probabilities in the order of classes.

        ROWS are the whole graph: a node is answered from its neighbours too. Raises BadInput, ContractBroken.
        """
        x = features(rows, self.part, self.card["scaled"] == "True")
        width = width_of(self.weights)
        if x.shape[1] != width:
            raise BadInput(f"nodes have {x.shape[1]} features, and the model was trained on {width}",
                           where=f"{self.part}, features", todo="Give the same features in the same order")  # fmt: skip
        return answered(softmax(self.forward(links(rows, self.part), x, self.weights, self.card)), self.classes)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays = {f"net.{name}": np.asarray(array) for name, array in self.weights.items()}
        arrays |= to_arrays("classes", self.classes)
        modelfile.save(path, ModelFile(f"models.graph.{self.part}", "1", f"consentinel {__version__}", arrays,
                                       self.card))  # fmt: skip
        return path


def read(file: ModelFile, part: str, forward: Forward, shapes: Mapping[str, str], told: tuple[str, ...]) -> Classifier:
    """Return the classifier of PART in FILE; raises BadInput where it holds none.

    SHAPES gives for each array its axes by letters, of which equal ones have equal lengths: x is the width of the
    features and c the number of classes. TOLD are the settings, numbers but for `scaled`, that the card has to hold.
    """
    kind = f"models.graph.{part}"
    if file.kind != kind:
        raise BadInput(f"holds a '{file.kind}', not a '{kind}'", where="model", todo="Load it with its own part")
    classes = from_file("classes", file).to_pylist()
    weights = {name[4:]: array for name, array in file.arrays.items() if name.startswith("net.")}
    sizes = {"c": len(classes)}
    fits = set(weights) == set(shapes) and len(classes) > 1
    for name, axes in shapes.items() if fits else ():
        array = weights[name]
        fits &= array.dtype == np.float32 and array.ndim == len(axes) and bool(np.isfinite(array).all())
        fits = fits and all(sizes.setdefault(axis, size) == size for axis, size in zip(axes, array.shape, strict=True))
    try:
        [float(file.card[name]) for name in told]
        fits &= file.card["scaled"] in ("True", "False")
    except (KeyError, ValueError):
        fits = False
    if not fits:
        raise BadInput("its weights do not fit each other", where=kind, todo="Train the model again")
    return Classifier(part, classes, weights, file.card, forward)


def width_of(weights: Weights) -> int:
    """Return how many features a node has: the rows of the first array by name."""
    return int(weights[min(weights)].shape[0])


def even(graph: Csr) -> Csr:
    """Return GRAPH with every node linked to itself, each link divided by the root of its ends' numbers of links.

    Source: Kipf and Welling 2017, section 2.2 (the renormalisation trick).
    """
    sparse = need("scipy.sparse", extra="models")
    whole = graph + sparse.identity(graph.shape[0], dtype=np.float32, format="csr")
    root = sparse.diags(1 / np.sqrt(np.asarray(whole.sum(axis=1)).ravel()))
    return (root @ whole @ root).astype(np.float32).tocsr()


def averaged(graph: Csr) -> Csr:
    """Return GRAPH with each node's links divided by their number; a node without neighbours keeps a row of zeros."""
    sparse = need("scipy.sparse", extra="models")
    return (sparse.diags(1 / np.maximum(1, np.diff(graph.indptr))) @ graph).astype(np.float32).tocsr()
