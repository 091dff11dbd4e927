"""Compare ways to rank a feed on satisfaction, with guardrails for people and privacy, where the truth is known."""

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from consentinel import models, protect
from consentinel.core import modelfile
from consentinel.models.feed.experiment import Design, Experiment, Guardrails, run
from consentinel.models.feed.logged import Log, logged
from consentinel.models.feed.spent import epsilon_spent
from consentinel.models.feed.variants import Variant, built_in
from consentinel.models.feed.world import World
from consentinel.models.shelves import ADS

GUARDRAILS = Guardrails(exposure=0.2, gap=1.0, epsilon=3.0)
SETTINGS = "epsilon=2,delta=1e-6,unit=user,categories=public,steps=50"
SAID = {
    "satisfaction": "satisfaction per person",
    "exposure": f"share of small creators (may lose {GUARDRAILS.exposure})",
    "gap": f"gap to the sensitive group (may grow by {GUARDRAILS.gap})",
    "epsilon": f"epsilon of its training (at most {GUARDRAILS.epsilon})",
}


def main(seed: int = 1, people: int = 3000) -> Experiment:
    """Learn from the log of 4,000 people, then let others meet each variant with the same luck."""
    world = World(seed=seed)
    log = logged(world, np.arange(2**30, 2**30 + 4000))
    variants = [built_in("clicks", world, log), built_in("satisfaction", world, log), built_in("fair", world, log)]
    return run(world, [*variants, private(world, log, seed)], Design(people=people), GUARDRAILS)


def private(world: World, log: Log, seed: int) -> Variant:
    """Return a ranking by the chance that an item is clicked and liked, learnt with privacy for each person of LOG."""
    slots = log.items.shape[1]
    rows = features(world, np.repeat(favourite(world, log), slots), log.items.ravel())
    rows["user"] = pa.array(np.repeat(log.crowd.numbers, slots)).cast(pa.string())
    rows["label"] = pa.array((log.clicked & (log.satisfaction > 0)).ravel().astype(np.int64))
    with TemporaryDirectory() as folder:
        home, about = Path(folder), {"ledger": str(Path(folder) / "ledger"), "dataset": "feed"}
        pq.write_table(pa.table(rows), home / "log.parquet")
        protect.ledger("create", ledger=about["ledger"], out=home / "made")
        protect.ledger("grant", **about, unit="user", epsilon="2", delta="1e-6", out=home / "granted")
        done = models.train(
            "ads/private_logistic", home / "log.parquet", settings=SETTINGS, seed=seed, **about, epoch="all",
            principal="feed", purpose="rank by satisfaction", out=home / "trained",
        )  # fmt: skip
        kept = modelfile.load(done.tables["model"], kind="models.ads.private_logistic")
        epsilon = epsilon_spent(home / "trained" / "run.json", Fraction(1, 10**6))
    model = ADS.take("private_logistic").load(kept)
    topics, items = np.divmod(np.arange(world.feed.topics * world.feed.items), world.feed.items)
    chance = np.asarray(model.predict(pa.table(features(world, topics, items)))["score"]).reshape(-1, world.feed.items)

    def rank(history: Log, k: int) -> NDArray[np.int64]:
        score = chance[favourite(world, history)]
        who, when = np.nonzero(history.clicked)
        score[who, history.items[who, when]] = -1  # not again
        return np.argsort(-score, axis=1, kind="stable")[:, :k]

    return Variant("private", rank, epsilon)


def favourite(world: World, log: Log) -> NDArray[np.int64]:
    """Return the topic whose clicks satisfied each person most, shape (n,)."""
    got = np.where(log.clicked, log.satisfaction, 0.0)
    by_topic = np.stack([(got * (world.topic[log.items] == one)).sum(axis=1) for one in range(world.feed.topics)], 1)
    return by_topic.argmax(axis=1)


def features(world: World, liked: NDArray[np.int64], items: NDArray[np.int64]) -> dict[str, pa.Array]:
    """Return what the model sees of ITEMS shown to people who like the topics LIKED, both (n,)."""
    fits = np.where(liked == world.topic[items], "yes", "no")
    return {"item": pa.array(items).cast(pa.string()), "fits": pa.array(fits)}


if __name__ == "__main__":
    found = main()
    print(f"{found.units:,} people met each ranking with the same luck. Beside 'clicks', which is shown now:")
    for row in found.table.to_pylist():
        if row["verdict"] in ("measured", "not judged"):
            continue
        if row["metric"] == "satisfaction":
            print(f"\n{row['variant'].removesuffix(' - clicks')}")
        span = f"{row['value']:+7.3f}  [{row['low']:+.3f}, {row['high']:+.3f}]"
        if row["metric"] == "epsilon":
            span = f"{row['value']:7.3f}" if np.isfinite(row["value"]) else "unlimited: no privacy"
        print(f"  {SAID[row['metric']]:44} {span:26} {row['verdict']}")
    print(f"\n{found.sentence}")
