"""What is audited: a model's answers, what truly happened, whom they are about, and what else the model allows."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.kept_shadows import KeptShadows
from consentinel.core.columns import one
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import (
    Bounded,
    Differentiable,
    LinearRecommender,
    Model,
    Trainer,
    TreeEnsemble,
)

__all__ = ["KINDS", "MISSING", "NEEDS", "RANKED_KINDS", "Subject"]

KINDS = ("recsys", "ranking", "vision", "text", "graph", "tabular")
RANKED_KINDS = ("recsys", "ranking")
MISSING = "(missing)"  # the group of those whose attribute is not known: shown, never compared
NEEDS = {
    "labels": "what is true of the rows (a column label; for rankings, the items that were right)",
    "groups": "attributes of people (--groups)",
    "items": "attributes of items (--items)",
    "probabilities": "a score between 0 and 1 for each row",
    "ask": "a model that can be asked again; a table of predictions cannot",
    "learned": "the rows that it learned from (--learned)",
    "train": "a way to train it anew (--trainer)",
    "weights": "a linear recommender of the models room",
    "trees": "a model of trees",
    "gradient": "a model with a gradient",
    "bounds": "a model that bounds its scores over boxes of inputs",
    "claim": "the epsilon that is claimed for it (--claimed-epsilon)",
}


@dataclass(frozen=True)
class Subject:
    """A model under audit.

    Arguments:
        kind: one of KINDS
        rows: what it is measured on. Classifiers: its inputs, and `label` (text) where known. Rankings: what was right,
            query, item and label (more is better)
        answers: what it said. Classifiers: a row per row: score (of the label `positive`; else of the label given),
            label, and probabilities where there are. Rankings: query, item, score, best first within a query
        unit: whose each of `rows` is, as a place in `groups`, shape (n,): people, or rows where nobody is named
        groups: one row per unit: `unit`, its name, and an attribute a column, as text; MISSING where not known
        queries: rankings: what was asked, one row per unit, in their order
        items: rankings: `item` and an attribute a column, as text
        learned: the rows that it learned from, as its trainer takes them
        positive: the label that counts as yes; empty where there is none
        k: cut-off rank
        claimed: epsilon and delta claimed for it, or None
        shadows: where answers of shadow models are kept while a probe runs, or None
    """

    kind: str
    name: str
    rows: pa.Table
    answers: pa.Table
    unit: NDArray[np.intp]
    groups: pa.Table
    queries: pa.Table | None = None
    items: pa.Table | None = None
    learned: pa.Table | None = None
    model: Model | None = None
    trainer: Trainer | None = None
    positive: str = ""
    k: int = 10
    claimed: tuple[float, float] | None = None
    shadows: KeptShadows | None = None
    notes: list[str] = field(default_factory=list)

    def lacks(self, need: str) -> bool:
        """Return whether NEED, one of NEEDS, is not met."""
        return not _MET[need](self)

    def attributes(self) -> list[str]:
        """Return the names of the attributes of people."""
        return [name for name in self.groups.column_names if name != "unit"]

    def attribute(self, name: str) -> NDArray[Any]:
        """Return the groups that units belong to by attribute NAME, as text, shape (units,). Raises UsageError."""
        if name not in self.attributes():
            raise UsageError(
                f"no attribute '{name[:60]}' of people; there is: {', '.join(self.attributes()) or 'none'}"
            )
        return np.asarray(one(self.groups[name]).cast(pa.string()).to_pylist(), dtype=object)

    def ask(self, rows: pa.Table) -> pa.Table:
        """Return the checked answers of the model for ROWS (inputs, or queries for rankings).

        Raises UsageError where it cannot be asked, ContractBroken where it answers no finite score for each row.
        """
        if self.model is None:
            raise UsageError(f"{self.name} is a table of predictions and cannot be asked again")
        return checked(self.model.predict(rows), rows, self.kind, self.name)

    def answered(self, answers: pa.Table) -> "Subject":
        """Return the same subject with other ANSWERS."""
        return replace(self, answers=answers)


def checked(answers: pa.Table, rows: pa.Table, kind: str, name: str) -> pa.Table:
    """Return ANSWERS to ROWS by NAME, a model of KIND; raises ContractBroken where they do not keep the promise."""
    wanted = ("query", "item", "score") if kind in RANKED_KINDS else ("score", "label")
    missing = [column for column in wanted if column not in answers.column_names]
    if missing:
        raise ContractBroken(
            f"{name} answers without the column {missing[0]}; a {kind} model answers {', '.join(wanted)}"
        )
    score = np.asarray(answers["score"].cast(pa.float64()))
    broken = int((~np.isfinite(score)).sum())
    if broken:
        raise ContractBroken(
            f"{name} answers {broken:,} of {len(score):,} rows with no finite score (NaN, null or infinite)"
        )
    if kind not in RANKED_KINDS and answers.num_rows != rows.num_rows:
        raise ContractBroken(f"{name} answers {rows.num_rows:,} rows with {answers.num_rows:,}; each row needs one")
    return answers


def _labels(subject: Subject) -> bool:
    return "label" in subject.rows.column_names and subject.rows["label"].null_count < subject.rows.num_rows


def _probabilities(subject: Subject) -> bool:
    score = np.asarray(subject.answers["score"].cast(pa.float64()))
    return subject.kind not in RANKED_KINDS and bool(((score >= 0) & (score <= 1)).all())


_MET = {
    "labels": _labels,
    "groups": lambda subject: bool(subject.attributes()),
    "items": lambda subject: subject.items is not None and subject.items.num_columns > 1,
    "probabilities": _probabilities,
    "ask": lambda subject: subject.model is not None,
    "learned": lambda subject: subject.learned is not None,
    "train": lambda subject: subject.trainer is not None and subject.learned is not None,
    "weights": lambda subject: isinstance(subject.model, LinearRecommender),
    "trees": lambda subject: isinstance(subject.model, TreeEnsemble),
    "gradient": lambda subject: isinstance(subject.model, Differentiable),
    "bounds": lambda subject: isinstance(subject.model, Bounded),
    "claim": lambda subject: subject.claimed is not None,
}
