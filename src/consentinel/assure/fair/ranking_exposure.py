"""How much attention rankings give to each group of documents or candidates, and whom they confuse more often."""

import math
from collections.abc import Iterator

import numpy as np

from consentinel.assure.fair._between import Ratio
from consentinel.assure.fair._lists import MOST, Floats, Ints, Lists, item_groups, lists
from consentinel.assure.fair._means import linear, log_ratio_parts
from consentinel.assure.fair._rates import Groups, interval
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core import gaps
from consentinel.core.shares import Shares, by_group
from consentinel.core.stats import Interval

KINDS = ("ranking",)
NEEDS = ("items",)

LARGEST = 2000  # candidates of a query that pairs are counted among


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield mean exposure of groups, its gaps, exposure against merit, and pairwise fairness, over queries.

    Exposure at a rank is 1 / ln(1 + rank); that of a group in a query is the mean over its candidates: those that the
    data name and those that were answered, without exposure where they were not. Queries with one group only do not
    count for a gap. Source: Singh and Joachims 2018; Zehlike and Castillo 2020 (DELTR); Beutel et al. 2019 (pairs).
    """
    found = lists(subject)
    for name in subject.items.column_names if subject.items is not None else []:
        if name == "item":
            continue
        groups = item_groups(subject, found, name)
        if groups is None or len(groups.names) < 2:
            why = f"{name} has fewer than two groups of items, or more than {MOST}: give a coarser column in --items"
            yield Measure("exposure", None, name, why=why)
            continue
        query, item, seen, label = candidates(found)
        yield from _exposures(query, groups.code[item], seen, groups, found.people, plan)
        if (label > 0).any():
            yield from _treatment(query, groups.code[item], seen, label, groups, found.people, plan)
            yield from _pairs(query, groups.code[item], seen, label, groups, found.people, plan)
        else:
            yield Measure("pairwise_fairness", None, name, why="no label says which candidate is better than another")


def candidates(found: Lists) -> tuple[Ints, Ints, Floats, Floats]:
    """Return query, item, exposure (in 1 / log2(1 + rank)) and label of each candidate, sorted by query."""
    size = len(found.items)
    pair = np.concatenate([found.query * size + found.item, found.true_query * size + found.true_item])
    seen = np.concatenate([1 / np.log2(found.rank + 2), np.zeros(len(found.true_item))])
    label = np.concatenate([found.label, found.true_label])
    first, at = np.unique(pair, return_index=True)  # an answer comes before the truth about it
    query, item = np.divmod(first, size)
    return query, item, seen[at], label[at]


def _means(query: Ints, group: Ints, values: Floats, count: int, people: int) -> tuple[Floats, Floats]:
    """Return the mean of VALUES of each group in each query, and how many candidates it has; (people, groups)."""
    at = query * count + group
    inside = group >= 0
    many = np.bincount(at[inside], minlength=people * count).reshape(people, count).astype(np.float64)
    total = np.bincount(at[inside], values[inside], people * count).reshape(people, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(many > 0, total / many, 0.0), many


def _exposures(query: Ints, group: Ints, seen: Floats, groups: Groups, people: int, plan: Plan) -> Iterator[Measure]:
    """Yield the mean exposure of each group, and its gap to the largest group in queries that have both."""
    count, scale = len(groups.names), 1 / math.log(2)
    mean, many = _means(query, group, seen, count, people)
    largest = int(many.sum(axis=0).argmax())
    for at in range(count):
        there = (many[:, at] > 0).astype(np.float64)
        why = "" if there.any() else "no query has a candidate of this group"
        metric = Ratio("exposure", mean[:, at] * there, there, scale=scale)
        yield Measure("exposure", _value(metric, plan), groups.slice(at), why=why)
    for at in range(count):
        if at == largest:
            continue
        both = ((many[:, at] > 0) & (many[:, largest] > 0)).astype(np.float64)
        if both.sum() < 2:
            why = f"{int(both.sum())} queries have candidates of both groups; two are needed"
            yield Measure("exposure_gap", None, groups.slice(at), groups.slice(largest), why=why)
            continue
        shares = _joint([mean[:, largest] * both, mean[:, at] * both], [both, both])
        change = gaps.signed(shares, [1.0, -1.0], plan.level)
        plain = interval(change, int(both.sum()), plan.level)
        estimate = Interval(
            plain.value * scale, plain.low * scale, plain.high * scale, plain.n, plan.level, plain.method
        )
        yield Measure(
            "exposure_gap", estimate, groups.slice(at), groups.slice(largest), 0.0, float(change.p),
            float(change.detectable) * scale, "zero", "mean exposure of the largest group less that of this one",
        )  # fmt: skip


def _treatment(
    query: Ints, group: Ints, seen: Floats, label: Floats, groups: Groups, people: int, plan: Plan
) -> Iterator[Measure]:
    """Yield the disparate treatment ratio: exposure over merit of each group, against that of the largest."""
    count = len(groups.names)
    merit = np.maximum(label, 0)
    exposure, many = _means(query, group, seen, count, people)
    worth, _ = _means(query, group, merit, count, people)
    largest = int(many.sum(axis=0).argmax())
    for at in range(count):
        if at == largest:
            continue
        both = (many[:, at] > 0) & (many[:, largest] > 0)
        tops = [log_ratio_parts(exposure[:, g] * both, worth[:, g] * both) for g in (at, largest)]
        made = linear(
            "disparate_treatment_ratio", tops[0][0] - tops[1][0], tops[0][1] - tops[1][1], plan.level, groups.slice(at),
            groups.slice(largest), null=0.0, why="" if both.any() else "no query has candidates of both groups",
        )  # fmt: skip
        if made.estimate is None:
            yield made
            continue
        e = made.estimate
        low, value, high = (math.exp(min(end, 700.0)) for end in (e.low, e.value, e.high))
        reach = None if made.detectable is None else math.expm1(min(made.detectable, 700.0))
        yield Measure(
            "disparate_treatment_ratio",
            Interval(value, low, high, e.n, e.level, "logarithm, linearised over queries, t"), groups.slice(at),
            groups.slice(largest), 1.0, made.p, reach, "", "exposure over mean label, over the same",
        )  # fmt: skip


def _pairs(
    query: Ints, group: Ints, seen: Floats, label: Floats, groups: Groups, people: int, plan: Plan
) -> Iterator[Measure]:
    """Yield how often the better of two candidates stands above: one of the group against others, and within it."""
    count = len(groups.names)
    won, all_of_them = (np.zeros((people, count, count)) for _ in range(2))
    starts = np.flatnonzero(np.append(True, query[1:] != query[:-1]))
    for start, stop in zip(starts, [*starts[1:], len(query)], strict=True):
        part = slice(start, min(stop, start + LARGEST))
        mine = group[part]
        member = (mine[:, None] == np.arange(count)).astype(np.float64)
        better = label[part][:, None] > label[part][None, :]
        above = np.sign(seen[part][:, None] - seen[part][None, :]) / 2 + 0.5
        won[query[start]] = member.T @ (better * above) @ member
        all_of_them[query[start]] = member.T @ better @ member
    for metric, own in (("inter_group_pairwise_accuracy", False), ("intra_group_pairwise_accuracy", True)):
        mask = np.eye(count) if own else 1 - np.eye(count)
        top, bottom = (won * mask).sum(axis=2), (all_of_them * mask).sum(axis=2)
        known = [at for at in range(count) if (bottom[:, at] > 0).sum() >= 2]
        for at in sorted(set(range(count)) - set(known)):
            why = "fewer than two queries have a pair in which a candidate of the group is the better one"
            yield Measure(metric, None, groups.slice(at), why=why)
        for at in known:
            yield Measure(
                metric, _value(Ratio(metric, top[:, at], bottom[:, at]), plan), groups.slice(at), better="higher"
            )
        if len(known) < 2:
            continue
        largest = max(known, key=lambda at: float(bottom[:, at].sum()))
        for at in known:
            if at == largest:
                continue
            shares = _joint([top[:, at], top[:, largest]], [bottom[:, at], bottom[:, largest]])
            change = gaps.signed(shares, [1.0, -1.0], plan.level)
            n = int((bottom[:, at] > 0).sum())
            yield Measure(
                f"{metric}_gap", interval(change, n, plan.level), groups.slice(at), groups.slice(largest), 0.0,
                float(change.p), float(change.detectable), "zero",
            )  # fmt: skip


def _joint(above: list[Floats], below: list[Floats]) -> Shares:
    """Return the ratios of everybody, with their covariance over queries."""
    return by_group(np.stack(above, 1), np.stack(below, 1), np.full(len(above[0]), -1), 0)


def _value(metric: Ratio, plan: Plan) -> Interval | None:
    if not metric.below.any():
        return None
    shares = _joint([metric.above], [metric.below])
    each = gaps.values(shares, plan.level)
    value, low, high = (float(one[0]) * metric.scale for one in (each.value, each.low, each.high))
    return Interval(value, low, high, int(shares.units[0]), plan.level, "clustered shares, Wilson arms")
