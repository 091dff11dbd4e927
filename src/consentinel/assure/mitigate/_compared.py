"""Gap and utility before and after, of the same units, with intervals of the change."""

import math
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.fair._lists import lists, quality
from consentinel.assure.fair._rates import RATES, Groups, comparable, grouped, interval, outcomes, rate_sums
from consentinel.assure.measure import Better
from consentinel.assure.mitigate._result import Change
from consentinel.assure.subject import Subject
from consentinel.core import gaps
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval, tail

__all__ = [
    "CRITERIA",
    "OBJECTIVES",
    "classified",
    "gained",
    "gap_change",
    "groups_of",
    "halves",
    "mean_change",
    "mover",
    "served",
]

Floats = NDArray[np.float64]
LEVEL = 0.95
CRITERIA: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
}
OBJECTIVES: dict[str, tuple[str, ...]] = {
    "accuracy": ("accuracy",),
    "balanced_accuracy": ("true_positive_rate", "true_negative_rate"),
}


def groups_of(subject: Subject, attribute: str, criterion: str) -> Groups:
    """Return the groups of ATTRIBUTE that can be compared; raises UsageError where there are fewer than two."""
    if criterion not in CRITERIA:
        raise UsageError(f"no criterion '{criterion[:40]}'; there is: {', '.join(CRITERIA)}")
    if subject.lacks("labels") or not subject.positive:
        raise UsageError("mitigation of a classifier needs labels, and one that counts as yes (--positive)")
    groups = grouped(attribute, subject.attribute(attribute))
    _, below = rate_sums(outcomes(subject))
    kept, few = comparable(groups, below[:, [list(RATES).index(name) for name in CRITERIA[criterion]]])
    if len(kept.names) < 2:
        raise UsageError(f"{attribute} has {len(kept.names)} groups that are large enough, {len(few)} that are not")
    return kept


def halves(groups: Groups, seed: int) -> NDArray[np.bool_]:
    """Return which units (units,) are in the first half, every group being split evenly."""
    order = np.lexsort((generator(seed, "assure.mitigate.halves").random(len(groups.code)), groups.code))
    first = np.zeros(len(order), bool)
    first[order[::2]] = True
    return first


def classified(
    subject: Subject, answers: pa.Table, groups: Groups, criterion: str, objective: str = "accuracy"
) -> tuple[Change, Change, Change]:
    """Return how the gap of CRITERION changed from the answers of SUBJECT to ANSWERS, then OBJECTIVE, then the other of
    OBJECTIVES."""
    names = list(RATES)
    sums = [rate_sums(outcomes(one)) for one in (subject, subject.answered(answers))]

    def of(rates: tuple[str, ...]) -> list[tuple[Floats, Floats]]:
        used = [names.index(name) for name in rates]
        return [(top[:, used], bottom[:, used]) for top, bottom in sums]

    gap = gap_change(f"{criterion}_difference", of(CRITERIA[criterion]), groups)
    both = sorted(OBJECTIVES, key=lambda name: name != objective)
    one, other = (mean_change(name, *of(OBJECTIVES[name])) for name in both)
    return gap, one, other


def served(subject: Subject, answers: pa.Table, groups: Groups) -> tuple[Change, Change]:
    """Return how the gap in nDCG@k, and nDCG@k, changed from the lists of SUBJECT to ANSWERS."""
    sums = _gains(subject, answers)
    return gap_change(f"ndcg@{subject.k}_difference", sums, groups), mean_change(f"ndcg@{subject.k}", *sums)


def gained(subject: Subject, answers: pa.Table) -> Change:
    """Return how nDCG@k changed from the lists of SUBJECT to ANSWERS."""
    return mean_change(f"ndcg@{subject.k}", *_gains(subject, answers))


def _gains(subject: Subject, answers: pa.Table) -> list[tuple[Floats, Floats]]:
    found = [quality(lists(one)) for one in (subject, subject.answered(answers))]
    return [(values[f"ndcg@{subject.k}"][:, None], known.astype(np.float64)[:, None]) for values, known in found]


def gap_change(metric: str, sums: list[tuple[Floats, Floats]], groups: Groups) -> Change:
    """Return the change of the worst gap of rates: SUMS, before and after, above and below each rate, (units, m).

    Of two groups and one rate it is that of the signed difference, whose sign is that before, paired. Else the interval
    of the change takes the two as independent, which can only widen it as the same people are in both.
    """
    count, m = len(groups.names), sums[0][0].shape[1]
    above, below = (np.hstack([one[at] for one in sums]) for at in (0, 1))
    shares = by_group(above, below, groups.code, count)
    units = int(shares.units.reshape(count + 1, 2 * m)[:-1].min(axis=1).sum())
    which = np.eye(2 * m)
    if count == 2 and m == 1:
        sign = np.array([1.0, -1.0, 0.0]) * (1 if shares.value[0] >= shares.value[2] else -1)
        one, two = (gaps.signed(shares, np.outer(sign, which[at]).ravel(), LEVEL) for at in (0, 1))
        both = gaps.signed(shares, np.outer(sign, which[1] - which[0]).ravel(), LEVEL)
        before, after, change = (interval(found, units, LEVEL) for found in (one, two, both))
        return Change(metric, before, after, change, float(both.p), "zero")
    found = [
        interval(gaps.worst(shares, gaps.between(count, *which[at * m : (at + 1) * m]), level=LEVEL), units, LEVEL)
        for at in (0, 1)
    ]
    return mover(metric, *found, "lower")


def mover(metric: str, before: Interval, after: Interval, better: Better) -> Change:
    """Return the change between two intervals as if they were independent (Zou and Donner 2008)."""
    value = after.value - before.value
    low = value - math.hypot(after.value - after.low, before.high - before.value)
    high = value + math.hypot(after.high - after.value, before.value - before.low)
    z = NormalDist().inv_cdf(1 - tail(before.level))
    arm = (high - value if value < 0 else value - low) / z
    p = math.erfc(abs(value) / arm / math.sqrt(2)) if arm > 0 else float(value == 0)
    change = Interval(value, low, high, before.n, before.level, "as if independent (conservative)")
    return Change(metric, before, after, change, p, better)


def mean_change(metric: str, before: tuple[Floats, Floats], after: tuple[Floats, Floats]) -> Change:
    """Return the change of a mean of m shares of all units, paired; BEFORE and AFTER are what each unit adds above and
    below, (units, m)."""
    above, below = (np.hstack([before[at], after[at]]) for at in (0, 1))
    shares = by_group(above, below, np.full(len(above), -1), 0)
    n, m = int(shares.units.max()), before[0].shape[1]
    each, none = np.full(m, 1 / m), np.zeros(m)
    one, two, both = (
        gaps.signed(shares, np.concatenate(weights), LEVEL) for weights in ((each, none), (none, each), (-each, each))
    )
    found = [interval(part, n, LEVEL) for part in (one, two, both)]
    return Change(metric, *found, float(both.p), "higher")
