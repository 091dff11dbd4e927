"""How sure a classifier is of a label: log p and logit, from probabilities where there are, else from its score."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.stats import Floats

__all__ = ["confidence"]

_LEAST = 1e-30
_MOST = 40.0  # of a logit: what float32 and float64 round to 1 must not differ by more than models do


def confidence(answers: pa.Table, label: NDArray[Any], positive: str) -> tuple[Floats, Floats]:
    """Return log p and the logit of LABEL (n,), texts, in ANSWERS: score, label, probabilities where there are.

    The score is of the label POSITIVE, or of the label that is given where that is empty; one that is no probability is
    taken as a margin.
    """
    score = np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)
    given = np.asarray(one(answers["label"]).cast(pa.string()).to_pylist(), dtype=object)
    if "probabilities" in answers.column_names:
        p, rest = _from_all(answers, given, label)
    else:
        mine = label == (positive or given)
        if ((score < 0) | (score > 1)).any():
            logit = np.where(mine, score, -score)
            return -np.logaddexp(0.0, -logit), logit
        others = 1 if positive else max(1, len(set(label.tolist()) | set(given.tolist())) - 1)
        p = np.where(mine, score, (1 - score) / others)
        rest = 1 - p
    log_p = np.log(np.maximum(p, _LEAST))
    return log_p, np.clip(log_p - np.log(np.maximum(rest, _LEAST)), -_MOST, _MOST)


def _from_all(answers: pa.Table, given: NDArray[Any], label: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the probability of LABEL and that of all others, by the columns that answers show to be of which label."""
    table = np.asarray(one(answers["probabilities"]).flatten().cast(pa.float64())).reshape(len(label), -1)
    best = table.argmax(axis=1)
    known = sorted({name for name in given.tolist() if name is not None})
    column = {name: int(np.bincount(best[given == name]).argmax()) for name in known}
    every = sorted({name for name in (*known, *label.tolist()) if name is not None})
    if len(every) == table.shape[1] and all(column[name] == every.index(name) for name in known):
        column = {name: at for at, name in enumerate(every)}  # labels in order, as nearly everybody has them
    at = np.array([column.get(name, -1) for name in label.tolist()])
    rows = np.arange(len(at))
    p = np.where(at >= 0, table[rows, at], 0.0)
    rest = table.copy()
    rest[rows[at >= 0], at[at >= 0]] = 0.0
    return p, rest.sum(axis=1)
