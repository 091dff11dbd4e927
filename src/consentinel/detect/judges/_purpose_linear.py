"""A judge of purposes: a multinomial logistic regression over hashed words, calibrated, scored with NumPy alone."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile, load, to_bytes
from consentinel.core.tables import check
from consentinel.detect.judges._purpose_features import Words
from consentinel.detect.judges._rows import ANSWER

__all__ = ["FROM_MAP", "KIND", "PURPOSES", "Judged", "PurposeJudge", "Weights", "opened", "softmax"]

KIND = "detect.purpose"
PURPOSES = ("necessary", "functional", "analytics", "advertising")
# Purpose of the entity map -> purpose that judges tell; what is left out (social, customer support) may be either.
FROM_MAP = {
    "advertising": "advertising", "analytics": "analytics", "consent_management": "necessary",
    "functional": "functional", "hosting": "functional", "security": "necessary", "tag_management": "functional",
    "video": "functional",
}  # fmt: skip
SHIPPED = Path(__file__).parents[1] / "data" / "models"
LARGEST = 2_000_000  # bytes of a model file
TOLD = 3  # features that an explanation names
_SAID = {
    "k": "field", "kk": "field", "w": "word", "u": "object", "m": "method", "r": "resource", "t": "data type",
    "c": "carrier", "mr": "request", "n": "number of characters or fields", "nt": "data types", "f": "name",
    "l": "lifetime class", "p": "party", "lp": "lifetime and party", "s": "shape", "sl": "shape and lifetime",
    "nl": "length and lifetime", "e": "entropy class", "z": "length class", "b": "words", "g": "part of the name",
}  # fmt: skip

Floats = npt.NDArray[np.float64]
Judged = Callable[[pa.Table], Words]


@dataclass(frozen=True, slots=True)
class Weights:
    """What decides: `weights` (buckets x PURPOSES, int8) times `scale`, and `bias`, are the score of each purpose.

    Scores divided by `temperature` give calibrated probabilities by softmax (Guo, Pleiss, Sun and Weinberger, "On
    calibration of modern neural networks", 2017). A row whose highest one is below `threshold` is undecided.
    """

    weights: npt.NDArray[np.int8]
    scale: Floats
    bias: Floats
    temperature: float
    threshold: float

    def probabilities(self, words: Words) -> Floats:
        """Return the probability of each of PURPOSES for each row of WORDS."""
        return softmax((words.sums(self.weights * self.scale) + self.bias) / self.temperature)

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the arrays of a model file."""
        settled = np.array([self.temperature, self.threshold])
        return {"weights": self.weights, "scale": self.scale, "bias": self.bias, "settled": settled}

    @classmethod
    def of(cls, weights: Floats, bias: Floats, temperature: float, threshold: float) -> "Weights":
        """Return plain WEIGHTS (buckets x PURPOSES) in eight bits, with what settles the answers."""
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127
        return cls(np.round(weights / scale).astype(np.int8), scale, bias, temperature, threshold)

    @classmethod
    def read(cls, file: ModelFile) -> "Weights":
        """Return the weights in FILE; raises BadInput where its arrays are not those of a judge of purposes."""
        names = ("weights", "scale", "bias", "settled")
        wide, scale, bias, settled = (file.arrays.get(name, np.zeros(0)) for name in names)
        shaped = wide.ndim == 2 and len(wide) and wide.shape[1] == len(PURPOSES) and wide.dtype == np.int8
        if not shaped or scale.shape != (len(PURPOSES),) or bias.shape != scale.shape or settled.shape != (2,):
            raise BadInput("has not the arrays of a judge of purposes", where="model", todo="Train it again")
        if not (all(np.isfinite(array).all() for array in (scale, bias, settled)) and settled[0] > 0):
            raise BadInput("has numbers that cannot be computed with", where="model", todo="Train it again")
        return cls(wide, scale.astype(np.float64), bias.astype(np.float64), float(settled[0]), float(settled[1]))


def softmax(scores: Floats) -> Floats:
    """Return the softmax of each row of SCORES."""
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class PurposeJudge:
    """Judges rows by the words that `see` finds in them."""

    version: str
    schema: pa.Schema
    see: Judged
    by: Weights

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return ANSWER for ROWS; `why` names what spoke most for the purpose."""
        words = self.see(check(rows, self.schema, "detect.purposes"))
        p = self.by.probabilities(words) if rows.num_rows else np.zeros((0, len(PURPOSES)))
        best, sure = p.argmax(axis=1), p.max(axis=1, initial=0.0)
        return pa.table(
            [
                pa.array([PURPOSES[at] for at in best.tolist()], pa.string()),
                pa.array(sure.astype(np.float32)),
                pa.array(sure < self.by.threshold),
                pa.array(self._why(words, best), pa.string()),
            ],
            schema=ANSWER,
        )

    def _why(self, words: Words, best: npt.NDArray[np.int64]) -> list[str]:
        """Return what spoke most for the purpose BEST of each row, over the mean of the others."""
        bucket, row, _ = words.numbers(len(self.by.weights))
        weights = self.by.weights * self.by.scale
        gain = weights[bucket, best[row]] - weights[bucket].mean(axis=1)
        ends = np.cumsum([len(texts) for texts in words.texts])
        told = []
        for texts, end in zip(words.texts, ends.tolist(), strict=True):
            mine = gain[end - len(texts) : end]
            most = [at for at in np.argsort(-mine, kind="stable")[:TOLD].tolist() if mine[at] > 0]
            told.append("; ".join(_spoken(texts[at]) for at in most) or "nothing that the model knows")
        return told


def _spoken(text: str) -> str:
    mark, _, value = text.partition("=")
    return f"{_SAID[mark]} {value}" if mark in _SAID else f"beginning {text.removeprefix('^')}"


def opened(file: ModelFile | None, part: str, schema: pa.Schema, see: Judged) -> PurposeJudge:
    """Return the judge of PART in FILE, or the one that ships with the package, for rows of SCHEMA.

    Raises BadInput where FILE holds another kind of model, or a part that is not PART.
    """
    file = load(SHIPPED / f"{part}.model", kind=KIND, largest=LARGEST) if file is None else file
    if file.kind != KIND or file.card.get("part") != part:
        told = file.card.get("part", file.kind)
        raise BadInput(f"is a model for {told:.50}, not for {part}", where="model", todo="Name another")
    return PurposeJudge(
        f"{part} {file.version} {sha256(to_bytes(file)).hexdigest()[:16]}", schema, see, Weights.read(file)
    )
