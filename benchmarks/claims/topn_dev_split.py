"""Top-n on MovieLens-1M m1 and AmazonCDs m1, dev-split: our best recommender against UltraGCN and LightGCN.

The published test parts are withheld, so a part of each person's training history is the test, about as large as the
published one, and a tenth of the rest decides all settings, the peers' too, and when they stop learning. UltraGCN is
written again (_peers_ultragcn.py) and LightGCN is ours, so each has a number of its own that says whether it is a fair
peer: its recall over that of a simple recommender, relative to the same on the published test part. The split is a
second draw: on the first, peers that stood as published on validation fell behind once they were fitted to all rows, so
their regularisation was put right and another part is tested. On AmazonCDs our UltraGCN did not learn within the time
of two cores (nDCG 0.005 on validation where item-kNN has 0.054), so it is no peer there: ours is held against item-kNN,
and how far ahead of it ours is against how far ahead of it UltraGCN is published. Arguments: the sets (ml1m, cds).
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import _peers_ultragcn
from benchmarks._claim import write, write_interval
from benchmarks._peers_ultragcn import UltraGCN, ultragcn
from benchmarks._recommending import Candidate, Task, held, measured, retrieving, shared, task, tuned
from consentinel.core import resample
from consentinel.core.rng import generator
from consentinel.models.evaluation import intervals, ranking
from consentinel.models.recommend import ease, graph_filter, ials, item_knn, lightgcn, popularity, slim, two_stage

SETS = {"ml1m": ("movielens-1m-implicit", "m1_train.parquet"), "cds": ("amazon-cds-topn", "train.parquet")}
# Recall@20 on the published test part: a simple recommender that was run there, plain as here, and the peers' figures.
ANCHORS = {
    "ml1m": ([Candidate("ease", ease.fit, ease.SETTINGS(reg=reg)) for reg in (500.0, 1000.0)], 0.2759),
    "cds": ([Candidate("item_knn", item_knn.fit, item_knn.SETTINGS(shrink=shrink)) for shrink in (2.0, 10.0)], 0.1504),
}
PUBLISHED = {"ml1m": {"UltraGCN": 0.2787, "LightGCN": 0.2576}, "cds": {"UltraGCN": 0.1622}}
ALSO = {"ml1m": "nDCG@20 UltraGCN .2642, LightGCN .2427; SimpleX .2802/.2670", "cds": "nDCG@20 UltraGCN .1043"}
NAMES = (
    "topn_ml1m_recall",
    "topn_ml1m_ndcg",
    "topn_ml1m_ultragcn_ratio",
    "topn_ml1m_lightgcn_ratio",
    "topn_cds_recall",
    "topn_cds_ndcg",
    "topn_cds_published_ratio",
)
INPUTS = (
    "src/consentinel/models/recommend/ease.py",
    "src/consentinel/models/recommend/slim.py",
    "src/consentinel/models/recommend/lightgcn.py",
    "src/consentinel/models/recommend/two_stage.py",
    "benchmarks/_peers_ultragcn.py",
    "benchmarks/_recommending.py",
)
SHARE = {"ml1m": 0.1, "cds": 0.2}  # of a person's history that is the test: published, 1 in 9 and 2 in 9 of all rows
K, SEED = 20, 1
PEOPLE = 10_000  # at most as many decide settings
STAGES = {
    "ml1m": ("slim", "ease", "ials", "item_knn", "graph_filter"),
    "cds": ("slim", "item_knn", "ials", "graph_filter"),
}


def ours(name: str) -> Iterator[Candidate]:
    """Yield what is tried of our parts on set NAME, without the two stages; 35,648 items are too many for EASE here."""
    many = name == "cds"
    yield Candidate("popularity", popularity.fit, popularity.SETTINGS())
    for neighbours, shrink in ((100, 10.0), (300, 2.0 if many else 50.0)):
        yield Candidate("item_knn", item_knn.fit, item_knn.SETTINGS(neighbours=neighbours, shrink=shrink))
    for l1, l2 in ((0.0, 5.0), (0.5, 20.0)) if many else ((0.5, 200.0),):
        yield Candidate("slim", slim.fit, slim.SETTINGS(l1=l1, l2=l2, neighbours=100 if many else 300))
    factors, reg = (128, 5.0) if many else (64, 20.0)
    yield Candidate("ials", ials.fit, ials.SETTINGS(factors=factors, reg=reg, alpha=5.0))
    for rank in (64, 256) if many else (48, 64, 96):
        yield Candidate("graph_filter", graph_filter.fit, graph_filter.SETTINGS(rank=rank))
    if not many:
        for reg, dropout in product((500.0, 1000.0), (0.0, 0.3)):
            yield Candidate("ease", ease.fit, ease.SETTINGS(reg=reg, dropout=dropout))


def peers(name: str) -> Iterator[Candidate]:
    """Yield what is tried of the published recommenders on set NAME, around their published settings.

    LightGCN's published weight of squared embeddings, 1e-4, overfits here (nDCG .166 on validation at its best step).
    """
    if name == "cds":
        return
    for reg in (1e-3, 3e-3):
        asked = lightgcn.SETTINGS(steps=1500, batch=32_768, rate=0.05, reg=reg)
        yield Candidate("LightGCN", lightgcn.fit, asked, lightgcn.rounds)
    for gamma in (0.078, 0.1, 0.125):
        yield Candidate("UltraGCN", ultragcn, UltraGCN(gamma=gamma), _peers_ultragcn.rounds)


def chosen(name: str, at: Task) -> tuple[Candidate, Candidate, list[Candidate]]:
    """Return ours, the simple recommender and the peers that are best on validation within the rows of AT."""
    user, item = (np.asarray(at.rows[column].cast(pa.string()).cast(pa.int64())) for column in ("user", "item"))
    inner = task(user, item, held(user, 0.1, SEED, name, "validation"), K)
    asked = inner.truth["query"].cast(pa.string())
    people = asked.unique()
    some = people.take(pa.array(np.sort(generator(SEED, name, "people").permutation(len(people))[:PEOPLE])))
    inner = replace(inner, truth=inner.truth.filter(pc.is_in(asked, some)))
    best = tuned(ours(name), inner, "ndcg", SEED)
    stages = two_stage.SETTINGS(retrievers=retrieving(best, STAGES[name]))
    best = tuned([Candidate("two_stage", two_stage.fit, stages)], inner, "ndcg", SEED, best)
    theirs = tuned(peers(name), inner, "ndcg", SEED)
    mine = max(best.values(), key=lambda one: one[0])[1]
    (_, anchor), *_ = tuned(ANCHORS[name][0], inner, "ndcg", SEED).values()
    return mine, anchor, [found for _, found in theirs.values()]


def main() -> None:
    """Measure and write the numbers of the sets in the arguments, or of both."""
    for name in sys.argv[1:] or SETS:
        table = shared(*SETS[name])
        user, item = (np.asarray(table[column]).astype(np.int64) for column in ("user", "item"))
        at = task(user, item, held(user, SHARE[name], SEED, name, "test"), K)
        mine, anchor, theirs = chosen(name, at)
        own = measured(mine, at, SEED)
        simple = ANCHORS[name][1]
        plain = measured(anchor, at, SEED)
        under = ranking.values(plain, "recall")
        tables, fair = {} if theirs else {anchor.who: plain}, []
        for one in theirs:
            tables[one.who] = measured(one, at, SEED)
            published = PUBLISHED[name][one.who] / simple
            pairs = np.column_stack([ranking.values(tables[one.who], "recall"), under * published])
            ratio = resample.cluster_bootstrap(pairs, np.arange(len(pairs)), resample.ratio, seed=SEED)
            fair.append(
                f"{one.who} stands to {anchor.who} at {ratio.value:.3f} of what it does there ({published:.3f})"
            )
            write_interval(
                f"topn_{name}_{one.who.lower()}_ratio", ratio,
                f"Recall@20 of our {one.who} {one.settings} over that of {anchor.who} {anchor.settings}, "
                f"{pairs[:, 0].mean():.4f} / {under.mean():.4f}, divided by the same on the published test part, "
                f"{PUBLISHED[name][one.who]} / {simple} (the simple one re-run there); settings and when to stop by "
                f"validation; same dev-split as topn_{name}_recall, bootstrap over people",
            )  # fmt: skip
        if not theirs:
            published = PUBLISHED[name]["UltraGCN"] / simple
            pairs = np.column_stack([ranking.values(own, "recall"), under * published])
            ratio = resample.cluster_bootstrap(pairs, np.arange(len(pairs)), resample.ratio, seed=SEED)
            write_interval(
                f"topn_{name}_published_ratio", ratio,
                f"Recall@20 of ours over that of {anchor.who} {anchor.settings}, {pairs[:, 0].mean():.4f} / "
                f"{under.mean():.4f}, divided by the same of UltraGCN on the published test part, "
                f"{PUBLISHED[name]['UltraGCN']} / {simple} (the simple one re-run there); other parts of the same "
                f"data, so no race; same dev-split as topn_{name}_recall, bootstrap over people",
            )  # fmt: skip
        for metric in ("recall", "ndcg"):
            values = {who: ranking.values(one, metric) for who, one in tables.items()}
            peer = max(values, key=lambda who: values[who].mean())
            gap = intervals.difference(ranking.values(own, metric), values[peer], seed=SEED)
            told = "; ".join(f"{who} {one.mean():.4f}" for who, one in values.items())
            write(
                f"topn_{name}_{metric}", value=gap.value, low=gap.low, high=gap.high, n=gap.n,
                protocol=f"{metric}@20 on {SHARE[name]:.0%} of each person's history of the published training part "
                f"(the test part is withheld), all unseen items ranked, everything tuned on a tenth of the rest: ours "
                f"{mine.who} {mine.settings} {ranking.values(own, metric).mean():.4f} minus the best peer ({peer}), "
                f"paired, bootstrap over people; {told}. On Recall@20, {'; '.join(fair)}. Published on the withheld "
                f"test part: Recall@20 {PUBLISHED[name]}, {ALSO[name]}",
            )  # fmt: skip
            print(name, metric, mine.who, round(ranking.values(own, metric).mean(), 4), told, gap, *fair, flush=True)


if __name__ == "__main__":
    main()
