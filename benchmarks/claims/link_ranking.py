"""Links held out of six graphs of friends (Twitch): ours against the most linked nodes and common neighbours.

A tenth of the links of a graph is for testing, a tenth of the rest for choosing settings, one for each part and all
graphs together, those of the baselines too. Nodes with held-out links rank all nodes that they are not linked to.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write
from consentinel.core.rng import generator
from consentinel.models.asked import told
from consentinel.models.evaluation import intervals, ranking
from consentinel.models.graph import common_neighbours, links, page_rank, popularity
from consentinel.models.rows import NODES

NAMES = (
    "graph_links_gain_popularity",
    "graph_links_gain_neighbours",
    "graph_links_rr_gain_popularity",
    "graph_links_rr_gain_neighbours",
)
INPUTS = (
    "src/consentinel/models/graph/_linking.py",
    "src/consentinel/models/graph/links.py",
    "src/consentinel/models/graph/page_rank.py",
    "src/consentinel/models/graph/common_neighbours.py",
    "src/consentinel/models/graph/popularity.py",
)
GRAPHS = ("DE", "ENGB", "ES", "FR", "PTBR", "RU")
K, SHARE, SEED, TUNED, TESTED = 20, 0.1, 0, 300, 1000
OURS, BASELINES = ("links", "page_rank"), ("popularity", "common_neighbours")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """A graph to learn from (NODES), who asks (QUERIES), and the links to be found (query, item)."""

    rows: pa.Table
    asked: pa.Table
    truth: pa.Table


def candidates() -> Iterator[tuple[Any, Any]]:
    """Yield parts and the settings that are tried of each."""
    yield popularity, popularity.Settings()
    for discount in (0.0, 0.5, 1.0):
        yield common_neighbours, common_neighbours.Settings(discount=discount)
    for restart, discount in product((0.3, 0.5), (0.0, 0.25, 0.5)):
        yield page_rank, page_rank.Settings(restart=restart, discount=discount)
    for width, power, more in ((64, 2.0, 0.25), (128, 2.0, 0.25), (128, 3.0, 0.25), (128, 3.0, 0.0)):
        yield links, links.Settings(width=width, power=power, popularity=more)


def read(name: str) -> tuple[Ints, int]:
    """Return the links, shape (m, 2), and the number of nodes of the graph NAME."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "models" / "graphs"
    if not (shared / f"twitch_{name}.npz").is_file():
        raise SystemExit("no graphs: set CONSENTINEL_SHARED_DATA to the folder that has them under models/")
    with np.load(shared / f"twitch_{name}.npz") as file:
        return file["edges"].astype(np.int64), len(file["days"])


def task(learned: Ints, hidden: Ints, n: int, most: int, name: str) -> Task:
    """Return the task to find the links HIDDEN of a graph of N nodes from those LEARNED, for MOST nodes drawn."""
    starts, ends = _lists(learned, n)
    ids = pa.array(np.arange(n)).cast(pa.string())
    nothing = pa.nulls(n, pa.list_(pa.float32()))
    neighbours = pa.ListArray.from_arrays(pa.array(starts), pa.array(ends))
    rows = pa.table([ids, nothing, pa.nulls(n, pa.string()), neighbours], schema=NODES)
    able = np.unique(hidden)
    drawn = np.sort(generator(SEED, "link ranking", name, "nodes").permutation(able)[:most])
    both = np.concatenate([hidden, hidden[:, ::-1]])
    both = both[np.isin(both[:, 0], drawn)]
    truth = pa.table({"query": ids.take(pa.array(both[:, 0])), "item": ids.take(pa.array(both[:, 1]))})
    asked = {"query": truth["query"].unique()}
    asked["k"] = pa.array(np.full(len(asked["query"]), K, np.int32))
    return Task(rows, pa.table(asked), truth)


def measured(part: Any, settings: Any, tasks: list[Task]) -> dict[str, NDArray[np.float64]]:
    """Return recall and reciprocal rank of each node of TASKS, graph after graph."""
    found = []
    for one in tasks:
        ranked = part.trainer(settings).train(one.rows, seed=SEED).predict(one.asked)
        found.append(ranking.per_query(ranked, one.truth, K))
    return {metric: np.concatenate([ranking.values(table, metric) for table in found]) for metric in ("recall", "rr")}


def main() -> None:
    """Measure and write the numbers, of the graphs in the arguments or of all."""
    names = sys.argv[1:] or list(GRAPHS)
    choosing, testing = [], []
    for name in names:
        edges, n = read(name)
        edges = edges[generator(SEED, "link ranking", name, "links").permutation(len(edges))]
        hidden = round(SHARE * len(edges))
        inner = hidden + round(SHARE * (len(edges) - hidden))
        testing.append(task(edges[hidden:], edges[:hidden], n, TESTED, name))
        choosing.append(task(edges[inner:], edges[hidden:inner], n, TUNED, name))
    best: dict[str, tuple[float, Any, Any]] = {}
    for part, settings in candidates():
        reached = float(measured(part, settings, choosing)["recall"].mean())
        who = part.PART.name
        print(f"  {who} {reached:.4f} {told(settings)}", flush=True)
        if who not in best or reached > best[who][0]:
            best[who] = (reached, part, settings)
    found = {who: measured(part, settings, testing) for who, (_, part, settings) in best.items()}
    ours = max(OURS, key=lambda who: best[who][0])
    told_of = "; ".join(
        f"{who} {rows['recall'].mean():.4f} and {rows['rr'].mean():.4f} ({told(best[who][2])})"
        for who, rows in found.items()
    )
    print(told_of)
    for name, (metric, who) in zip(NAMES, product(("recall", "rr"), BASELINES), strict=True):
        gap = intervals.difference(found[ours][metric], found[who][metric])
        print(name, gap)
        write(
            name,
            value=gap.value,
            low=gap.low,
            high=gap.high,
            n=gap.n,
            protocol=f"Twitch friendships of {', '.join(names)}: {SHARE:.0%} of links held out, up to {TESTED} nodes "
            f"of each graph rank all nodes they are not linked to; {metric}@{K} of {ours}, chosen on {SHARE:.0%} "
            f"of the other links, less that of {who}, paired, bootstrap over nodes; mean recall and rr: {told_of}",
        )


def _lists(edges: Ints, n: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    ends = np.concatenate([edges, edges[:, ::-1]])
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    return np.searchsorted(ends[:, 0], np.arange(n + 1)).astype(np.int32), ends[:, 1].astype(np.int32)


if __name__ == "__main__":
    main()
