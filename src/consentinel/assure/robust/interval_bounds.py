"""How far every input may move at once, in any way, before the answer could change: bounds carried through the layers.

A model that bounds its scores over a box says what none of its scores can leave while inputs stay within the radius.
Where the least score of the true label is above the greatest of every other, no change in the box makes the answer
wrong: proven, and with no chance of error. Bounds of a network that was not trained for them are wide, so a row that
is not certified may still be safe. Pixels are numbers in [0, 1]; of tabular rows each number may move by a share of
its spread (standard deviation), and inputs that are 0 or 1 everywhere stay. Source: Gowal et al. 2018.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.robust._certified import ABSTAINED, certified
from consentinel.assure.robust._scored import Floats, Places, known, right, share
from consentinel.assure.subject import Subject
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import Bounded

__all__ = ["KINDS", "NEEDS", "Enclosed", "enclosed", "probe"]

KINDS = ("vision", "tabular")
NEEDS = ("bounds", "labels")
RADII = {"vision": (1 / 255, 2 / 255, 4 / 255, 8 / 255), "tabular": (0.05, 0.1, 0.25)}
ROWS = 500
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Enclosed:
    """ROWS (n,) whose label the model knows, and the largest radius (n,) at which each is certified to be right."""

    rows: Places
    radius: Floats


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy of the model, and the share of rows whose right answer no change within a radius can break."""
    radii = RADII[subject.kind]
    found = enclosed(subject, plan, radii)
    unit, mine = subject.unit[found.rows], pa.array(found.rows)
    own = right(subject.answers.take(mine), subject.rows.take(mine))
    yield share("accuracy", own, unit, plan, why="the model itself, of the same rows")
    what = "a pixel, from 0 to 1" if subject.kind == "vision" else "a number, in its standard deviations"
    at = [(radius, f"norm=Linf, radius={radius:.4g}") for radius in radii]
    why = f"no change of {what}, by at most the radius makes the answer wrong; interval bounds, a lower bound"
    yield from certified(np.ones(len(found.rows), bool), found.radius, at, unit, plan, why)


def enclosed(subject: Subject, plan: Plan, radii: tuple[float, ...], *, rows: int = ROWS) -> Enclosed:
    """Return how far at most ROWS labelled rows are certified, of RADII that grow.

    Raises UsageError where the model knows no label of the rows or pixels are not in [0, 1], ContractBroken where its
    bounds are no bounds.
    """
    model: Any = subject.model
    assert isinstance(model, Bounded)
    place = {name: at for at, name in enumerate(model.classes())}
    some = drawn("robust", known(subject), min(plan.rows, rows), plan, "interval_bounds")
    labels = subject.rows["label"].take(pa.array(some)).cast(pa.string()).to_pylist()
    there = np.array([label in place for label in labels], bool)
    if not there.any():
        raise UsageError("no row has a label that the model knows: check --label and the classes of the model")
    some, truth = some[there], np.array([place[label] for label in labels if label in place], np.intp)
    x = np.asarray(model.inputs(subject.rows.take(pa.array(some))), np.float32)
    unit = _units(x, subject.kind)
    certain, radius = np.ones(len(some), bool), np.full(len(some), ABSTAINED)
    for wide in (0.0, *radii):
        low, high = x - np.float32(wide) * unit, x + np.float32(wide) * unit
        low, high = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
        low, high = np.where(unit > 0, low, x), np.where(unit > 0, high, x)
        if subject.kind == "vision":
            low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        certain &= _safe(*model.bounds(low, high), truth)
        radius[certain] = wide
    return Enclosed(some, radius)


def _safe(least: NDArray[Any], most: NDArray[Any], truth: Places) -> NDArray[np.bool_]:
    """Return whether the least score of TRUTH (n,) is above the greatest of every other class."""
    if least.shape != most.shape or not (least <= most).all():  # also false for NaN
        raise ContractBroken("the model gives bounds of scores that are no bounds: the least is not below the greatest")
    every = np.arange(len(truth))
    others = np.array(most, np.float64)
    others[every, truth] = -np.inf
    return np.asarray(least[every, truth] > others.max(axis=1))


def _units(x: Singles, kind: str) -> Singles:
    """Return what a radius of 1 is for each input of X (n, ...): 1 for pixels, else its spread; 0: it stays."""
    if kind == "vision":
        if not ((x >= 0) & (x <= 1)).all():
            raise UsageError(
                f"inputs are pixels between 0 and 1, and these go from {np.nanmin(x):g} to {np.nanmax(x):g}"
            )
        return np.ones_like(x)
    choice = np.isin(x, (0.0, 1.0)).all(axis=0)
    spread = np.where(choice, 0.0, x.astype(np.float64).std(axis=0)).astype(np.float32)
    return np.broadcast_to(spread, x.shape).astype(np.float32)
