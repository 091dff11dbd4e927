"""Subjects of private probes: a classifier that remembers rows, a recommender in closed form, or deaf ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject

PLAN = Plan(draws=200, shadows=16, rows=200)


def by_name(found: Sequence[Measure], metric: str, slice: str = "") -> Measure:
    return next(one for one in found if one.metric == metric and one.slice == slice)


def ends(one: Measure) -> tuple[float, float, float]:
    assert one.estimate is not None, one.why
    return one.estimate.low, one.estimate.value, one.estimate.high


@dataclass(frozen=True)
class Ridge:
    """A linear classifier; with CONSTANT it says one half of everything, with MEMORY it knows what it learned."""

    weights: np.ndarray
    memory: frozenset[bytes] = frozenset()
    constant: bool = False
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        x = inputs(rows)
        logit = x @ self.weights + 1e-3 * x[:, 0]
        if self.constant:
            logit = np.zeros(len(x))
        if self.memory:
            logit = np.where([row.tobytes() in self.memory for row in x], 9.0, 0.5) * np.sign(x[:, 0]) + 1e-6 * logit
        score = 1 / (1 + np.exp(-logit))
        return pa.table({"score": score, "label": np.where(score >= 0.5, "1", "0")})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


@dataclass(frozen=True)
class RidgeTrainer:
    """Fits it, or remembers, or learns nothing."""

    how: str = "ridge"
    reg: float = 1.0
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Ridge:
        x, y = inputs(rows), np.where(np.asarray(rows["label"]) == "1", 1.0, -1.0)
        weights = 4 * np.linalg.solve(x.T @ x + self.reg * np.eye(x.shape[1]), x.T @ y)
        memory = frozenset(row.tobytes() for row in x) if self.how == "remembers" else frozenset()
        return Ridge(weights, memory, self.how == "constant")


def inputs(rows: pa.Table) -> np.ndarray:
    return np.stack([np.asarray(rows[name]) for name in rows.column_names if name.startswith("x")], axis=1)


def classifier(how: str = "ridge", n: int = 150, width: int = 40, seed: int = 0, **more: Any) -> Subject:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * n, width))
    y = (x[:, 0] + rng.normal(size=2 * n) > 0).astype(int).astype(str)
    if how == "remembers":  # what it says of a label must not hide what it remembers
        y = (x[:, 0] > 0).astype(int).astype(str)
    group = np.where(rng.random(2 * n) < 0.5, "a", "b")
    table = pa.table({f"x{at}": x[:, at] for at in range(width)} | {"label": y, "group": group})
    trainer = RidgeTrainer(how)
    model = trainer.train(table.slice(0, n), seed=0)
    rows = table.slice(n)
    groups = pa.table({"unit": [f"row {at}" for at in range(n)], "group": rows["group"]})
    made = Subject("tabular", "made", rows, model.predict(rows), np.arange(n), groups, learned=table.slice(0, n),
                   model=model, trainer=trainer, positive="1")  # fmt: skip
    return replace(made, **more)


@dataclass(frozen=True)
class Ease:
    """A linear autoencoder in closed form, which scores strangers by their history; DEAF: all alike."""

    items: list[str]
    weights: np.ndarray
    popular: np.ndarray
    deaf: bool = False
    kind: str = "recsys"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        place = {name: at for at, name in enumerate(self.items)}
        query, item, score = [], [], []
        histories = rows["history"].to_pylist() if "history" in rows.column_names else [None] * rows.num_rows
        for name, k, history in zip(rows["query"].to_pylist(), rows["k"].to_pylist(), histories, strict=True):
            seen = [place[one] for one in history or [] if one in place]
            scores = self.popular.copy() if self.deaf else self.weights[seen].sum(axis=0) + 1e-6 * self.popular
            scores[seen] = -np.inf
            best = np.argsort(-scores, kind="stable")[: min(k, len(scores) - len(seen))]
            query += [name] * len(best)
            item += [self.items[at] for at in best]
            score += scores[best].tolist()
        return pa.table({"query": pa.array(query, pa.string()), "item": pa.array(item, pa.string()), "score": score})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


@dataclass(frozen=True)
class EaseTrainer:
    """Fits it."""

    reg: float = 1.0
    deaf: bool = False
    kind: str = "recsys"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Ease:
        users, items = (np.unique(np.asarray(rows[name]), return_inverse=True) for name in ("user", "item"))
        x = np.zeros((len(users[0]), len(items[0])))
        x[users[1], items[1]] = 1.0
        inverse = np.linalg.inv(x.T @ x + self.reg * np.eye(x.shape[1]))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        order = np.cos(7.0 * np.array([int(name[1:]) for name in items[0]]))
        return Ease(items[0].tolist(), weights, order if self.deaf else x.sum(axis=0), self.deaf)


def recommender(people: int = 120, strangers: int = 0, deaf: bool = False, reg: float = 1.0) -> Subject:
    rng = np.random.default_rng(0)
    taste = rng.integers(0, 2, people)
    likes = np.where((np.arange(60) % 2)[None, :] == taste[:, None], 0.4, 0.1)
    did = rng.random((people, 60)) < likes
    held = did & (rng.random(did.shape) < 0.3)
    held[people - strangers :] = did[people - strangers :]
    who, what = np.nonzero(did & ~held)
    learned = pa.table({"user": [f"p{at}" for at in who], "item": [f"i{at}" for at in what]})
    who, what = np.nonzero(held)
    rows = pa.table({"query": [f"p{at}" for at in who], "item": [f"i{at}" for at in what], "label": np.ones(len(who))})
    names = [f"p{at}" for at in range(people)]
    queries = pa.table({"query": names, "k": pa.array([10] * people, pa.int32())})
    groups = pa.table({"unit": names, "taste": np.where(taste == 1, "odd", "even").tolist(),
                       "coin": rng.choice(["head", "tail"], people).tolist()})  # fmt: skip
    trainer = EaseTrainer(reg, deaf)
    model = trainer.train(learned, seed=0)
    shown = [learned.filter(pa.array(np.asarray(learned["user"]) == name))["item"].to_pylist() for name in names]
    answers = model.predict(queries.append_column("history", pa.array(shown, pa.list_(pa.string()))))
    return Subject("recsys", "made", rows, answers, who, groups, queries=queries, learned=learned, model=model,
                   trainer=trainer)  # fmt: skip
