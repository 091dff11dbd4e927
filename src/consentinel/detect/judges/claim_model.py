"""Judges a claim by boosted trees over names, shapes and what values do across visits; says when it does not know."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.contracts import Judge
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._claim_features import NAMES
from consentinel.detect.judges._claim_scored import Score, opened
from consentinel.detect.judges._claim_training import trained
from consentinel.detect.judges._trees import Trees

JUDGES = "claim"
VERSION = "1"
_TREES = 200
_SETTINGS = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 40, "feature_fraction": 0.7,
    "bagging_fraction": 0.8, "bagging_freq": 1, "use_missing": False, "num_threads": 1, "deterministic": True,
    "force_row_wise": True, "verbosity": -1,
}  # fmt: skip


def open(model: ModelFile | None = None) -> Judge:
    """Return the judge in MODEL. Raises BadInput when that holds no such judge."""
    return opened(model, "claim_model", _score)


def _score(model: ModelFile) -> Score:
    return Trees.read(model.arrays, len(NAMES)).score


def train(table: pa.Table, *, seed: int, risk: float) -> ModelFile:
    """Return the model that learns from TABLE; see _claim_training. Raises MissingExtra without [learn]."""
    return trained(table, "claim_model", VERSION, fit, seed=seed, risk=risk)


def fit(
    rows: NDArray[np.float64], there: NDArray[np.float64], weight: NDArray[np.float64], seed: int
) -> tuple[dict[str, NDArray[Any]], Score]:
    """Return the arrays of a model of ROWS (THERE: 0 or 1, with WEIGHT) and how it scores rows."""
    lightgbm = need("lightgbm", extra="learn")
    data = lightgbm.Dataset(rows, there, weight=weight, params={"verbosity": -1})
    forest = Trees.taken(lightgbm.train(_SETTINGS | {"seed": seed}, data, _TREES).dump_model())
    return forest.arrays(), forest.score
