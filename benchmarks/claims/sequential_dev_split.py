"""The next item on three Amazon sets of S3-Rec, ranked among all: the best of ours against SASRec as published.

Toys and Sports have everyone's last item: it is tested, as published. Beauty's is withheld, so the last that is there
is tested (dev-split). The item before it decides all settings, ours and SASRec's, on each set by itself. The peer is
SASRec from random embeddings; from embeddings of co-occurrence it counts as ours. Ids are shuffled first: the files
number items by first appearance, which would tell rankings with ties what comes next. Arguments: the sets, else all.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write_interval
from consentinel.core.extras import need
from consentinel.core.rng import generator
from consentinel.models.asked import told
from consentinel.models.evaluation import intervals, ranking
from consentinel.models.recommend import item_knn, markov, popularity, sasrec

SETS = {"toys": "Toys_and_Games", "beauty": "Beauty_without_test_item", "sports": "Sports_and_Outdoors"}
PUBLISHED = {"toys": (0.0675, 0.0374), "sports": (0.0350, 0.0192)}  # HR@10, nDCG@10 of SASRec, S3-Rec all_rank table
NAMES = (
    "sequential_beauty_difference",
    "sequential_toys_difference",
    "sequential_sports_difference",
    "sequential_toys_sasrec",
    "sequential_sports_sasrec",
)
INPUTS = (
    "src/consentinel/models/recommend/markov.py",
    "src/consentinel/models/recommend/sasrec.py",
    "src/consentinel/models/recommend/_learning.py",
    "src/consentinel/models/recommend/item_knn.py",
)
K, SEED = 10, 0
PEER, WARM = "SASRec", "SASRec, warm start"
PLAIN = [
    sasrec.SETTINGS(warm=False, width=width, dropout=dropout) for width, dropout in ((64, 0.2), (64, 0.3), (128, 0.3))
]


@dataclass(frozen=True)
class Split:
    """What came before (INTERACTIONS), who is asked about (QUERIES), and the one item that came next."""

    before: pa.Table
    asked: pa.Table
    after: pa.Table


def split(name: str, back: int) -> Split:
    """Return set NAME with the item that is BACK places from the end (1: the last) to be found, later ones dropped."""
    folder = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    file = folder / "models" / "sequential-loo" / f"{SETS[name]}.parquet"
    if not file.is_file():
        raise SystemExit("no sequential-loo: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    lists = pq.read_table(file)["items"].combine_chunks()
    starts, items = np.asarray(lists.offsets, np.int64), np.asarray(lists.values, np.int64)
    shuffled = generator(SEED, "sequential", name).permutation(int(items.max()) + 1)[items]
    ends = starts[1:] - back
    person = np.repeat(np.arange(len(ends)), np.diff(starts))
    there = np.arange(len(items)) < ends[person]
    every = np.arange(len(ends))
    rows = {"user": _ids(person[there]), "item": _ids(shuffled[there]), "time": pa.array(np.flatnonzero(there)),
            "weight": pa.array(np.ones(int(there.sum()), np.float32))}  # fmt: skip
    asked = pa.table({"query": _ids(every), "k": pa.array(np.full(len(every), K, np.int32))})
    return Split(pa.table(rows), asked, pa.table({"query": _ids(every), "item": _ids(shuffled[ends])}))


def found(part: Any, settings: Any, one: Split) -> pa.Table:
    """Return the metrics at K of each person under PART with SETTINGS."""
    model = part.trainer(settings).train(one.before, seed=SEED)
    return ranking.per_query(model.predict(one.asked), one.after, K)


def candidates() -> Iterator[tuple[str, Any, Any]]:
    """Yield name, part and settings of all that is tried; the best of each name by validation is tested."""
    yield "popularity", popularity, popularity.SETTINGS()
    yield "last-item Markov chain", markov, markov.SETTINGS(window=1, backward=0.0, last=1, damping=1.0)
    for window, last, fade, damping in product((5, 20), (3, 10), (0.5, 0.7), (0.3, 0.5)):
        yield "Markov chain", markov, markov.SETTINGS(window=window, last=last, fade=fade, damping=damping)
    for shrink, asymmetry in product((0.0, 10.0), (0.3, 0.5)):
        yield "item-kNN", item_knn, replace(item_knn.SETTINGS(), shrink=shrink, asymmetry=asymmetry)
    for settings in PLAIN:
        yield PEER, sasrec, settings
    for dropout in (0.3, 0.5):
        yield WARM, sasrec, sasrec.SETTINGS(dropout=dropout)


def tuned(validation: Split) -> dict[str, tuple[float, Any, Any]]:
    """Return by name the nDCG, part and settings of the best of the candidates on VALIDATION."""
    tried: dict[str, tuple[float, Any, Any]] = {}
    for who, part, settings in candidates():
        reached = float(ranking.values(found(part, settings, validation), "ndcg").mean())
        print(f"  {who} {reached:.4f} {_told(settings)}", flush=True)
        if who not in tried or reached > tried[who][0]:
            tried[who] = (reached, part, settings)
    return tried


def main() -> None:
    """Measure and write the numbers of the sets in the arguments, or of all."""
    need("torch", extra="models").set_num_threads(1)
    for name in sys.argv[1:] or SETS:
        tried, test = tuned(split(name, 2)), split(name, 1)
        best = max((who for who in tried if who != PEER), key=lambda who: tried[who][0])
        tables = {who: found(part, settings, test) for who, (_, part, settings) in tried.items()}
        shown = {who: _both(table) for who, table in tables.items()}
        mine, theirs = (ranking.values(tables[who], "ndcg") for who in (best, PEER))
        gap = intervals.difference(mine, theirs, seed=SEED)
        rule = "last item that is there (dev-split: the published test item is withheld)"
        chosen = "; ".join(f"{who} {shown[who]} {_told(settings)}" for who, (_, _, settings) in tried.items())
        protocol = (
            f"S3-Rec {name}, {gap.n} people, {rule if name == 'beauty' else 'last item'} tested, all unseen items "
            f"ranked, settings of all chosen by the item before: nDCG@10 of {best} (ours, best on that item) minus "
            f"{PEER} (random start, best of {len(PLAIN)} settings; softmax over 500 drawn items, not the published "
            f"binary cross entropy), paired, bootstrap over people; HR@10 / nDCG@10 and settings: {chosen}"
        )
        write_interval(f"sequential_{name}_difference", gap, protocol)
        print(name, best, gap, shown, flush=True)
        if name in PUBLISHED:
            hits, gains = PUBLISHED[name]
            reached = intervals.mean(theirs / gains, seed=SEED)
            protocol = f"nDCG@10 of our {PEER} over the published one ({gains}; HR@10 {hits}): {shown[PEER]}, "
            write_interval(f"sequential_{name}_sasrec", reached, protocol + f"settings {_told(tried[PEER][2])}")
            print(name, PEER, reached, flush=True)


def _both(table: pa.Table) -> str:
    return " / ".join(_shown(intervals.mean(ranking.values(table, metric), seed=SEED)) for metric in ("hit", "ndcg"))


def _told(settings: Any) -> str:
    """Return what SETTINGS say that differs from the defaults of their part, as in a command."""
    usual = told(type(settings)())
    return ",".join(f"{name}={value}" for name, value in told(settings).items() if value != usual[name]) or "defaults"


def _ids(codes: NDArray[np.int64]) -> pa.Array:
    return pa.array(codes).cast(pa.string())


def _shown(one: Any) -> str:
    return f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"


if __name__ == "__main__":
    main()
