"""People who walk round a ring of items, so that what comes next is known."""

import numpy as np
import pyarrow as pa

ITEMS = 12


def walks(people: int = 60, steps: int = 6, seed: int = 0) -> pa.Table:
    """Return INTERACTIONS of PEOPLE who each go STEPS steps round the ring from a random place; rows are shuffled."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, ITEMS, people)
    person, step = np.divmod(np.arange(people * steps), steps)
    item = (start[person] + step) % ITEMS
    order = rng.permutation(len(person))
    table = {
        "user": pa.array([f"p{one:03}" for one in person[order]]).dictionary_encode(),
        "item": pa.array([f"i{one:02}" for one in item[order]]).dictionary_encode(),
        "time": pa.array(step[order].astype(np.int64)),
        "weight": pa.array(np.ones(len(person), np.float32)),
    }
    return pa.table(table)


def groups(people: int = 60, each: int = 6, of: int = 10, seed: int = 0) -> pa.Table:
    """Return INTERACTIONS of PEOPLE who, by turns, do EACH of OF items `a0`.. and of as many items `b0`.. ."""
    rng = np.random.default_rng(seed)
    rows = [(f"p{one:03}", f"{'ab'[one % 2]}{item}") for one in range(people)
            for item in rng.choice(of, each, replace=False)]  # fmt: skip
    users, items = zip(*rows, strict=True)
    return pa.table(
        {
            "user": pa.array(users).dictionary_encode(),
            "item": pa.array(items).dictionary_encode(),
            "time": pa.array(np.arange(len(rows))),
            "weight": pa.array(np.ones(len(rows), np.float32)),
        }
    )


def questions(*names: str, k: int = 3, history: list[list[str] | None] | None = None) -> pa.Table:
    """Return QUERIES for NAMES."""
    columns: dict[str, pa.Array] = {"query": pa.array(names), "k": pa.array([k] * len(names), pa.int32())}
    if history is not None:
        columns["history"] = pa.array(history, pa.list_(pa.string()))
    return pa.table(columns)


def told(ranked: pa.Table) -> dict[str, list[str]]:
    """Return the items of each query of RANKED, best first."""
    found: dict[str, list[str]] = {}
    for row in ranked.to_pylist():
        found.setdefault(row["query"], []).append(row["item"])
    return found
