"""How far each teacher can be trusted, learnt from where teachers agree and differ, without knowing the truth.

Teachers are weak: a filter list names recipients, recognisers go by names and shapes, planted values are few. Each
answers yes or no, or nothing, about a claim. The model of Dawid and Skene finds, by expectation maximisation, how often
each is right about a yes and about a no, and how probable a yes is for each claim.

Source: Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", 1979.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.errors import UsageError

__all__ = ["SILENT", "Teachers", "learn"]

SILENT = -1  # the vote of a teacher that says nothing
_STEPS, _CLOSE = 500, 1e-9
_PRIOR = 2.0  # made-up answers of each teacher, most of them right: a teacher who never speaks is neither good nor bad
_RIGHT = 0.7


@dataclass(frozen=True, slots=True)
class Teachers:
    """What was learnt: P (n,) of a yes for each row, of each teacher its share of yes on a yes and of no on a no."""

    p: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    prevalence: float

    def told(self, votes: ArrayLike) -> NDArray[np.float64]:
        """Return how probable a yes is for each row of other VOTES, shape (n, teachers)."""
        return _posterior(_votes(votes), self.sensitivity, self.specificity, self.prevalence)


def learn(votes: ArrayLike, known: ArrayLike | None = None) -> Teachers:
    """Learn the teachers' accuracies from VOTES, shape (n, teachers), of 1 (yes), 0 (no) and SILENT.

    KNOWN, shape (n,), has the truth of rows where somebody knows it and SILENT elsewhere; such rows stay as they are.
    Teachers are taken as independent given the truth, and on average better than chance, which picks one of the two
    mirrored solutions. Raises UsageError for other votes or none.
    """
    said = _votes(votes)
    if not said.size:
        raise UsageError("a label model needs at least one row and one teacher")
    truth = np.full(len(said), SILENT) if known is None else _votes(np.asarray(known)[:, None])[:, 0]
    if len(truth) != len(said):
        raise UsageError(f"known has one entry for each of the {len(said)} rows, got {len(truth)}")
    spoke = (said != SILENT).sum(axis=1)
    p = np.where(spoke > 0, ((said == 1).sum(axis=1) + 0.5) / (spoke + 1), 0.5)  # the majority, to begin with
    p = np.where(truth != SILENT, truth, p)
    for _ in range(_STEPS):
        prevalence = float(np.clip(p.mean(), 1e-6, 1 - 1e-6))
        sensitivity = _share(said == 1, said != SILENT, p)
        specificity = _share(said == 0, said != SILENT, 1 - p)
        new = np.where(truth != SILENT, truth, _posterior(said, sensitivity, specificity, prevalence))
        moved, p = float(np.abs(new - p).max()), new
        if moved < _CLOSE:
            break
    return Teachers(p, sensitivity, specificity, prevalence)


def _votes(votes: ArrayLike) -> NDArray[np.int64]:
    said = np.asarray(votes, np.int64)
    if said.ndim != 2 or not np.isin(said, (SILENT, 0, 1)).all():
        raise UsageError(f"votes have shape (rows, teachers) and are 1, 0 or {SILENT}")
    return said


def _share(right: NDArray[np.bool_], spoke: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((weight @ right + _PRIOR * _RIGHT) / (weight @ spoke + _PRIOR))


def _posterior(
    said: NDArray[np.int64], sensitivity: NDArray[np.float64], specificity: NDArray[np.float64], prevalence: float
) -> NDArray[np.float64]:
    yes = (said == 1) @ np.log(sensitivity / (1 - specificity)) + (said == 0) @ np.log((1 - sensitivity) / specificity)
    odds = yes + np.log(prevalence / (1 - prevalence))
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))
