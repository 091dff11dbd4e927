"""Files of made-up data and models for the tests of intake, reading and the verbs, and a shelf of made-up probes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core.stats import wilson


def people(n: int = 400, gap: float = 0.0, seed: int = 1) -> pa.Table:
    """Return rows with two features, group, person and label; group b has noisier features by GAP."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(n) < 0.5, "a", "b")
    label = rng.integers(0, 2, n)
    x = label + rng.normal(0, 0.8 + gap * (group == "b"), n)
    return pa.table(
        {
            "x": x, "y": rng.normal(size=n), "group": group.tolist(), "person": [f"p{at // 2}" for at in range(n)],
            "id": np.arange(n), "label": label,
        }
    )  # fmt: skip


def put(table: pa.Table, path: Path) -> Path:
    """Write TABLE to PATH and return it."""
    pq.write_table(table, path)
    return path


def predicted(rows: pa.Table) -> pa.Table:
    """Return the scores of a threshold on x for ROWS, by id."""
    score = 1 / (1 + np.exp(-(np.asarray(rows["x"]) - 0.5) * 3))
    return pa.table({"id": rows["id"], "score": score, "prediction": (score >= 0.5).astype(int)})


class Shelf:
    """A shelf that holds the probe `right`, which measures accuracy by group, and what MORE there is."""

    def __init__(self, **more: Callable[[Subject, Plan], Iterator[Measure]]) -> None:
        self.parts: dict[str, Any] = {"right": right} | more
        self.calls: list[str] = []

    def names(self) -> list[str]:
        return sorted(self.parts)

    def summary(self, name: str) -> str:
        return f"A made-up probe called {name}."

    def take(self, name: str) -> Any:
        shelf, asked = self, self.parts[name]

        class Part:
            KINDS = ("tabular", "text", "recsys", "ranking", "vision", "graph")
            NEEDS = getattr(asked, "needs", ("labels",))

            @staticmethod
            def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
                shelf.calls.append(name)
                return asked(subject, plan)

        return Part


def right(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the share of right labels (rankings: of people who got something right) in every group."""
    if subject.kind in ("recsys", "ranking"):
        truth = set(zip(subject.rows["query"].to_pylist(), subject.rows["item"].to_pylist(), strict=True))
        given = zip(subject.answers["query"].to_pylist(), subject.answers["item"].to_pylist(), strict=True)
        won = {query for query, item in given if (query, item) in truth}
        units = subject.groups["unit"].to_pylist()
        hit, unit = np.array([one in won for one in units]), np.arange(len(units))
    else:
        hit = np.asarray(pa.compute.equal(subject.rows["label"], subject.answers["label"]))
        unit = subject.unit
    yield Measure("accuracy", wilson(int(hit.sum()), len(hit), plan.level), better="higher")
    for name in subject.attributes():
        group = subject.attribute(name)[unit]
        for value in sorted(set(group.tolist())):
            mine = hit[group == value]
            if len(mine) < 2:
                yield Measure("accuracy", None, f"{name}={value}", why="a group of one: give more people of it")
            else:
                made = wilson(int(mine.sum()), len(mine), plan.level)
                yield Measure("accuracy", made, f"{name}={value}", null=0.5, p=0.001, better="higher")
