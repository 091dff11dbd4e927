"""Train, measure, ask and train privately, in one go: made-up clicks and the digits that scikit-learn ships."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_digits

from consentinel import models, protect
from consentinel.models.feed.logged import interactions, logged
from consentinel.models.feed.world import Feed, World

Scores = Mapping[str, tuple[float, float, float]]  # name -> value, low, high
PRIVATE = "epsilon=3,delta=1e-5,people=1400,classes=0|1|2|3|4|5|6|7|8|9,width=256,steps=40,rate=30"


@dataclass(frozen=True)
class Found:
    """nDCG@10 of EASE and its baseline; items for one person; accuracy on digits; the same, paid for; the ledger."""

    ndcg: Scores
    best: list[str]
    accuracy: Scores
    private: Scores
    ledger: str


def main(people: int = 1500) -> Found:
    """Train and measure a recommender of clicks and two classifiers of digits, one of them privately."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        clicks, digits, ledger = home / "clicks.parquet", home / "digits.parquet", str(home / "ledger")
        pq.write_table(interactions(logged(World(Feed(logged=120), 1), np.arange(people))), clicks)
        pq.write_table(pictures(), digits)

        models.train("recommend/ease", clicks, settings="reg=500", split="random", out=home / "ease")
        ndcg = measured(home / "ease", "ndcg@10")
        pq.write_table(pa.table({"query": ["p0000000000"]}), home / "who.parquet")
        answer = models.predict(home / "ease" / "model.safetensors", home / "who.parquet", k=5, out=home / "best")
        best = pq.read_table(answer.tables["predictions"])["item"].to_pylist()

        models.train("vision/scattering_linear", digits, split="random", out=home / "plain")
        accuracy = measured(home / "plain", "accuracy")

        protect.ledger("create", ledger=ledger, out=home / "made")
        protect.ledger(
            "grant", ledger=ledger, dataset="digits", unit="event", epsilon="3", delta="1e-5", out=home / "granted"
        )
        models.train(
            "vision/private_scattering", digits, settings=PRIVATE, split="random", ledger=ledger, dataset="digits",
            epoch="all", principal="research", purpose="digits with privacy", out=home / "private",
        )  # fmt: skip
        private = measured(home / "private", "accuracy")
        return Found(ndcg, best, accuracy, private, protect.ledger("show", ledger=ledger, out=home / "shown").text)


def measured(trained: Path, metric: str) -> Scores:
    """Return METRIC on what the model in the folder TRAINED has not seen, of it, its baseline and the difference."""
    files = [trained / f"{name}.parquet" for name in ("held_out", "training")]
    found = models.evaluate(str(trained / "model.safetensors"), files[0], train=files[1], out=trained / "measured")
    rows = pq.read_table(found.tables["metrics"]).to_pylist()
    return {row["model"]: (row["value"], row["low"], row["high"]) for row in rows if row["metric"] == metric}


def pictures() -> pa.Table:
    """Return scikit-learn's digits, grey pictures of 8 x 8, as IMAGES rows."""
    found = load_digits()
    grey = (found.images * 15).astype(np.uint8)  # 0 to 16 becomes 0 to 240
    eight, one = pa.array(np.full(len(grey), 8, np.int32)), pa.array(np.ones(len(grey), np.int32))
    image = pa.array(list(grey.reshape(len(grey), -1)), pa.list_(pa.uint8()))
    label = pa.array(found.target.astype(str).tolist())
    return pa.table({"image": image, "height": eight, "width": eight, "channels": one, "label": label})


def told(scores: Scores) -> str:
    """Return one line for each of SCORES."""
    return "\n".join(f"  {name:38} {one:6.3f}  [{low:.3f}, {high:.3f}]" for name, (one, low, high) in scores.items())


if __name__ == "__main__":
    found = main()
    print("What 1,500 made-up people click next: nDCG@10 over all items, 95% interval")
    print(f"{told(found.ndcg)}\n  for the first person                   {', '.join(found.best)}")
    print(f"\nDigits that were not learnt from: share told right (base rate: one for all)\n{told(found.accuracy)}")
    print(f"\nThe same with differential privacy of each picture\n{told(found.private)}\n\n{found.ledger}")
