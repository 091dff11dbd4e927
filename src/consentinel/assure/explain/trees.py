"""Why a model of trees scores as it does: exact Shapley values of each row, and of a document's lead over another.

Values are path-dependent TreeSHAP: they sum to the score less its mean over the training rows, so the difference of two
documents of a query has the differences of their values as reasons.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.explain._curves import (
    EXAMPLES,
    LEVELS,
    Floats,
    areas,
    gain,
    mean_of,
    random_orders,
    ranks,
    top,
)
from consentinel.assure.explain._treeshap import Path, contributions, paths, scores
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import TreeEnsemble

KINDS = ("ranking", "tabular")
NEEDS = ("trees",)
SHOWN, REASONS = 5, 3
Ints = NDArray[np.intp]


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how exactly values sum to scores and leads, and how much faster a score falls when what counts most is
    taken away first than in a random order."""
    rows, x, trees = looked_into(subject, plan)
    unit = subject.unit[rows]
    values, begin = contributions(trees, x)
    score = scores(trees, x)
    errors = np.abs(values.sum(axis=1) + begin - score)
    why = f"the mean over rows; the largest is {errors.max():.1e}{_answered(subject, rows, score)}"
    yield mean_of("additivity_error", errors, unit, plan, "lower", why)
    if subject.kind in RANKED_KINDS:
        first, second = pairs(unit, score)
        if len(first):
            away = np.abs((values[first] - values[second]).sum(axis=1) - (score[first] - score[second]))
            why = f"the mean over {len(first):,} pairs; the largest is {away.max():.1e}"
            yield mean_of("pair_additivity_error", away, unit[first], plan, "lower", why)
        else:
            yield Measure("pair_additivity_error", None, why="no query has two documents")
    yield from _faithful(x, trees, values, unit, plan)


def looked_into(subject: Subject, plan: Plan) -> tuple[Ints, Floats, list[Path]]:
    """Return which rows are explained, whole units of together at most `plan.rows`, their features and the trees.

    Raises UsageError where rows have no features.
    """
    model: Any = subject.model
    assert isinstance(model, TreeEnsemble)
    if subject.kind in RANKED_KINDS and "features" not in subject.rows.column_names:
        raise UsageError("the rows have no column 'features'; its trees need the features of each document")
    many = np.bincount(subject.unit, minlength=subject.groups.num_rows)
    order = drawn(
        "explain", np.arange(len(many)), max(1, round(plan.rows / max(1.0, many[many > 0].mean()))), plan, "trees"
    )
    rows = np.flatnonzero(np.isin(subject.unit, order))[: max(plan.rows, int(many.max()))]
    x = np.asarray(model.features(subject.rows.take(pa.array(rows))), np.float64)
    return rows, x, paths(model.trees(), x.shape[1])


def pairs(unit: Ints, score: Floats) -> tuple[Ints, Ints]:
    """Return the places of pairs of neighbours in the order of each unit, the higher SCORE first, and of the first with
    each other."""
    order = np.lexsort((-score, unit))
    same = unit[order][1:] == unit[order][:-1]
    starts = np.flatnonzero(np.append(True, ~same))
    lead = np.repeat(starts, np.diff(np.append(starts, len(order))))
    far = np.arange(len(order)) - lead > 1
    return np.append(order[:-1][same], order[lead[far]]), np.append(order[1:][same], order[far])


def examples(subject: Subject, plan: Plan) -> pa.Table:
    """Return for the best rows of a few units the features that say most, by number."""
    rows, x, trees = looked_into(subject, plan)
    if not len(rows):
        return EXAMPLES.empty_table()
    values, begin = contributions(trees, x)
    score = values.sum(axis=1) + begin
    order = np.lexsort((-score, subject.unit[rows]))
    best = order[np.unique(subject.unit[rows][order], return_index=True)[1]][:SHOWN]
    said = [str(at) for at in one(subject.rows["item"]).cast(pa.string()).take(pa.array(rows[best])).to_pylist()] if (
        "item" in subject.rows.column_names
    ) else [f"{at:.3g}" for at in score[best]]  # fmt: skip
    what = "query" if subject.kind in RANKED_KINDS else "row"
    about = [f"{what} {at + 1}" for at in range(len(best))]
    return top(about, said, [[f"feature {at}" for at in range(x.shape[1])]] * len(best), list(values[best]), REASONS)


def _answered(subject: Subject, rows: Ints, score: Floats) -> str:
    """Return in words how far SCORE is from what the model answered, where that is a sum of trees too."""
    if subject.kind not in RANKED_KINDS or not {"query", "item"} <= set(subject.rows.column_names):
        return ""
    keys = [
        pc.binary_join_element_wise(one(t["query"]).cast(pa.string()), one(t["item"]).cast(pa.string()), "\x1f")
        for t in (subject.rows.take(pa.array(rows)), subject.answers)
    ]
    at = pc.index_in(keys[0], keys[1])
    there = np.asarray(pc.is_valid(at))
    if not there.any():
        return ""
    theirs = np.asarray(one(subject.answers["score"]), np.float64)[np.asarray(at.drop_null())]
    return f"; the answers of the model are away from these scores by at most {np.abs(theirs - score[there]).max():.1e}"


def _faithful(x: Floats, trees: list[Path], values: Floats, unit: Ints, plan: Plan) -> Iterator[Measure]:
    usual = np.median(x, axis=0)
    there = x != usual
    spread = float(scores(trees, x).std())
    if not spread or not there.any():
        yield Measure("deletion_auc_difference", None, why="all rows that were looked at have the same score")
        return

    def area(order: NDArray[np.int64]) -> Floats:
        cuts = np.ceil(LEVELS[:, None] * there.sum(axis=1))[:, :, None]
        made = np.where(there & (order < cuts), usual, x).reshape(-1, x.shape[1])
        return areas(scores(trees, made).reshape(len(LEVELS), -1).T / spread)

    mine = area(ranks(np.where(there, values, -np.inf)))
    chance = np.mean([area(order) for order in random_orders(there, plan, "trees")], axis=0)
    why = (
        "features are set to their median, those that add most first; area under the score, in standard deviations of "
        "scores, in a random order less in this one"
    )
    yield gain("deletion_auc_difference", chance - mine, unit, plan, why)
