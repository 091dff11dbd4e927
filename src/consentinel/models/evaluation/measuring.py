"""A model's answers on rows that it has not seen, turned into figures: one for each query or row, and whole ones."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import Model
from consentinel.core.stats import Floats
from consentinel.core.tables import check
from consentinel.models.evaluation import ranking, sampled, scores
from consentinel.models.rows import QUERIES, RANKED

__all__ = ["Answered", "Figures", "Sample", "answers", "asked_of", "constant", "ranked_figures", "row_figures"]


@dataclass(frozen=True)
class Sample:
    """How sampled metrics are measured, where somebody asks for them: the catalogue, how many of it, by which seed."""

    items: pa.Array
    n: int
    seed: int


@dataclass(frozen=True)
class Figures:
    """What one model came to.

    Arguments: name; means, a figure per query or row by metric, shape (n,), whose mean is the metric; label and p,
    shape (n,), where metrics of whole samples (AUC, ...) are computed from them; those, by name.
    """

    name: str
    means: dict[str, Floats]
    label: Floats = field(default_factory=lambda: np.zeros(0))
    p: Floats = field(default_factory=lambda: np.zeros(0))
    whole: tuple[scores.Metric, ...] = ()


@dataclass(frozen=True)
class Answered:
    """Answers for rows: the label given, the probability of what it says (label 1 for yes/no), shape (n,)."""

    said: pa.Array
    p: Floats


def ranked_figures(
    name: str, ranked: pa.Table, truth: pa.Table, k: int, gain: ranking.Gain, sample: Sample | None = None
) -> tuple[Figures, pa.Table]:
    """Return the figures of RANKED against TRUTH at K, and the rows of `per_query`; sampled ones are named so."""
    if sample is not None:
        ranked = sampled.candidates(ranked, truth, sample.items, sample.n, seed=sample.seed)
    rows = ranking.per_query(ranked, truth, k, gain=gain)
    before = sampled.PREFIX if sample is not None else ""
    at = f"@{k}" if k else ""
    means = {f"{before}{metric}{at}": ranking.values(rows, metric) for metric in ranking.METRICS}
    return Figures(name, means), rows


def asked_of(model: Model, queries: pa.Table) -> pa.Table:
    """Return what MODEL ranks for QUERIES, checked: finite scores, only what was asked, each query at most k rows."""
    ranked = check(model.predict(check(queries, QUERIES, "evaluate")), RANKED, f"a {model.kind} model")
    _finite(np.asarray(ranked["score"]), model)
    return ranked


def answers(model: Model, rows: pa.Table) -> Answered:
    """Return what MODEL answers for ROWS (n,), checked: one row per row, finite probabilities.

    Raises ContractBroken where the model breaks its promise.
    """
    got = model.predict(rows)
    for name in ("score", "label"):
        if name not in got.column_names:
            raise ContractBroken(f"a {model.kind} model answers score and label, got {', '.join(got.column_names)}")
    p = np.asarray(one(got["score"].cast(pa.float64())), np.float64)
    if len(p) != rows.num_rows:
        raise ContractBroken(f"a {model.kind} model answered {len(p)} of {rows.num_rows} rows")
    _finite(p, model)
    return Answered(one(got["label"].cast(pa.string())), p)


def constant(truth: pa.Array, learned: pa.Array | None) -> Answered:
    """Return the simplest answers for the labels TRUTH: always the most frequent label, always the base rate.

    Both are those of LEARNED, the labels that were learned from; without them those of TRUTH, which no constant beats.
    """
    known = (truth if learned is None else learned).drop_null()
    counts = pc.value_counts(known)
    if not len(counts):
        raise UsageError("no row has a label, so there is nothing to measure against")
    order = np.lexsort((np.asarray(counts.field(0).to_pylist()), -np.asarray(counts.field(1))))
    top = counts.field(0)[int(order[0])].as_py()
    yes_no = set(known.unique().to_pylist()) <= {"0", "1"}
    share = np.asarray(pc.equal(known, "1" if yes_no else top)).mean()
    return Answered(pa.array([top] * len(truth), pa.string()), np.full(len(truth), float(share)))


def row_figures(name: str, kind: str, truth: pa.Array, got: Answered) -> Figures:
    """Return the figures of answers GOT for the labels TRUTH, texts, shape (n,); null where a label is not known.

    Of a tabular model (label 0 or 1, p that of 1): log loss, explained entropy, AUC, calibration error and accuracy.
    Of others: accuracy, and the calibration error of the label given.
    """
    known = np.asarray(pc.is_valid(truth))
    if not known.any():
        raise UsageError("no row has a label, so there is nothing to measure against")
    labels, said, p = truth.filter(pa.array(known)), got.said.filter(pa.array(known)), got.p[known]
    if kind != "tabular":
        right = np.asarray(pc.fill_null(pc.equal(said, labels), False), np.float64)
        sure = p if p.min() >= 0.5 or len(labels.unique()) > 2 else np.maximum(p, 1 - p)
        return Figures(name, {"accuracy": right}, right, sure, ("calibration_error",))
    if not set(labels.unique().to_pylist()) <= {"0", "1"}:
        raise UsageError("labels of a tabular model are 0 and 1; map others before")
    if ((p < 0) | (p > 1)).any():
        raise UsageError(f"{name} answers no probabilities; effects of a treatment cannot be held against labels alone")
    y = np.asarray(pc.equal(labels, "1"), np.float64)
    means = {"accuracy": ((p >= 0.5) == (y == 1)).astype(np.float64), "log_loss": scores.losses(y, p)}
    both = 0 < y.sum() < len(y)
    whole: tuple[scores.Metric, ...] = ("explained_entropy", "auc", "calibration_error")
    return Figures(name, means, y, p, whole if both else ("calibration_error",))


def _finite(numbers: Any, model: Model) -> None:
    if not np.isfinite(np.asarray(numbers, np.float64)).all():
        raise ContractBroken(f"a {model.kind} model gave a score that is not finite")
