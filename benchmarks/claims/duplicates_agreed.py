"""Pairs of records labelled twice, blind, and what `understand group` says of them: precision at recall 0.9."""

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import write, write_interval
from benchmarks._duplicates import PAIRS, labelled, runs
from consentinel.core.resample import cluster_bootstrap
from consentinel.core.stats import wilson
from consentinel.understand import group

NAMES = (
    "duplicates_precision",
    "duplicates_precision_all",
    "duplicates_kappa",
    "duplicates_links_right",
    "duplicates_links_found",
)
INPUTS = ("benchmarks/data/duplicates_*.csv",)
RECALL, SEED = 0.9, 8
Floats = NDArray[np.float64]


def chances(rows: list[dict[str, str]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the chance that a run of group lists for each pair, 0 where it lists none, and whether its link stands."""
    found, stands = np.zeros(len(rows)), np.zeros(len(rows), bool)
    with runs() as made:
        for name, (folder, ids) in made.items():
            out = group(folder, out=folder / "group", topics="0")
            table = pq.read_table(out.tables["links"], columns=["left", "right", "chance", "stands"]).to_pylist()
            links = {frozenset((row["left"], row["right"])): row for row in table}
            for at, row in enumerate(rows):
                if row["id_1"].startswith(f"{name}:"):
                    link = links.get(frozenset((ids[row["id_1"]], ids[row["id_2"]])))
                    if link is not None:
                        found[at], stands[at] = link["chance"], link["stands"]
    return found, stands


def at_recall(values: Floats, weights: Floats) -> Floats:
    """Return the precision (b,) where recall first reaches RECALL, of VALUES (n, 2): chance, same; WEIGHTS (b, n)."""
    order = np.argsort(-values[:, 0], kind="stable")
    drawn = weights[:, order]
    right, every = np.cumsum(drawn * values[order, 1], axis=1), np.cumsum(drawn, axis=1)
    at = (right >= RECALL * right[:, -1:] - 1e-9).argmax(axis=1)
    picked = np.arange(len(drawn))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(right[picked, at] / every[picked, at])


def kappa(values: Floats, weights: Floats) -> Floats:
    """Return Cohen's kappa (b,) of two labels, VALUES (n, 2), under WEIGHTS (b, n)."""
    n = weights.sum(axis=1)
    one, other = weights @ values[:, 0] / n, weights @ values[:, 1] / n
    agreed = weights @ (values[:, 0] == values[:, 1]) / n
    chance = one * other + (1 - one) * (1 - other)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((agreed - chance) / (1 - chance))


def main() -> None:
    """Measure and write."""
    rows = labelled(PAIRS)
    labels = np.array([[float(row["label_1"]), float(row["label_2"])] for row in rows])
    agreed, same = labels[:, 0] == labels[:, 1], labels.min(axis=1)
    chance, stands = chances(rows)
    drawn = (
        f"{len(rows)} pairs (breach narratives, breach notices, app reviews, policy segments), thirty in each tenth of "
        "TF-IDF cosine, none of equal texts, drawn before any model ran; labelled twice, blind, with a written guide"
    )
    values = np.stack([chance, same], axis=1)
    ends = {}
    for name, kept, what in (
        ("duplicates_precision", agreed, f"the {agreed.sum()} that both labels agree on"),
        ("duplicates_precision_all", np.ones(len(rows), bool), "all, those of two labels taken for different"),
    ):
        ends[name] = cluster_bootstrap(values[kept], np.arange(kept.sum()), at_recall, seed=SEED, method="percentile")
        write_interval(name, ends[name], f"{drawn}; {what}; precision where recall reaches 0.9, of links by the chance "
                       "that understand group lists (0 where it lists none); 2,000 draws of pairs")  # fmt: skip
    found = cluster_bootstrap(labels, np.arange(len(rows)), kappa, seed=SEED, method="percentile")
    write_interval("duplicates_kappa", found, f"{drawn}; Cohen's kappa; 2,000 draws of pairs")
    linked, wanted = stands & agreed, (same > 0) & agreed
    right, told = wilson(int((linked & wanted).sum()), int(linked.sum())), wilson(int((linked & wanted).sum()),
                                                                                 int(wanted.sum()))  # fmt: skip
    for name, one, what in (
        ("duplicates_links_right", right, "links that stand without a person (chance at least 0.7): share right"),
        ("duplicates_links_found", told, "same pairs: share with a link that stands without a person"),
    ):
        write(name, value=one.value, low=one.low, high=one.high, n=one.n,
              protocol=f"{drawn}; pairs that both labels agree on; {what}; Wilson interval")  # fmt: skip


if __name__ == "__main__":
    main()
