"""Why a model with a gradient answers as it does: integrated gradients, and whether what they name is what counts.

Inputs are pixels, words or other positions; the ways through them begin at 0 (black, or a word without meaning). What
channels or widths a position has counts together. Curves run over the positions that are not at 0 already, so that
random orders waste no step on empty ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pyarrow as pa
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
from consentinel.assure.explain._integrated import STEPS, attributed
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.subject import Subject
from consentinel.core.model_contracts import Differentiable
from consentinel.core.stats import cluster_ratio_interval

KINDS = ("vision", "text", "tabular")
NEEDS = ("gradient",)
ROWS, SHOWN, REASONS = 64, 3, 3
SEQUENCES = 16  # rows of embedded words: an encoder takes a hundred times as long as a small network
_CELLS = 16_000_000  # inputs that all rows together may have: wide ones are looked at in fewer rows
_AT_ONCE = 2_000_000
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Explained:
    """Inputs of equal shape x (n, ...) of ROWS, the class explained (n,), and what each input adds to its logit."""

    rows: NDArray[np.intp]
    x: Singles
    base: Singles
    target: NDArray[np.int64]
    values: Floats

    @property
    def positions(self) -> Floats:
        """What each position adds: pixels and words have several inputs; shape (n, positions)."""
        return self.values.reshape(*_flat(self.x.shape), -1).sum(axis=2)

    def blank(self) -> NDArray[np.bool_]:
        """Return which positions are as the base is, or not there at all; shape (n, positions)."""
        same = (self.x == self.base) | np.isnan(self.x)
        return np.asarray(same.reshape(*_flat(self.x.shape), -1).all(axis=2))


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how far values are from summing to the change of the score, and how much faster the probability falls
    (deletion) or rises (insertion) along them than in a random order."""
    model: Any = subject.model
    gap, moved, unit, mine, chance = [], [], [], [], []
    for some in explained(subject, plan):
        ends = [_picked(model.scores(x), some.target) for x in (some.x, some.base)]
        moved.append(ends[0] - ends[1])
        gap.append(np.abs(some.values.reshape(len(some.x), -1).sum(axis=1) - moved[-1]))
        unit.append(subject.unit[some.rows])
        there = ~some.blank()
        mine.append(_curves(model, some, ranks(np.where(there, some.positions, -np.inf))))
        orders = random_orders(there, plan, "gradients", str(len(unit)))
        chance.append(np.mean([_curves(model, some, order) for order in orders], axis=0))
    if not unit:
        yield Measure("completeness_gap", None, why="there are no rows to explain")
        return
    who, away = np.concatenate(unit), np.concatenate(gap)
    pairs = np.stack([away, np.abs(np.concatenate(moved))], axis=1)
    if pairs[:, 1].sum() > 0:
        found = cluster_ratio_interval(pairs[:, 0], pairs[:, 1], who, plan.level)
        why = f"mean distance from the change of the logit, as a share of that change; the largest is {away.max():.1e}"
        yield Measure("completeness_gap", found, better="lower", why=why)
    ours, theirs = np.concatenate(mine), np.concatenate(chance)
    yield mean_of("deletion_auc", ours[:, 0], who, plan, "lower", "probability of the class, largest values first")
    yield gain("deletion_auc_difference", theirs[:, 0] - ours[:, 0], who, plan, "random order less largest first")
    yield mean_of("insertion_auc", ours[:, 1], who, plan, "higher", "probability of the class, largest values first")
    yield gain("insertion_auc_difference", ours[:, 1] - theirs[:, 1], who, plan, "largest first less random order")


def explained(subject: Subject, plan: Plan, steps: int = STEPS, rows: int = ROWS) -> Iterator[Explained]:
    """Yield at most `plan.rows` rows with what each input adds to the logit of the class that the model gives."""
    model: Any = subject.model
    assert isinstance(model, Differentiable)
    chosen = drawn("explain", np.arange(subject.rows.num_rows), min(plan.rows, rows), plan, "gradients")
    if not len(chosen):
        return
    first = model.inputs(subject.rows.slice(0, 1))
    chosen = chosen[: min(max(10, _CELLS // max(1, first.size)), SEQUENCES if first.ndim == 3 else rows)]
    size = max(1, _AT_ONCE // max(1, first.size))
    for at in range(0, len(chosen), size):
        some = chosen[at : at + size]
        x = np.asarray(model.inputs(subject.rows.take(pa.array(some))), np.float32)
        base = np.where(np.isnan(x), x, np.float32(0))
        target = np.asarray(model.scores(x), np.float64).argmax(axis=1).astype(np.int64)
        yield Explained(some, x, base, target, attributed(model, x, target, base, steps))


def examples(subject: Subject, plan: Plan) -> pa.Table:
    """Return for a few rows, which are numbers, the positions that add most to the class that was given."""
    model: Any = subject.model
    some = next(explained(subject, plan, rows=SHOWN), None)
    if some is None:
        return EXAMPLES.empty_table()
    classes = list(model.classes())
    names = [_called(at, some.x.shape[1:], subject) for at in range(some.positions.shape[1])]
    about = [f"row {at + 1}" for at in range(len(some.x))]
    return top(about, [classes[at] for at in some.target], [names] * len(about), list(some.positions), REASONS)


def _called(at: int, shape: tuple[int, ...], subject: Subject) -> str:
    if len(shape) == 3:
        return f"pixel {at // shape[1] + 1} down, {at % shape[1] + 1} across"
    return f"word piece {at + 1}" if len(shape) == 2 else f"input {at + 1}"


def _lead(shape: tuple[int, ...]) -> int:
    """Return how many axes of SHAPE say which position: two of a picture after the row, else one."""
    return 3 if len(shape) == 4 else 2


def _flat(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0], prod(shape[1 : _lead(shape)])


def _picked(scores: NDArray[Any], target: NDArray[np.int64]) -> Floats:
    return np.asarray(scores, np.float64)[np.arange(len(target)), target]


def _curves(model: Differentiable, some: Explained, order: NDArray[np.int64]) -> Floats:
    """Return the areas of deletion and of insertion, shape (n, 2), when positions go in ORDER (n, positions)."""
    there, lead = (~some.blank()).sum(axis=1), _lead(some.x.shape)
    found = np.zeros((2, len(LEVELS), len(some.x)))
    for at, level in enumerate(LEVELS):
        gone = (order < np.ceil(level * there)[:, None]).reshape(*some.x.shape[:lead], *[1] * (some.x.ndim - lead))
        for way, here in enumerate((~gone, gone)):
            logits = np.asarray(model.scores(np.where(here, some.x, some.base)), np.float64)
            logits -= logits.max(axis=1, keepdims=True)
            found[way, at] = _picked(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), some.target)
    return np.stack([areas(found[0].T), areas(found[1].T)], axis=1)
