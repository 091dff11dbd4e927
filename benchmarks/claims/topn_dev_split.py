"""Top-n on MovieLens-1M m1 and AmazonCDs m1, dev-split: our best recommender against UltraGCN and LightGCN.

The published test parts are withheld, so a fifth of each person's training history is the test, and a fifth of the rest
decides all settings, the peers' too. UltraGCN is written again (benchmarks/_peers_ultragcn.py), so nothing is written
unless it stands to a simple recommender as it does on the published test, within 1%. Arguments: the sets (ml1m, cds).
"""

import sys
from collections.abc import Iterator
from itertools import product

import numpy as np
import pyarrow as pa

from benchmarks._claim import write
from benchmarks._peers_ultragcn import UltraGCN, ultragcn
from benchmarks._recommending import Candidate, Task, held, measured, retrieving, shared, task, tuned
from consentinel.models.evaluation import intervals, ranking
from consentinel.models.recommend import ease, graph_filter, ials, item_knn, lightgcn, popularity, slim, two_stage

SETS = {"ml1m": ("movielens-1m-implicit", "m1_train.parquet"), "cds": ("amazon-cds-topn", "train.parquet")}
PUBLISHED = {
    "ml1m": "UltraGCN .2787/.2642, SimpleX .2802/.2670, LightGCN .2576/.2427",
    "cds": "UltraGCN .1622/.1043",
}
# Recall@20 of UltraGCN over that of a simple recommender on the published test part: .2787 / .2759, .1622 / .1504.
ANCHORS = {
    "ml1m": (Candidate("ease", ease.fit, ease.SETTINGS(reg=500.0)), 0.2787 / 0.2759),
    "cds": (Candidate("item_knn", item_knn.fit, item_knn.SETTINGS()), 0.1622 / 0.1504),
}
NAMES = ("topn_ml1m_recall", "topn_ml1m_ndcg", "topn_cds_recall", "topn_cds_ndcg")
INPUTS = (
    "src/consentinel/models/recommend/ease.py",
    "src/consentinel/models/recommend/slim.py",
    "src/consentinel/models/recommend/lightgcn.py",
    "src/consentinel/models/recommend/two_stage.py",
    "benchmarks/_peers_ultragcn.py",
    "benchmarks/_recommending.py",
)
K, SEED = 20, 0
PEERS = ("UltraGCN", "LightGCN")
STAGES = {"ml1m": ("slim", "ease", "ials", "item_knn"), "cds": ("slim", "item_knn", "ials", "graph_filter")}


def ours(name: str) -> Iterator[Candidate]:
    """Yield what is tried of our parts on set NAME, without the two stages; 35,648 items are too many for EASE here."""
    yield Candidate("popularity", popularity.fit, popularity.SETTINGS())
    many = name == "cds"
    for neighbours, shrink in product((100, 300), (10.0, 50.0) if not many else (2.0, 10.0)):
        yield Candidate("item_knn", item_knn.fit, item_knn.SETTINGS(neighbours=neighbours, shrink=shrink))
    for l1, l2 in product((0.5, 2.0), (200.0, 600.0)) if not many else product((0.0, 0.5), (5.0, 20.0)):
        yield Candidate("slim", slim.fit, slim.SETTINGS(l1=l1, l2=l2, neighbours=100 if many else 300))
    for factors, reg in ((64, 10.0), (128, 30.0)) if not many else ((128, 5.0), (256, 20.0)):
        yield Candidate("ials", ials.fit, ials.SETTINGS(factors=factors, reg=reg, alpha=5.0))
    for rank in (64, 256):
        yield Candidate("graph_filter", graph_filter.fit, graph_filter.SETTINGS(rank=rank))
    if not many:
        for reg, dropout in product((200.0, 400.0), (0.0, 0.3)):
            yield Candidate("ease", ease.fit, ease.SETTINGS(reg=reg, dropout=dropout))


def peers() -> Iterator[Candidate]:
    """Yield what is tried of the published recommenders."""
    for steps in (150, 300, 600):
        yield Candidate("LightGCN", lightgcn.fit, lightgcn.SETTINGS(steps=steps))
    for epochs, gamma, lambda_ in product((30, 90), (1e-4, 1e-2), (1e-3, 1.0)):
        yield Candidate("UltraGCN", ultragcn, UltraGCN(epochs=epochs, gamma=gamma, lambda_=lambda_))


def chosen(name: str, at: Task) -> tuple[Candidate, list[Candidate]]:
    """Return our part and settings, and each peer's settings, that are best on validation within the rows of AT."""
    user, item = (np.asarray(at.rows[column].cast(pa.string()).cast(pa.int64())) for column in ("user", "item"))
    inner = task(user, item, held(user, 0.2, SEED, name, "validation"), K)
    best = tuned(ours(name), inner, "ndcg", SEED)
    stages = two_stage.SETTINGS(retrievers=retrieving(best, STAGES[name]))
    best = tuned([Candidate("two_stage", two_stage.fit, stages)], inner, "ndcg", SEED, best)
    theirs = tuned(peers(), inner, "ndcg", SEED)
    return max(best.values(), key=lambda one: one[0])[1], [theirs[who][1] for who in PEERS]


def main() -> None:
    """Measure and write the numbers of the sets in the arguments, or of both."""
    for name in sys.argv[1:] or SETS:
        table = shared(*SETS[name])
        user, item = (np.asarray(table[column]).astype(np.int64) for column in ("user", "item"))
        at = task(user, item, held(user, 0.2, SEED, name, "test"), K)
        mine, theirs = chosen(name, at)
        tables = {one.who: measured(one, at, SEED) for one in theirs}
        anchor, ratio = ANCHORS[name]
        floor = 0.99 * ratio * float(np.mean(measured(anchor, at, SEED)["recall"]))
        reached = float(np.mean(tables["UltraGCN"]["recall"]))
        if reached < floor:
            raise SystemExit(f"{name}: our UltraGCN has recall {reached:.4f}, less than {floor:.4f}: no fair peer yet")
        own = measured(mine, at, SEED)
        for metric in ("recall", "ndcg"):
            values = {who: ranking.values(one, metric) for who, one in tables.items()}
            peer = max(PEERS, key=lambda who: values[who].mean())
            gap = intervals.difference(ranking.values(own, metric), values[peer], seed=SEED)
            told = "; ".join(f"{who} {one.mean():.4f}" for who, one in values.items())
            write(
                f"topn_{name}_{metric}", value=gap.value, low=gap.low, high=gap.high, n=gap.n,
                protocol=f"{metric}@20 on a fifth of each person's history of the published training part (the test "
                f"part is withheld), all unseen items ranked, everything tuned on a fifth of the rest: ours {mine.who} "
                f"{mine.settings} {np.mean(own[metric]):.4f} minus the best peer ({peer}), paired, bootstrap over "
                f"people; {told}. Published on the withheld test part, Recall@20/NDCG@20: {PUBLISHED[name]}",
            )  # fmt: skip
            print(name, metric, mine.who, round(float(np.mean(own[metric])), 4), told, gap, flush=True)


if __name__ == "__main__":
    main()
