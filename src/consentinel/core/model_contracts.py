"""What a model and a way to train one promise: rooms that make models and rooms that audit them meet here alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "Bounded",
    "Differentiable",
    "LinearRecommender",
    "Model",
    "Trainer",
    "TreeEnsemble",
]


@runtime_checkable
class Model(Protocol):
    """A trained model as other rooms see it: something that scores rows (models make it, assure audits it)."""

    @property
    def kind(self) -> str:
        """recsys, ranking, vision, text, graph or tabular."""
        ...

    def predict(self, rows: "pa.Table", /) -> "pa.Table":
        """Return the scores of ROWS: one row per row, in order, column score (float64, finite); a recsys or ranking
        model returns instead (query, item, score), best first within a query."""
        ...

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file (core/modelfile.py) and return it."""
        ...


@runtime_checkable
class LinearRecommender(Protocol):
    """A recommender whose score of an item is a sum of weights from the items of a history (explained exactly)."""

    @property
    def items(self) -> Sequence[str]:
        """The items that it knows, in the order of its weights."""
        ...

    def weights(self) -> Any:
        """Return the weights (items, items), from an item of a history (row) to an item that is scored (column):
        dense, or SciPy CSR."""
        ...

    def history(self, query: str, /) -> "NDArray[np.int64]":
        """Return which items QUERY did, as places in `items`; none for a stranger."""
        ...


@runtime_checkable
class TreeEnsemble(Protocol):
    """A model whose score is a sum of regression trees over a row of features."""

    def features(self, rows: "pa.Table", /) -> "NDArray[np.float64]":
        """Return the features of ROWS as its trees see them; shape (n, features)."""
        ...

    def trees(self) -> "Sequence[Mapping[str, NDArray[Any]]]":
        """Return for each tree arrays over its nodes: feature (-1: a leaf), threshold (at most goes left), left, right,
        value (of a leaf), cover (training rows that reached it)."""
        ...


@runtime_checkable
class Differentiable(Protocol):
    """A model whose scores have a gradient by its numeric inputs (pictures, or embedded words)."""

    def inputs(self, rows: "pa.Table", /) -> "NDArray[np.float32]":
        """Return what it computes from, for each of ROWS; shape (n, ...)."""
        ...

    def classes(self) -> Sequence[str]:
        """Return the names of its classes, in the order of `scores`."""
        ...

    def scores(self, inputs: "NDArray[np.float32]", /) -> "NDArray[np.float32]":
        """Return the scores before normalisation (logits) of INPUTS (n, ...); shape (n, classes)."""
        ...

    def gradient(self, inputs: "NDArray[np.float32]", target: "NDArray[np.int64]", /) -> "NDArray[np.float32]":
        """Return the gradient of the score of class TARGET (n,) by INPUTS (n, ...); same shape as INPUTS."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A model that can say how far its scores move while its numeric inputs stay in a box."""

    def inputs(self, rows: "pa.Table", /) -> "NDArray[np.float32]":
        """Return what it computes from, for each of ROWS; shape (n, ...)."""
        ...

    def classes(self) -> Sequence[str]:
        """Return the names of its classes, in the order of its scores."""
        ...

    def bounds(
        self, low: "NDArray[np.float32]", high: "NDArray[np.float32]", /
    ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """Return what no score is below, and what none is above, for any inputs between LOW and HIGH (n, ...); shape
        (n, classes) each. They may be wide, never wrong."""
        ...


@runtime_checkable
class Trainer(Protocol):
    """Makes a model from rows, plainly or privately; assure calls it for shadow models and mitigation."""

    @property
    def kind(self) -> str:
        """The kind of model that it makes, as Model.kind."""
        ...

    def train(self, rows: "pa.Table", /, *, seed: int, tickets: Sequence[bytes] = ()) -> Model:
        """Return a model of ROWS; equal rows and seed give an equal model when no ticket is given.

        TICKETS are paid charges (core/ledger.py). A private trainer takes its noise from them and refuses to run
        without one; a plain trainer refuses to run with one.
        """
        ...
