"""MovieLens-100K: lists for women are worse than those for men, re-found by the audit on all five official folds."""

import numpy as np

from benchmarks._claim import write, write_interval
from benchmarks._gap_sets import EASE, K, movielens
from consentinel.assure.fair._lists import lists, quality
from consentinel.assure.measure import Plan
from consentinel.assure.shelves import FAIR
from consentinel.core import gaps
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval

NAMES = ("ml100k_gender_gap", "ml100k_gender_gap_folds")
INPUTS = ("src/consentinel/models/recommend/ease.py", "benchmarks/_gap_sets.py")
METRIC = f"ndcg@{K}"


def main() -> None:
    """Write the gap of all folds together, by person, and on how many folds it is positive."""
    sums: dict[str, np.ndarray] = {}
    of: dict[str, str] = {}
    told, positive = [], 0
    for fold in range(1, 6):
        subject = movielens(fold)
        found = {(m.metric, m.slice): m for m in FAIR.take("consumer").probe(subject, Plan(draws=500))}
        gap = found[f"{METRIC}_gap", "gender=F"].estimate
        if gap is None:
            raise SystemExit(f"fold {fold}: {found[f'{METRIC}_gap', 'gender=F'].why}")
        positive += gap.value < 0  # of women against men
        told.append(f"{-gap.value:.3f} [{-gap.high:.3f}, {-gap.low:.3f}]")
        print(fold, told[-1], flush=True)
        values, known = quality(lists(subject))
        for who, group, value, there in zip(
            subject.groups["unit"].to_pylist(), subject.attribute("gender"), values[METRIC], known, strict=True
        ):
            sums[who] = sums.get(who, np.zeros(2)) + np.array([value * there, there])
            of[who] = str(group)
    both = np.stack(list(sums.values()))
    code = np.array([int(of[who] == "F") for who in sums])
    shares = by_group(both[:, :1], both[:, 1:], code, 2)
    one = gaps.signed(shares, [1.0, -1.0, 0.0])
    estimate = Interval(float(one.value), float(one.low), float(one.high), len(both), 0.95, "people as clusters")
    protocol = f"{EASE}, official folds, every test rating relevant; mean nDCG@{K} of men less that of women"
    write_interval("ml100k_gender_gap", estimate, f"{protocol}, all folds, people as clusters; p {float(one.p):.1g}")
    print(estimate, float(one.p))
    write(
        "ml100k_gender_gap_folds", value=positive, low=positive, high=positive, n=5,
        protocol=f"{protocol}: folds where it is above 0; by fold {'; '.join(told)}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
