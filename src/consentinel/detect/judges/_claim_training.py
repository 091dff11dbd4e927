"""How judges of claims are trained: folds of whole code families, calibration and threshold from held-out scores."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import BadInput
from consentinel.core.modelfile import ModelFile
from consentinel.detect.judges._abstain import calibrated, risk_threshold, steps
from consentinel.detect.judges._claim_features import NAMES, answer, matrix
from consentinel.detect.judges._claim_scored import KIND

__all__ = ["FOLDS", "Fit", "digest", "folds", "held_out", "right", "trained"]

FOLDS = 5
Floats = NDArray[np.float64]
# Rows, truth and weights in; the arrays of the model and how it scores rows out.
Fit = Callable[[Floats, Floats, Floats, int], tuple[dict[str, NDArray[Any]], Callable[[Floats], Floats]]]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of LABELLED that teach: what a claim looks like, whether its data went there, and how sure that is."""

    x: Floats
    there: Floats
    weight: Floats
    family: NDArray[Any]


def folds(families: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Return the fold of each row: whole FAMILIES, the largest first, each into the smallest fold; ties by SEED."""
    names, group, size = np.unique(families, return_inverse=True, return_counts=True)
    lot = np.array([int(sha256(f"{seed}|{name}".encode()).hexdigest()[:12], 16) for name in names.tolist()])
    filled, fold = np.zeros(FOLDS, np.int64), np.zeros(len(names), np.int64)
    for at in np.lexsort((lot, -size)).tolist():
        fold[at] = int(filled.argmin())
        filled[fold[at]] += size[at]
    return fold[group]


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of the content of TABLE, whatever its chunks."""
    found = sha256(str(table.schema).encode())
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found.update(repr(row).encode())
    return found.hexdigest()


def right(truth: NDArray[Any], label: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where the LABEL of a judge fits the TRUTH of a unit.

    A violation has to be called one, a unit without a consent signal has to be told as that, and what is no violation
    or is not there at all must not be called one.
    """
    called = label == "potential violation"
    return np.where(truth == "yes", called, np.where(truth == "no_signal", label == "no signal", ~called))


def _teaching(table: pa.Table) -> tuple[pa.Table, _Rows]:
    """Return the rows that teach and what they teach; TABLE has LABELLED and a column p_there."""
    p = table["p_there"].to_numpy(zero_copy_only=False)
    table = table.filter(pa.array(np.isfinite(p)))
    p = p[np.isfinite(p)]
    family = np.array(table["family"].to_pylist(), object).astype(str)
    if len(set(family.tolist())) < 2 * FOLDS or not 0 < (p >= 0.5).sum() < len(p):
        todo = f"Give labels of at least {2 * FOLDS} families, with claims that are there and some that are not"
        raise BadInput("too few labels to train on", where="training table", todo=todo)
    return table, _Rows(matrix(table), (p >= 0.5).astype(np.float64), np.abs(2 * p - 1), family)


def held_out(table: pa.Table, fit: Fit, *, seed: int) -> tuple[pa.Table, Floats, Floats]:
    """Return (rows that teach, their score, their probability), each from a model that never saw its family.

    The probability of a fold is calibrated on the scores of the other folds.
    """
    table, rows = _teaching(table)
    fold = folds(rows.family, seed)
    score, p = np.zeros(len(fold)), np.zeros(len(fold))
    for at in range(FOLDS):
        mine, others = fold == at, fold != at
        _, scored = fit(rows.x[others], rows.there[others], rows.weight[others], seed)
        score[mine] = scored(rows.x[mine])
    for at in range(FOLDS):
        mine, others = fold == at, fold != at
        p[mine] = calibrated(score[mine], steps(score[others], rows.there[others]))
    return table, score, p


def trained(table: pa.Table, part: str, version: str, fit: Fit, *, seed: int, risk: float) -> ModelFile:
    """Return the model of PART that learns from TABLE (KNOWN with p_there) by FIT; equal input, equal model.

    Folds are of whole families, so that a claim seen with fewer repeats is never in another fold than the claim.
    RISK is the share of errors among decided rows that the threshold is set for. Raises BadInput for too few labels.
    """
    from consentinel import __version__

    known, score, p = held_out(table, fit, seed=seed)
    _, rows = _teaching(table)
    truth = np.array(known["truth"].to_pylist(), object)
    judged = answer(known, p, 0.0)
    ok = right(truth, np.array(judged["label"].to_pylist(), object))
    certain = np.array(known["outcome"].to_pylist(), object) == "allowed"
    sure = np.where(certain, 1.0, np.maximum(p, 1 - p))
    labelled = truth != "unlabelled"
    component = np.array(known["component"].to_pylist(), object).astype(str)
    threshold = risk_threshold(sure[labelled], ~ok[labelled], component[labelled], risk)
    arrays, _ = fit(rows.x, rows.there, rows.weight, seed)
    decided = sure >= threshold
    card = _card(table, known, part, seed, risk) | {
        "held_out_accuracy": f"{ok[labelled].mean():.4f}",
        "held_out_decided": f"{decided[labelled].mean():.4f}",
        "held_out_accuracy_decided": f"{ok[labelled & decided].mean():.4f}" if (labelled & decided).any() else "none",
        "held_out_brier": f"{np.mean((p - rows.there) ** 2):.4f}",
        "threshold": f"{threshold:.6f}",
    }
    arrays |= {"knots": np.stack(steps(score, rows.there)), "threshold": np.array(threshold)}
    return ModelFile(KIND, version, f"consentinel {__version__}", arrays, card)


def _card(table: pa.Table, known: pa.Table, part: str, seed: int, risk: float) -> dict[str, str]:
    return {
        "part": part,
        "features": ",".join(NAMES),
        "training_table": digest(table),
        "rows": str(known.num_rows),
        "families": str(len(set(known["family"].to_pylist()))),
        "seed": str(seed),
        "risk": str(risk),
        "folds": f"{FOLDS}, whole code families",
        "measured_on": "held-out folds; units that the scanner never saw are not among them",
        "licence": "Apache-2.0",
        "limits": "Learnt on the proving range: invented sites, people and dialogs with real SDKs and adapters. "
        "What does not vary between visits is taken as telling nothing of a device, so one visit says little.",
    }
