"""Tiny made rows for each shelf of models: what a part can learn from, and what it is then asked."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.models.rows import DOCUMENTS, IMAGES, INTERACTIONS, NODES, QUERIES, TEXTS

SEED = 5
# Small enough to train in a moment; a part takes those that it has.
SMALL: dict[str, Any] = {
    "epochs": 1, "trees": 5, "steps": 3, "batch": 16, "width": 8, "blocks": 1, "layers": 1, "factors": 4,
    "iterations": 2, "resamples": 2, "longest": 10, "negatives": 10, "segments": 2, "people": 60, "threads": 1,
    "retrievers": "popularity+item_knn", "classes": "left|right", "leaves": 4, "least": 2, "depth": 10, "pool": 20,
}  # fmt: skip
SMALL_PRIVATE: dict[str, Any] = {
    "categorical": "device slot", "epsilon": 5, "catalogue": "|".join(f"i{n}" for n in range(24)),
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """Rows to learn from, rows to ask about, and whether it is answered with rankings."""

    learn: pa.Table
    ask: pa.Table


def small(kind: type[Any]) -> str:
    """Return settings of dataclass KIND, as text, that train in a moment."""
    names = {one.name for one in fields(kind)}
    wanted = SMALL | (SMALL_PRIVATE if "epsilon" in names else {})
    return ",".join(f"{name}={value}" for name, value in wanted.items() if name in names)


def made(shelf: str) -> list[Made]:
    """Return the forms of rows that parts of SHELF learn from; a part takes at least one of them."""
    return list(_FORMS[shelf]())


def interactions(people: int = 40, items: int = 24, each: int = 8) -> pa.Table:
    """Two tastes: even people like even items, odd ones odd; each did EACH things one after the other."""
    rng = np.random.default_rng(SEED)
    rows = []
    for person in range(people):
        liked = rng.permutation(np.arange(person % 2, items, 2))[:each]
        rows += [(f"u{person}", f"i{item}", 1_000_000 * (person + 50 * n), 1.0) for n, item in enumerate(liked)]
    return pa.table([list(column) for column in zip(*rows, strict=True)], names=INTERACTIONS.names).cast(INTERACTIONS)


def _recommend() -> Iterator[Made]:
    asked = [
        {"query": "u3", "text": None, "k": 5, "history": None},
        {"query": "stranger with a past", "text": None, "k": 3, "history": ["i0", "i2", "nowhere"]},
        {"query": "u0", "text": None, "k": None, "history": None},
        {"query": "stranger", "text": None, "k": 4, "history": None},
    ]
    yield Made(interactions(), pa.Table.from_pylist(asked, QUERIES))


def _users() -> Iterator[Made]:
    first = next(_recommend())
    audience = ["u2", "u4", "i0"]  # people for those who look for people, things for those who look for things
    asked = [row | {"history": row["history"] or audience} for row in first.ask.to_pylist()]
    yield Made(first.learn, pa.Table.from_pylist(asked, QUERIES))


def _rank() -> Iterator[Made]:
    rng = np.random.default_rng(SEED)
    rows = []
    for query in range(12):
        for item in range(6):
            features = rng.random(4)
            label = float(features[0] > 0.4) + float(features[0] > 0.8)
            rows.append(
                {"query": f"q{query}", "item": f"d{query}-{item}", "label": label, "features": features.tolist()}
            )
    judged = pa.Table.from_pylist(rows, DOCUMENTS)
    yield Made(judged, judged.slice(12, 18).set_column(3, "label", pa.nulls(18, pa.float32())))

    words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven"]
    texts: list[dict[str, Any]] = []
    for n in range(24):
        drawn = " ".join(rng.choice(words, 6))
        texts.append({"item": f"d{n}", "text": f"{words[n % 8]} {words[n % 8]} {drawn}"})
    texts += [{"query": f"q{n}", "text": f"{word} {words[(n + 3) % 8]}"} for n, word in enumerate(words)]
    texts += [{"query": f"q{n}", "item": f"d{n + 8 * m}", "label": 1.0} for n in range(8) for m in range(3)]
    asked = [{"query": "a", "text": "cedar grove", "k": 5}, {"query": "b", "text": "amber amber", "k": 3}]
    yield Made(pa.Table.from_pylist(texts, DOCUMENTS), pa.Table.from_pylist(asked, QUERIES))

    ranking = [
        {"query": query, "item": f"p{n}", "score": float(20 - n), "group": "few" if n % 5 == 4 else "many"}
        for query in ("x", "y")
        for n in range(20)
    ]
    yield Made(pa.Table.from_pylist(ranking), pa.Table.from_pylist(ranking))


def _ads() -> Iterator[Made]:
    rng = np.random.default_rng(SEED)
    device, slot = rng.choice(["phone", "tablet", "desktop"], 240), rng.choice(["top", "side"], 240)
    price = np.round(rng.random(240) * 10, 2)
    click = (rng.random(240) < 0.15 + 0.3 * (device == "phone") + 0.2 * (slot == "top")).astype(np.int64)
    rows = pa.table({"device": device, "slot": slot, "price": price, "label": click})
    yield Made(rows, rows.drop_columns(["label"]).slice(0, 50))
    treated = rows.append_column("treatment", pa.array(rng.integers(0, 2, 240)))
    yield Made(treated, treated.drop_columns(["label"]).slice(0, 50))


def _text() -> Iterator[Made]:
    rng = np.random.default_rng(SEED)
    words = {"left": ["parcel", "courier", "address"], "right": ["invoice", "refund", "card"]}
    label = ["left", "right"] * 30
    texts = [" ".join([*rng.choice(words[one], 4), *rng.choice(["the", "my", "please", "today"], 3)]) for one in label]
    rows = pa.table([texts, label], schema=TEXTS)
    yield Made(rows, rows.slice(0, 11).set_column(1, TEXTS.field("label"), pa.nulls(11, pa.string())))


def _vision() -> Iterator[Made]:
    rng = np.random.default_rng(SEED)
    label = np.array(["left", "right"] * 30)
    pictures = rng.integers(0, 60, (60, 16, 16), dtype=np.uint8)
    pictures[label == "left", :, :8] += 150
    pictures[label == "right", :, 8:] += 150
    flat = pa.array(pictures.reshape(60, -1).tolist(), pa.list_(pa.uint8()))
    size = pa.array([16] * 60, pa.int32())
    rows = pa.table([flat, size, size, pa.array([1] * 60, pa.int32()), pa.array(label)], schema=IMAGES)
    yield Made(rows, rows.slice(0, 9).set_column(4, IMAGES.field("label"), pa.nulls(9, pa.string())))


def _graph() -> Iterator[Made]:
    rng = np.random.default_rng(SEED)
    side = np.arange(40) % 2
    near = rng.random((40, 40)) < np.where(side[:, None] == side, 0.3, 0.03)
    near = np.triu(near, 1) | np.triu(near, 1).T
    features = rng.random((40, 6)) + np.outer(side, [1, 0, 1, 0, 0, 0])
    label = [("left", "right")[s] if n < 24 else None for n, s in enumerate(side)]
    neighbours = [np.flatnonzero(row).tolist() for row in near]
    rows = pa.table([[f"n{n}" for n in range(40)], features.tolist(), label, neighbours], names=NODES.names).cast(NODES)
    yield Made(rows, rows.set_column(2, NODES.field("label"), pa.nulls(40, pa.string())))


_FORMS = {
    "ads": _ads, "graph": _graph, "rank": _rank, "recommend": _recommend, "text": _text, "users": _users,
    "vision": _vision,
}  # fmt: skip
