"""The linear classifier on scattering coefficients that the plain and the private part train, and its embedding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.models.pieces.classes import answered
from consentinel.models.pieces.ids import from_file, to_arrays
from consentinel.models.vision import _slopes
from consentinel.models.vision._features import coefficients, unit, width_of
from consentinel.models.vision._pictures import pictures, same_size

__all__ = ["Embedding", "Linear", "evened", "projected", "projection", "read", "softmax"]

Floats = NDArray[np.float32]
AT_ONCE = 4096


@dataclass(frozen=True)
class Embedding:
    """Unit vectors of pictures: MIX (coefficients, width), then less OFFSET (width,), then scaled to length 1."""

    mix: Floats
    offset: Floats

    def of(self, x: Floats) -> Floats:
        """Return the embedding of X (n, d), shape (n, width)."""
        return unit(x @ self.mix - self.offset)


@dataclass(frozen=True)
class Linear:
    """A trained classifier: the softmax of embedding @ WEIGHTS (width, classes); PART is what reads it."""

    part: str
    size: tuple[int, int, int]  # height, width, channels
    labels: list[str]
    embedding: Embedding
    weights: Floats
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "vision"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score (of the label), label, probabilities in the order of the classes."""
        x = same_size(pictures(rows, self.part), self.size, self.part)
        found = [self._some(x[at : at + AT_ONCE]) for at in range(0, len(x), AT_ONCE)]
        return answered(np.concatenate(found), self.labels)

    def inputs(self, rows: pa.Table, /) -> Floats:
        """Return the pictures of ROWS, shape (n, height, width, channels), in [0, 1]."""
        return same_size(pictures(rows, self.part), self.size, self.part).astype(np.float32) / np.float32(255)

    def classes(self) -> list[str]:
        """Return the labels, in the order of `scores`."""
        return self.labels

    def scores(self, inputs: Floats, /) -> Floats:
        """Return the logits of pictures INPUTS as `inputs` gives them; shape (n, classes)."""
        return _slopes.scores(self.embedding, self.weights, inputs)

    def gradient(self, inputs: Floats, target: NDArray[np.int64], /) -> Floats:
        """Return the gradient of the logit of TARGET (n,) by INPUTS; shape of INPUTS."""
        return _slopes.gradient(self.embedding, self.weights, inputs, target)

    def _some(self, x: NDArray[np.uint8]) -> NDArray[np.float64]:
        return softmax((self.embedding.of(coefficients(x)) @ self.weights).astype(np.float64))

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays = {"mix": self.embedding.mix, "offset": self.embedding.offset, "weights": self.weights}
        arrays = arrays | to_arrays("classes", self.labels) | {"size": np.asarray(self.size, np.int64)}
        kind = f"models.vision.{self.part}"
        modelfile.save(path, ModelFile(kind, "1", f"consentinel {__version__}", arrays, dict(self.card)))
        return path


def projection(coefficients: int, width: int) -> Floats:
    """Return the public random matrix (coefficients, width) that keeps lengths on average, always the same; the
    identity where WIDTH is not smaller. Source: Johnson and Lindenstrauss 1984."""
    if width >= coefficients:
        return np.eye(coefficients, dtype=np.float32)
    drawn = generator(0, "models.vision", "projection").standard_normal((coefficients, width), np.float32)
    return np.asarray(drawn / np.sqrt(width), np.float32)


def projected(x: NDArray[np.uint8], mix: Floats) -> Floats:
    """Return the normalised coefficients of pictures X (n, height, width, channels) times MIX, shape (n, width)."""
    return np.concatenate([coefficients(x[at : at + AT_ONCE]) @ mix for at in range(0, len(x), AT_ONCE)])


def evened(centre: Floats, covariance: NDArray[np.float64], floor: float) -> Embedding:
    """Return the embedding whose directions vary alike: less CENTRE (width,), times (covariance + floor)^-1/2.

    COVARIANCE (width, width) may be noisy; what is negative in it counts as nothing.
    """
    values, directions = np.linalg.eigh(covariance)
    root = ((directions / np.sqrt(np.maximum(values, 0) + floor)) @ directions.T).astype(np.float32)
    root *= np.float32(np.sqrt(floor))  # so that an embedding without structure stays as it is
    return Embedding(root, centre @ root)


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Return probabilities from LOGITS (n, classes), of the same type."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def read(file: ModelFile, part: str) -> Linear:
    """Return the classifier in FILE; raises BadInput where it holds none of PART."""
    kind = f"models.vision.{part}"
    names = ("mix", "offset", "weights", "size")
    if file.kind != kind or not set(names) <= set(file.arrays):
        raise BadInput(f"holds a '{file.kind}', not a '{kind}'", where="model", todo="Load it with its own part")
    mix, offset, weights, size = (np.asarray(file.arrays[name]) for name in names)
    classes = from_file("classes", file).to_pylist()
    fits = mix.ndim == 2 and offset.shape == mix.shape[1:] and weights.shape == (mix.shape[1], len(classes))
    fits = fits and size.shape == (3,) and len(classes) > 1 and len(mix) == width_of(tuple(size.tolist()))
    if not fits or any(a.dtype != np.float32 or not np.isfinite(a).all() for a in (mix, offset, weights)):
        raise BadInput("its arrays do not fit each other", where=kind, todo="Train the model again")
    return Linear(part, (int(size[0]), int(size[1]), int(size[2])), classes, Embedding(mix, offset), weights, file.card)
