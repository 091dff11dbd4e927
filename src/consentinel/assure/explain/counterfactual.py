"""What would have to be different for another answer: the fewest columns that, set as another row has them, flip it.

Every single column is tried, then the one that moves the answer most is kept and the rest is tried again, towards each
of a few rows with another answer; what turns out not to be needed is put back. One column is thus found where one is
enough; more than one may not be the fewest there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.explain._asked import Asking
from consentinel.assure.explain._curves import EXAMPLES, mean_of
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import korn_graubard

KINDS = ("tabular",)
NEEDS = ("ask",)
ROWS, DONORS, MOST, ASKS, SHOWN = 60, 4, 5, 400_000, 5


@dataclass(frozen=True)
class Flipped:
    """Rows that were tried; whether the answer could be flipped (n,), and the columns that it took (n, columns)."""

    rows: NDArray[np.intp]
    done: NDArray[np.bool_]
    columns: NDArray[np.bool_]


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how many answers flip by at most five columns, by one, and how many columns it takes."""
    found = flipped(subject, plan)
    unit, size = subject.unit[found.rows], found.columns.sum(axis=1)
    why = f"answers of {len(found.rows):,} rows that flip when at most {MOST} columns are as another row has them"
    yield Measure("counterfactual_share", korn_graubard(found.done, unit, plan.level), why=why)
    single = korn_graubard(found.done & (size == 1), unit, plan.level)
    yield Measure("one_column_flips", single, better="lower", why="answers that one column alone flips")
    if not found.done.any():
        yield Measure("counterfactual_size", None, why=f"no answer flipped by at most {MOST} columns")
        return
    yield mean_of("counterfactual_size", size[found.done].astype(np.float64), unit[found.done], plan, "",
                  "columns that it takes, of those that flip")  # fmt: skip


def flipped(subject: Subject, plan: Plan) -> Flipped:
    """Return which columns flip the answers of at most `plan.rows` rows; raises UsageError where all have the same."""
    asking = Asking.of(subject)
    label = np.asarray(one(subject.answers["label"]).cast(pa.string()).to_pylist(), dtype=object)
    if len(set(label)) < 2:
        raise UsageError("all rows have the same answer, so there is no row to take other values from")
    width = len(asking.names)
    most = max(5, ASKS // (DONORS * width * MOST))
    rows = drawn("explain", np.arange(len(label)), min(plan.rows, ROWS, most), plan, "counterfactual")
    rng = generator(plan.seed, "assure.explain.counterfactual")
    donor = np.stack([rng.choice(np.flatnonzero(label != label[row]), DONORS) for row in rows])
    own = np.repeat(rows, DONORS)
    changed, flips = _grown(asking, own, donor.ravel(), label)
    changed = _needed(asking, own, donor.ravel(), changed, flips, label)
    size = np.where(flips, changed.sum(axis=1), width + 1).reshape(-1, DONORS)
    best = np.arange(len(rows)) * DONORS + size.argmin(axis=1)
    done = flips[best]
    return Flipped(rows, done, changed[best] & done[:, None])


def examples(subject: Subject, plan: Plan) -> pa.Table:
    """Return for a few rows, which are numbers, the columns that would flip the answer, by name; a column counts 1."""
    found, asking = flipped(subject, plan), Asking.of(subject)
    label = one(subject.answers["label"]).cast(pa.string())
    lines = []
    for at in np.flatnonzero(found.done)[:SHOWN]:
        said = label[int(found.rows[at])].as_py()
        for column in np.flatnonzero(found.columns[at]):
            name = asking.names[column]
            lines.append({"about": f"row {at + 1}", "answer": f"not {said}", "reason": name, "contribution": 1.0})
    return pa.Table.from_pylist(lines, EXAMPLES)


def _grown(
    asking: Asking, own: NDArray[np.intp], donor: NDArray[np.intp], label: NDArray[np.object_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the columns (m, columns) that were changed, one after the other, and whether the answer flipped (m,)."""
    width, target = len(asking.names), asking.targets(own)
    changed, flips = np.zeros((len(own), width), bool), np.zeros(len(own), bool)
    toward = np.ones(len(own))
    if asking.subject.positive:  # the score is of the positive label: away from it, or to it
        toward = np.where(label[own] == asking.subject.positive, 1.0, -1.0)
    for _ in range(min(MOST, width)):
        open_ = np.flatnonzero(~flips)
        if not len(open_):
            break
        tried = changed[open_, None, :] | np.eye(width, dtype=bool)[None]
        said = asking.said(_source(tried, own[open_], donor[open_]))
        other = _labels(said).reshape(len(open_), width) != label[own[open_], None]
        sure = asking.sure(said, np.repeat(target[open_], width)).reshape(len(open_), width)
        # a flip comes before any move of the score, and a column that is changed already is no choice
        move = -toward[open_, None] * sure + 10.0 * other
        pick = np.where(changed[open_], -np.inf, move).argmax(axis=1)
        changed[open_, pick] = True
        flips[open_] = other[np.arange(len(open_)), pick]
    return changed, flips


def _needed(
    asking: Asking, own: NDArray[np.intp], donor: NDArray[np.intp], changed: NDArray[np.bool_],
    flips: NDArray[np.bool_], label: NDArray[np.object_],
) -> NDArray[np.bool_]:  # fmt: skip
    """Return CHANGED without the columns whose change was not needed for a flip."""
    kept = changed.copy()
    for column in range(changed.shape[1]):
        some = np.flatnonzero(flips & kept[:, column] & (kept.sum(axis=1) > 1))
        if not len(some):
            continue
        fewer = kept[some].copy()
        fewer[:, column] = False
        said = asking.said(_source(fewer[:, None], own[some], donor[some]))
        kept[some, column] = _labels(said) == label[own[some]]
    return kept


def _source(changed: NDArray[np.bool_], own: NDArray[np.intp], donor: NDArray[np.intp]) -> NDArray[np.int64]:
    return np.where(changed, donor[:, None, None], own[:, None, None]).reshape(-1, changed.shape[2])


def _labels(answers: pa.Table) -> NDArray[np.object_]:
    return np.asarray(one(answers["label"]).cast(pa.string()).to_pylist(), dtype=object)
