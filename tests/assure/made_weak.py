"""Models of pictures, texts, columns and rankings whose weaknesses are known, for the tests of robustness."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.shelves import ROBUST
from consentinel.assure.subject import Subject

PLAN = Plan(draws=200, rows=80)
Singles = NDArray[np.float32]
SIDE = 4


def found(part: str, subject: Subject, plan: Plan = PLAN) -> dict[tuple[str, str], Measure]:
    return {(one.metric, one.slice): one for one in ROBUST.take(part).probe(subject, plan)}


def value(measure: Measure) -> float:
    assert measure.estimate is not None, measure.why
    assert measure.estimate.low <= measure.estimate.value <= measure.estimate.high
    return measure.estimate.value


# Pictures


@dataclass(frozen=True)
class Sees:
    """A linear model of grey pictures of SIDE by SIDE pixels."""

    weights: Singles  # (pixels, classes)
    offset: Singles
    kind: str = "vision"

    def inputs(self, rows: pa.Table, /) -> Singles:
        return np.array(rows["image"].to_pylist(), np.float32).reshape(-1, SIDE, SIDE, 1) / np.float32(255)

    def classes(self) -> list[str]:
        return [str(at) for at in range(self.weights.shape[1])]

    def scores(self, inputs: Singles, /) -> Singles:
        return np.asarray(inputs.reshape(len(inputs), -1) @ self.weights + self.offset, np.float32)

    def gradient(self, inputs: Singles, target: NDArray[np.int64], /) -> Singles:
        return np.ascontiguousarray(self.weights.T)[target].reshape(inputs.shape).astype(np.float32)

    def predict(self, rows: pa.Table, /) -> pa.Table:
        logits = self.scores(self.inputs(rows)).astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        return pa.table({"score": odds.max(axis=1), "label": odds.argmax(axis=1).astype(str).tolist()})

    def save(self, path: Path, /) -> Path:
        raise AssertionError


def pictures(model: Any, n: int = 120, seed: int = 0, wrong: float = 0.1) -> Subject:
    rng = np.random.default_rng(seed)
    x = rng.integers(60, 196, (n, SIDE * SIDE)).astype(np.uint8)
    rows = pa.table({
        "image": pa.array(x.tolist(), pa.list_(pa.uint8())), "height": pa.array([SIDE] * n, pa.int32()),
        "width": pa.array([SIDE] * n, pa.int32()), "channels": pa.array([1] * n, pa.int32()),
    })  # fmt: skip
    answers = model.predict(rows)
    label = np.array(answers["label"].to_pylist(), dtype=object)
    off = rng.random(n) < wrong
    label[off] = np.where(label[off] == "0", "1", "0")
    rows = rows.append_column("label", pa.array(label.tolist(), pa.string()))
    groups = pa.table({"unit": [f"row {at}" for at in range(n)]})
    return Subject("vision", "made", rows, answers, np.arange(n), groups, model=model)


def linear(classes: int = 2, seed: int = 3) -> Sees:
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (SIDE * SIDE, classes)).astype(np.float32)
    return Sees(weights, (-0.5 * weights.sum(axis=0)).astype(np.float32))


def constant() -> Sees:
    return Sees(np.zeros((SIDE * SIDE, 2), np.float32), np.array([1, 0], np.float32))


# Texts


def reads(word: str) -> Callable[[pa.Table], pa.Table]:
    """Return a model that looks at one word."""

    def predict(rows: pa.Table) -> pa.Table:
        seen = np.array([word in re.findall(r"\w+", text.lower()) for text in rows["text"].to_pylist()])
        return pa.table({"score": np.where(seen, 0.9, 0.2), "label": np.where(seen, "yes", "no").tolist()})

    return predict


@dataclass(frozen=True)
class Asked:
    """A function as a model, which counts what it is asked."""

    says: Callable[[pa.Table], pa.Table]
    kind: str = "text"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        return self.says(rows)

    def save(self, path: Path, /) -> Path:
        raise AssertionError


FILL = ["the", "a", "film", "was", "seen", "by", "many", "people", "on", "some", "day", "while", "it", "rained"]


def writings(says: Callable[[pa.Table], pa.Table], n: int = 60, seed: int = 0) -> Subject:
    rng = np.random.default_rng(seed)
    plain, label = [], []
    for at in range(n):
        some = [FILL[place] for place in rng.integers(0, len(FILL), 9)]
        if at % 2:
            some[int(rng.integers(0, 9))] = "splendid"
        plain.append(" ".join(some).capitalize() + ".")
        label.append("yes" if at % 2 else "no")
    rows = pa.table({"text": plain, "label": label})
    groups = pa.table({"unit": [f"row {at}" for at in range(n)]})
    return Subject("text", "made", rows, says(rows), np.arange(n), groups, model=Asked(says), positive="yes")


# Columns and rankings


def table_of(n: int = 400, seed: int = 0, nulls: bool = True) -> Subject:
    """Return a model of the sign of x; y and the word do nothing."""
    rng = np.random.default_rng(seed)

    def says(rows: pa.Table) -> pa.Table:
        x = np.asarray(rows["x"].to_numpy(zero_copy_only=False), np.float64)
        if not nulls and np.isnan(x).any():
            raise ValueError("no missing values")
        yes = np.nan_to_num(x) > 0
        return pa.table({"score": np.where(yes, 0.9, 0.1), "label": np.where(yes, "1", "0").tolist()})

    rows = pa.table({"x": rng.normal(0, 1, n), "y": rng.integers(0, 50, n), "flag": rng.integers(0, 2, n),
                     "word": rng.choice(["red", "blue"], n).tolist()})  # fmt: skip
    rows = rows.append_column("label", says(rows)["label"])
    groups = pa.table({"unit": [f"row {at}" for at in range(n)]})
    return Subject("tabular", "made", rows, says(rows), np.arange(n), groups, model=Asked(says, "tabular"),
                   positive="1")  # fmt: skip


def ranker(n: int = 60, seed: int = 0) -> Subject:
    """Return queries of eight candidates each, ordered by their first feature, which is the label."""
    rng = np.random.default_rng(seed)

    def says(rows: pa.Table) -> pa.Table:
        query = np.array(rows["query"].to_pylist())
        score = np.array(rows["features"].to_pylist(), np.float64)[:, 0]
        made = pa.table({"query": rows["query"], "item": rows["item"], "score": score})
        return made.take(pa.array(np.lexsort((-score, query))))

    label = rng.integers(0, 4, n * 8)
    x = np.stack([label + rng.normal(0, 0.05, n * 8), rng.normal(0, 1, n * 8)], axis=1)
    rows = pa.table({"query": np.repeat([f"q{at}" for at in range(n)], 8).tolist(),
                     "item": [f"d{at}" for at in range(n * 8)], "label": label.astype(float),
                     "features": pa.array(x.tolist(), pa.list_(pa.float32()))})  # fmt: skip
    queries = pa.table({"query": [f"q{at}" for at in range(n)], "k": pa.array([10] * n, pa.int32())})
    groups = pa.table({"unit": queries["query"]})
    return Subject("ranking", "made", rows, says(rows), np.repeat(np.arange(n), 8), groups,
                   queries=queries, model=Asked(says, "ranking"))  # fmt: skip
