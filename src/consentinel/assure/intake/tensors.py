"""A linear model in safetensors: coef (classes, features), intercept, and classes; it has a gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.intake._opened import Opened, classified, names_of, numbers, pixels
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import tensors

__all__ = ["ALLOWS", "opened", "takes"]

ALLOWS = "it can be asked again, and its gradient is known; to train it again needs --trainer and --learned"
LARGEST = 1 << 29
_LAYOUT = (
    "A linear model has the arrays coef (classes or 1, features) and intercept (classes or 1), optionally mean and "
    "scale (features), and in its metadata classes, a JSON list; other networks come in as ONNX or as module:function"
)


def takes(given: str, /) -> bool:
    """Return whether GIVEN has the suffix of safetensors."""
    return given.lower().endswith(".safetensors")


def opened(given: str, kind: str, /) -> Opened:
    """Return the linear model in the file GIVEN; raises BadInput where it is damaged or of another layout."""
    path = Path(given)
    about, arrays = tensors(path, largest=LARGEST)
    strange = sorted(set(arrays) - {"coef", "intercept", "mean", "scale", "classes"})
    if strange or not {"coef", "intercept"} <= set(arrays):
        said = f"has the array '{strange[0][:40]}'" if strange else "lacks coef or intercept"
        raise BadInput(f"is no linear model: it {said}", where=path.name, todo=_LAYOUT)
    coef, intercept, shift, scale = (
        np.asarray(arrays.get(name, plain), np.float64)
        for name, plain in (("coef", 0), ("intercept", 0), ("mean", 0), ("scale", 1))
    )
    coef = coef[None, :] if coef.ndim == 1 else coef
    fit = coef.ndim == 2 and intercept.size == len(coef) and {shift.shape, scale.shape} <= {(), coef.shape[1:]}
    if not fit or not all(np.isfinite(one).all() for one in (coef, intercept, shift, scale)) or not np.all(scale):
        raise BadInput("has arrays that do not fit each other or are not finite", where=path.name, todo=_LAYOUT)
    listed = arrays.get("classes")
    classes = names_of(about, "classes", path.name) if listed is None else [str(one) for one in listed.ravel()]
    classes = classes or ["0", "1"] if len(coef) == 1 else classes
    if len(classes) != max(2, len(coef)) or len(set(classes)) != len(classes):
        raise BadInput(f"names {len(classes)} classes for {max(2, len(coef))}", where=path.name, todo=_LAYOUT)
    if len(coef) == 1:  # one row says how much for the second class
        coef, intercept = np.stack([0 * coef[0], coef[0]]), np.array([0.0, float(intercept.ravel()[0])])
    weights = coef / scale
    offset = intercept.ravel() - weights @ np.broadcast_to(shift, coef.shape[1:])
    names = names_of(about, "features", path.name)
    return Opened(model=Linear(path.name, kind, weights, offset, classes, names), made_of=(path,))


@dataclass(frozen=True)
class Linear:
    """A linear classifier; WEIGHTS (classes, features) and OFFSET (classes,)."""

    name: str
    kind: str
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    labels: list[str]
    names: list[str]

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return score, label and probabilities in the order of the classes."""
        z = self._numbers(rows) @ self.weights.T + self.offset
        p = np.exp(z - z.max(axis=1, keepdims=True))
        return classified(p / p.sum(axis=1, keepdims=True), self.labels)

    def save(self, path: Path, /) -> Path:
        """Refused: it has a file already."""
        raise UsageError(f"{self.name} is a file already")

    def classes(self) -> Sequence[str]:
        """Return the names of its classes."""
        return self.labels

    def inputs(self, rows: pa.Table, /) -> NDArray[np.float32]:
        """Return the features of ROWS, shape (n, features)."""
        return self._numbers(rows).astype(np.float32)

    def scores(self, inputs: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return the logits of INPUTS, shape (n, classes)."""
        return (np.asarray(inputs, np.float64) @ self.weights.T + self.offset).astype(np.float32)

    def gradient(self, inputs: NDArray[np.float32], target: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Return the gradient of the logit of TARGET (n,): its weights, whatever INPUTS are."""
        return self.weights[np.asarray(target)].astype(np.float32).reshape(np.shape(inputs))

    def _numbers(self, rows: pa.Table) -> NDArray[Any]:
        if "image" in rows.column_names and "features" not in rows.column_names:
            flat = pixels(rows)
            if flat.size != rows.num_rows * self.weights.shape[1]:
                raise UsageError(f"{self.name} takes {self.weights.shape[1]} pixels a picture; the data have others")
            return flat.reshape(rows.num_rows, -1)
        return numbers(rows, self.names, self.weights.shape[1], self.name)
