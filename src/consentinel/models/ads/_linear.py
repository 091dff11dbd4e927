"""The linear model that several parts train: a weight for each coordinate, and the logistic function over their sum."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.core.stats import sigmoid
from consentinel.models.ads._encode import Encoding, unpacked

__all__ = ["Linear", "answered", "made", "read"]

Floats = NDArray[np.float64]
LARGEST = 2**28  # cells of a dense table of inputs: 1 GB


@dataclass(frozen=True)
class Linear:
    """A trained linear model; PART is the name of the part that reads it."""

    part: str
    encoding: Encoding
    theta: Floats
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score, the probability of label 1, and label."""
        sparse = self.encoding.sparse(rows, self.part)
        return answered(sigmoid(sparse.dot(self.theta)))

    def inputs(self, rows: pa.Table, /) -> NDArray[np.float32]:
        """Return ROWS as coordinates without the constant, shape (n, width - 1); raises UsageError for too many."""
        sparse = self.encoding.sparse(rows, self.part)
        if len(sparse.index) * sparse.width > LARGEST:
            raise UsageError(f"{self.part}: {len(sparse.index):,} rows of {sparse.width:,} coordinates are too many")
        dense = np.zeros((len(sparse.index), sparse.width), np.float32)
        np.add.at(dense, (np.arange(len(dense))[:, None], sparse.index), sparse.value)
        return dense[:, 1:]

    def classes(self) -> list[str]:
        """Return the labels."""
        return ["0", "1"]

    def scores(self, inputs: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Return 0 and the log odds of label 1 of INPUTS (n, width - 1), shape (n, 2)."""
        odds = inputs.astype(np.float64) @ self.theta[1:] + self.theta[0]
        return np.stack([np.zeros(len(odds)), odds], axis=1).astype(np.float32)

    def gradient(self, inputs: NDArray[np.float32], target: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Return the weights where TARGET (n,) is 1, else 0, whatever INPUTS are."""
        return (np.asarray(target)[:, None] * self.theta[1:]).astype(np.float32)

    def bounds(
        self, low: NDArray[np.float32], high: NDArray[np.float32], /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the least and greatest `scores` for inputs from LOW to HIGH, but for rounding; (n, 2) each."""
        down, up = low.astype(np.float64), high.astype(np.float64)
        weight, size = self.theta[1:], np.abs(self.theta[1:])
        centre = (down + up) / 2 @ weight + self.theta[0]
        terms = np.maximum(np.abs(down), np.abs(up)) @ size + abs(self.theta[0])
        arm = (up - down) / 2 @ size + 2.0**-51 * (len(weight) + 2) * terms
        ends = ((centre - arm, -np.inf), (centre + arm, np.inf))
        made = [np.nextafter(end.astype(np.float32), np.float32(towards)) for end, towards in ends]
        none = np.zeros(len(down), np.float32)
        return np.stack([none, made[0]], axis=1), np.stack([none, made[1]], axis=1)

    def file(self) -> ModelFile:
        """Return what is kept."""
        return made(self.part, self.encoding.arrays() | {"theta": self.theta}, self.card)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        modelfile.save(path, self.file())
        return path


def made(part: str, arrays: Mapping[str, Any], card: Mapping[str, str]) -> ModelFile:
    """Return the model file of the ads part PART."""
    return ModelFile(f"models.ads.{part}", "1", f"consentinel {__version__}", dict(arrays), dict(card))


def read(file: ModelFile, part: str) -> Linear:
    """Return the linear model in FILE; raises BadInput where it holds none of PART."""
    where = f"models.ads.{part}"
    if file.kind != where or "theta" not in file.arrays:
        raise BadInput(f"holds a '{file.kind}', not a '{where}'", where="model", todo="Load it with its own part")
    encoding, theta = unpacked(file.arrays, where), np.asarray(file.arrays["theta"])
    if theta.shape != (encoding.width,) or not np.isfinite(theta).all():
        raise BadInput("its weights do not fit its columns", where=where, todo="Train the model again")
    return Linear(part, encoding, theta, file.card)


def answered(score: Floats) -> pa.Table:
    """Return what a model of two classes answers, from the probabilities of label 1."""
    label = pa.array(np.where(score > 0.5, "1", "0"), pa.string())
    return pa.table({"score": pa.array(np.asarray(score, dtype=np.float64)), "label": label})
