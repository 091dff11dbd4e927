"""What mitigation leaves of a gap, and what it costs, on Adult, HateCheck-style text and MovieLens-100K.

Rules are tested on people that they were not chosen on. Arguments: adult, text or ml100k, else all.
A gap is at least halved where what is left, less half of what there was, is at most 0: that is the number kept, with
its interval. A loss is utility before less after, paired.
"""

import math
import sys

import numpy as np

from benchmarks._claim import write, write_interval
from benchmarks._gap_sets import K, adult, hatecheck, movielens
from consentinel.assure.fair._lists import lists, quality
from consentinel.assure.fair._rates import grouped
from consentinel.assure.mitigate._compared import gap_change, mean_change
from consentinel.assure.mitigate._result import Change
from consentinel.assure.mitigating import applied
from consentinel.core.stats import Interval

NAMES = (
    "mitigation_gap_adult", "mitigation_loss_adult", "mitigation_gap_text", "mitigation_loss_text",
    "mitigation_gap_ml100k", "mitigation_loss_ml100k",
)  # fmt: skip
INPUTS = ("benchmarks/_gap_sets.py",)
ADULT = ("thresholds:demographic_parity", "reweigh", "constraint")
TOLD = "thresholds:equalized_odds"  # another gap, told beside
TEXT = "thresholds:equalized_odds:balanced_accuracy"


def halved(gap: Change) -> Interval:
    """Return what is left less half of what there was; interval as if the two were independent, unless paired."""
    before, after, change = gap.before, gap.after, gap.change
    value = after.value - before.value / 2
    if gap.better == "zero":  # paired: after - before / 2 = change + before / 2, whose errors pull against each other
        low = value - math.hypot(change.value - change.low, (before.value - before.low) / 2)
        high = value + math.hypot(change.high - change.value, (before.high - before.value) / 2)
    else:
        low = value - math.hypot(after.value - after.low, (before.high - before.value) / 2)
        high = value + math.hypot(after.high - after.value, (before.value - before.low) / 2)
    return Interval(value, low, high, before.n, before.level, "")


def kept(where: str, gap: Change, utility: Change, told: str) -> None:
    """Write gap and loss of the mitigation WHERE."""
    left, lost = halved(gap), utility.change
    about = (
        f"{told}; {gap.metric} {shown(gap.before)} before, {shown(gap.after)} after, change {shown(gap.change)}; "
        f"{utility.metric} {shown(utility.before)} before, {shown(utility.after)} after"
    )
    print(where, left, about, flush=True)
    write_interval(f"mitigation_gap_{where}", left, f"gap left less half of the gap before: {about}")
    write(f"mitigation_loss_{where}", value=-lost.value, low=-lost.high, high=-lost.low, n=lost.n, protocol=about)


def shown(found: Interval) -> str:
    """Return an interval as text."""
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"


def of_adult() -> None:
    """Write Adult: of three ways against demographic parity the one that leaves the most, by its interval."""
    subject = adult()
    made = {part: applied(subject, part, "sex", seed=0) for part in (*ADULT, TOLD)}
    told = [
        f"{part}: {one.gap.metric} {shown(one.gap.before)} to {shown(one.gap.after)}, "
        f"accuracy {shown(one.utility.change)}"
        for part, one in made.items()
    ]
    worst = max(ADULT, key=lambda part: halved(made[part].gap).high)
    one = made[worst]
    kept(
        "adult", one.gap, one.utility, f"logistic regression, sex; {worst}, the least of three ways; {'; '.join(told)}"
    )


def of_text() -> None:
    """Write HateCheck."""
    made = applied(hatecheck(), TEXT, "target", seed=0)
    about = f"TF-IDF model of Davidson on HateCheck, seven targets, {TEXT}; balanced accuracy 0.5 is chance"
    kept("text", made.gap, made.utility, about)


def of_movielens() -> None:
    """Write MovieLens-100K, all folds together by person."""
    sums: dict[str, np.ndarray] = {}
    of: dict[str, str] = {}
    for fold in range(1, 6):
        subject = movielens(fold)
        made = applied(subject, "rerank", "gender", seed=fold)
        print(fold, made.told, shown(made.gap.before), shown(made.gap.after), shown(made.utility.change), flush=True)
        both = [quality(lists(one)) for one in (subject, subject.answered(made.answers))]
        columns = [c for values, known in both for c in (values[f"ndcg@{K}"], known.astype(np.float64))]
        for who, group, row in zip(
            subject.groups["unit"].to_pylist(), subject.attribute("gender"), np.stack(columns, axis=1), strict=True
        ):
            sums[who] = sums.get(who, np.zeros(4)) + row
            of[who] = str(group)
    table = np.stack(list(sums.values()))
    before, after = ((table[:, [at]], table[:, [at + 1]]) for at in (0, 2))
    groups = grouped("gender", np.array([of[who] for who in sums], dtype=object))
    gap = gap_change(f"ndcg@{K}_difference", [before, after], groups)
    kept("ml100k", gap, mean_change(f"ndcg@{K}", before, after), "EASE, gender, rerank, five official folds, by person")


def main() -> None:
    """Measure what the arguments name, or all."""
    ways = {"adult": of_adult, "text": of_text, "ml100k": of_movielens}
    for name in sys.argv[1:] or ways:
        ways[name]()


if __name__ == "__main__":
    main()
