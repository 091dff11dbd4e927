"""A trained judge of claims: a score of the row, calibrated, and a threshold below which it does not know."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile, from_bytes, to_bytes
from consentinel.detect.judges._abstain import calibrated
from consentinel.detect.judges._claim_features import NAMES, answer, matrix

__all__ = ["KIND", "Scored", "opened", "shipped"]

KIND = "detect.claim"
Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Scored:
    """A judge whose probability is a calibrated score; see `opened`."""

    version: str
    score: Score
    knots: tuple[NDArray[np.float64], NDArray[np.float64]]
    threshold: float

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return ANSWER for CLAIM_ROWS."""
        p = calibrated(self.score(matrix(rows)), self.knots) if rows.num_rows else np.zeros(0)
        return answer(rows, p, self.threshold)


def shipped(part: str) -> ModelFile:
    """Return the model of PART that ships with the package; raises BadInput where none does."""
    place = files("consentinel.detect").joinpath(f"data/models/{part}.model")
    if not place.is_file():
        raise BadInput(f"there is no shipped model for {part}", where="--model", todo="Name one, or run `detect train`")
    return from_bytes(place.read_bytes(), where=f"{part}.model")


def opened(model: ModelFile | None, part: str, score: Callable[[ModelFile], Score]) -> Scored:
    """Return the judge PART that MODEL holds; SCORE makes its score of it.

    None stands for the model that ships with the package. Raises BadInput where there is no model, or it is of another
    part or over other features.
    """
    model = model or shipped(part)
    if model.card.get("part") != part:
        raise BadInput(f"is a model for {model.card.get('part')}, not {part}", where="--model", todo="Name another")
    if model.card.get("features") != ",".join(NAMES):
        raise BadInput("looks at other features than this version has", where="--model", todo="Train it again")
    knots, threshold = (model.arrays["knots"], model.arrays["threshold"]) if "knots" in model.arrays else (None, None)
    if knots is None or knots.ndim != 2 or knots.shape[0] != 2 or not knots.shape[1] or threshold is None:
        raise BadInput("has no calibration", where="--model", todo="Train it again")
    digest = sha256(to_bytes(model)).hexdigest()[:16]
    return Scored(f"{part} {model.version} {digest}", score(model), (knots[0], knots[1]), float(threshold))
