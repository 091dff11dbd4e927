"""How many of the claims that a scan makes of real captures are right, by two annotators who judged them blind."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _claim import write, write_interval
from _real_claims import ANSWERS, LABELS, QUESTIONS, draw, found, read, sheets, taken, unseen
from consentinel.core.resample import Interval, cluster_bootstrap, ratio

NAMES = ("real_world_claims", "real_world_precision", "real_world_kappa")
INPUTS = ("benchmarks/labels/real_world_*.csv", "runs/real-world/sheet_*.csv")
SEED = 44


@dataclass(frozen=True, slots=True)
class Judged:
    """One claim with both annotators' answers: (carries, third_party) each, and how many claims it stands for."""

    type: str
    cluster: str
    a: tuple[str, str]
    b: tuple[str, str]
    weight: float

    @property
    def verdicts(self) -> tuple[str, str]:
        """What each says of the claim as a whole: no when any part is wrong, yes when all of it is right."""
        a, b = ("no" if "no" in told else "unsure" if "unsure" in told else "yes" for told in (self.a, self.b))
        return a, b


def judged(files: list[Path], made: Counter[tuple[str, str]], still: frozenset[str]) -> tuple[list[Judged], int]:
    """Return the claims of the draw that are STILL made, with both answers, and how many of the draw are not.

    MADE has the number of claims of today's scan by (type, source): a drawn claim stands for its share of them.
    """
    drawn, a, b = ({row["claim"]: row for row in read(file)} for file in (LABELS / "real_world_draw.csv", *files))
    missing = [claim for claim in drawn if claim not in a or claim not in b]
    if missing:
        raise SystemExit(f"{len(missing)} drawn claims lack an answer, the first is {missing[0]}")
    kept = [row for row in drawn.values() if row["claim"] in still]
    sampled = Counter((row["type"], row["source"]) for row in kept)
    rows = []
    for row in kept:
        one, two = ((told[row["claim"]][QUESTIONS[0]], told[row["claim"]][QUESTIONS[1]]) for told in (a, b))
        stratum = row["type"], row["source"]
        rows.append(Judged(row["type"], row["cluster"], one, two, made[stratum] / sampled[stratum]))
    return rows, len(drawn) - len(kept)


def precision(rows: list[Judged], *, agreed: bool = False, weighted: bool = True) -> tuple[float, float, float]:
    """Return the share of right claims with its 95% interval clustered by recipient.

    A claim is right when both annotators say so: where they differ, or are unsure, it counts as wrong. With AGREED only
    claims on which both decided alike count at all. WEIGHTED: each claim stands for its stratum of today's scan.
    """
    if agreed:
        rows = [row for row in rows if row.verdicts in (("yes", "yes"), ("no", "no"))]
    if not rows:
        return float("nan"), float("nan"), float("nan")
    right = np.array([row.verdicts == ("yes", "yes") for row in rows], float)
    weight = np.array([row.weight if weighted else 1.0 for row in rows])
    clusters = np.array([row.cluster for row in rows])
    n = len(set(clusters.tolist()))
    value = float((right * weight).sum() / weight.sum())
    if right.all() or not right.any():  # nothing varies: exact by clusters
        low, high = (0.025 ** (1 / n), 1.0) if right.all() else (0.0, 1 - 0.025 ** (1 / n))
        return value, low, high
    if n < 2:
        return value, 0.0, 1.0
    between = cluster_bootstrap(np.column_stack([right * weight, weight]), clusters, ratio, seed=SEED)
    return value, max(between.low, 0.0), min(between.high, 1.0)


def kappas(answers: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Cohen's kappa of two annotators for each row of WEIGHTS (b, n).

    ANSWERS is (n, 2): the number of each answer in ANSWERS. Nan where both gave one answer only.
    Source: Cohen, "A coefficient of agreement for nominal scales", 1960.
    """
    k = len(ANSWERS)
    cell = answers[:, 0] * k + answers[:, 1]
    table = weights @ (cell[:, None] == np.arange(k * k)[None, :]).astype(float)
    share = (table / table.sum(axis=1, keepdims=True)).reshape(-1, k, k)
    seen = np.trace(share, axis1=1, axis2=2)
    chance = (share.sum(axis=2) * share.sum(axis=1)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1, (seen - chance) / (1 - chance), np.nan)


def kappa(pairs: list[tuple[str, str]], clusters: list[str]) -> Interval:
    """Return Cohen's kappa of PAIRS of answers with its interval clustered by CLUSTERS."""
    coded = np.array([[ANSWERS.index(a), ANSWERS.index(b)] for a, b in pairs], float)
    return cluster_bootstrap(coded, np.array(clusters), kappas, seed=SEED, method="percentile")


def main() -> None:
    """Write the sheets where there are no answers yet, else the numbers."""
    claims = found()
    files = [taken("a"), taken("b")]
    if None in files:
        names = ", ".join(file.name for file in sheets(draw(unseen(claims))))
        raise SystemExit(f"no answers yet: {names} are written; each annotator answers one sheet")
    made = Counter((claim.type, claim.source) for claim in claims)
    rows, gone = judged([f for f in files if f], made, frozenset(claim.id for claim in claims))
    clusters = [row.cluster for row in rows]
    verdicts = kappa([row.verdicts for row in rows], clusters)
    parts = {q: kappa([(row.a[i], row.b[i]) for row in rows], clusters).value for i, q in enumerate(QUESTIONS)}
    same = sum(row.verdicts[0] == row.verdicts[1] for row in rows)
    differ = sum(set(row.verdicts) == {"yes", "no"} for row in rows)
    value, low, high = precision(rows)
    shown = {
        "only where both decided alike": precision(rows, agreed=True),
        "unweighted": precision(rows, weighted=False),
    }
    per_type = {t: [r for r in rows if r.type == t] for t in sorted({r.type for r in rows})}
    for name, some in per_type.items():
        share = precision(some)
        print(f"{name}: {share[0]:.3f} ({share[1]:.3f} to {share[2]:.3f}) of {len(some)}", flush=True)
    told = (
        f"site x recipient x type x field; {len(rows):,} judged of the {sum(made.values()):,} that today's scan makes"
        f"{f', {gone} of the draw are no longer made' if gone else ''}; two annotators, blind to each other"
        " and to the scan's probability"
    )
    more = "; ".join(f"{what}: {v:.3f} ({a:.3f} to {b:.3f})" for what, (v, a, b) in shown.items())
    types = "; ".join(f"{name} {precision(some)[0]:.2f} of {len(some)}" for name, some in per_type.items())
    n = len(rows)
    write("real_world_claims", value=n, low=n, high=n, n=n, protocol=told)
    write(
        "real_world_precision", value=value, low=low, high=high, n=n,
        protocol=f"{told}; right: both say that the field carries the type and that the recipient is another company; "
        f"{n - same} answered differently ({differ} yes against no), these and unsure ones count as wrong; weighted to "
        f"all claims by type and source, interval clustered by recipient; {more}; by type: {types}",
    )  # fmt: skip
    write_interval(
        "real_world_kappa", verdicts,
        f"Cohen's kappa of yes, no, unsure on the whole claim; agreement {same / n:.3f}; "
        + "; ".join(f"{question} {k:.3f}" for question, k in parts.items()) + "; interval clustered by recipient", n=n,
    )  # fmt: skip


if __name__ == "__main__":
    main()
