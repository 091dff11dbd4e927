"""Five models of public data as they come into a full audit: what each learns from, what it is asked, and of whom."""

import gzip
import io
import lzma
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT
from consentinel.assure.subject import Subject
from consentinel.core.rng import generator

__all__ = ["CASES", "Case", "classified", "place"]


@dataclass(frozen=True)
class Case:
    """A part with its settings, of a kind; tables by the option of `assure audit` that takes them, and more options."""

    kind: str
    part: str
    settings: str
    tables: dict[str, pa.Table]
    options: dict[str, str] = field(default_factory=dict)
    protocol: str = ""


def place(folder: str) -> Path:
    """Return the FOLDER of the shared model data; raises SystemExit where there is none."""
    found = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "models" / folder
    if not found.is_dir():
        raise SystemExit(f"no {folder}: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    return found


def classified(kind: str, rows: pa.Table, model: Any) -> Subject:
    """Return MODEL of KIND under audit on ROWS, each of another person."""
    units = pa.table({"unit": [str(at) for at in range(rows.num_rows)]})
    return Subject(kind, "claim", rows, model.predict(rows), np.arange(rows.num_rows), units, model=model)


def recsys() -> Case:
    """Return EASE on MovieLens-100K: folds 2 to 5 are learned, fold 1 is asked for; people have a gender."""
    folder = place("movielens-100k")
    log = pq.read_table(folder / "ratings.parquet")
    names = {"user": log["user"].cast(pa.string()), "item": log["item"].cast(pa.string())}
    rows, held = pa.table(names), pc.equal(log["fold"], 1)
    people = pq.read_table(folder / "users.parquet").select(["user", "gender"])
    items = pq.read_table(folder / "items.parquet")
    genre = pc.list_element(pc.split_pattern(items["genres"].cast(pa.string()), " "), 0)
    tables = {"data": rows.filter(held), "learned": rows.filter(pc.invert(held)), "people": people,
              "items": pa.table({"item": items["item"], "genre": genre})}  # fmt: skip
    return Case("recsys", "recommend/ease", "reg=300", tables, {"groups": "gender"},
                "EASE on MovieLens-100K, four folds learned, one asked for, 943 people by gender")  # fmt: skip


def ranking() -> Case:
    """Return LambdaRank on LightGBM's own example; documents and queries are in one of two groups by a coin."""
    kept = np.load(place("lambdarank-small") / "lambdarank.npz")
    coin = generator(0, "benchmarks.audited.ranking")

    def judged(side: str) -> pa.Table:
        sizes = kept[f"{side}_group"].astype(np.int64)
        query = np.repeat([f"{side} {at}" for at in range(len(sizes))], sizes)
        item = [f"{side} document {at}" for at in range(len(query))]
        dense = np.zeros(kept[f"{side}_shape"], np.float32)
        row = np.repeat(np.arange(len(dense)), np.diff(kept[f"{side}_indptr"]))
        dense[row, kept[f"{side}_indices"]] = kept[f"{side}_data"]
        label = kept[f"{side}_label"].astype(np.float32)
        return pa.table({"query": query, "item": item, "label": label, "features": _lists(dense)})

    test = judged("test")
    queries = test["query"].unique()
    tables = {
        "data": test, "learned": judged("train"),
        "people": pa.table({"query": queries, "region": _coin(coin, len(queries), "north", "south")}),
        "items": pa.table({"item": test["item"], "source": _coin(coin, test.num_rows, "small", "large")}),
    }  # fmt: skip
    return Case("ranking", "rank/lambdarank", "trees=50", tables, {"groups": "region"},
                "LambdaRank, 50 trees of 301 features, LightGBM's example: 201 queries learned, 50 asked; groups of "
                "documents and of queries by a coin")  # fmt: skip


def text() -> Case:
    """Return TF-IDF with logistic regression on a subset of the Davidson tweets, grouped by whether they answer."""
    tweets = pq.read_table(place("text-bias") / "davidson.parquet")
    order = generator(0, "benchmarks.audited.text").permutation(tweets.num_rows)[:6000]
    tweets = tweets.take(pa.array(order))
    words = tweets["tweet"].cast(pa.string())
    named = pc.if_else(pc.match_substring(words, "@USER"), "names somebody", "names nobody")
    label = pa.array(["hate", "offensive", "neither"]).take(tweets["class"])
    rows = pa.table({"text": words, "label": label, "talk": named})
    tables = {"data": rows.slice(0, 2000), "learned": rows.slice(2000)}
    return Case("text", "text/tfidf_linear", "", tables, {"groups": "talk"},
                "words and pieces of words by TF-IDF and logistic regression, Davidson tweets, 4,000 learned and 2,000 "
                "asked")  # fmt: skip


def vision() -> Case:
    """Return a small CNN on a subset of Fashion-MNIST, pictures grouped by how bright they are."""
    folder = place("fashion-mnist")
    pictures = np.load(io.BytesIO(lzma.decompress((folder / "train_images.npy.xz").read_bytes())))
    labels = np.frombuffer(gzip.decompress((folder / "train_labels.npy.gz").read_bytes()), np.uint8)[-len(pictures) :]
    order = generator(0, "benchmarks.audited.vision").permutation(len(pictures))[:4000]
    pictures, labels = pictures[order], labels[order]
    flat = pictures.reshape(len(order), -1)
    light = np.where(flat.mean(axis=1) > np.median(flat.mean(axis=1)), "bright", "dark")
    size = np.full(len(order), 28, np.int32)
    rows = pa.table({
        "image": pa.ListArray.from_arrays(np.arange(0, flat.size + 1, 784, dtype=np.int32), flat.ravel()),
        "height": size, "width": size, "channels": np.ones(len(order), np.int32),
        "label": labels.astype(str).tolist(), "light": light.tolist(),
    })  # fmt: skip
    tables = {"data": rows.slice(0, 2000), "learned": rows.slice(2000)}
    return Case("vision", "vision/small_cnn", "epochs=6", tables, {"groups": "light"},
                "a small CNN, 6 passes, Fashion-MNIST, 2,000 pictures learned and 2,000 asked")  # fmt: skip


def graph() -> Case:
    """Return a GCN on Cora: 140 labels learned, 1,000 nodes asked, grouped by how many links they have."""
    kept = np.load(place("graphs") / "cora.npz")
    edges, n = kept["edges"].astype(np.int64), len(kept["y"])
    both = np.concatenate([edges, edges[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    degree = np.bincount(both[:, 0], minlength=n)
    near = pa.ListArray.from_arrays(np.append(0, np.cumsum(degree)).astype(np.int32), both[:, 1].astype(np.int32))
    dense = np.zeros(kept["x_shape"], np.float32)
    dense[np.repeat(np.arange(n), np.diff(kept["x_indptr"])), kept["x_indices"]] = kept["x_data"]
    nodes = {"node": [f"paper {at}" for at in range(n)], "features": _lists(dense), "neighbours": near,
             "links": np.where(degree > np.median(degree), "many", "few").tolist()}  # fmt: skip

    def labelled(places: NDArray[Any]) -> pa.Table:
        known = np.isin(np.arange(n), places) & (kept["y"] >= 0)
        return pa.table(nodes | {"label": pa.array(kept["y"].astype(str).tolist(), mask=~known)})

    tables = {"data": labelled(kept["test"]), "learned": labelled(kept["train"])}
    return Case("graph", "graph/gcn", "", tables, {"groups": "links"},
                "a GCN on Cora, the public split: 140 labels learned, 1,000 asked")  # fmt: skip


def _lists(table: NDArray[np.float32]) -> pa.Array:
    ends = np.arange(0, table.size + 1, table.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(ends, table.ravel())


def _coin(random: np.random.Generator, many: int, first: str, second: str) -> list[str]:
    return np.where(random.random(many) < 0.5, first, second).tolist()


CASES: dict[str, Callable[[], Case]] = {
    "recsys": recsys, "ranking": ranking, "text": text, "vision": vision, "graph": graph
}  # fmt: skip
