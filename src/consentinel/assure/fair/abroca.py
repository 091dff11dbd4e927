"""The area between the ROC curves of two groups (ABROCA): whether scores rank one group otherwise than another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.fair._rates import CLASSIFIED, Floats, Outcomes, comparable, grouped, outcomes, totals
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core.rng import generator
from consentinel.core.stats import Interval

KINDS = CLASSIFIED
NEEDS = ("labels", "groups")

GRID = np.linspace(0, 1, 201)
DRAWS = 400
CELLS = 40_000_000  # drawn rows, at most


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the area between the ROC curve of each group and that of the largest.

    The area is never below 0 and its plain estimate too large where curves are alike: the interval holds the areas that
    a test does not reject, each calibrated by a bootstrap of units around curves scaled to that area.
    Source: Gardner, Brooks and Baker 2019 (measure); Chuang and Lai 2000 (hybrid resampling).
    """
    rows = outcomes(subject)
    for name in subject.attributes() if rows.two_way else []:
        kept, _ = comparable(
            grouped(name, subject.attribute(name)), totals(rows.unit, rows.people, [rows.true, ~rows.true])
        )
        if len(kept.names) < 2:
            yield Measure("abroca", None, name, why=f"{name} has fewer than two groups with enough of either label")
            continue
        member = kept.code[rows.unit]
        largest = int(np.bincount(member[member >= 0], minlength=len(kept.names)).argmax())
        curves = [_Curve.of(rows, member == at, plan.seed, kept.names[at]) for at in range(len(kept.names))]
        for at, curve in enumerate(curves):
            if at != largest:
                value = area(curve.knots, curves[largest].knots)
                low, high, p = _inverted(curve, curves[largest], value, plan.level)
                units = curve.units + curves[largest].units
                estimate = Interval(value, low, high, units, plan.level, "inverted tests, cluster bootstrap")
                yield Measure("abroca", estimate, kept.slice(at), kept.slice(largest), 0.0, p, better="lower")


Knots = tuple[Floats, Floats]


def roc(score: Floats, true: NDArray[np.bool_], weight: Floats | None = None) -> Knots:
    """Return the false and true positive rates at every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    many = np.ones(len(order)) if weight is None else weight[order]
    up, across = (np.cumsum(np.where(true[order] == side, many, 0.0))[last] for side in (True, False))
    return np.append(0.0, across / across[-1]), np.append(0.0, up / up[-1])


def area(one: Knots, other: Knots) -> float:
    """Return the area between two ROC curves, exactly: lines between the knots, crossings included."""
    x = np.union1d(one[0], other[0])
    # at a step the curve has two heights; between knots it is a line from the upper height to the next lower one
    after = [_height(knots, x, "right")[:-1] for knots in (one, other)]
    before = [_height(knots, x, "left")[1:] for knots in (one, other)]
    start, end, width = after[0] - after[1], before[0] - before[1], np.diff(x)
    size = np.abs(start) + np.abs(end)
    crossing = start * end < 0
    with np.errstate(invalid="ignore", divide="ignore"):
        heights = np.where(crossing, (start**2 + end**2) / (2 * size), size / 2)
    return float((heights * width).sum())


def _height(knots: Knots, x: Floats, side: str) -> Floats:
    """Return the curve at X, just after it ("right") or just before it ("left")."""
    across, up = knots
    at = np.searchsorted(across, x, "right") - 1 if side == "right" else np.searchsorted(across, x, "left")
    exact = across[at] == x
    return np.where(exact, up[at], np.interp(x, across, up))


@dataclass(frozen=True)
class _Curve:
    """The ROC curve of a group, exactly, and redrawn at GRID, shape (draws, grid)."""

    knots: Knots
    drawn: Floats
    units: int

    @classmethod
    def of(cls, rows: Outcomes, member: NDArray[np.bool_], seed: int, name: str) -> "_Curve":
        """Return the curve of the rows that are MEMBER, its units drawn anew."""
        score, true = rows.score[member], rows.true[member]
        _, unit = np.unique(rows.unit[member], return_inverse=True)
        count = int(unit.max()) + 1
        rng = generator(seed, "assure.fair.abroca", name)
        order = np.argsort(-score, kind="stable")
        score, true, unit = score[order], true[order], unit[order]
        drawn = []
        while len(drawn) < max(100, min(DRAWS, CELLS // len(score))):
            weight = np.bincount(rng.integers(0, count, count), minlength=count)[unit].astype(np.float64)
            if weight[true].any() and weight[~true].any():
                across, up = roc(score, true, weight)
                drawn.append(np.interp(GRID, across, up))
        return cls(roc(score, true), np.stack(drawn), count)


def _inverted(one: _Curve, other: _Curve, value: float, level: float) -> tuple[float, float, float]:
    """Return the ends of the interval of the area, and the p-value of the area 0."""
    seen = np.interp(GRID, *one.knots) - np.interp(GRID, *other.knots)
    noise = (
        one.drawn - other.drawn[: len(one.drawn)]
        if len(other.drawn) >= len(one.drawn)
        else (one.drawn[: len(other.drawn)] - other.drawn)
    )
    noise = noise - noise.mean(axis=0)
    whole = float(np.abs(seen).mean())

    def p(area: float) -> float:
        shape = seen * (area / whole) if whole > 0 else seen
        drawn = np.abs(np.abs(shape + noise).mean(axis=1) - area)
        return float((1 + (drawn >= abs(whole - area) - 1e-12).sum()) / (1 + len(drawn)))

    def end(far: float) -> float:
        near = value
        if p(far) > 1 - level:
            return far
        for _ in range(16):
            middle = (near + far) / 2
            near, far = (middle, far) if p(middle) > 1 - level else (near, middle)
        return far

    return min(end(0.0), value), max(end(1.0), value), p(0.0)
