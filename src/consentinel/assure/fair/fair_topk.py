"""Whether each group of items has its share among the first k places: FA*IR test, skew, and divergence by rank."""

import math
from collections.abc import Iterator

import numpy as np

from consentinel.assure.fair._lists import MOST, Floats, Lists, catalogue, item_groups, lists
from consentinel.assure.fair._means import linear, log_ratio_parts
from consentinel.assure.fair._rates import Groups
from consentinel.assure.fair._topk import passes
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.core import gaps
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval, wilson

KINDS = RANKED_KINDS
NEEDS = ("items",)

ALPHA = 0.1  # of the test of one ranking, as its authors use it


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield for every group of items the share of lists that pass FA*IR and the skew, and for each attribute NDKL.

    What a group is owed is its share of the candidates of the query (rankings), or of the catalogue (recommenders).
    Source: Zehlike et al. 2017 (FA*IR); Geyik, Ambler and Kenthapadi 2019 (skew, NDKL).
    """
    found = lists(subject)
    shown = catalogue(subject, found)
    for name in subject.items.column_names if subject.items is not None else []:
        if name in ("item", "merit"):
            continue
        groups = item_groups(subject, found, name)
        if groups is None or len(groups.names) < 2:
            why = f"{name} has fewer than two groups of items, or more than {MOST}: give a coarser column in --items"
            yield Measure(f"skew@{found.k}", None, name, why=why)
            continue
        placed, filled = _placed(found, groups)
        owed = _owed(subject, found, groups, shown)
        use = (filled > 0) & np.isfinite(owed).all(axis=1)
        if not use.any():
            yield Measure(f"skew@{found.k}", None, name, why=f"no list shows an item of a known {name}")
            continue
        for at in range(len(groups.names)):
            yield _tested(placed[use], filled[use], owed[use], at, groups, plan)
            yield _skew(found.k, placed[use], filled[use], owed[use], at, groups, plan)
        yield _divergence(found.k, placed[use], filled[use], owed[use], name, plan)


def _placed(found: Lists, groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Return the group at each of the first k places (people, k), -1 where none is known, and how many are filled."""
    placed = np.full((found.people, found.k), -1)
    code = groups.code[found.item]
    keep = found.top() & (code >= 0)
    query, code = found.query[keep], code[keep]
    starts = np.searchsorted(query, query)
    placed[query, np.arange(len(query)) - starts] = code  # places of items without a group close up
    return placed, np.bincount(query, minlength=found.people)


def _owed(subject: Subject, found: Lists, groups: Groups, shown: np.ndarray) -> Floats:
    """Return what share of places each group is owed in each list; (people, groups), NaN where nobody can say."""
    count = len(groups.names)
    if subject.kind == "recsys":
        code = groups.code[shown]
        shares = np.bincount(code[code >= 0], minlength=count).astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.tile(shares / shares.sum(), (found.people, 1))
    size = len(found.items)
    pair = np.unique(np.concatenate([found.query * size + found.item, found.true_query * size + found.true_item]))
    query, item = np.divmod(pair, size)
    code = groups.code[item]
    at = (query * count + code)[code >= 0]
    many = np.bincount(at, minlength=found.people * count).reshape(found.people, count).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return many / many.sum(axis=1, keepdims=True)


def _tested(placed: np.ndarray, filled: np.ndarray, owed: Floats, at: int, groups: Groups, plan: Plan) -> Measure:
    """Return the share of lists in which the group AT passes the test of FA*IR."""
    usual = owed[:, at]
    open_ = (usual > 0) & (usual < 1)
    if not open_.any():
        why = "the group has no candidate, or all of them, in every query"
        return Measure("fa_ir_pass_rate", None, groups.slice(at), why=why)
    rows = np.column_stack([placed == at, filled, np.round(usual, 4)])[open_]
    kinds, where = np.unique(rows, axis=0, return_inverse=True)  # many lists look alike
    good = np.array([passes(row[: int(row[-2])].astype(bool), float(row[-1]), ALPHA) for row in kinds])[where.ravel()]
    why = f"a list drawn with the group's share fails with probability at most {ALPHA}"
    return Measure(
        "fa_ir_pass_rate", wilson(int(good.sum()), len(good), plan.level), groups.slice(at), better="higher", why=why
    )


def _skew(k: int, placed: np.ndarray, filled: np.ndarray, owed: Floats, at: int, groups: Groups, plan: Plan) -> Measure:
    """Return the logarithm of the places that the group AT has over those that it is owed, in all lists together."""
    metric = f"skew@{k}"
    there = (placed == at).sum(axis=1).astype(np.float64)
    log, parts = log_ratio_parts(there, owed[:, at] * filled)
    if not math.isfinite(log):
        why = "it has none of the places" if (owed[:, at] > 0).any() else "it is owed no place"
        return Measure(metric, None, groups.slice(at), "its share", why=f"{why}: the logarithm is not finite")
    return linear(metric, log, parts, plan.level, groups.slice(at), "its share", null=0.0, better="zero")


def _divergence(k: int, placed: np.ndarray, filled: np.ndarray, owed: Floats, name: str, plan: Plan) -> Measure:
    """Return the normalised discounted Kullback-Leibler divergence of the first places from the shares owed.

    A list of n filled places: sum over i of KL(first i places, owed) / log2(i + 1), over the sum of 1 / log2(i + 1).
    """
    count = owed.shape[1]
    member = placed[:, :, None] == np.arange(count)
    places = np.arange(1, placed.shape[1] + 1)
    share = np.cumsum(member, axis=1) / places[None, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = np.where(share > 0, share * np.log(share / owed[:, None, :]), 0.0)
    weight = np.where(places[None, :] <= filled[:, None], 1 / np.log2(places + 1)[None, :], 0.0)
    each = (terms.sum(axis=2) * weight).sum(axis=1) / weight.sum(axis=1)
    least = owed[owed > 0].min()
    top = max(-math.log(least), float(each.max()), 1e-12)  # no divergence is larger
    shares = by_group((each / top)[:, None], np.ones((len(each), 1)), np.full(len(each), -1), 0)
    found = gaps.values(shares, plan.level)
    value, low, high = (float(one[0]) * top for one in (found.value, found.low, found.high))
    estimate = Interval(value, low, high, len(each), plan.level, "clustered shares, Wilson arms")
    return Measure(f"ndkl@{k}", estimate, name, "shares owed", better="lower", why="0: every first places are as owed")
