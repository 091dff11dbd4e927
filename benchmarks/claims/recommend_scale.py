"""EASE and iALS on a generated log of 20 million interactions: peak memory, recommend-all, iALS's time over implicit.

Each runs in a process of its own. Arguments: how many million interactions, else 20; the rest scales with it.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks._claim import ROOT, measure, write
from consentinel.core.rng import generator

NAMES = ("recommend_scale_gb", "recommend_scale_users_per_second", "ials_time_over_implicit")
INPUTS = (
    "src/consentinel/models/recommend/ease.py",
    "src/consentinel/models/recommend/ials.py",
    "src/consentinel/models/pieces/logs.py",
    "src/consentinel/models/recommend/_ranking.py",
)
PEOPLE, ITEMS, EACH = 10_000, 20_000, 100  # people a million interactions, items of 20 million, interactions a person
FACTORS, ROUNDS, REG, ALPHA, KEEP = 64, 5, 10.0, 5.0, 100


def items(millions: float) -> int:
    """Return how many items a log of so many MILLIONS of interactions is about."""
    return int(ITEMS * min(1.0, millions / 20) ** 0.5)


def log(millions: float) -> pa.Table:
    """Return a seeded long-tailed log: log-normal activity, Zipf-like popularity, twenty tastes."""
    rng = generator(0, "recommend_scale")
    people, things = int(PEOPLE * millions), items(millions)
    active = rng.lognormal(0, 1, people)
    count = np.maximum(1, (active / active.sum() * people * EACH)).astype(np.int64)
    count[0] += max(0, people * EACH - int(count.sum()))
    popular = 1 / np.arange(1, things + 1) ** 0.8
    total = np.cumsum(popular) / popular.sum()
    user = np.repeat(np.arange(people, dtype=np.int32), count)
    item = np.searchsorted(total, rng.random(len(user))).astype(np.int32)
    own = rng.random(len(user)) < 0.5  # half of what people do is within their taste
    item = np.where(own, item - item % 20 + (user % 20), item).clip(0, things - 1).astype(np.int32)
    ids = [pa.array(np.arange(n)).cast(pa.string()) for n in (people, things)]
    columns = [pa.DictionaryArray.from_arrays(one, names) for one, names in zip((user, item), ids, strict=True)]
    return pa.table(columns, names=["user", "item"])


def alone(name: str, millions: float) -> dict[str, Any]:
    """Return what `one` measures for NAME in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), str(millions), name], check=True, stdout=subprocess.PIPE, cwd=ROOT
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(name: str, millions: float) -> dict[str, float]:
    """Return for part NAME peak memory of training and recommend-all (GB), training seconds, and people a second."""
    from consentinel.models.recommend import ease, ials

    table = log(millions)
    settings: Any = (
        ease.SETTINGS(reg=500.0, keep=KEEP)
        if name == "ease"
        else ials.SETTINGS(factors=FACTORS, reg=REG, alpha=ALPHA, iterations=ROUNDS, threads=0)
    )
    part: Any = ease if name == "ease" else ials
    with measure() as training:
        model = part.trainer(settings).train(table, seed=0)
    people = table["user"].combine_chunks().unique().cast(pa.string())
    with measure() as answering:
        answered = model.predict(pa.table({"query": people}))
    if len(answered) < 20 * len(people) * 0.99:
        raise SystemExit(f"{name} answered {len(answered)} rows for {len(people)} people")
    return {
        "gb": max(training.peak_mb, answering.peak_mb) / 1e3, "seconds": training.seconds,
        "rate": len(people) / answering.seconds, "rows": len(table),
    }  # fmt: skip


def ratios(millions: float, repeats: int = 5) -> list[float]:
    """Return the time of our iALS, from log to factors, over that of implicit on the same matrix, in turns."""
    from threadpoolctl import threadpool_limits

    from consentinel.models.pieces.logs import log_of
    from consentinel.models.recommend import ials

    made = log_of(log(millions))
    settings = ials.SETTINGS(factors=FACTORS, reg=REG, alpha=ALPHA, iterations=ROUNDS, threads=0)
    found = []
    with threadpool_limits(1, "blas"):
        from implicit.cpu.als import AlternatingLeastSquares

        for _ in range(repeats):
            start = time.perf_counter()
            ials.fit(made, settings, 0)
            middle = time.perf_counter()
            direct = AlternatingLeastSquares(
                factors=FACTORS, regularization=REG, alpha=ALPHA, iterations=ROUNDS, random_state=0
            )
            direct.fit(made.matrix, show_progress=False)
            found.append((middle - start) / (time.perf_counter() - middle))
    return found


def main() -> None:
    """Measure and write the numbers, or, told a part, measure that part and print it."""
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    if len(sys.argv) > 2:
        told = {"ratios": ratios(millions)} if sys.argv[2] == "ratio" else one(sys.argv[2], millions)
        print(json.dumps(told))
        return
    parts = {name: alone(name, millions) for name in ("ease", "ials")}
    times: Any = alone("ratio", millions)["ratios"]
    told = "; ".join(
        f"{name} {one['gb']:.2f} GB, {one['seconds']:.0f} s, {one['rate']:.0f} people/s" for name, one in parts.items()
    )
    rows = int(parts["ials"]["rows"])
    protocol = (
        f"a generated long-tailed log of {rows} interactions ({int(PEOPLE * millions)} people, {items(millions)} "
        f"items), each part in a process of its own with the log in memory: EASE keeping {KEEP} weights an item, iALS "
        f"with {FACTORS} factors and {ROUNDS} rounds; {told}; the worse of both is the value"
    )
    print(told, times)
    for name, field, worst in (("gb", "gb", max), ("users_per_second", "rate", min)):
        both = [one[field] for one in parts.values()]
        write(f"recommend_scale_{name}", value=worst(both), low=min(both), high=max(both), n=rows, protocol=protocol)
    write(
        "ials_time_over_implicit", value=float(np.median(times)), low=float(np.quantile(times, 0.25)),
        high=float(np.quantile(times, 0.75)), n=len(times),
        protocol=f"our iALS from log to factors over implicit's fit on the same matrix of {rows} interactions, all "
        f"cores, {FACTORS} factors, {ROUNDS} rounds, median and quartiles of {len(times)} in turns",
    )  # fmt: skip


if __name__ == "__main__":
    main()
