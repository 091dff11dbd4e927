"""Values of groups and the gaps between them, for anything that is a ratio of what each unit adds, in [0, 1]."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.fair._rates import LEAST, Floats, Groups, comparable, interval
from consentinel.assure.measure import Better, Measure, Plan
from consentinel.assure.subject import MISSING
from consentinel.core import gaps, worst_gap
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval

__all__ = ["Ratio", "absent", "gaps_of"]

WORST = "inverted tests of the worst pair"


@dataclass(frozen=True)
class Ratio:
    """A metric: what each unit adds above and below it (units,), with 0 <= above <= below; `scale` brings it back
    to its own unit."""

    name: str
    above: Floats
    below: Floats
    better: Better = "higher"
    scale: float = 1.0


def gaps_of(metric: Ratio, groups: Groups, plan: Plan, *, ratio: bool = False) -> Iterator[Measure]:
    """Yield METRIC of every group of units and of everybody, its gap to the largest group, and the worst gap.

    RATIO: the smallest ratio of two groups too. A group with fewer than LEAST units is told and not compared.
    """
    below = metric.below[:, None]
    kept, few = comparable(groups, below)
    for name, units in few:
        why = f"only {units} units of {groups.attribute}={name} stand behind it, and {LEAST} are needed: collect more"
        yield Measure(metric.name, None, groups.named(name), why=why)
    if not metric.below.any():
        yield Measure(metric.name, None, groups.attribute, why="nobody has anything that it counts")
        return
    count = len(kept.names)
    shares = by_group(metric.above[:, None], below, kept.code, count)
    eye = np.eye(count + 1)
    for at in range(count + 1):
        found = gaps.signed(shares, eye[at], plan.level)
        place = kept.slice(at) if at < count else ""
        yield Measure(
            metric.name, _scaled(found, int(shares.units[at]), plan.level, metric.scale), place, better=metric.better
        )
    if count < 2:
        why = f"{groups.attribute} has {count} group with at least {LEAST} units behind it; a gap needs two"
        yield Measure(f"{metric.name}_difference", None, groups.attribute, why=why)
        return
    largest = int(shares.units[:-1].argmax())
    for at in range(count):
        if at == largest:
            continue
        found = gaps.signed(shares, eye[at] - eye[largest], plan.level)
        units = int(shares.units[at] + shares.units[largest])
        yield Measure(
            f"{metric.name}_gap", _scaled(found, units, plan.level, metric.scale), kept.slice(at), kept.slice(largest),
            0.0, float(found.p), float(found.detectable) * metric.scale, "zero",
        )  # fmt: skip
    pairs = gaps.between(count, [1.0])
    draws = max(500, min(plan.draws, 200_000 // len(pairs[0])))
    found = gaps.worst(shares, pairs, "difference", plan.level, draws=draws, seed=plan.seed)
    units = int(shares.units[:-1].sum())
    yield Measure(
        f"{metric.name}_difference", _scaled(found, units, plan.level, metric.scale, WORST), groups.attribute,
        "between groups", 0.0, float(found.p), float(found.detectable) * metric.scale, "lower",
    )  # fmt: skip
    if ratio and (shares.value[:-1] > 0).any():
        found = gaps.worst(shares, pairs, "ratio", plan.level, draws=draws, seed=plan.seed)
        yield Measure(
            f"{metric.name}_ratio", interval(found, units, plan.level, WORST), groups.attribute, "between groups", 1.0,
            float(found.p), float(found.detectable), "higher",
        )  # fmt: skip


def absent(groups: Groups, known: NDArray[np.bool_]) -> Iterator[Measure]:
    """Yield how many of those KNOWN (units,) have no group."""
    lost, n = int((groups.missing & known).sum()), int(known.sum())
    if lost:
        why = f"{lost:,} of {n:,} people have no known {groups.attribute}: they count for everybody, in no gap"
        yield Measure(
            "share", Interval(lost / n, lost / n, lost / n, n, 1.0, "counted"), groups.named(MISSING), why=why
        )


def _scaled(found: worst_gap.Gap, n: int, level: float, scale: float, method: str = "") -> Interval:
    plain = interval(found, n, level, method) if method else interval(found, n, level)
    return Interval(plain.value * scale, plain.low * scale, plain.high * scale, n, level, plain.method)
