"""A logistic regression for each type over hashed features, calibrated, scored with NumPy alone."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile, load, to_bytes
from consentinel.detect.judges._datum_answer import answer
from consentinel.detect.judges._datum_features import features, last_name_only, last_names
from consentinel.detect.judges._rows import TYPES

__all__ = ["KIND", "Decision", "Linear", "LinearJudge", "from_file", "opened", "recognised", "sigmoid", "to_arrays"]

KIND = "detect.datum"
SHIPPED = Path(__file__).parents[1] / "data" / "models"
LARGEST = 2_000_000  # bytes of a model file
_DECISION = ("slope", "shift", "threshold", "asked", "trusted")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Decision:
    """From log-odds and recognisers to probabilities and types; one element for each of TYPES.

    `slope` and `shift` calibrate log-odds (Platt, "Probabilistic outputs for support vector machines", 1999). A type
    is said from its `threshold` on. Types in `asked` are left to the recognisers, which did better; those in `trusted`
    also where the last name of the key never occurred in training.
    """

    slope: Floats
    shift: Floats
    threshold: Floats
    asked: npt.NDArray[np.bool_]
    trusted: npt.NDArray[np.bool_]

    def probabilities(self, log_odds: Floats, rows: pa.Table, unmet: npt.NDArray[np.bool_]) -> Floats:
        """Return the probability of each of DATUM_ROWS and type; UNMET tells which last names are new."""
        p, rules = sigmoid(log_odds * self.slope + self.shift), recognised(rows)
        p = np.where(self.trusted & unmet[:, None], np.maximum(p, rules), p)
        # What browsers put into headers by themselves has no label in the range, so nothing was learned of it.
        header = pc.fill_null(pc.equal(rows["carrier"].cast(pa.string()), "header"), False).to_numpy()
        return np.asarray(np.where(self.asked | np.asarray(header, bool)[:, None], rules, p), np.float32)


@dataclass(frozen=True, slots=True)
class Linear:
    """A judge's weights: `weights` (buckets x types, int8) times `scale` plus `bias` are log-odds.

    `met` are the buckets of the last names that occurred in training.
    """

    weights: npt.NDArray[np.int8]
    scale: Floats
    bias: Floats
    met: npt.NDArray[np.bool_]
    decision: Decision
    name_only: bool = False

    def probabilities(self, rows: pa.Table) -> Floats:
        """Return the probability of each row of DATUM_ROWS and each of TYPES."""
        if not rows.num_rows:
            return np.zeros((0, len(TYPES)), np.float32)
        rows = last_name_only(rows) if self.name_only else rows
        log_odds = features(rows).sums(self.weights.astype(np.float32)) * self.scale + self.bias
        return self.decision.probabilities(log_odds, rows, ~self.met[last_names(rows) % len(self.met)])


def sigmoid(z: npt.NDArray[np.floating]) -> Floats:
    """Return the logistic function of Z, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)), np.float32)


def to_arrays(model: Linear) -> dict[str, npt.NDArray[np.generic]]:
    """Return MODEL as the arrays of a model file."""
    decision = {name: getattr(model.decision, name) for name in _DECISION}
    own = {"weights": model.weights, "scale": model.scale, "bias": model.bias, "met": model.met}
    return own | decision | {"name_only": np.array([model.name_only])}


def from_file(file: ModelFile) -> Linear:
    """Return the model in FILE; raises BadInput where its arrays are not those of such a model."""
    wanted = ("weights", "met", "name_only", "scale", "bias", *_DECISION)
    arrays = {name: file.arrays.get(name, np.zeros(0)) for name in wanted}
    weights, met, name_only = (arrays.pop(name) for name in wanted[:3])
    sizes = weights.ndim == 2 and weights.shape[1] == len(TYPES) and met.shape == weights.shape[:1] and len(met) > 0
    kinds = weights.dtype == np.int8 and met.dtype == name_only.dtype == bool and name_only.shape == (1,)
    if not (sizes and kinds and all(array.shape == (len(TYPES),) for array in arrays.values())):
        raise BadInput("has not the arrays of a judge of data", where="model", todo="Train it again")
    decision = Decision(**{name: arrays.pop(name) for name in _DECISION})
    return Linear(weights, **arrays, met=met, decision=decision, name_only=bool(name_only[0]))


class LinearJudge:
    """A judge of data that decides by a linear model."""

    def __init__(self, model: Linear, version: str) -> None:
        self._model, self.version = model, version

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return DATUM_ANSWER for DATUM_ROWS."""
        p = self._model.probabilities(rows)
        why = "by its last name" if self._model.name_only else "by key, place and shape"
        return answer(p, self._model.decision.threshold, rows["type"].cast(pa.string()).to_pylist(), why)


def opened(file: ModelFile | None, part: str) -> LinearJudge:
    """Return the judge of PART in FILE, or the one that ships with the package.

    Raises BadInput where FILE holds another kind of model, or a part that is not PART.
    """
    file = load(SHIPPED / f"{part}.model", kind=KIND, largest=LARGEST) if file is None else file
    if file.kind != KIND or file.card.get("part") != part:
        told = file.card.get("part", file.kind)
        raise BadInput(f"is a model for {told:.50}, not for {part}", where="model", todo="Name another")
    return LinearJudge(from_file(file), f"{part} {file.version} {sha256(to_bytes(file)).hexdigest()[:16]}")


def recognised(rows: pa.Table) -> Floats:
    """Return what the recognisers said: the probability of the one type that they named, 0 of every other."""
    place = {name: at for at, name in enumerate(TYPES)}
    p = np.zeros((rows.num_rows, len(TYPES)), np.float32)
    column = np.array([place.get(name, -1) for name in rows["type"].cast(pa.string()).to_pylist()], np.int64)
    row = np.flatnonzero(column >= 0)
    p[row, column[row]] = np.nan_to_num(np.asarray(rows["type_p"].to_numpy(), np.float32))[row]
    return p
