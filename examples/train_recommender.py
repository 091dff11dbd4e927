"""Train a recommender on a made-up log, measure it on what it has not seen beside popularity, keep it, ask it again."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from consentinel.core import modelfile
from consentinel.core.stats import Interval
from consentinel.models import asked
from consentinel.models.evaluation import intervals, ranking, splits
from consentinel.models.feed.logged import interactions, logged
from consentinel.models.feed.world import Feed, World
from consentinel.models.shelves import RECOMMEND


@dataclass(frozen=True)
class Found:
    """nDCG@10 of the model; how much better it is than popularity for the same people; what it recommends to one."""

    ndcg: Interval
    over_popularity: Interval
    best: list[str]


def main(seed: int = 1, people: int = 1500) -> Found:
    """Hold out a fifth of what each person clicked, train EASE and popularity on the rest, and compare them."""
    clicks = interactions(logged(World(Feed(logged=120), seed), np.arange(people)))
    learn, held_out = splits.split(clicks, "random", "interactions", share=0.2, seed=seed)
    asked_for = held_out["user"].unique().cast(pa.string())
    queries = pa.table({"query": asked_for, "k": pa.array([10] * len(asked_for), pa.int32())})
    truth = held_out.select(["user", "item"]).rename_columns(["query", "item"])

    ndcg, models = {}, {}
    for name, text in {"ease": "reg=500", "popularity": ""}.items():
        part = RECOMMEND.take(name)
        models[name] = part.trainer(asked.settings(part.SETTINGS, text, name)).train(learn, seed=seed)
        ndcg[name] = ranking.values(ranking.per_query(models[name].predict(queries), truth, 10), "ndcg")

    with TemporaryDirectory() as folder:
        file = models["ease"].save(Path(folder) / "model.safetensors")
        again = RECOMMEND.take("ease").load(modelfile.load(file, kind="models.recommend.ease"))
    best = again.predict(queries.slice(0, 1))["item"].to_pylist()
    return Found(intervals.mean(ndcg["ease"]), intervals.difference(ndcg["ease"], ndcg["popularity"]), best)


if __name__ == "__main__":
    found = main()
    print(f"nDCG@10          {found.ndcg.value:.4f} [{found.ndcg.low:.4f}, {found.ndcg.high:.4f}]")
    over = found.over_popularity
    print(f"over popularity  {over.value:+.4f} [{over.low:+.4f}, {over.high:+.4f}], same people")
    print(f"for one person   {', '.join(found.best[:5])}")
