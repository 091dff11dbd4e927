"""How well scores tell members from others: AUC, balanced accuracy, TPR at a small FPR, with intervals by people."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan
from consentinel.core.gaps import signed, values
from consentinel.core.rng import generator
from consentinel.core.shares import Shares, by_group
from consentinel.core.stats import Floats, Interval, tail
from consentinel.core.worst_gap import Gap

__all__ = ["LEAST", "Attack", "area", "area_measure", "measures"]

LEAST = 10  # of members and of others, below which nothing is said
_FALSE = 10  # false positives that a rate needs to be known at all: 10,000 others for 0.1%
_RATES = (0.01, 0.001)
_POWER = NormalDist().inv_cdf(0.8)


@dataclass(frozen=True)
class Attack:
    """What an attack says: scores (n,), higher where it takes one for a member; which are members (n,); whose each is
    (n,), since one person's are not independent."""

    scores: Floats
    member: NDArray[np.bool_]
    cluster: NDArray[Any]

    def only(self, which: NDArray[np.bool_]) -> "Attack":
        """Return the attack on those that WHICH marks, shape (n,)."""
        return Attack(self.scores[which], self.member[which], self.cluster[which])


def measures(name: str, attack: Attack, plan: Plan, slice: str = "", why: str = "") -> Iterator[Measure]:
    """Yield AUC, balanced accuracy, and TPR at 1% and 0.1% FPR of the attack NAME.

    A rate is measured where at least ten others may be false positives; otherwise it is told: for everybody by a
    measure without a value, for a SLICE in the words of its AUC.
    """
    few = min(int(attack.member.sum()), int((~attack.member).sum()))
    if few < LEAST:
        yield Measure(f"{name}_auc", None, slice, why=f"needs {LEAST} members and {LEAST} others, there are {few}")
        return
    others = int((~attack.member).sum())
    small = [rate for rate in _RATES if others * rate < _FALSE]
    told = [f"TPR at {rate:.1%} FPR needs {_FALSE / rate:,.0f} others, there are {others:,}" for rate in small]
    yield area_measure(f"{name}_auc", attack, plan, slice, "; ".join([why] * bool(why) + (told if slice else [])))
    yield _balanced(f"{name}_balanced_accuracy", attack, plan, slice)
    for rate in _RATES:
        if rate not in small:
            yield _rate(f"{name}_tpr_at_{rate:g}_fpr", attack, rate, plan, slice)
    if not slice:
        for rate, text in zip(small, told, strict=True):
            yield Measure(f"{name}_tpr_at_{rate:g}_fpr", None, why=text)


# AUC


def area_measure(metric: str, attack: Attack, plan: Plan, slice: str = "", why: str = "") -> Measure:
    """Return the area under the ROC curve of ATTACK with its interval; 0.5 is guessing."""
    return _measured(metric, _one(values(area(attack), plan.level)), 0.5, attack, plan, slice, why, "clustered delong")


def area(attack: Attack) -> Shares:
    """Return the AUC of ATTACK, ties counted half, with the variance that its clusters give.

    Source: DeLong, DeLong and Clarke-Pearson 1988; Obuchowski 1997 for clusters.
    """
    inside, outside = attack.scores[attack.member], attack.scores[~attack.member]
    above, below = _beaten(inside, outside), 1 - _beaten(outside, inside)
    value = float(above.mean())
    names, cluster = np.unique(attack.cluster, return_inverse=True)
    own, other = cluster[attack.member], cluster[~attack.member]
    a = np.bincount(own, (above - value) / len(inside), len(names))
    b = np.bincount(other, (below - value) / len(outside), len(names))
    each = [len(np.unique(own)), len(np.unique(other)), len(names)]
    parts = (float(a @ a), float(b @ b), 2 * float(a @ b))
    spread = sum(part * count / max(1, count - 1) for part, count in zip(parts, each, strict=True))
    return Shares(np.array([value]), np.array([[max(0.0, spread)]]), np.array([float(min(each[:2]))]))


def _beaten(ones: Floats, others: Floats) -> Floats:
    """Return for each of ONES the share of OTHERS below it, equal ones counted half."""
    by = np.sort(others)
    return (np.searchsorted(by, ones, "left") + np.searchsorted(by, ones, "right")) / (2.0 * len(by))


# Rates


def _balanced(metric: str, attack: Attack, plan: Plan, slice: str) -> Measure:
    """Return (TPR + TNR) / 2 where each half of the people is judged by the best threshold of the other half."""
    names, cluster = np.unique(attack.cluster, return_inverse=True)
    half = generator(plan.seed, "assure.private.halves").permutation(len(names))[cluster] % 2 == 0
    flagged = np.zeros(len(half), bool)
    for mine in (half, ~half):
        flagged[mine] = attack.scores[mine] > _threshold(attack.only(~mine))
    shares = _shares(attack, np.where(attack.member, flagged, ~flagged))
    found = signed(shares, [0.5, 0.5], plan.level)
    gap = Gap(*(np.ravel(getattr(found, name)) for name in Gap.__dataclass_fields__))
    return _measured(metric, gap, 0.5, attack, plan, slice, "threshold chosen on the other half", "newcombe, halves")


def _threshold(attack: Attack) -> float:
    """Return the threshold above which most more members than others lie."""
    order = np.argsort(-attack.scores, kind="stable")
    scores, member = attack.scores[order], attack.member[order]
    last = np.append(scores[1:] != scores[:-1], True)
    gain = np.cumsum(member) / max(1, member.sum()) - np.cumsum(~member) / max(1, (~member).sum())
    at = np.flatnonzero(last)[int(np.argmax(gain[last]))]
    return float((scores[at] + scores[at + 1]) / 2) if at + 1 < len(scores) else -math.inf


def _rate(metric: str, attack: Attack, rate: float, plan: Plan, slice: str) -> Measure:
    """Return the TPR at the threshold that at most RATE of the others exceed.

    Its arms add what the members vary by and what the threshold varies by: the rates of others that a test at the
    level would not tell from RATE. Source: Zou and Donner 2008 (adding squared arms).
    """
    outside = -np.sort(-attack.scores[~attack.member])
    n, inside = len(outside), attack.scores[attack.member]
    shares = _shares(attack, attack.scores > outside[math.floor(rate * n + 1e-9)])
    tpr = _one(values(_at(shares, 0), plan.level))
    seen, spread = float(shares.value[1]), float(shares.covariance[1, 1])
    trials = min(float(n), seen * (1 - seen) / spread) if spread > 0 and seen > 0 else float(shares.units[1])
    half = NormalDist().inv_cdf(1 - tail(plan.level)) * math.sqrt(rate * (1 - rate) / max(trials, 1.0))
    strict, loose = math.floor(n * (rate - half)), min(n - 1, math.ceil(n * (rate + half)))
    value = float(tpr.value[0])
    least = float((inside > outside[strict]).mean()) if strict >= 0 else 0.0
    most = float((inside > outside[loose]).mean())
    low = value - math.hypot(value - tpr.low[0], value - least)
    high = value + math.hypot(tpr.high[0] - value, most - value)
    gap = Gap(tpr.value, np.array([max(0.0, low)]), np.array([min(1.0, high)]), tpr.p, tpr.detectable)
    return _measured(metric, gap, rate, attack, plan, slice, "", "wilson and threshold arms")


def _shares(attack: Attack, yes: NDArray[np.bool_]) -> Shares:
    """Return the shares of YES among members and among others."""
    names, cluster = np.unique(attack.cluster, return_inverse=True)
    count = len(names)
    bottom = np.stack([np.bincount(cluster, side, count) for side in (attack.member, ~attack.member)], 1)
    top = np.stack([np.bincount(cluster, side & yes, count) for side in (attack.member, ~attack.member)], 1)
    return by_group(top, bottom, np.full(count, -1), 0)


def _at(shares: Shares, place: int) -> Shares:
    which = [place]
    return Shares(shares.value[which], shares.covariance[np.ix_(which, which)], shares.units[which], shares.sure)


def _one(gap: Gap) -> Gap:
    return Gap(*(np.ravel(getattr(gap, name)) for name in Gap.__dataclass_fields__))


def _measured(
    metric: str, gap: Gap, null: float, attack: Attack, plan: Plan, slice: str, why: str, method: str
) -> Measure:
    z = NormalDist().inv_cdf(1 - tail(plan.level))
    value, low, high = (float(one[0]) for one in (gap.value, gap.low, gap.high))
    arm = (value - low if value >= null else high - value) / z
    p = math.erfc(abs(value - null) / arm / math.sqrt(2)) if arm > 0 else 1.0
    estimate = Interval(value, low, high, len(np.unique(attack.cluster)), plan.level, method)
    detectable = (z + _POWER) * (high - low) / (2 * z)
    return Measure(metric, estimate, slice, "", null, p, detectable, "lower", why)
