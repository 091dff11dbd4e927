"""Trains again and again with costs that move against the gap, and mixes the models (during training)."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.mitigate._compared import classified, groups_of
from consentinel.assure.mitigate._result import Mitigated
from consentinel.assure.mitigate._training import Learned, answers_of, crossed, learned_rows, resampled, trained
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.rng import generator

KINDS = ("tabular", "text", "vision")
WHEN = "during"

ROUNDS = 10
RATE = 2.0
BOUND = 2.0  # most that all multipliers sum to, in units of the error rate
SLACK = 0.005

Floats = NDArray[np.float64]


def mitigate(subject: Subject, attribute: str, /, *, seed: int, criterion: str = "demographic_parity") -> Mitigated:
    """Return SUBJECT as a mixture of models, trained by exponentiated gradient against the gap of CRITERION.

    Each round trains on rows resampled by their cost and labelled by its sign. Of the models and the mixtures of the
    last of them, one is chosen on the other half of the units; labels of a mixture are drawn by SEED.
    Raises UsageError. Source: Agarwal et al. 2018, algorithm 1 and section 3.
    """
    groups = groups_of(subject, attribute, criterion)
    learned = learned_rows(subject, attribute)
    cells = _cells(learned, criterion)
    count = int(cells.max()) + 1
    theta = np.zeros((2, count))
    said: list[Floats] = []
    scores: list[Floats] = []
    for turn in range(ROUNDS):
        grown = np.exp(theta - max(0.0, float(theta.max())))
        pull = BOUND * grown / (np.exp(-max(0.0, float(theta.max()))) + grown.sum())
        cost = _costs(learned, cells, pull[0] - pull[1], criterion)
        rows = resampled(learned, np.abs(cost) + 1e-12, seed + turn, cost < 0)
        own, tested = trained(subject, rows, seed, learned.rows.drop_columns(["label"]), subject.rows)
        off = _violations(_yes(own, subject), cells, learned, criterion)
        theta += RATE * np.stack([off - SLACK, -off - SLACK])
        said.append(_yes(tested, subject))
        scores.append(np.asarray(one(tested["score"]).cast(pa.float64()), np.float64))
    made, names = [], []
    drawn = generator(seed, "assure.mitigate.constraint").random(subject.rows.num_rows)
    for size in range(1, ROUNDS + 1):
        chance = np.mean(said[-size:], axis=0)
        made.append(answers_of(np.mean(scores[-size:], axis=0), drawn < chance, subject, learned.no))
        names.append(f"the last {size}" if size > 1 else "the last")
    for turn in range(ROUNDS - 1):
        made.append(answers_of(scores[turn], said[turn] > 0.5, subject, learned.no))
        names.append(f"number {turn + 1}")
    answers, picked = crossed(subject, made, groups, criterion, seed)
    gap, utility, other = classified(subject, answers, groups, criterion)
    told = f"{ROUNDS} models with costs against {criterion.replace('_', ' ')}: " + ", ".join(names[at] for at in picked)
    return Mitigated(answers, told + " for the two halves", gap, utility, (other,))


def _yes(answers: pa.Table, subject: Subject) -> Floats:
    return np.array([float(label == subject.positive) for label in answers["label"].to_pylist()])


def _cells(learned: Learned, criterion: str) -> NDArray[np.intp]:
    """Return the cell of each row: its group, and for equalized odds its label too; -1 where none is constrained."""
    if criterion == "demographic_parity":
        return learned.group
    if criterion == "equal_opportunity":
        return np.where(learned.yes, learned.group, -1)
    return learned.group * 2 + learned.yes


def _whole(cells: NDArray[np.intp], learned: Learned, criterion: str) -> NDArray[np.intp]:
    """Return with whom each cell is compared: everybody, or everybody of its label."""
    if criterion != "equalized_odds":
        return np.zeros(int(cells.max()) + 1, np.intp)
    return np.arange(int(cells.max()) + 1) % 2


def _violations(yes: Floats, cells: NDArray[np.intp], learned: Learned, criterion: str) -> Floats:
    """Return how much more often each cell is said yes than those that it is compared with."""
    inside = cells >= 0
    many = np.bincount(cells[inside])
    total = np.bincount(cells[inside], yes[inside])
    whole = _whole(cells, learned, criterion)
    usual = np.bincount(whole, total) / np.maximum(np.bincount(whole, many), 1)
    return np.asarray(total / np.maximum(many, 1) - usual[whole])


def _costs(learned: Learned, cells: NDArray[np.intp], pull: Floats, criterion: str) -> Floats:
    """Return what it costs to say yes to each row, rather than no: its error, and what PULL says of its cell."""
    n = len(learned.yes)
    inside = cells >= 0
    many = np.bincount(cells[inside])
    whole = _whole(cells, learned, criterion)
    of_all = np.bincount(whole, pull) / np.maximum(np.bincount(whole, many), 1)
    extra = pull / np.maximum(many, 1) - of_all[whole]
    cost = np.where(learned.yes, -1.0, 1.0)
    cost[inside] += n * extra[cells[inside]]
    return np.asarray(cost)
