"""What the claims on public labelled sets share: views of the rows, held-out scores on given folds, paired gains.

A model is a linear one over views (TF-IDF of texts or of lists of tokens). Its strength of regularisation is chosen
inside the training part of each fold, on one grouped third of it; floor and model get the same treatment.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from _claim import ROOT
from consentinel.core.resample import cluster_bootstrap
from consentinel.core.stats import Interval

__all__ = [
    "FLOOR", "MARGIN", "SEED", "View", "accuracy_gain", "column", "f1_gain", "folder", "held_out", "macro_f1",
    "read", "say", "texts", "tokens",
]  # fmt: skip

SEED = 20
Labels = NDArray[Any]
Floats = NDArray[np.float64]
Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def folder(name: str) -> Path:
    """Return the folder of the labelled set NAME; raises SystemExit where it is not there."""
    found = ROOT.parent / "shared" / "data" / "detect" / name
    if not found.is_dir():
        raise SystemExit(f"the labelled set {name} is not in ../shared/data/detect: put it there to measure this claim")
    return found


def read(name: str, *files: str) -> list[dict[str, Any]]:
    """Return the rows of the Parquet FILES of the labelled set NAME."""
    return [row for file in files for row in pq.read_table(folder(name) / file).to_pylist()]


def column(values: Sequence[Any]) -> Labels:
    """Return VALUES (texts, or lists of tokens) as one array of objects, so that rows can be taken by number."""
    found = np.empty(len(values), object)
    found[:] = list(values)
    return found


@dataclass(frozen=True)
class View:
    """One way to look at the rows: what TF-IDF reads, how, and how much it weighs beside other views.

    Where `kinds` is given, a copy of the view is added for each kind of row, at half the weight, so that what matters
    for one kind only can be learnt without losing what all kinds share (Daume 2007, feature augmentation).
    """

    rows: Labels
    how: dict[str, Any]
    weight: float = 1.0
    kinds: Labels | None = None

    def fitted(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Iterator[tuple[Any, Any]]:
        """Yield blocks of columns for TRAIN and TEST; only TRAIN decides what a column means."""
        made = TfidfVectorizer(sublinear_tf=True, **self.how)
        one, two = made.fit_transform(self.rows[train]) * self.weight, made.transform(self.rows[test]) * self.weight
        yield one, two
        if self.kinds is not None:
            for kind in np.unique(self.kinds):
                yield (
                    sp.diags((self.kinds[train] == kind) * 0.5) @ one,
                    sp.diags((self.kinds[test] == kind) * 0.5) @ two,
                )


def tokens(rows: Sequence[list[str]], weight: float = 1.0, **how: Any) -> View:
    """Return a view of ROWS that are lists of tokens already."""
    return View(column(rows), {"analyzer": _same, **how}, weight)


def texts(rows: Sequence[str], low: int, high: int, weight: float = 1.0, kinds: Any = None, **how: Any) -> View:
    """Return a view of ROWS by their runs of LOW to HIGH characters."""
    return View(column(rows), {"analyzer": "char", "ngram_range": (low, high), **how}, weight, kinds)


def _same(row: list[str]) -> list[str]:
    return row


@dataclass(frozen=True)
class Learner:
    """A linear classifier and the strengths that are tried for it."""

    make: Callable[[float], Any]
    strengths: tuple[float, ...]


FLOOR = Learner(lambda c: LogisticRegression(C=c, max_iter=500), (1.0, 10.0, 100.0))
MARGIN = Learner(lambda c: LinearSVC(C=c, random_state=SEED), (0.1, 0.3, 1.0))


def held_out(views: Sequence[View], learner: Learner, y: Labels, groups: Labels, folds: Folds) -> Floats:
    """Return the scores of each row for each class (sorted), shape (n, classes), from models that never saw its group.

    Rows that no fold holds out score NaN.
    """
    names = np.unique(y)
    scores = np.full((len(y), len(names)), np.nan)
    for train, test in folds:
        blocks = [block for view in views for block in view.fitted(train, test)]
        one, two = (sp.hstack(part).tocsr() for part in zip(*blocks, strict=True))
        strength = _strength(learner, one, y[train], groups[train])
        model = learner.make(strength).fit(one, y[train])
        told = model.decision_function(two)
        scores[np.ix_(test, np.searchsorted(names, model.classes_))] = (
            told if told.ndim == 2 else np.stack([-told, told], axis=1)
        )
        absent = ~np.isin(names, model.classes_)
        scores[np.ix_(test, np.flatnonzero(absent))] = -1e9  # a class that the training part lacks is never said
    return scores


def _strength(learner: Learner, rows: Any, y: Labels, groups: Labels) -> float:
    inner = StratifiedGroupKFold(3, shuffle=True, random_state=SEED)
    fit, look = next(iter(inner.split(rows, y, groups)))
    right = [(learner.make(c).fit(rows[fit], y[fit]).predict(rows[look]) == y[look]).mean() for c in learner.strengths]
    return learner.strengths[int(np.argmax(right))]


def accuracy_gain(y: Labels, floor: Labels, ours: Labels, clusters: Labels) -> Interval:
    """Return the accuracy of OURS less that of FLOOR on the same rows, with an interval over whole CLUSTERS."""
    return cluster_bootstrap((ours == y) * 1.0 - (floor == y), clusters, seed=SEED)


def f1_gain(y: Labels, floor: Labels, ours: Labels, clusters: Labels) -> Interval:
    """Return the mean F1 over classes of OURS less that of FLOOR, with an interval over whole CLUSTERS.

    The class "" is a rejection: it is said and it can be true, but has no F1 of its own.
    """
    names = np.unique(np.concatenate([y, floor, ours]))
    names = names[names != ""]
    cells = np.concatenate([_counts(y, told, names) for told in (ours, floor)], axis=1)
    width = cells.shape[1] // 2

    def gain(rows: Floats, weights: Floats) -> Floats:
        sums = weights @ rows
        return _mean_f1(sums[:, :width]) - _mean_f1(sums[:, width:])

    return cluster_bootstrap(cells, clusters, gain, seed=SEED)


def macro_f1(y: Labels, told: Labels) -> float:
    """Return the mean F1 over the classes of Y, of the labels TOLD; the class "" has none of its own."""
    names = np.unique(y)
    return float(_mean_f1(_counts(y, told, names[names != ""]).sum(axis=0)[None, :])[0])


def _counts(y: Labels, told: Labels, names: Labels) -> Floats:
    truth, said = y[:, None] == names, told[:, None] == names
    return np.concatenate([truth & said, truth | said], axis=1).astype(np.float64)


def _mean_f1(sums: Floats) -> Floats:
    both, either = np.split(sums, 2, axis=1)
    some = either > 0  # F1 = 2 TP / (2 TP + FP + FN), and |truth or said| = TP + FP + FN
    f1 = np.where(some, 2 * both / np.where(some, both + either, 1), 0.0)
    return np.asarray(f1.sum(axis=1) / np.maximum(some.sum(axis=1), 1))


def say(found: Interval, scale: float = 100) -> str:
    """Return the interval FOUND in words, times SCALE (points)."""
    return f"{found.value * scale:+.1f} ({found.low * scale:+.1f} to {found.high * scale:+.1f})"
