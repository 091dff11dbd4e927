"""Subjects whose truth is known by construction, for the tests of the assure room."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from consentinel.assure.subject import Subject


def classifier(n: int = 600, gap: float = 0.0, seed: int = 0, kind: str = "tabular") -> Subject:
    """Return a yes/no classifier on N people of two groups, right with 0.8, and GAP less often in group b."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(n) < 0.4, "b", "a")
    age = np.where(rng.random(n) < 0.5, "old", "young")
    label = rng.random(n) < 0.5
    right = rng.random(n) < np.where(group == "b", 0.8 - gap, 0.8)
    said = np.where(right, label, ~label)
    score = np.clip(np.where(said, 0.7, 0.3) + rng.normal(0, 0.1, n), 0.01, 0.99)
    said = score >= 0.5
    rows = pa.table({"label": pa.array(label.astype(int).astype(str)), "x": pa.array(score)})
    answers = pa.table({"score": pa.array(score), "label": pa.array(said.astype(int).astype(str))})
    groups = pa.table({"unit": [f"p{at}" for at in range(n)], "group": group.tolist(), "age": age.tolist()})
    return Subject(kind, "made", rows, answers, np.arange(n), groups, positive="1")


@dataclass(frozen=True)
class Linear:
    """A linear recommender of MADE weights: the score of an item is the sum of weights from the history."""

    items: list[str]
    made: np.ndarray
    histories: dict[str, np.ndarray]
    kind: str = "recsys"

    def weights(self) -> np.ndarray:
        """Return the weights (items, items)."""
        return self.made

    def history(self, query: str, /) -> np.ndarray:
        """Return the places of the items that QUERY did."""
        return self.histories.get(query, np.zeros(0, np.int64))

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return the ten best unseen items of each query."""
        lines = []
        for query in rows["query"].to_pylist():
            seen = self.history(query)
            score = self.made[seen].sum(axis=0)
            score[seen] = -np.inf
            best = [at for at in np.argsort(-score, kind="stable")[:10] if np.isfinite(score[at])]
            lines += [{"query": query, "item": self.items[at], "score": float(score[at])} for at in best]
        return pa.Table.from_pylist(lines)

    def save(self, path: Path, /) -> Path:
        """Not needed here."""
        raise AssertionError


def recommender(people: int = 80, items: int = 40, seed: int = 0) -> Subject:
    """Return a linear recommender of ITEMS for PEOPLE of two groups, each of whom likes one half of the items."""
    rng = np.random.default_rng(seed)
    names = [f"i{at}" for at in range(items)]
    half = np.arange(items) % 2
    taste = rng.integers(0, 2, people)
    did = rng.random((people, items)) < np.where(half[None, :] == taste[:, None], 0.4, 0.1)
    did[np.arange(people), rng.integers(0, items, people)] = True
    held = did & (rng.random(did.shape) < 0.3)
    learned = did & ~held
    weights = learned.T.astype(float) @ learned.astype(float)
    np.fill_diagonal(weights, 0.0)
    model = Linear(names, weights, {f"p{at}": np.flatnonzero(learned[at]) for at in range(people)})
    queries = pa.table({"query": [f"p{at}" for at in range(people)], "k": pa.array([10] * people, pa.int32())})
    who, what = np.nonzero(held)
    rows = pa.table(
        {"query": [f"p{at}" for at in who], "item": [names[at] for at in what], "label": pa.array(np.ones(len(who)))}
    )
    person, thing = np.nonzero(learned)
    log = pa.table({"user": [f"p{at}" for at in person], "item": [names[at] for at in thing],
                    "time": np.arange(len(person)), "weight": np.ones(len(person), np.float32)})  # fmt: skip
    groups = pa.table({"unit": queries["query"], "taste": np.where(taste == 1, "odd", "even").tolist()})
    attributes = pa.table({"item": names, "genre": np.where(half == 1, "odd", "even").tolist()})
    return Subject("recsys", "made", rows, model.predict(queries), who, groups, queries=queries, items=attributes,
                   learned=log, model=model)  # fmt: skip
