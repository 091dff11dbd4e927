"""Which items are shown: exposure of groups of items against their merit, concentration, coverage, attention."""

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow.compute as pc

from consentinel.assure.fair._absolute import absolute
from consentinel.assure.fair._lists import MOST, Floats, Lists, catalogue, item_groups, lists
from consentinel.assure.fair._rates import interval
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import MISSING, RANKED_KINDS, Subject
from consentinel.core import gaps
from consentinel.core.columns import one
from consentinel.core.rng import generator
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval, tail

KINDS = RANKED_KINDS
NEEDS = ("items",)

MERIT = "merit"  # an attribute of items of this name is their merit, given
DRAWS = 300
_STRICTER = 0.75


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield share of exposure, of merit and their difference for every group of items; Gini, coverage, attention.

    Exposure of an answer among the first k is 1 / log2(1 + rank). Merit of a group is its share of what was right, or
    of the column `merit` of items. Source: Singh and Joachims 2018; Biega, Gummadi and Weikum 2018.
    """
    found = lists(subject)
    seen = np.where(found.top(), 1 / np.log2(found.rank + 2), 0.0)
    shown = catalogue(subject, found)
    worth = _worth(subject, found)
    for name in subject.items.column_names if subject.items is not None else []:
        if name in ("item", MERIT):
            continue
        yield from _exposure(subject, found, seen, worth, name, plan)
    yield _gini(found, shown, plan)
    yield _coverage(found, shown, plan)
    yield _attention(found, seen, worth, plan)


def _worth(subject: Subject, found: Lists) -> Floats | None:
    """Return the merit of each item as given, shape (items,), or None."""
    if subject.items is None or MERIT not in subject.items.column_names:
        return None
    said = one(subject.items[MERIT]).to_pylist()
    try:
        merit = np.array([float(text) if text not in (None, MISSING) else 0.0 for text in said])
    except (TypeError, ValueError):
        return None
    if not np.isfinite(merit).all() or (merit < 0).any() or not merit.any():
        return None
    at = np.asarray(pc.fill_null(pc.index_in(found.items, one(subject.items["item"]).cast("string")), -1), np.int64)
    return np.where(at >= 0, merit[at], 0.0)


def _exposure(
    subject: Subject, found: Lists, seen: Floats, worth: Floats | None, name: str, plan: Plan
) -> Iterator[Measure]:
    """Yield shares of exposure and merit of the groups of attribute NAME and the differences."""
    groups = item_groups(subject, found, name)
    if groups is None:
        why = f"{name} has no groups of items, or more than {MOST}: give a coarser column in --items"
        yield Measure("exposure", None, name, why=why)
        return
    count = len(groups.names)
    code = np.append(groups.code, -1)
    at, true = code[found.item], code[found.true_item]
    members = [found.per_person(seen, at == g) for g in range(count)]
    below = found.per_person(seen, at >= 0)
    if not below.any():
        yield Measure("exposure", None, name, why=f"no item that is shown has a known {name}")
        return
    relevant = (found.true_label > 0) & (true >= 0)
    lost = float(1 - below.sum() / seen.sum())
    told = f"{lost:.1%} of the exposure goes to items of no known {name}" if lost > 1e-9 else ""
    if worth is not None:
        total = worth[groups.code >= 0].sum()
        merit = np.bincount(groups.code[groups.code >= 0], worth[groups.code >= 0], count) / max(total, 1e-300)
        rights, all_right = None, None
    else:
        rights = [np.bincount(found.true_query[relevant & (true == g)], minlength=found.people) for g in range(count)]
        all_right = np.bincount(found.true_query[relevant], minlength=found.people).astype(np.float64)
        merit = None
    for g in range(count):
        place = f"{name}={groups.names[g]}"
        above, under = [members[g]], [below]
        if all_right is not None and rights is not None and all_right.any():
            above, under = [*above, rights[g].astype(np.float64)], [*under, all_right]
        shares = by_group(np.stack(above, 1), np.stack(under, 1), np.full(found.people, -1), 0)
        each = gaps.values(shares, plan.level)
        n = int(shares.units[0])
        first = Interval(
            float(each.value[0]), float(each.low[0]), float(each.high[0]), n, plan.level, "clustered shares"
        )
        yield Measure("exposure", first, place, why=told)
        if merit is not None:
            change = gaps.signed(shares, [1.0], plan.level)
            by = float(merit[g])
            estimate = Interval(
                float(change.value) - by, float(change.low) - by, float(change.high) - by, n, plan.level, "given merit"
            )
            z = NormalDist().inv_cdf(1 - tail(plan.level))
            arm = max((estimate.high - estimate.low) / 2 / z, 1e-15)
            p = math.erfc(abs(estimate.value) / arm / math.sqrt(2))
            yield Measure(
                "disparate_exposure", estimate, place, f"merit {by:.3f}", 0.0, p, float(change.detectable), "zero"
            )
        elif len(above) == 2:
            second = Interval(
                float(each.value[1]), float(each.low[1]), float(each.high[1]), int(shares.units[1]), plan.level,
                "clustered shares",
            )  # fmt: skip
            yield Measure("merit", second, place, why="share of what was right")
            change = gaps.signed(shares, [1.0, -1.0], plan.level)
            yield Measure(
                "disparate_exposure", interval(change, n, plan.level), place, "its merit", 0.0, float(change.p),
                float(change.detectable), "zero",
            )  # fmt: skip
    if merit is None and (all_right is None or not all_right.any()):
        yield Measure(
            "disparate_exposure", None, name, why="no label says what was right, and no column merit of items"
        )


def _gini(found: Lists, shown: np.ndarray, plan: Plan) -> Measure:
    """Return the Gini index of how often each item of the catalogue is shown.

    A sample of people makes it too large, as chance spreads counts. The interval holds what a test does not reject,
    calibrated by a bootstrap of people around counts drawn in by what chance spreads them, and scaled to that index.
    The tests are a little stricter than the level, as the counts drawn in are an estimate too.
    Source: Chuang and Lai 2000 (hybrid resampling).
    """
    top = found.top() & shown[found.item]
    person, place = found.query[top], (np.cumsum(shown) - 1)[found.item[top]]
    size = int(shown.sum())
    if not len(person) or size < 2:
        return Measure(f"gini_index@{found.k}", None, why="the catalogue has fewer than two items, or none is shown")
    # 1 for each item if all were shown alike
    seen = np.asarray(np.bincount(place, minlength=size) * (size / len(place)), np.float64)
    rng = generator(plan.seed, "assure.fair.provider.gini")
    draws = max(100, min(plan.draws, DRAWS))
    noise = np.empty((draws, size))
    for at in range(draws):
        times = np.bincount(rng.integers(0, found.people, found.people), minlength=found.people)[person]
        noise[at] = np.bincount(place, times, size) * (size / max(1, times.sum())) - seen
    root = np.sqrt(seen * len(place) / size + 0.375)  # of a count: chance spreads it by a half, whatever the count
    chance = float(np.maximum(1 - seen * len(place) / size / found.people, 0.0).mean()) / 4
    less = math.sqrt(max(0.05, 1 - chance / max(float(root.var()), 1e-12)))
    drawn = (root.mean() + less * (root - root.mean())) ** 2
    drawn /= drawn.mean()
    noise *= np.clip(np.sqrt(drawn / np.maximum(seen, size / (4 * len(place)))), 0.3, 3)
    value = gini(seen)
    ends = _scaled(drawn - 1, noise, value, _STRICTER * tail(plan.level))
    estimate = Interval(value, min(ends[0], value), min(1.0, max(ends[1], value)), found.people, plan.level,
                        "inverted tests, bootstrap over people")  # fmt: skip
    return Measure(f"gini_index@{found.k}", estimate, better="lower", why=f"over {size:,} items of the catalogue")


def _scaled(off: Floats, noise: Floats, seen: float, alpha: float) -> tuple[float, float]:
    """Return the Gini indices of 1 + scale * OFF (items,) between which chance, NOISE (draws, items), explains SEEN."""
    base = gini(1 + off)

    def rank(scale: float, side: int) -> float:
        drawn = gini(1 + scale * off + noise)
        return float((1 + (drawn >= seen if side == 0 else drawn <= seen).sum()) / (1 + len(noise)))

    def end(inside: float, outside: float, side: int, least: float) -> float:
        for _ in range(12):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if rank(middle, side) > least else (inside, middle)
        return outside

    most = min(3.0, 1 / max(base, 1e-9))
    middle = end(most, 0.0, 0, 0.5)
    low = 0.0 if rank(0.0, 0) > alpha else end(middle, 0.0, 0, alpha)
    return low * base, end(middle, most, 1, alpha) * base


def gini(counts: Floats) -> Any:
    """Return the Gini index of COUNTS (..., items), as the sum of ordered shares (Deldjoo et al. 2020; RecBole)."""
    ordered, n = np.sort(counts, axis=-1), counts.shape[-1]
    total = ordered.sum(axis=-1)
    if counts.ndim == 1 and total <= 0:
        return math.nan
    found = ordered @ (2 * np.arange(1, n + 1) - n - 1) / (n * total)
    return float(found) if counts.ndim == 1 else found


def _coverage(found: Lists, shown: np.ndarray, plan: Plan) -> Measure:
    """Return the share of the catalogue that is shown to anybody among so many people.

    The variance of the number seen is the number of new items that as many people again would show, less what lists
    of a fixed length take from each other. Source: Chao 1987 (the unseen); Good and Toulmin 1956 (as many again).
    """
    top = found.top() & shown[found.item]
    times = np.bincount(found.item[top], minlength=len(shown))[shown]
    size, seen = len(times), int((times > 0).sum())
    if not size:
        return Measure(f"item_coverage@{found.k}", None, why="the catalogue is empty")
    once, twice = int((times == 1).sum()), int((times == 2).sum())
    unseen = once * (once - 1) / 2 / (twice + 1)
    hidden = min(size - seen, unseen)
    fixed = once * once / max(1, times.sum())
    again = hidden * -math.expm1(-once / hidden) if hidden > 0 else 0.0
    rare = np.exp(-times[times > 0].astype(np.float64))  # the chance not to have been seen, of each that was
    spread = math.sqrt(max(again - fixed, 0.5 * float(rare @ (1 - rare))))
    z = NormalDist().inv_cdf(1 - tail(plan.level))
    estimate = Interval(
        seen / size, max(0.0, (seen - z * spread) / size), min(1.0, (seen + z * spread) / size), found.people,
        plan.level, "number seen, Good-Toulmin",
    )  # fmt: skip
    why = f"{seen:,} of {size:,} items are shown to {found.people:,} people; more people see more"
    return Measure(f"item_coverage@{found.k}", estimate, better="higher", why=why)


def _attention(found: Lists, seen: Floats, worth: Floats | None, plan: Plan) -> Measure:
    """Return how far attention, summed over all lists, is from merit: sum of |share of exposure - share of merit|."""
    metric = "equity_of_attention"
    size = len(found.items)
    exposure = np.bincount(found.item, seen, size)
    relevant = found.true_label > 0
    merit = worth if worth is not None else np.bincount(found.true_item[relevant], minlength=size).astype(np.float64)
    if not merit.any() or not exposure.any():
        return Measure(metric, None, why="no label says what was right, and no column merit of items says it")
    a, r = exposure / exposure.sum(), merit / merit.sum()
    right_of, right_by = found.true_item[relevant], found.true_query[relevant]

    def noise(drawn: Floats) -> Floats:
        weights = drawn[found.query] * seen
        error = (np.bincount(found.item, weights, size) - a * weights.sum()) / exposure.sum()
        if worth is None:
            times = drawn[right_by]
            error -= (np.bincount(right_of, times, size) - r * times.sum()) / merit.sum()
        return np.asarray(error)

    estimate, p = absolute(a - r, np.ones(size), noise, found.people, plan.level, draws=min(plan.draws, DRAWS),
                           seed=plan.seed)  # fmt: skip
    why = "0: every item has its share of attention; 2: none of it goes where merit is"
    return Measure(metric, estimate, null=0.0, p=p, better="lower", why=why)
