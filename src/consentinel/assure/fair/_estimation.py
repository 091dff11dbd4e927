"""How far scores are off the ratings that people gave, item by item, for the members of a group and for the others."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.fair._absolute import absolute
from consentinel.assure.fair._lists import Lists
from consentinel.assure.fair._rates import LEAST, Groups
from consentinel.assure.measure import Measure, Plan

__all__ = ["estimation"]

Floats = NDArray[np.float64]
DRAWS = 400


def _value(both: Floats) -> Floats:
    return np.abs(both[..., 0] - both[..., 1])


def _absolute(both: Floats) -> Floats:
    return np.abs(np.abs(both[..., 0]) - np.abs(both[..., 1]))


def _under(both: Floats) -> Floats:
    return np.abs(np.maximum(-both[..., 0], 0) - np.maximum(-both[..., 1], 0))


def _over(both: Floats) -> Floats:
    return np.abs(np.maximum(both[..., 0], 0) - np.maximum(both[..., 1], 0))


KINDS: dict[str, Callable[[Floats], Floats]] = {
    "value_unfairness": _value, "absolute_unfairness": _absolute,
    "underestimation_unfairness": _under, "overestimation_unfairness": _over,
}  # fmt: skip


def estimation(found: Lists, groups: Groups, plan: Plan) -> Iterator[Measure]:
    """Yield the four unfairness measures of each group against everybody else, over the items that both rated.

    An error is score less rating, of answers whose rating is known. Source: Yao and Huang 2017, equations 5 to 8.
    """
    why = _not_ratings(found)
    if why:
        yield Measure("value_unfairness", None, groups.attribute, why=why)
        return
    rated = found.label != 0
    person, item = found.query[rated], found.item[rated]
    error = found.score[rated] - found.label[rated]
    names = groups.names if len(groups.names) != 2 else groups.names[:1]  # of two the one mirrors the other
    for name in names:
        mine = groups.code[person] == groups.names.index(name)
        others = (groups.code[person] >= 0) & ~mine
        people = [len(np.unique(person[side])) for side in (mine, others)]
        counts = [np.bincount(item[side], minlength=len(found.items)) for side in (mine, others)]
        both = np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
        if min(people) < LEAST or not len(both):
            why = f"{len(both)} items are rated by {people[0]} of {groups.attribute}={name} and by {people[1]} others"
            yield Measure("value_unfairness", None, groups.named(name), why=f"{why}; {LEAST} people each are needed")
            continue
        means = np.stack(
            [np.bincount(item[side], error[side], len(found.items))[both] / count[both]
             for side, count in zip((mine, others), counts, strict=True)], axis=1
        )  # fmt: skip
        noise = _noise(person, item, error, (mine, others), counts, both, means, found.people)
        weights = np.full(len(both), 1 / len(both))
        for metric, of in KINDS.items():
            estimate, p = absolute(means, weights, noise, found.people, plan.level, draws=min(plan.draws, DRAWS),
                                   seed=plan.seed, of=of)  # fmt: skip
            yield Measure(metric, estimate, groups.named(name), "everybody else", 0.0, p, better="lower",
                          why=f"over {len(both):,} items that both rated and were shown")  # fmt: skip


def _not_ratings(found: Lists) -> str:
    """Return why the labels are no ratings that the scores estimate; empty where they are."""
    label = found.true_label
    if len(np.unique(label)) < 3:
        return "the labels are not ratings: they have fewer than three values"
    rated = found.label != 0
    if not rated.any():
        return "no answer is about an item that its person rated"
    low, high = float(label.min()), float(label.max())
    room = high - low
    inside = (found.score[rated] >= low - room) & (found.score[rated] <= high + room)
    if inside.mean() < 0.95 or found.score[rated].max() - found.score[rated].min() < room / 20:
        return (
            f"the scores are not on the scale of the ratings, {low:g} to {high:g}: the model ranks, and estimates none"
        )
    return ""


def _noise(
    person: NDArray[np.int64],
    item: NDArray[np.int64],
    error: Floats,
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    counts: list[NDArray[np.int64]],
    both: NDArray[np.intp],
    means: Floats,
    people: int,
) -> Callable[[Floats], Floats]:
    """Return the function that makes one error of MEANS (j, 2) from a number for each of PEOPLE."""
    place = np.full(len(counts[0]), -1)
    place[both] = np.arange(len(both))
    parts = []
    for at, (side, count) in enumerate(zip(sides, counts, strict=True)):
        use = side & (place[item] >= 0)
        where = place[item[use]]
        many = count[both][where]
        spread = np.where(many > 1, np.sqrt(many / np.maximum(many - 1, 1)), 0.0)  # of few raters: as if of one more
        typical = float(np.sqrt(np.mean((error[use] - means[where, at])[many > 1] ** 2))) if (many > 1).any() else 0.0
        off = np.where(many > 1, (error[use] - means[where, at]) * spread, typical)
        parts.append((person[use], where, off / many))

    def one(drawn: Floats) -> Floats:
        sums = [np.bincount(where, drawn[who] * off, len(both)) for who, where, off in parts]
        return np.stack(sums, axis=1).astype(np.float64)

    return one
