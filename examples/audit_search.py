"""Train a ranker of made-up search results and audit it: which sources are seen less than they are worth, and why."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel import assure, models
from consentinel.core.errors import MissingExtra
from consentinel.core.run import Outcome


def judged(queries: int, seed: int) -> pa.Table:
    """Return ten documents for each query, judged 0 to 2; small sources have fewer links at the same relevance."""
    rng = np.random.default_rng(seed)
    n = queries * 10
    small = rng.random(n) < 0.4
    relevant = rng.normal(0, 1, n)
    words, links = relevant + rng.normal(0, 0.7, n), relevant + rng.normal(0, 0.7, n) - 1.2 * small
    label = (relevant > 0.3).astype(np.float32) + (relevant > 1.2)
    features = np.stack([words, links, rng.normal(0, 1, n)], axis=1).astype(np.float32)
    names = [f"query {at // 10}" for at in range(n)]
    return pa.table({
        "query": names, "item": [f"document {at}" for at in range(n)], "label": label, "features": features.tolist(),
        "source": np.where(small, "small", "large").tolist(),
    })  # fmt: skip


def main(results: Path | None = None, out: Path | None = None, queries: int = 400) -> Outcome:
    """Audit LambdaRank on RESULTS (a table with query, item, label, features and source), or on made ones.

    The reports are kept in OUT where one is given.
    """
    with TemporaryDirectory() as place:
        home = Path(place)
        if results is None:
            results = home / "judged.parquet"
            pq.write_table(judged(queries, seed=1), results)
        pq.write_table(pq.read_table(results, columns=["item", "source"]), home / "sources.parquet")
        models.train("rank/lambdarank", results, settings="trees=40", split="random", share=0.4, out=home / "ranker")
        return assure.audit(
            str(home / "ranker" / "model.safetensors"), home / "ranker" / "held_out.parquet", kind="ranking",
            learned=home / "ranker" / "training.parquet", trainer="rank/lambdarank:trees=40",
            items=home / "sources.parquet", draws=500, out=out or home / "audit",
        )  # fmt: skip


if __name__ == "__main__":
    try:
        print(main(*map(Path, sys.argv[1:3])).text)
    except MissingExtra as why:
        raise SystemExit(str(why)) from None
