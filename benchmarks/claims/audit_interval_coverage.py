"""How often nominal 95% intervals of the audit's gaps hold the truth: 10,000 made audits of each setting.

Every audit draws people anew: how many there are, their label, what the model says, their score or their NDCG. True
rates lie up to 0.05 above or below those of the setting, all of them alike, so that gaps and ties stay as they are: a
rate of few people can have few values only, and at one fixed rate the coverage says more of these than of the interval
(`lattice` shows how much). Rates are counted and handed to the engine as the probe would hand them; that the two agree
is asserted on the first audit of each setting. What a single audit takes longer for is in `audit_interval_kinds`.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _claim import write_interval
from consentinel.assure.fair._auc import auc_shares
from consentinel.core import gaps, worst_gap
from consentinel.core.rng import generator
from consentinel.core.shares import Shares, by_group
from consentinel.core.stats import wilson
from consentinel.core.worst_gap import Gap

NAMES = ("audit_coverage_least", "audit_coverage_most", "audit_coverage_ndcg_least", "audit_coverage_ndcg_most",
         "audit_coverage_near_ties_least", "audit_coverage_near_ties_most", "audit_coverage_lattice_least",
         "audit_coverage_lattice_most")  # fmt: skip
INPUTS = ()
AUDITS, DRAWS, PART, CHECKED = 10_000, 1000, 500, 3
YES = 0.5  # share of people whose label is yes
Floats = NDArray[np.float64]
Found = dict[str, NDArray[np.bool_]]  # whether the interval of a metric held the truth, in each audit


@dataclass(frozen=True)
class Case:
    """People of each group, and the rates at which the model says yes to those whose label is yes, and no."""

    name: str
    people: tuple[int, ...]
    true_positive: tuple[float, ...]
    false_positive: tuple[float, ...]
    lattice: bool = False  # whether rates and people are the same in each audit


CASES = [
    Case("no gap, two groups", (300, 300), (0.7, 0.7), (0.3, 0.3)),
    Case("no gap, a small group", (30, 600), (0.7, 0.7), (0.4, 0.4)),
    Case("a gap, a small group", (30, 600), (0.45, 0.75), (0.4, 0.3)),
    Case("a gap", (200, 400), (0.6, 0.8), (0.2, 0.3)),
    Case("two small groups, no gap", (30, 30), (0.6, 0.6), (0.4, 0.4)),
    Case("three groups alike", (100, 200, 400), (0.7, 0.7, 0.7), (0.3, 0.3, 0.3)),
    Case("one of three differs, two tie", (150, 300, 600), (0.5, 0.75, 0.75), (0.3, 0.3, 0.3)),
    Case("two and two tie", (300, 300, 300, 300), (0.8, 0.8, 0.55, 0.55), (0.2, 0.2, 0.35, 0.35)),
    Case("four groups apart", (600, 600, 600, 600), (0.5, 0.6, 0.7, 0.8), (0.2, 0.25, 0.3, 0.35)),
]
NEAR = [  # several groups within the noise of the worst pair: the hardest of cases, and shown apart
    Case("four in a row within noise", (200, 200, 200, 200), (0.60, 0.63, 0.66, 0.69), (0.3, 0.31, 0.32, 0.33)),
    Case("six, ends apart, the rest between", (200,) * 6, (0.55, 0.65, 0.65, 0.65, 0.65, 0.75), (0.3,) * 6),
    Case("four groups of 30", (30, 30, 30, 30), (0.5, 0.65, 0.65, 0.65), (0.35,) * 4),
]

LATTICE = [
    Case("30 and 600, rates fixed", (30, 600), (0.7, 0.7), (0.4, 0.4), lattice=True),
    Case("30 and 30, rates fixed", (30, 30), (0.6, 0.6), (0.4, 0.4), lattice=True),
]


def shares_of(top: NDArray[np.int64], bottom: NDArray[np.int64]) -> Shares:
    """Return the shares that counts (audits, groups, metrics) make, as `by_group`: groups, then everybody.

    The metrics are of different rows, so that they do not depend on each other.
    """
    value, whole = top / bottom, top.sum(1) / bottom.sum(1)
    audits, groups, m = top.shape
    covariance = np.zeros((audits, groups + 1, m, groups + 1, m))
    for j in range(m):
        own, every = value[:, :, j] * (1 - value[:, :, j]), bottom[:, :, j].sum(1)
        for g in range(groups):
            covariance[:, g, j, g, j] = own[:, g] / bottom[:, g, j]
            covariance[:, g, j, groups, j] = covariance[:, groups, j, g, j] = own[:, g] / every
        covariance[:, groups, j, groups, j] = whole[:, j] * (1 - whole[:, j]) / every
    k = (groups + 1) * m
    units = np.concatenate([bottom, bottom.sum(1, keepdims=True)], 1).reshape(audits, k).astype(np.float64)
    joined = np.concatenate([value, whole[:, None]], 1).reshape(audits, k)
    return Shares(joined, covariance.reshape(audits, k, k), units, sure=True)


def same(shares: Shares, top: NDArray[np.int64], bottom: NDArray[np.int64]) -> None:
    """Stop unless the first of SHARES are those that `by_group` makes of rows with the same counts."""
    rows = []
    for g, counts in enumerate(zip(top[0], bottom[0], strict=True)):
        for j, (up, down) in enumerate(zip(*counts, strict=True)):
            rows += [(g, j, i < up) for i in range(int(down))]
    of = np.array(rows)
    m = top.shape[2]
    below = np.eye(m)[of[:, 1]]
    direct = by_group(below * of[:, 2:], below, of[:, 0], top.shape[1])
    for name in ("value", "covariance", "units"):
        np.testing.assert_allclose(getattr(shares, name)[0], getattr(direct, name), atol=1e-12)


def rates(case: Case, audits: int, rng: np.random.Generator) -> Found:
    """Return what AUDITS of CASE find of every rate and its gaps, and the truth."""
    away, more = rng.uniform(-0.05, 0.05, (audits, 1)), rng.uniform(0.85, 1.2, (audits, 1))
    if case.lattice:
        away, more = 0 * away, 0 * more + 1
    people = np.rint(np.array(case.people) * more).astype(np.int64)
    yes = np.clip(rng.binomial(people, YES), 5, people - 5)
    no = people - yes
    tpr, fpr = np.array(case.true_positive) + away, np.array(case.false_positive) + away
    hits, alarms = rng.binomial(yes, tpr), rng.binomial(no, fpr)
    right, chosen = YES * tpr + (1 - YES) * (1 - fpr), YES * tpr + (1 - YES) * fpr
    counts = {
        "selection_rate": (hits + alarms, yes + no, chosen), "true_positive_rate": (hits, yes, tpr),
        "false_positive_rate": (alarms, no, fpr), "false_negative_rate": (yes - hits, yes, 1 - tpr),
        "true_negative_rate": (no - alarms, no, 1 - fpr), "accuracy": (hits + no - alarms, yes + no, right),
        "precision": (hits, hits + alarms, YES * tpr / chosen),
    }  # fmt: skip
    share = people / people.sum(1, keepdims=True)
    weights = {"true_positive_rate": share, "false_positive_rate": share, "selection_rate": share}
    found: Found = {}
    many = len(case.people)
    for name, (top, bottom, truth) in counts.items():
        if bottom.min() < 1:
            raise SystemExit(f"{case.name}: a group without rows for {name}; make it larger")
        shares = shares_of(top[:, :, None], bottom[:, :, None])
        same(shares, top[:, :, None], bottom[:, :, None])
        found |= one_rate(name, shares, truth, many)
        if name in weights:
            found |= everybody(name, shares, truth, (truth * weights[name]).sum(1, keepdims=True), many)
    odds = shares_of(np.stack([hits, alarms], 2), np.stack([yes, no], 2))
    either = np.eye(2)
    difference = np.maximum(np.ptp(tpr, 1), np.ptp(fpr, 1))
    ratio = np.minimum(tpr.min(1) / tpr.max(1), fpr.min(1) / fpr.max(1))
    found["equalized_odds_difference"] = holds(odds, gaps.between(many, *either), difference)
    found["equalized_odds_ratio"] = holds(odds, gaps.between(many, *either), ratio, "ratio")
    balanced = shares_of(np.stack([hits, no - alarms], 2), np.stack([yes, no], 2))
    found |= one_rate("balanced_accuracy", balanced, (tpr + 1 - fpr) / 2, many, (0.5, 0.5))
    return found


def one_rate(name: str, shares: Shares, truth: Floats, groups: int, weights: tuple[float, ...] = (1.0,)) -> Found:
    """Return the value of the first group, its signed gap to the last one, and the worst gaps between groups."""
    at, pairs = np.eye(groups + 1), gaps.between(groups, weights)
    return {
        name: inside(gaps.signed(shares, np.outer(at[0], weights).ravel()), truth[:, 0]),
        f"{name}_gap": inside(
            gaps.signed(shares, np.outer(at[0] - at[groups - 1], weights).ravel()), truth[:, 0] - truth[:, -1]
        ),
        f"{name}_difference": holds(shares, pairs, np.ptp(truth, 1)),
        f"{name}_ratio": holds(shares, pairs, truth.min(1) / truth.max(1), "ratio"),
    }


def everybody(name: str, shares: Shares, truth: Floats, whole: Floats, groups: int) -> Found:
    """Return the worst gap between a group and everybody."""
    pairs = gaps.to_overall(groups, [1.0])
    return {
        f"{name}_difference to everybody": holds(shares, pairs, np.abs(truth - whole).max(1)),
        f"{name}_ratio to everybody": holds(shares, pairs, np.minimum(truth / whole, whole / truth).min(1), "ratio"),
    }


def means(values: list[Floats]) -> Shares:
    """Return the mean of the VALUES of each group, (audits, people) each, as shares."""
    value = np.stack([one.mean(1) for one in values], 1)
    many, people = len(values), np.array([one.shape[1] for one in values])
    covariance = np.zeros((len(value), many, many))
    for g, one in enumerate(values):
        covariance[:, g, g] = one.var(axis=1) / people[g]
    return Shares(value, covariance, np.broadcast_to(people.astype(np.float64), value.shape))


def ndcg(people: tuple[int, ...], none: tuple[float, ...], audits: int, rng: np.random.Generator) -> Found:
    """Return gaps of a mean over people that is 0 for a share NONE of a group, and skewed (Beta(1.2, 3)) else."""
    values = [
        rng.beta(1.2, 3.0, (audits, n)) * (rng.random((audits, n)) >= z) for n, z in zip(people, none, strict=True)
    ]
    shares = means(values)
    truth = (1 - np.array(none)) * 1.2 / 4.2
    c = np.zeros(len(people))
    c[0], c[-1] = 1.0, -1.0
    first, second = gaps.between(len(people), [1.0])
    pairs = first[:, : len(people)], second[:, : len(people)]
    return {
        "ndcg": inside(gaps.signed(shares, np.eye(len(people))[0]), truth[0]),
        "ndcg_gap": inside(gaps.signed(shares, c), truth[0] - truth[-1]),
        "ndcg_difference": holds(shares, pairs, np.ptp(truth)),
    }


def scores(people: tuple[int, ...], shift: tuple[float, ...], audits: int, rng: np.random.Generator) -> Found:
    """Return the calibration and AUC gaps of normal scores, those of yes higher by SHIFT, squeezed into [0, 1]."""
    groups = len(people)
    calibration, aucs = [], []
    for n, up in zip(people, shift, strict=True):
        chance = np.clip(rng.beta(2, 2, (audits, n)), 0.02, 0.98)
        calibration.append(
            (1 + chance + 0.05 * (up != shift[0]) * (1 - chance) - (rng.random((audits, n)) < chance)) / 2
        )
    gap = 0.05 * 0.5 * (np.array(shift) != shift[0])
    shares = means(calibration)
    first, second = gaps.between(groups, [1.0])
    pairs = first[:, :groups], second[:, :groups]
    found: Found = {"calibration_gap": inside(gaps.shifted(shares, 0), gap[0])}
    found["calibration_gap_difference"] = holds(shares, pairs, np.ptp(gap) / 2)
    normal = NormalDist()
    truth = np.array([normal.cdf(up / 2**0.5) for up in shift])
    group = np.repeat(np.arange(groups), people)
    for _ in range(audits):
        yes = rng.random(len(group)) < 0.4
        score = rng.normal(size=len(group)) + yes * np.array(shift)[group]
        parts = [(yes & (group == g), ~yes & (group == g)) for g in range(groups)]
        aucs.append(auc_shares(score, parts, np.arange(len(group)), len(group)))
    joined = Shares(*(np.stack([getattr(one, name) for one in aucs]) for name in ("value", "covariance", "units")))
    c = np.zeros(groups)
    c[0], c[-1] = 1.0, -1.0
    found["subgroup_auc"] = inside(gaps.signed(joined, np.eye(groups)[0]), truth[0])
    found["subgroup_auc_gap"] = inside(gaps.signed(joined, c), truth[0] - truth[-1])
    found["auc_difference"] = holds(joined, pairs, np.ptp(truth))
    return found


def inside(gap: Gap, truth: Floats | float) -> NDArray[np.bool_]:
    """Return which intervals of GAP hold the TRUTH."""
    return (gap.low <= truth + 1e-9) & (truth - 1e-9 <= gap.high)


def holds(
    shares: Shares, pairs: tuple[Floats, Floats], truth: Floats | float, how: worst_gap.How = "difference"
) -> NDArray[np.bool_]:
    """Return which intervals of the worst gap hold the TRUTH; stop unless the ends of the first few say the same."""
    truth = np.broadcast_to(np.asarray(truth, np.float64), shares.value.shape[:1])
    seed = int(shares.value[0].sum() * 2**40) % 2**31  # simulated noise of its own for each part
    found = gaps.holds(shares, pairs, truth, how, draws=DRAWS, seed=seed)
    few = slice(CHECKED)
    first = Shares(shares.value[few], shares.covariance[few], shares.units[few], shares.sure)
    ends = gaps.worst(first, pairs, how, draws=DRAWS, seed=seed)
    unsure = np.minimum(np.abs(ends.low - truth[few]), np.abs(ends.high - truth[few])) < 1e-3
    if (~unsure & (inside(ends, truth[few]) != found[few])).sum() > 1:  # simulated p-values may cross the level twice
        raise SystemExit("the ends of an interval and the test behind it do not agree")
    return found


@dataclass(frozen=True)
class Task:
    """Some audits of a setting: the number that they belong to, the words for the setting, how to draw them."""

    number: str
    setting: str
    draw: Callable[..., Found]
    arguments: tuple[Any, ...]
    audits: int
    part: int

    def found(self) -> Found:
        """Return which intervals of these audits held the truth."""
        rng = generator(11, "audit_interval_coverage", self.number, self.setting, str(self.part))
        return self.draw(*self.arguments, self.audits, rng)


def tasks(audits: int) -> list[Task]:
    """Return everything to be drawn, AUDITS of each setting in parts."""
    settings: list[tuple[str, str, Callable[..., Found], tuple[Any, ...]]] = []
    for number, cases in (("audit_coverage", CASES), ("audit_coverage_near_ties", NEAR),
                          ("audit_coverage_lattice", LATTICE)):  # fmt: skip
        settings += [(number, case.name, rates, (case,)) for case in cases]
    for people, shift in (((60, 300), (1.0, 1.0)), ((60, 300), (0.6, 1.2)), ((200, 200, 200), (1.0, 1.0, 1.0))):
        settings.append(("audit_coverage", f"scores {people} {shift}", scores, (people, shift)))
    for people, none in (((30, 600), (0.5, 0.5)), ((30, 600), (0.7, 0.5)), ((300, 600), (0.7, 0.6)),
                         ((100, 100, 100), (0.6, 0.6, 0.6))):  # fmt: skip
        settings.append(("audit_coverage_ndcg", f"ndcg {people} {none}", ndcg, (people, none)))
    parts = [min(PART, audits - at) for at in range(0, audits, PART)]
    return [Task(*setting, size, at) for setting in settings for at, size in enumerate(parts)]


def main() -> None:
    """Write the least and the most coverage of all metrics in all settings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--audits", type=int, default=AUDITS)
    audits = parser.parse_args().audits
    every = tasks(audits)
    kept: dict[str, dict[str, list[NDArray[np.bool_]]]] = {}
    with ProcessPoolExecutor(2) as pool:
        for one, found in zip(every, pool.map(Task.found, every), strict=True):
            for metric, inside_ in found.items():
                kept.setdefault(one.number, {}).setdefault(f"{metric}, {one.setting}", []).append(inside_)
            if (one.part + 1) * PART >= audits:
                print(f"done: {one.setting}", flush=True)
    for name, settings in kept.items():
        shares = {what: wilson(sum(int(part.sum()) for part in parts), audits) for what, parts in settings.items()}
        for what, share in sorted(shares.items(), key=lambda item: item[1].value):
            print(f"{name}: {share.value:.4f} {what}", flush=True)
        for side, pick in (("least", min), ("most", max)):
            what = pick(shares, key=lambda key: shares[key].value)
            protocol = f"{audits:,} made audits of each setting, {len(shares)} intervals: {what}"
            write_interval(f"{name}_{side}", shares[what], protocol)


if __name__ == "__main__":
    main()
