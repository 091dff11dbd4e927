"""What mitigations that train anew share: learned rows with groups, resampling by weight, and choosing among models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.answering import labels
from consentinel.assure.fair._rates import RATES, Groups, outcomes, rate_sums
from consentinel.assure.mitigate._compared import CRITERIA, halves
from consentinel.assure.people import as_text
from consentinel.assure.subject import MISSING, Subject, checked
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = [
    "Learned",
    "answers_of",
    "crossed",
    "known_rows",
    "learned_rows",
    "resampled",
    "reweighing",
    "trained",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """Rows to learn from whose group and label are known: yes (n,), group (n,) as places in names; no, its label."""

    rows: pa.Table
    yes: NDArray[np.bool_]
    group: NDArray[np.intp]
    names: list[str]
    no: object
    positive: object


def learned_rows(subject: Subject, attribute: str) -> Learned:
    """Return the rows that SUBJECT learned from, with their groups; raises UsageError for what is missing."""
    if subject.lacks("train") or subject.learned is None:
        raise UsageError("to train anew needs the learned rows (--learned) and a way to train (--trainer)")
    return known_rows(subject.learned, attribute, subject.positive)


def known_rows(rows: pa.Table, attribute: str, positive: str) -> Learned:
    """Return those of ROWS whose label and group of ATTRIBUTE are known; raises UsageError for what is missing."""
    for name in ("label", attribute):
        if name not in rows.column_names:
            raise UsageError(f"the learned rows have no column '{name[:60]}', which this mitigation needs")
    said = np.array(as_text(rows[attribute], attribute, []).to_pylist(), dtype=object)
    label = np.array(labels(rows["label"]).to_pylist(), dtype=object)
    known = (said != MISSING) & np.array([one is not None for one in label])
    names = sorted({str(one) for one in said[known]})
    others = sorted({str(one) for one in label[known]} - {positive})
    if len(names) < 2 or len(others) != 1 or not (label[known] == positive).any():
        raise UsageError(f"the learned rows have {len(names)} groups of {attribute} and {len(others)} other labels; "
                         "two groups at least and one other label are needed")  # fmt: skip
    rows = rows.filter(pa.array(known))
    group = np.array([names.index(str(one)) for one in said[known]], np.intp)
    raw = rows["label"]
    yes = label[known] == positive
    values = [raw[int(np.flatnonzero(yes == side)[0])].as_py() for side in (False, True)]
    return Learned(rows, yes, group, names, *values)


def reweighing(learned: Learned) -> Floats:
    """Return the weight P(g) P(y) / P(g, y) of each row of group g and label y, shape (n,).

    Source: Kamiran and Calders 2012, section 4.3.
    """
    count, n = len(learned.names), len(learned.yes)
    cell = learned.group * 2 + learned.yes
    joint = np.bincount(cell, minlength=2 * count).reshape(count, 2) / n
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = (joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)) / joint
    return np.asarray(weights.ravel()[cell])


def resampled(learned: Learned, weights: Floats, seed: int, yes: NDArray[np.bool_] | None = None) -> pa.Table:
    """Return as many rows as were learned, each as often as WEIGHTS (n,) say, with the labels YES where given.

    Systematic sampling: a row comes as often as its share of the weight says, up to one.
    """
    n = len(weights)
    ends = np.cumsum(weights) * (n / weights.sum())
    at = np.minimum(np.searchsorted(ends, np.arange(n) + generator(seed, "assure.mitigate.resampled").random()), n - 1)
    rows = learned.rows
    if yes is not None:
        kind = rows.schema.field("label").type
        new = pa.array([learned.positive if one else learned.no for one in yes.tolist()], kind)
        rows = rows.set_column(rows.column_names.index("label"), rows.schema.field("label"), new)
    return rows.take(pa.array(at))


def trained(subject: Subject, rows: pa.Table, seed: int, *asked: pa.Table) -> list[pa.Table]:
    """Return what a model that learned from ROWS answers to each table ASKED."""
    assert subject.trainer is not None
    model = subject.trainer.train(rows, seed=seed)
    return [checked(model.predict(table), table, subject.kind, subject.name) for table in asked]


def answers_of(chance: Floats, yes: NDArray[np.bool_], subject: Subject, no: object) -> pa.Table:
    """Return answers with the chance of yes as score and the labels that YES says."""
    said = np.where(yes, subject.positive, str(labels(pa.array([no]))[0].as_py()))
    return pa.table({"score": chance, "label": pa.array(said.tolist(), pa.string())})


def crossed(
    subject: Subject, made: Sequence[pa.Table], groups: Groups, criterion: str, seed: int
) -> tuple[pa.Table, list[int]]:
    """Return answers, each unit's from the one of MADE that is best on the other half, and which these two are.

    The best has the most right answers among those with at most a quarter of the gap of the subject; where there is
    none, the smallest gap.
    """
    first = halves(groups, seed)
    picked = []
    for tested in (first, ~first):
        old, _ = _of(subject, subject.answers, groups, criterion, ~tested)
        found = [_of(subject, answers, groups, criterion, ~tested) for answers in made]
        fair = [at for at, (gap, _) in enumerate(found) if gap <= old / 4]
        best = max(fair, key=lambda at: found[at][1]) if fair else min(range(len(made)), key=lambda at: found[at][0])
        picked.append(best)
    mine = first[subject.unit]
    size = subject.answers.num_rows
    both = pa.concat_tables([made[at].select(["score", "label"]) for at in picked])
    return both.take(pa.array(np.where(mine, np.arange(size), np.arange(size) + size))), picked


def _of(
    subject: Subject, answers: pa.Table, groups: Groups, criterion: str, units: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the worst gap of CRITERION and accuracy of ANSWERS among UNITS."""
    top, bottom = rate_sums(outcomes(subject.answered(answers)))
    names = list(RATES)
    gap = 0.0
    for rate in CRITERIA[criterion]:
        at = names.index(rate)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = np.array([top[mine, at].sum() / bottom[mine, at].sum() for mine in (
                (groups.code == g) & units for g in range(len(groups.names)))])  # fmt: skip
        gap = max(gap, float(np.nanmax(rates) - np.nanmin(rates)))
    at = names.index("accuracy")
    return gap, float(top[units, at].sum() / max(1.0, bottom[units, at].sum()))
