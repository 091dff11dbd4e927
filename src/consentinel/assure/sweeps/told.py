"""What a sweep says: settings against one another, the front, and the recommended one with reasons in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.sweeps.axes import cost
from consentinel.assure.sweeps.front import Front, front
from consentinel.assure.sweeps.points import Point
from consentinel.core.rng import generator
from consentinel.core.stats import Floats, tail

__all__ = ["Sweep", "compared", "figure", "reasons", "text"]

SURE = 0.5  # chance of the recommended setting, below which the evidence is said not to decide
WORTH = 0.1  # of an axis's scale: what is less is not worth a word


@dataclass(frozen=True)
class Sweep:
    """Settings that were measured, the names of the axes, the front of those that are compared, and notes.

    Arguments: used, which axes (places) and among, which points (places) the front is made of; costs (among, used),
    with what they may be (draws, among, used); scale (used,), how much an axis has to choose from.
    """

    points: tuple[Point, ...]
    axes: tuple[str, ...]
    used: tuple[int, ...]
    among: tuple[int, ...]
    costs: Floats
    drawn: Floats
    scale: Floats
    front: Front | None
    level: float
    notes: tuple[str, ...]

    def place(self, at: int) -> dict[str, object]:
        """Return where point AT stands: on the front, the knee, and with which chances; nothing where not compared."""
        if self.front is None or at not in self.among:
            return {"on_front": None, "undominated": None, "knee": None, "knee_chance": None}
        i = self.among.index(at)
        return {
            "on_front": bool(self.front.on[i]), "undominated": float(self.front.chance[i]),
            "knee": i == self.front.knee,
            "knee_chance": float(self.front.knee_chance[i]),
        }  # fmt: skip

    def cost(self, at: int, axis: str) -> float | None:
        """Return the cost of point AT on AXIS, None where it was not measured."""
        measure = self.points[at].found[self.axes.index(axis)]
        if measure.estimate is None:
            return None
        return float(cost(np.array([measure.estimate.value]), measure.better, measure.null)[0])

    @property
    def sure(self) -> bool:
        """Whether most draws from the estimates choose the recommended setting."""
        return self.front is not None and bool(self.front.knee_chance[self.front.knee] >= SURE)

    @property
    def best(self) -> Point | None:
        """The recommended setting, None where nothing could be compared."""
        return None if self.front is None else self.points[self.among[self.front.knee]]


def compared(points: Sequence[Point], axes: Sequence[str], plan: Plan, *, notes: Sequence[str]) -> Sweep:
    """Return how POINTS compare: on the axes that any of them has, those points that have them all."""
    told = list(notes)
    used = [at for at in range(len(axes)) if any(one.found[at].estimate is not None for one in points)]
    for at in sorted(set(range(len(axes))) - set(used)) if used else ():
        told.append(f"{axes[at]} could not be measured of any setting and does not count: {points[0].found[at].why}")
    among = [at for at, one in enumerate(points) if used and all(one.found[u].estimate is not None for u in used)]
    if len(among) < len(points):
        told.append(f"{len(points) - len(among)} of {len(points)} settings lack an axis and are on no front")
    if len(used) < 2 or not among:
        told.append("there is no front: it needs two axes that some setting was measured on")
        empty = np.zeros((0, 0))
        return Sweep(tuple(points), tuple(axes), (), (), empty, empty, np.zeros(0), None, plan.level, tuple(told))
    costs = np.stack([_costs([points[at].found[u] for at in among], plan, axes[u], None) for u in used], axis=1)
    drawn = np.stack([_costs([points[at].found[u] for at in among], plan, axes[u], plan.draws) for u in used], axis=2)
    width = np.median(np.ptp(np.quantile(drawn, [tail(plan.level), 1 - tail(plan.level)], axis=0), axis=0), axis=0)
    found = front(costs, drawn, width, plan.level)
    scale = np.maximum(np.maximum(np.ptp(costs[found.on], axis=0), width), 1e-12)
    return Sweep(
        tuple(points), tuple(axes), tuple(used), tuple(among), costs, drawn, scale, found, plan.level, tuple(told)
    )


def _costs(each: Sequence[Measure], plan: Plan, axis: str, draws: int | None) -> Floats:
    """Return the costs of EACH setting on one axis, (n,), or DRAWS of what they may be, (draws, n).

    Draws are normal on either side of the estimate, as wide as the arm of the interval there. Settings with the very
    same estimate share their draws: it is one model, whose answers are treated differently afterwards.
    """
    found = [one.estimate for one in each if one.estimate is not None]
    value = np.array([one.value for one in found])
    if draws is None:
        return cost(value, each[0].better, each[0].null)
    arms = np.array([[one.value - one.low, one.high - one.value] for one in found])
    arms = np.where(np.isfinite(arms), arms, 1.0) / NormalDist().inv_cdf(1 - tail(plan.level))
    alike = np.unique(np.column_stack([value, arms]), axis=0, return_inverse=True)[1].ravel()  # of one model
    z = generator(plan.seed, "assure.sweep", axis).normal(size=(draws, len(found)))[:, alike]
    return cost(value + np.where(z < 0, z * arms[:, 0], z * arms[:, 1]), each[0].better, each[0].null)


# Words


def reasons(found: Sweep) -> list[str]:
    """Return why the recommended setting of FOUND is, in sentences."""
    if found.front is None:
        return []
    best, me = found.front, found.front.knee
    name = found.points[found.among[me]].setting.name
    chance = float(best.knee_chance[me])
    made = [
        f"Recommended: {name}. No measured setting is as good on every axis and better on one, and it comes nearest "
        "to the best of each, every axis measured by what the front has to choose from, in more draws from the "
        f"estimates than any other: {chance:.0%}."
    ]
    best_in: dict[int, list[int]] = {}
    for u in range(len(found.used)):
        on = np.flatnonzero(best.on)
        other = int(on[found.costs[on, u].argmin()])
        best_in.setdefault(me if found.costs[other, u] >= found.costs[me, u] else other, []).append(u)
    made += [_against(found, me, other, some) for other, some in best_in.items()]
    if chance < SURE and len(found.among) > 1:
        second = int(np.argsort(-best.knee_chance, kind="stable")[0 if best.knee_chance.argmax() != me else 1])
        other = found.points[found.among[second]].setting.name
        made.append(f"The evidence does not decide: {other} is chosen in {best.knee_chance[second]:.0%} of draws. "
                    "More seeds or people would tell.")  # fmt: skip
    return made


def _against(found: Sweep, me: int, other: int, some: Sequence[int]) -> str:
    """Return what the recommended setting ME loses against OTHER, the best on the axes SOME, and what it gains."""
    *first, last = (found.axes[found.used[u]] for u in some)
    names = f"{', '.join(first)} and {last}" if first else last
    if other == me:
        return f"In {names} it is the best of the front."
    off = (found.costs[me] - found.costs[other]) / found.scale  # more is worse
    worse = [v for v in np.argsort(-off) if v in some or off[v] >= WORTH]
    better = [v for v in np.argsort(off) if off[v] <= -WORTH]
    setting = found.points[found.among[other]].setting.name
    lost, won = (", ".join(_step(found, me, other, int(v)) for v in some) for some in (worse, better))
    said = f"Against {setting}, the best in {names}, it loses in {lost}"
    return f"{said}, and wins in {won}." if won else f"{said}; elsewhere they are close."


def _step(found: Sweep, me: int, other: int, v: int) -> str:
    """Return by how much ME differs from OTHER on the axis V, in the unit of its measure, with the interval of that."""
    mine, theirs = (found.points[found.among[at]].found[found.used[v]] for at in (me, other))
    assert mine.estimate is not None
    assert theirs.estimate is not None
    unit = 1 - (mine.null or 0.0) if mine.better != "higher" else 1.0
    sign = 1 if found.costs[me, v] >= found.costs[other, v] else -1
    moved = sign * unit * (found.drawn[:, me, v] - found.drawn[:, other, v])
    low, high = np.quantile(moved, [tail(found.level), 1 - tail(found.level)])
    size = abs(float(found.costs[me, v] - found.costs[other, v])) * unit
    values = f"{figure(mine.estimate.value)} instead of {figure(theirs.estimate.value)}"
    where = f"{found.axes[found.used[v]]} {figure(size)} [{figure(float(low))}, {figure(float(high))}]"
    return f"{where} ({mine.metric.replace('_', ' ')} {values})"


def figure(value: float) -> str:
    """Return VALUE with three digits behind the point, a true minus sign before what is below 0."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")  # noqa: RUF001


def text(found: Sweep) -> str:
    """Return the sweep FOUND for a terminal."""
    wide = max(len(one.setting.name) for one in found.points)
    lines = [f"{'setting':<{wide}}  {'  '.join(f'{axis:<24}' for axis in found.axes)}  undominated"]
    for at, one in enumerate(found.points):
        cells = [
            "not measured" if m.estimate is None
            else f"{m.estimate.value:.4f} [{m.estimate.low:.4f}, {m.estimate.high:.4f}]" for m in one.found
        ]  # fmt: skip
        place = found.place(at)
        chance = "-" if place["undominated"] is None else f"{place['undominated']:.0%}"
        mark = " <- recommended" if place["knee"] else ""
        lines.append(f"{one.setting.name:<{wide}}  {'  '.join(f'{cell:<24}' for cell in cells)}  {chance}{mark}")
    if found.front is not None:
        v = found.front.volume
        lines.append(f"the front covers {v.value:.4f} [{v.low:.4f}, {v.high:.4f}] of the box between ideal and worst")
    return "\n".join([*lines, *reasons(found), *(f"note: {note}" for note in found.notes)])
