"""Judges a claim by a logistic regression over its row: the linear baseline."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.contracts import Judge
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._claim_features import NAMES
from consentinel.detect.judges._claim_scored import Score, opened
from consentinel.detect.judges._claim_training import trained

JUDGES = "claim"
VERSION = "1"


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge in MODEL. Raises BadInput when that holds no such judge."""
    return opened(model, "claim_logistic", _score)


def _score(model: ModelFile) -> Score:
    names = ("mean", "spread", "weights")
    if any(name not in model.arrays or model.arrays[name].shape != (len(NAMES),) for name in names):
        raise BadInput("has no weights for each feature", where="--model", todo="Train it again")
    return _linear(*(model.arrays[name] for name in names))


def _linear(mean: NDArray[np.float64], spread: NDArray[np.float64], weights: NDArray[np.float64]) -> Score:
    def score(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((rows - mean) / spread) @ weights)

    return score


def train(table: pa.Table, *, seed: int, risk: float) -> ModelFile:
    """Return the model that learns from TABLE; see _claim_training. Raises MissingExtra without [learn]."""
    return trained(table, "claim_logistic", VERSION, fit, seed=seed, risk=risk)


def fit(
    rows: NDArray[np.float64], there: NDArray[np.float64], weight: NDArray[np.float64], seed: int
) -> tuple[dict[str, NDArray[Any]], Score]:
    """Return the arrays of a model of ROWS (THERE: 0 or 1, with WEIGHT) and how it scores rows."""
    linear = need("sklearn.linear_model", extra="learn")
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread == 0] = 1.0
    found = linear.LogisticRegression(max_iter=2000, random_state=seed).fit((rows - mean) / spread, there, weight)
    arrays = {"mean": mean, "spread": spread, "weights": found.coef_[0].astype(np.float64)}
    return dict(arrays), _linear(**arrays)
