"""The next item on three Amazon sets of S3-Rec, ranked among all: a Markov chain and simple baselines against SASRec.

Toys and Sports have everyone's last item: it is tested, as published. Beauty's is withheld, so the last that is there
is tested (dev-split). The item before decides the settings of everything but SASRec, whose settings were found on it
for Toys and whose own training holds last items out to know when to end. Ids are shuffled first: the files number items
by first appearance, which would tell rankings with ties what comes next. Arguments: the sets to measure, else all.
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

from benchmarks._claim import ROOT, write
from consentinel.core.rng import generator
from consentinel.models.evaluation import intervals, ranking
from consentinel.models.recommend import item_knn, markov, popularity, sasrec

SETS = {"beauty": "Beauty_without_test_item", "toys": "Toys_and_Games", "sports": "Sports_and_Outdoors"}
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
SASREC = sasrec.SETTINGS()


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
    """Yield name, part and settings of what is tried; the best by validation goes on."""
    yield "popularity", popularity, popularity.SETTINGS()
    plain = markov.SETTINGS(window=1, backward=0.0, last=1, damping=1.0)
    yield "last-item Markov chain", markov, plain
    for last, fade, damping in product((3, 10), (0.5, 0.7), (0.3, 0.5)):
        yield "Markov chain", markov, markov.SETTINGS(last=last, fade=fade, damping=damping)
    for shrink, asymmetry in product((0.0, 10.0), (0.3, 0.5)):
        yield "item-kNN", item_knn, replace(item_knn.SETTINGS(), shrink=shrink, asymmetry=asymmetry)


def main() -> None:
    """Measure and write the numbers of the sets in the arguments, or of all."""
    for name in sys.argv[1:] or SETS:
        validation, test = split(name, 2), split(name, 1)
        tried: dict[str, tuple[float, Any, Any]] = {}
        for who, part, settings in candidates():
            reached = float(ranking.values(found(part, settings, validation), "ndcg").mean())
            if reached > tried.get(who, (-1.0, None, None))[0]:
                tried[who] = (reached, part, settings)
        best = max(tried, key=lambda who: tried[who][0])
        tables = {who: found(part, settings, test) for who, (_, part, settings) in tried.items()}
        tables["SASRec"] = found(sasrec, SASREC, test)
        told = []
        for who, table in tables.items():
            ndcg, hit = (intervals.mean(ranking.values(table, metric)) for metric in ("ndcg", "hit"))
            told.append(f"{who} {_shown(hit)} / {_shown(ndcg)}")
            print(name, told[-1], flush=True)
        mine, theirs = (ranking.values(tables[who], "ndcg") for who in (best, "SASRec"))
        gap = intervals.difference(mine, theirs)
        rule = "last item that is there (dev-split, the published test item is withheld)"
        protocol = (
            f"S3-Rec {name}, {gap.n} people, {rule if name == 'beauty' else 'last item'} tested, all items ranked; "
            f"nDCG@10 of {best} (best on validation, {tried[best][2]}) minus that of SASRec ({SASREC}), paired, "
            f"bootstrap over people; HR@10 / nDCG@10: {'; '.join(told)}"
        )
        write(f"sequential_{name}_difference", value=gap.value, low=gap.low, high=gap.high, n=gap.n, protocol=protocol)
        print(name, best, gap, flush=True)
        if name in PUBLISHED:
            hits, gains = PUBLISHED[name]
            reached = intervals.mean(theirs)
            write(
                f"sequential_{name}_sasrec",
                value=reached.value / gains,
                low=reached.low / gains,
                high=reached.high / gains,
                n=reached.n,
                protocol=f"nDCG@10 of our SASRec over the published one ({gains}; HR@10 {hits}): {told[-1]}; {SASREC}",
            )


def _ids(codes: NDArray[np.int64]) -> pa.Array:
    return pa.array(codes).cast(pa.string())


def _shown(one: Any) -> str:
    return f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"


if __name__ == "__main__":
    main()
