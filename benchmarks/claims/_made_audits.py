"""Made people, lists and scores with known truth, measured by the audit's probes one audit at a time.

Each function draws one audit and yields a name, the interval that the probe gives, and the truth. Truths are exact
where the setting gives them; else they are the same estimate from a sample so large that its error does not count.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.fair import (
    abroca,
    conditional,
    consumer,
    fair_topk,
    inequality,
    popularity_lift,
    provider,
    ranking_exposure,
)
from consentinel.assure.fair._estimation import estimation
from consentinel.assure.fair._lists import Lists
from consentinel.assure.fair._means import linear, log_ratio_parts
from consentinel.assure.fair._rates import Groups, Outcomes
from consentinel.assure.measure import Measure, Plan
from consentinel.core import gaps, worst_gap
from consentinel.core.pooling import pooled
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval, wilson

__all__ = ["KINDS", "Held", "Rng", "named"]

Rng = np.random.Generator
Floats = NDArray[np.float64]
Held = Iterator[tuple[str, Interval | None, float]]
PLAN = Plan(draws=300)
NORMAL = NormalDist()


def two(n: int, first: int) -> Groups:
    """Return two groups of N units, the FIRST of them in the first."""
    code = (np.arange(n) >= first).astype(np.intp)
    return Groups("group", ["a", "b"], code, np.zeros(n, bool))


def named(found: Iterator[Measure]) -> dict[str, Interval | None]:
    """Return the first estimate of each metric of FOUND."""
    made: dict[str, Interval | None] = {}
    for one in found:
        made.setdefault(one.metric, one.estimate)
    return made


def whole(found: worst_gap.Gap) -> Interval:
    """Return the one gap of FOUND as an interval."""
    return Interval(*(float(np.ravel(x)[0]) for x in (found.value, found.low, found.high)), 1, 0.95, "")


# Means, ratios and logarithms over people


def _popular(rng: Rng, n: int, up: float) -> tuple[Floats, Floats]:
    taste = rng.beta(2, 6, n)
    return np.clip(taste * 0.5 + rng.beta(1.5, 4, n) * up, 0, 1), taste


def popularity(rng: Rng, at: int) -> Held:
    """Draw people whose lists are more popular than their histories, in the second group by more."""
    n, ups = int(rng.integers(80, 250)), (0.4, 0.55)
    groups = two(n, n // 3)
    parts = [_popular(rng, int((groups.code == g).sum()), ups[g]) for g in (0, 1)]
    shown, did = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    mine = groups.code == 0
    found = named(popularity_lift._values(shown, did, mine, "", PLAN))
    mean = 0.125 + 1.5 / 5.5 * np.array(ups)
    yield "average_popularity", found["average_popularity"], float(mean[0])
    yield "popularity_lift", found["popularity_lift"], float(mean[0] / 0.25 - 1)
    logs = [log_ratio_parts(shown * side, did * side) for side in (mine, ~mine)]
    gap = linear("popularity_lift_log_gap", logs[0][0] - logs[1][0], logs[0][1] - logs[1][1], 0.95, null=0.0)
    yield "popularity_lift_log_gap", gap.estimate, math.log(mean[0] / mean[1])


def flips(rng: Rng, at: int) -> Held:
    """Draw people with one to four rows whose answers change, and sixteen sentences of two sides."""
    n = int(rng.integers(40, 200))
    rows = rng.integers(1, 5, n)
    changed = rng.binomial(rows, rng.beta(1.5, 6, n))
    shares = by_group(changed[:, None], rows[:, None], np.full(n, -1), 0)
    yield "flip_rate", whole(gaps.values(shares)), 0.2
    moved = np.array([float(rng.normal(0.05 * many, 0.2 * math.sqrt(many))) for many in rows])
    mean = float(moved.sum() / rows.sum())
    made = linear("flip_score_change", mean, (moved - mean * rows) / rows.sum(), 0.95, null=0.0)
    yield "flip_score_change", made.estimate, 0.05
    change = rng.normal(0.03, 0.1, 16)
    made = linear("template_score_gap", float(change.mean()), (change - change.mean()) / 16, 0.95, null=0.0)
    yield "template_score_gap", made.estimate, 0.03


# Places in rankings


def _places(rng: Rng, n: int) -> tuple[np.ndarray, np.ndarray, Floats]:
    share = rng.beta(6, 4, (n, 1))
    placed = (rng.random((n, 10)) >= share).astype(int)
    return placed, np.full(n, 10), np.full((n, 2), 0.5)


@lru_cache
def _divergence() -> float:
    found = fair_topk._divergence(10, *_places(np.random.default_rng(1), 200_000), "group", PLAN).estimate
    assert found is not None
    return found.value


def places(rng: Rng, at: int) -> Held:
    """Draw lists in which one group has 60% of the places and is owed half."""
    drawn = _places(rng, int(rng.integers(60, 200)))
    made = fair_topk._skew(10, *drawn, 0, two(2, 1), PLAN)
    yield "skew@k", made.estimate, math.log(0.6 / 0.5)
    yield "ndkl@k", fair_topk._divergence(10, *drawn, "group", PLAN).estimate, _divergence()
    n = int(rng.integers(60, 200))
    share = float(rng.uniform(0.6, 0.95))
    yield "share of lists (fa_ir_pass_rate, top_item_changed)", wilson(int(rng.binomial(n, share)), n), share


def _ranked(rng: Rng, n: int) -> tuple[np.ndarray, ...]:
    query = np.repeat(np.arange(n), 8)
    group = (rng.random(8 * n) < 0.4).astype(int)
    label = (rng.random(8 * n) < np.where(group == 1, 0.3, 0.4)).astype(float)
    score = rng.normal(size=8 * n) + label - 0.3 * group
    order = np.argsort(np.argsort(-score.reshape(n, 8), axis=1), axis=1).ravel()
    return query, group, 1 / np.log2(order + 2), label


def _exposed(drawn: tuple[np.ndarray, ...], n: int) -> dict[str, Interval | None]:
    query, group, seen, label = drawn
    groups = two(2, 1)
    found = named(ranking_exposure._exposures(query, group, seen, groups, n, PLAN))
    found |= named(ranking_exposure._treatment(query, group, seen, label, groups, n, PLAN))
    return found | named(ranking_exposure._pairs(query, group, seen, label, groups, n, PLAN))


@lru_cache
def _true_exposure() -> dict[str, float]:
    found = _exposed(_ranked(np.random.default_rng(2), 60_000), 60_000)
    return {name: one.value for name, one in found.items() if one is not None}


def exposure(rng: Rng, at: int) -> Held:
    """Draw queries of eight candidates of two groups, one of them less often relevant and lower."""
    n = int(rng.integers(50, 120))
    truth = _true_exposure()
    for name, found in _exposed(_ranked(rng, n), n).items():
        yield f"{name} (ranking)", found, truth[name]


# Items


def _shown(rng: Rng, people: int, items: int, k: int, tilt: float = 1.0) -> Lists:
    popular = -tilt * np.log(np.arange(1, items + 1))
    drawn = popular + rng.gumbel(size=(people, items))
    item = np.argsort(-drawn, axis=1)[:, :k].ravel()
    right = -0.8 * np.log(np.arange(1, items + 1)) + rng.gumbel(size=(people, items))
    true = np.argsort(-right, axis=1)[:, :4].ravel()
    query, rank = np.repeat(np.arange(people), k), np.tile(np.arange(k), people)
    return Lists(people, pa.array([str(i) for i in range(items)]), query, item, rank, -rank.astype(float),
                 np.zeros(len(item)), np.repeat(np.arange(people), 4), true, np.ones(len(true)), k)  # fmt: skip


def _seen(found: Lists) -> Floats:
    return 1 / np.log2(found.rank + 2)


@lru_cache
def _true_items() -> tuple[float, float, float]:
    rng = np.random.default_rng(3)
    big = _shown(rng, 100_000, 60, 5)
    gini = provider.gini(np.bincount(big.item, minlength=60).astype(float))
    a = np.bincount(big.item, _seen(big), 60)
    r = np.bincount(big.true_item, minlength=60)
    share = np.bincount(big.item[_seen(big) > 0], minlength=60)[30:].sum() / len(big.item)
    return gini, float(np.abs(a / a.sum() - r / r.sum()).sum()), float(share)


@lru_cache
def _covered() -> float:
    rng = np.random.default_rng(4)
    return float(np.mean([len(np.unique(_shown(rng, 100, 300, 5).item)) / 300 for _ in range(3000)]))


def items(rng: Rng, at: int) -> Held:
    """Draw lists whose items are as popular as 1 over their place; those that are right a little less so."""
    gini, attention, exposed = _true_items()
    found = _shown(rng, int(rng.integers(120, 250)), 60, 5)
    every = np.ones(60, bool)
    yield "gini_index@k", provider._gini(found, every, PLAN).estimate, gini
    yield "equity_of_attention", provider._attention(found, _seen(found), None, PLAN).estimate, attention
    ours, seen = found.item >= 30, np.ones(len(found.item))
    shares = by_group(
        found.per_person(seen, ours)[:, None], found.per_person(seen)[:, None], np.full(found.people, -1), 0
    )
    yield "exposure", whole(gaps.values(shares)), exposed
    yield "disparate_exposure", whole(gaps.signed(shares, [1.0])), exposed
    few = _shown(rng, 100, 300, 5)
    yield "item_coverage@k", provider._coverage(few, np.ones(300, bool), PLAN).estimate, _covered()


def fair_attention(rng: Rng, at: int) -> Held:
    """Draw lists that give attention just as items are right."""
    found = _shown(rng, 200, 40, 4, 0.8)
    even = np.ones(len(found.item))
    yield "equity_of_attention, none", provider._attention(found, even, None, PLAN).estimate, 0.0


def ratings(rng: Rng, at: int) -> Held:
    """Draw ratings of 30 items by 120 people; scores err by item in one half of audits, and alike in the other."""
    people, count, each = 120, 30, 12
    off = np.random.default_rng(5).normal(0, 0.5, (2, count)) if at % 2 else np.zeros((2, count))
    item = np.argsort(rng.random((people, count)), axis=1)[:, :each].ravel()
    query = np.repeat(np.arange(people), each)
    groups = two(people, 50)
    label = rng.integers(1, 6, len(item)).astype(float)
    error = off[groups.code[query], item] + rng.normal(0, 0.6, len(item)) + np.repeat(rng.normal(0, 0.2, people), each)
    rank = np.tile(np.arange(each), people)
    found = Lists(people, pa.array([str(i) for i in range(count)]), query, item, rank, label + error, label, query,
                  item, label, each)  # fmt: skip
    truth = {
        "value_unfairness": np.abs(off[0] - off[1]), "absolute_unfairness": np.abs(np.abs(off[0]) - np.abs(off[1])),
        "underestimation_unfairness": np.abs(np.maximum(-off[0], 0) - np.maximum(-off[1], 0)),
        "overestimation_unfairness": np.abs(np.maximum(off[0], 0) - np.maximum(off[1], 0)),
    }  # fmt: skip
    for name, one in named(estimation(found, groups, PLAN)).items():
        yield f"{name}{'' if at % 2 else ', none'}", one, float(truth[name].mean())


# Classifiers


def _outcomes(said: np.ndarray, true: np.ndarray, score: Floats) -> Outcomes:
    n = len(said)
    return Outcomes(said, true, said == true, score, np.arange(n), n, True)


@lru_cache
def _between_curves(first: float, second: float) -> float:
    x = (np.arange(4000) + 0.5) / 4000
    z = np.array([NORMAL.inv_cdf(1 - at) for at in x.tolist()])
    up = [np.array([1 - NORMAL.cdf(t - shift) for t in z.tolist()]) for shift in (first, second)]
    return float(np.abs(up[0] - up[1]).mean())


def curves(rng: Rng, at: int) -> Held:
    """Draw normal scores of two groups, ranked alike in one half of the audits and not in the other."""
    shifts = (1.0, 1.0) if at % 2 else (0.5, 1.3)
    n = 400
    mine, true = rng.random(n) < 0.4, rng.random(n) < 0.45
    score = rng.normal(size=n) + true * np.where(mine, *shifts)
    rows = _outcomes(true, true, score)
    both = [abroca._Curve.of(rows, side, at, name) for side, name in ((mine, "a"), (~mine, "b"))]
    value = abroca.area(both[0].knots, both[1].knots)
    low, high, _ = abroca._inverted(both[0], both[1], value, 0.95)
    name = "abroca, none" if at % 2 else "abroca"
    yield name, Interval(value, low, high, n, 0.95, ""), _between_curves(*shifts)


def benefits(rng: Rng, at: int) -> Held:
    """Draw answers of which 70% to 85% are right; the indices of their benefits 0, 1 and 2."""
    n = int(rng.integers(150, 500))
    yes, right = 0.45, float(rng.uniform(0.7, 0.85))
    true = rng.random(n) < yes
    said = np.where(rng.random(n) < right, true, ~true)
    none, more = yes * (1 - right), (1 - yes) * (1 - right)
    kinds = np.array([0.0, 1.0, 2.0])
    chance = np.array([none, 1 - none - more, more])
    mean = float(kinds @ chance)
    square, root = float(kinds**2 @ chance), float(np.sqrt(kinds) @ chance)
    entropy = (square / mean**2 - 1) / 2
    truth = {
        "generalized_entropy_index": entropy, "coefficient_of_variation": math.sqrt(2 * entropy),
        "theil_index": more * 2 * math.log(2) / mean - math.log(mean), "atkinson_index": 1 - root**2 / mean,
    }  # fmt: skip
    for name, one in named(inequality._indices(_outcomes(said, true, np.zeros(n)), PLAN)).items():
        yield name, one, truth[name]


def strata(rng: Rng, at: int) -> Held:
    """Draw people of two groups in three strata, and what they are refused."""
    n = int(rng.integers(250, 600))
    groups = two(n, n // 3)
    chance = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    value = (rng.random(n)[:, None] > np.cumsum(chance, 1)[groups.code]).sum(1)
    yes = np.array([0.35, 0.5, 0.65])
    said = rng.random(n) < yes[value] - 0.05 * (groups.code == 0)
    share = np.array([n // 3, n - n // 3]) / n
    cell = share[:, None] * chance
    rate = yes[None, :] - np.array([[0.05], [0.0]])
    no, up = cell * (1 - rate), cell * rate
    within = no[0] / no.sum(0) - up[0] / up.sum(0)
    rows = _outcomes(said, said, np.zeros(n))
    first = named(conditional._disparity(rows, groups, "", np.zeros(n, np.intp), PLAN))
    yield "demographic_disparity", first["demographic_disparity"], no[0].sum() / no.sum() - up[0].sum() / up.sum()
    second = named(conditional._disparity(rows, groups, "stratum", value, PLAN))
    within_all = float(within @ cell.sum(0))
    yield "conditional_demographic_disparity", second["conditional_demographic_disparity"], within_all


def distributions(rng: Rng, at: int) -> Held:
    """Draw values of nine kinds in two groups, spread alike in one half of the audits and not in the other."""
    n = int(rng.integers(150, 350))
    groups = two(n, n // 3)
    first = np.array([0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    second = first if at % 2 else first + np.array([-0.15, -0.02, 0, 0, 0.02, 0.05, 0.05, 0.03, 0.02])
    value = (rng.random(n)[:, None] > np.cumsum([first, second], 1)[groups.code][:, :-1]).sum(1) / 8.0
    found = named(consumer._distances("ndcg", value, np.ones(n), groups, Plan(draws=500)))
    name = "ks_distance, none" if at % 2 else "ks_distance"
    yield name, found["ks_distance_ndcg"], float(np.abs(np.cumsum(first - second)).max())


def pools(rng: Rng, at: int) -> Held:
    """Draw, every fifth time, the rates of twelve combinations of attributes of 10 to 200 people, drawn towards all."""
    if at % 5:
        return
    n = rng.integers(10, 200, 12)
    truth = np.clip(0.5 + rng.normal(0, 0.07, 12), 0.05, 0.95)
    code = np.repeat(np.arange(12), n)
    said = (rng.random(len(code)) < truth[code]).astype(float)[:, None]
    shares = by_group(said, np.ones((len(code), 1)), code, 12)
    found = pooled(shares.value[:12], gaps.variances(shares)[:12])
    for cell in range(12):
        one = Interval(*(float(x[cell]) for x in (found.value, found.low, found.high)), int(n[cell]), 0.95, "")
        yield "rate of a combination, pooled", one, float(truth[cell])


KINDS = (popularity, flips, places, exposure, items, fair_attention, ratings, curves, benefits, strata, distributions,
         pools)  # fmt: skip
