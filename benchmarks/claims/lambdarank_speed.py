"""LambdaRank through our interface against LightGBM called directly: the same nDCG@10, and the time that it takes more.

Each run trains and then ranks the test part, both ways with the same settings, one core, by turns; the direct way
starts from NumPy arrays, ours from the Arrow table that the room's rows are. The time ratio is that of a generated set
that is large enough for time to mean something; equality is asked of LightGBM's own example and of the generated set.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import binom

from benchmarks._claim import ROOT, one_core, write
from consentinel.core.rng import generator
from consentinel.models.evaluation import ranking
from consentinel.models.rank import lambdarank

NAMES = ("lambdarank_difference", "lambdarank_time_ratio")
INPUTS = ("src/consentinel/models/rank/lambdarank.py", "src/consentinel/models/pieces/trees.py")
QUERIES, DOCUMENTS, WIDTH = 1_000, 100, 100  # of the generated training part; its test part is a fifth
PAIRS = 15
CHOSEN = lambdarank.SETTINGS(trees=50, threads=1)


@dataclass(frozen=True)
class Part:
    """Judged rows: features (n, width), label (n,), documents of each query (queries,)."""

    features: NDArray[np.float32]
    label: NDArray[np.float32]
    group: NDArray[np.int64]

    def table(self) -> pa.Table:
        """Return the rows as the room has them."""
        rows, width = self.features.shape
        query = np.repeat(np.arange(len(self.group)), self.group).astype(np.int32)
        ends = np.arange(0, rows * width + 1, width, dtype=np.int32)
        columns = {
            "query": pa.DictionaryArray.from_arrays(query, names("q", len(self.group))),
            "item": pa.DictionaryArray.from_arrays(np.arange(rows, dtype=np.int32), names("d", rows)),
            "label": pa.array(self.label),
            "features": pa.ListArray.from_arrays(ends, self.features.ravel()),
        }
        return pa.table(columns)


def names(letter: str, many: int) -> pa.Array:
    """Return MANY ids that start with LETTER."""
    return pa.array([f"{letter}{at}" for at in range(many)])


def example() -> tuple[Part, Part]:
    """Return the training and the test part of LightGBM's own example."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    file = shared / "models" / "lambdarank-small" / "lambdarank.npz"
    if not file.is_file():
        raise SystemExit("no lambdarank-small: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    kept = np.load(file)

    def part(name: str) -> Part:
        sparse = csr_matrix(
            tuple(kept[f"{name}_{what}"] for what in ("data", "indices", "indptr")), kept[f"{name}_shape"]
        )
        label, group = kept[f"{name}_label"].astype(np.float32), kept[f"{name}_group"].astype(np.int64)
        return Part(sparse.toarray().astype(np.float32), label, group)

    return part("train"), part("test")


def generated(queries: int, name: str) -> Part:
    """Return a part whose grades 0 to 4 follow a noisy sum of bent features."""
    rng = generator(0, "lambdarank speed", name)
    features = rng.standard_normal((queries * DOCUMENTS, WIDTH)).astype(np.float32)
    worth = np.tanh(features[:, :10]).sum(axis=1) + features[:, 0] * features[:, 1] + rng.standard_normal(len(features))
    label = np.searchsorted(np.quantile(worth, (0.5, 0.75, 0.9, 0.97)), worth).astype(np.float32)
    return Part(features, label, np.full(queries, DOCUMENTS))


def direct(train: Part, test: Part) -> tuple[float, NDArray[np.float64]]:
    """Return the seconds that LightGBM takes, and its scores of the test rows."""
    import lightgbm

    asked = {
        "objective": "lambdarank", "num_leaves": CHOSEN.leaves, "learning_rate": CHOSEN.rate, "seed": 0,
        "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    start = time.perf_counter()
    booster = lightgbm.train(asked, lightgbm.Dataset(train.features, train.label, group=train.group), CHOSEN.trees)
    score = np.asarray(booster.predict(test.features))
    return time.perf_counter() - start, score


def ours(train: pa.Table, test: pa.Table) -> tuple[float, pa.Table]:
    """Return the seconds that our trainer and model take, and the ranking of the test rows."""
    start = time.perf_counter()
    ranked = lambdarank.trainer(CHOSEN).train(train, seed=0).predict(test)
    return time.perf_counter() - start, ranked


def sorted_rows(test: pa.Table, score: NDArray[np.float64]) -> pa.Table:
    """Return the rows of TEST best first by SCORE within a query, ties in row order."""
    query = np.asarray(test["query"].combine_chunks().indices)
    return test.select(["query", "item"]).take(pa.array(np.lexsort((np.arange(len(query)), -score, query))))


def raced(train: Part, test: Part, times: int) -> tuple[list[float], NDArray[np.float64], NDArray[np.float64]]:
    """Return the sorted ratios of time, ours over direct, of TIMES pairs of runs, and nDCG@10 by query of either."""
    table, asked, ratios = train.table(), test.table(), []
    for at in range(times):
        first = direct(train, test) if at % 2 == 0 else None  # who goes first takes turns
        seconds, ranked = ours(table, asked)
        theirs, score = first or direct(train, test)
        ratios.append(seconds / theirs)
    truth = asked.select(["query", "item", "label"])
    mine, other = (
        ranking.values(ranking.per_query(one, truth, 10), "ndcg") for one in (ranked, sorted_rows(asked, score))
    )
    return sorted(ratios), mine, other


def main() -> None:
    """Measure and write the numbers."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    one_core()
    _, *small = raced(*example(), 1)
    ratios, *large = raced(generated(QUERIES, "train"), generated(QUERIES // 5, "test"), pairs)
    worst = max(float(np.abs(mine - other).max()) for mine, other in (small, large))
    means = ", ".join(f"{one.mean():.4f}" for one in (*small, *large))
    protocol = (
        f"{CHOSEN.trees} trees, one core, train and rank; nDCG@10 ours and direct, LightGBM's example, then "
        f"{QUERIES * DOCUMENTS} generated rows of {WIDTH} features: {means}"
    )
    print(protocol, worst, [round(one, 3) for one in ratios])
    write(
        "lambdarank_difference", value=worst, low=worst, high=worst, n=len(small[0]) + len(large[0]),
        protocol=f"largest difference in nDCG@10 of any test query; {protocol}",
    )  # fmt: skip
    edge = max(int(binom.ppf(0.025, len(ratios), 0.5)) - 1, 0)
    write(
        "lambdarank_time_ratio", value=float(np.median(ratios)), low=ratios[edge], high=ratios[-1 - edge],
        n=len(ratios),
        protocol=f"median of {len(ratios)} pairs of runs by turns, 95% interval by order statistics; {protocol}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
