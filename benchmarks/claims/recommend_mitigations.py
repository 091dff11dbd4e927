"""Mitigations recommended for HHS breaches from what happened alone, against how frequent they are and against nearest
neighbours, learned from earlier years; and how often the rules that read mitigations from sentences are right."""

import csv
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write, write_interval
from consentinel.core.resample import cluster_bootstrap
from consentinel.core.stats import wilson
from consentinel.understand.recommending.actions import Narrative, Rule, sentences, told
from consentinel.understand.recommending.cases import fields
from consentinel.understand.recommending.catalog import opened
from consentinel.understand.recommending.learned import Known, learned

NAMES = (
    "recommend_over_prevalence",
    "recommend_over_neighbour",
    "recommend_calibration_error",
    "mitigation_rules_precision",
)
INPUTS = (
    "src/consentinel/understand/recommending/*.py",
    "src/consentinel/understand/data/mitigations*.toml",
    "benchmarks/labels/mitigation_sentences.csv",
)
TESTED, AT = (2019, 2020, 2021, 2022), 3
SHEET = ROOT / "benchmarks" / "labels" / "mitigation_sentences.csv"
Floats = NDArray[np.float64]


def records() -> list[dict[str, Any]]:
    """Return the HHS breaches that have a narrative, in the order of time."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "understand"
    file = shared / "hhs_breaches" / "records.parquet"
    if not file.is_file():
        raise SystemExit("no hhs_breaches: set CONSENTINEL_SHARED_DATA to the folder that has it under understand/")
    rows = [row for row in pq.read_table(file).to_pylist() if row["description"]]
    return sorted(rows, key=lambda row: (row["submitted"], row["record_id"]))


def known_of(rows: Sequence[dict[str, Any]], told_: Sequence[Narrative], rules: Sequence[Rule]) -> Known:
    """Return ROWS as past cases; of what happened, sentences that any rule finds a mitigation in are hidden as well."""
    texts = [" ".join(s for s in sentences(one.before) if not any(r.tells(s) for r in rules)) for one in told_]
    said = []
    for row in rows:
        facts = [{"name": name, "value": str(row[name])} for name in ("location", "entity_type", "business_associate")]
        people = int(row["individuals_affected"] or 0)
        said.append(fields({"kind": "incident", "category": row["breach_type"], "severity": None, "labels": None,
                            "data_types": None, "region": row["state"], "people": people, "facts": facts}))  # fmt: skip
    did = np.array([[rule.name in one.actions for rule in rules] for one in told_], np.float64)
    days = np.array([row["submitted"].toordinal() for row in rows], np.float64)
    return Known([str(row["record_id"]) for row in rows], texts, said, days, did, np.ones_like(did))


def ndcg(score: Floats, did: Floats) -> Floats:
    """Return nDCG at AT of each row of SCORE, binary gains DID (Jaervelin and Kekaelaeinen 2002)."""
    order = np.argsort(-score, axis=1, kind="stable")[:, :AT]
    discount = 1 / np.log2(np.arange(2, AT + 2))
    ideal = np.cumsum(discount)[np.minimum(did.sum(1), AT).astype(int) - 1]
    return np.asarray((np.take_along_axis(did, order, 1) * discount).sum(1) / ideal, np.float64)


def neighbours(near: NDArray[np.int64], similar: Floats, past: Known, k: int, base: Floats) -> Floats:
    """Return the votes of the K nearest past cases, by similarity; a little of the base decides between equals."""
    pull = similar[:, :k, None]
    return np.asarray((pull * past.did[near[:, :k]]).sum(1) / (pull.sum(1) + 1e-9) + 1e-3 * base, np.float64)


def bins_error(p: Floats, did: Floats, bins: int = 15) -> float:
    """Return the calibration error over bins of equal mass: mean distance between what was said and what was so."""
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, bins)
    return float(sum(len(one) * abs(p[one].mean() - did[one].mean()) for one in parts) / len(p))


def precision(rows: Sequence[dict[str, Any]], told_: Sequence[Narrative], rules: Sequence[Rule]) -> None:
    """Compare what the rules say of the labelled sentences, each found again by its record and digest."""
    said = {(str(r["record_id"]), sha256(s.encode()).hexdigest()[:16]): s
            for r, one in zip(rows, told_, strict=True) for s in one.corrective}  # fmt: skip
    hits = misses = wrong = 0
    with SHEET.open(encoding="utf-8") as file:
        labelled = list(csv.DictReader(file))
    for line in labelled:
        sentence = said[line["record_id"], line["sentence"]]
        found, there = {rule.name for rule in rules if rule.tells(sentence)}, set(line["mitigations"].split())
        hits, wrong, misses = hits + len(found & there), wrong + len(found - there), misses + len(there - found)
    one = wilson(hits, hits + wrong)
    write_interval(
        "mitigation_rules_precision", one, f"{len(labelled)} corrective sentences of HHS narratives, drawn evenly over "
        "the mitigations from records that the rules were not written on, and labelled before their answer was seen; "
        f"share of the mitigations said that are there; of those there, {hits / (hits + misses):.3f} were said",
    )  # fmt: skip
    print(f"mitigation_rules_precision {one.value:.4f} [{one.low:.4f}, {one.high:.4f}] {hits / (hits + misses):.3f}")


def main() -> None:
    """Learn from the years before each tested year, rank, compare, and keep the four numbers."""
    rules = opened().rules
    rows = records()
    narratives = [told(row["description"], rules) for row in rows]
    precision(rows, narratives, rules)
    fine = [i for i, one in enumerate(narratives) if one.actions]
    whole = known_of([rows[i] for i in fine], [narratives[i] for i in fine], rules)
    year = np.array([rows[i]["submitted"].year for i in fine])
    week = np.array([rows[i]["submitted"].toordinal() // 7 for i in fine])
    literal = np.array([any("in response" in s.lower() for s in narratives[i].corrective) for i in fine])
    ways: dict[str, list[Floats]] = {}
    probabilities = []
    for one in TESTED:
        past, now = whole.some(np.flatnonzero(year < one)), whole.some(np.flatnonzero(year == one))
        model = learned(past)
        said = model.says(now.texts, now.fields)
        every = np.tile(past.did.mean(0), (len(now.ids), 1))
        scores = {
            "ours": said.p,
            "prevalence": every,
            "prevalence, newer ones more": np.tile(model.base, (len(every), 1)),
        }
        for k in (1, 5, 25):
            scores[f"{k} nearest"] = neighbours(said.near, said.similar, past, k, past.did.mean(0))
        for name, score in scores.items():
            ways.setdefault(name, []).append(ndcg(score, now.did))
        probabilities.append((said.p, now.did))
    found = {name: np.concatenate(parts) for name, parts in ways.items()}
    tested = np.isin(year, TESTED)
    told_of = "; ".join(f"{name} {values.mean():.4f}" for name, values in found.items())
    print(told_of)
    how = (
        f"nDCG@{AT} of {len(rules)} mitigations for {int(tested.sum()):,} HHS breaches of {TESTED[0]} to {TESTED[-1]} "
        "that tell of any; read by fixed rules from the corrective part of the narrative, which is hidden, as is "
        "each earlier sentence that a rule knows; learned from the years before each tested year only, settings chosen "
        f"on 2017 and 2018; paired, interval by weeks; {told_of}"
    )
    for name, others in ((NAMES[0], "prevalence"), (NAMES[1], "nearest")):
        best = max((other for other in found if others in other), key=lambda other: found[other].mean())
        gain = found["ours"] - found[best]
        told_again = cluster_bootstrap(gain, week[tested], seed=8)
        small = literal[tested]
        alone = cluster_bootstrap(gain[small], week[tested][small], seed=8)
        of_small = f"'In response': {alone.value:.4f} [{alone.low:.4f}, {alone.high:.4f}], n={int(small.sum()):,}"
        over = f"{how}; over the best of them with hindsight, {best}; of narratives that say {of_small}"
        write_interval(name, told_again, over, n=int(tested.sum()))
        print(f"{name:28} {told_again.value:.4f} [{told_again.low:.4f}, {told_again.high:.4f}] over {best}; {of_small}")
    p, did = (np.concatenate([pair[i].ravel() for pair in probabilities]) for i in (0, 1))
    error = bins_error(p, did)
    cases = np.repeat(np.arange(len(week[tested])), len(rules))
    rng = np.random.default_rng(8)
    drawn = []
    for _ in range(200):
        at = (rng.integers(0, cases[-1] + 1, cases[-1] + 1)[:, None] * len(rules) + np.arange(len(rules))).ravel()
        drawn.append(bins_error(p[at], did[at]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    write(NAMES[2], value=error, low=float(min(low, error)), high=float(high), n=len(p),
          protocol=f"calibration error over 15 bins of equal mass of the probabilities behind {NAMES[0]}; {how}; "
          "interval by cases, 200 draws")  # fmt: skip
    print(f"{NAMES[2]:28} {error:.4f} [{low:.4f}, {high:.4f}]")


if __name__ == "__main__":
    main()
