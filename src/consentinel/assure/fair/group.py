"""Gaps of a classifier between groups of people: how often it says yes, how often it is right, how well it ranks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from consentinel.assure.fair._auc import auc_shares
from consentinel.assure.fair._rates import (
    CLASSIFIED,
    LEAST,
    RATES,
    Floats,
    Groups,
    Outcomes,
    comparable,
    grouped,
    interval,
    outcomes,
    rate_sums,
    totals,
)
from consentinel.assure.measure import Better, Measure, Plan
from consentinel.assure.subject import MISSING, Subject
from consentinel.core import gaps
from consentinel.core.shares import Shares, by_group
from consentinel.core.stats import Interval
from consentinel.core.worst_gap import How

KINDS = CLASSIFIED
NEEDS = ("labels", "groups")


@dataclass(frozen=True)
class _Metric:
    """A metric made of rates: its name, the weights of the rates, which way is good, the names of its worst gaps."""

    name: str
    weights: dict[str, float]
    better: Better
    worst: str
    overall: bool = False  # whether the gap to everybody is shown too


METRICS = [
    _Metric("selection_rate", {"selection_rate": 1}, "", "demographic_parity", overall=True),
    _Metric("true_positive_rate", {"true_positive_rate": 1}, "higher", "equal_opportunity", overall=True),
    _Metric("false_positive_rate", {"false_positive_rate": 1}, "lower", "false_positive_rate"),
    _Metric("false_negative_rate", {"false_negative_rate": 1}, "lower", "false_negative_rate"),
    _Metric("true_negative_rate", {"true_negative_rate": 1}, "higher", "true_negative_rate"),
    _Metric("precision", {"precision": 1}, "higher", "precision"),
    _Metric("balanced_accuracy", {"true_positive_rate": 0.5, "true_negative_rate": 0.5}, "higher", "balanced_accuracy"),
    _Metric("accuracy", {"accuracy": 1}, "higher", "accuracy", overall=True),
]
ODDS = ("true_positive_rate", "false_positive_rate")
NAMES = list(RATES)


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the rates of every group, its signed gap to the largest group, and the worst gaps of each attribute."""
    rows = outcomes(subject)
    above, below = rate_sums(rows)
    for name in subject.attributes():
        groups = grouped(name, subject.attribute(name))
        yield from _missing(groups, rows)
        for metric in METRICS if rows.two_way else METRICS[-1:]:
            used = [NAMES.index(rate) for rate in metric.weights]
            kept, few = comparable(groups, below[:, used])
            yield from _few(metric.name, groups, few)
            shares = by_group(above[:, used], below[:, used], kept.code, len(kept.names))
            yield from _metric(shares, kept, metric, plan)
        if rows.two_way:
            yield from _odds(above, below, groups, plan)
            yield from _calibration(rows, groups, plan)
            yield from _ranking(rows, groups, plan)


def _missing(groups: Groups, rows: Outcomes) -> Iterator[Measure]:
    """Yield how many have no known group."""
    seen = np.unique(rows.unit)
    absent = int(groups.missing[seen].sum())
    if absent:
        why = f"{absent:,} of {len(seen):,} units have no known {groups.attribute}: they count for everybody, in no gap"
        share = float(absent / len(seen))
        yield Measure("share", Interval(share, share, share, len(seen), 1.0, "counted"), groups.named(MISSING), why=why)


def _few(metric: str, groups: Groups, few: list[tuple[str, int]]) -> Iterator[Measure]:
    """Yield the groups that are too small to compare."""
    for name, units in few:
        why = f"only {units} units of {groups.attribute}={name} stand behind it, and {LEAST} are needed: collect more"
        yield Measure(metric, None, groups.named(name), why=why)


def _metric(shares: Shares, groups: Groups, metric: _Metric, plan: Plan) -> Iterator[Measure]:
    """Yield values, signed gaps and worst gaps of METRIC, whose rates SHARES are."""
    weights = np.array(list(metric.weights.values()), np.float64)
    units = shares.units.reshape(-1, len(weights)).min(axis=1)
    count = len(groups.names)
    eye = np.eye(count + 1)
    for at in range(count + 1):
        if not np.isfinite(shares.value.reshape(-1, len(weights))[at]).all():
            yield Measure(
                metric.name, None, why="no row of the kind that it counts: the labels or answers are constant"
            )
            return
        found = gaps.signed(shares, np.outer(eye[at], weights).ravel(), plan.level)
        place = groups.slice(at) if at < count else ""
        yield Measure(metric.name, interval(found, int(units[at]), plan.level), place, better=metric.better)
    if count < 2:
        why = f"{groups.attribute} has {count} group with at least {LEAST} units behind it; a gap needs two"
        yield Measure(f"{metric.worst}_difference", None, groups.attribute, why=why)
        return
    largest = int(units[:-1].argmax())
    for at in range(count):
        if at != largest:
            found = gaps.signed(shares, np.outer(eye[at] - eye[largest], weights).ravel(), plan.level)
            estimate = interval(found, int(units[at] + units[largest]), plan.level)
            yield Measure(
                f"{metric.name}_gap", estimate, groups.slice(at), groups.slice(largest), 0.0, float(found.p),
                float(found.detectable), "zero",
            )  # fmt: skip
    yield from _worst(metric.worst, shares, gaps.between(count, weights), groups, plan, "between groups")
    if metric.overall:
        yield from _worst(metric.worst, shares, gaps.to_overall(count, weights), groups, plan, "everybody")


def _worst(
    name: str, shares: Shares, pairs: tuple[Floats, Floats], groups: Groups, plan: Plan, against: str
) -> Iterator[Measure]:
    """Yield the largest difference and the smallest ratio of PAIRS."""
    ways: list[tuple[How, float, Better]] = [("difference", 0.0, "lower"), ("ratio", 1.0, "higher")]
    for how, null, better in ways:
        if how == "ratio" and not _has_ratio(shares, pairs):
            why = "no group has the rate at all, so that there is no ratio"
            yield Measure(f"{name}_ratio", None, groups.attribute, against, why=why)
            continue
        found = gaps.worst(shares, pairs, how, plan.level, draws=_draws(plan, pairs), seed=plan.seed)
        estimate = interval(found, int(shares.units.max()), plan.level, "inverted tests of the worst pair")
        yield Measure(
            f"{name}_{how}", estimate, groups.attribute, against, null, float(found.p), float(found.detectable), better
        )


def _has_ratio(shares: Shares, pairs: tuple[Floats, Floats]) -> bool:
    return bool((pairs[1] @ shares.value > 0).any())


def _draws(plan: Plan, pairs: tuple[Floats, Floats]) -> int:
    return max(500, min(plan.draws, 200_000 // len(pairs[0])))


def _odds(above: Floats, below: Floats, groups: Groups, plan: Plan) -> Iterator[Measure]:
    """Yield equalized odds: the worse of the gaps in true and in false positives."""
    used = [NAMES.index(rate) for rate in ODDS]
    kept, _ = comparable(groups, below[:, used])
    if len(kept.names) < 2:
        why = f"{groups.attribute} has fewer than two groups with {LEAST} units of either label"
        yield Measure("equalized_odds_difference", None, groups.attribute, why=why)
        return
    shares = by_group(above[:, used], below[:, used], kept.code, len(kept.names))
    either = [[1.0, 0.0], [0.0, 1.0]]
    yield from _worst("equalized_odds", shares, gaps.between(len(kept.names), *either), kept, plan, "between groups")
    yield from _worst("equalized_odds", shares, gaps.to_overall(len(kept.names), *either), kept, plan, "everybody")


def _calibration(rows: Outcomes, groups: Groups, plan: Plan) -> Iterator[Measure]:
    """Yield the calibration gap of every group: its mean score less its share of yes; and the gaps between groups."""
    if ((rows.score < 0) | (rows.score > 1)).any():
        yield Measure("calibration_gap", None, groups.attribute, why="the scores are not between 0 and 1")
        return
    above = totals(rows.unit, rows.people, [(1 + rows.score - rows.true) / 2])  # from [-1, 1] to [0, 1]
    below = totals(rows.unit, rows.people, [np.ones(len(rows.score))])
    kept, few = comparable(groups, below)
    yield from _few("calibration_gap", groups, few)
    shares = by_group(above, below, kept.code, len(kept.names))
    count = len(kept.names)
    for at in range(count + 1):
        one = gaps.shifted(shares, at, plan.level)
        place = kept.slice(at) if at < count else ""
        estimate = interval(one, int(shares.units[at]), plan.level)
        yield Measure("calibration_gap", estimate, place, "", 0.0, float(one.p), float(one.detectable), "zero")
    if count < 2:
        return
    pairs = gaps.between(count, [1.0])
    found = gaps.twice(gaps.worst(shares, pairs, "difference", plan.level, draws=_draws(plan, pairs), seed=plan.seed))
    estimate = interval(found, int(shares.units.max()), plan.level, "inverted tests of the worst pair")
    yield Measure(
        "calibration_gap_difference", estimate, kept.attribute, "between groups", 0.0, float(found.p),
        float(found.detectable), "lower",
    )  # fmt: skip


def _ranking(rows: Outcomes, groups: Groups, plan: Plan) -> Iterator[Measure]:
    """Yield AUC within each group, and of its members against the others' (BPSN, BNSP), and the worst gap of each."""
    yes, no = rows.true, ~rows.true
    kept, few = comparable(groups, totals(rows.unit, rows.people, [yes, no]))
    yield from _few("subgroup_auc", groups, few)
    if not kept.names:
        return
    own = [kept.code[rows.unit] == at for at in range(len(kept.names))]
    kinds: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
        "subgroup_auc": lambda mine: (yes & mine, no & mine),
        "bpsn_auc": lambda mine: (yes & ~mine, no & mine),  # background positive, subgroup negative
        "bnsp_auc": lambda mine: (yes & mine, no & ~mine),
    }
    for name, cut in kinds.items():
        pairs = [cut(mine) for mine in own]
        if any(not one.any() or not other.any() for one, other in pairs):
            why = "there is nobody outside a group to compare with"
            yield Measure(name, None, kept.attribute, why=why)
            continue
        shares = auc_shares(rows.score, [*pairs, (yes, no)], rows.unit, rows.people)
        worst = "auc" if name == "subgroup_auc" else name
        yield from _metric(shares, kept, _Metric(name, {"": 1.0}, "higher", worst), plan)
