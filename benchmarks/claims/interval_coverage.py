"""How often nominal 95% intervals of private aggregates cover the truth: real experiments resampled, 100,000 seeds.

A seed is a fresh sample of people from the file and fresh noise. Sums over people are computed with the mechanisms' own
SQL; the noise comes from a seeded generator, here only, with the probabilities of the discrete Gaussian law.
"""

import argparse
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from _claim import ROOT, write_interval
from consentinel.core.stats import clopper_pearson
from consentinel.protect.estimates import MECHANISMS
from consentinel.protect.splitting import deviations, params
from consentinel.protect.statistic import Bounds, Statistic, clipped_steps, lattice

SHARED = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
FOLDER = SHARED / "models" / "uplift-rct"
SIDES = ("least", "most")
KINDS = ("count", "sum", "mean", "quantile", "clipped")
NAMES = (
    "coverage_count_least",
    "coverage_count_most",
    "coverage_sum_least",
    "coverage_sum_most",
    "coverage_mean_least",
    "coverage_mean_most",
    "coverage_quantile_least",
    "coverage_quantile_most",
    "coverage_clipped_least",
)
AT_ONCE = 5_000
SEED = 2026_11  # another than the one that a case was once looked at with

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One population, how many people are sampled, for which budget, and within which bounds."""

    file: str
    column: str
    people: int
    rho: str
    high: str = "1"
    fixed: bool = False  # the number of people is public; otherwise it is random
    most: str = ""  # the plausible end, where it lies beyond the clipping end
    at: float = 0.5


CONVERSION, SPEND, VISIT = ("hillstrom", "conversion"), ("hillstrom", "spend"), ("hillstrom", "visit")
PURCHASE, VOTED, HISTORY = ("starbucks_train", "purchase"), ("social_pressure", "voted"), ("hillstrom", "history")
CASES: dict[str, list[Case]] = {
    "count": [
        Case(*CONVERSION, 2_000, "1/10"),
        Case(*CONVERSION, 4_000, "1/2"),
        Case(*CONVERSION, 21_306, "1/10"),
        Case(*VISIT, 1_000, "1/20"),
        Case(*VISIT, 21_306, "1/10", fixed=True),
        Case(*PURCHASE, 42_170, "1/50", fixed=True),
        Case(*VOTED, 38_201, "1/10", fixed=True),
    ],
    "sum": [
        Case(*SPEND, 2_000, "1/2", "500"),
        Case(*SPEND, 21_306, "1/10", "500"),
        Case(*SPEND, 21_306, "1", "500", fixed=True),
        Case(*SPEND, 64_000, "1/10", "500"),
        Case(*CONVERSION, 2_000, "1/10"),
        Case(*CONVERSION, 21_306, "1/10", fixed=True),
        Case(*HISTORY, 2_000, "1/4", "3500"),
        Case(*PURCHASE, 42_170, "1/50"),
    ],
    "mean": [
        Case(*SPEND, 2_000, "1/2", "500"),
        Case(*SPEND, 21_306, "1/10", "500"),
        Case(*SPEND, 64_000, "1/10", "500", fixed=True),
        Case(*CONVERSION, 2_000, "1/10"),
        Case(*CONVERSION, 21_306, "1/10"),
        Case(*VISIT, 1_000, "1/20", fixed=True),
        Case(*HISTORY, 2_000, "1/4", "3500"),
        Case(*VOTED, 38_201, "1/10"),
    ],
    "quantile": [
        Case(*HISTORY, 2_000, "1/4", "3500"),
        Case(*HISTORY, 2_000, "1/4", "3500", at=0.9),
        Case(*HISTORY, 21_306, "1/10", "3500"),
        Case(*HISTORY, 21_306, "1/10", "3500", at=0.25),
        Case("starbucks_train", "V2", 5_000, "1/4", "100", at=0.75),
        Case("starbucks_train", "V2", 42_170, "1/50", "100", fixed=True),
    ],
    "clipped": [
        Case(*SPEND, 21_306, "1/10", "200", most="500"),
        Case(*HISTORY, 2_000, "1/4", "1000", most="3500"),
    ],
}
PARTS = {"count": "count", "sum": "sum", "mean": "mean", "quantile": "quantiles", "clipped": "mean"}


def population(case: Case) -> Floats:
    """Return the person-level values of the file."""
    file = FOLDER / f"{case.file}.parquet"
    if not file.is_file():
        raise SystemExit(
            f"{case.file}.parquet is not in ../shared/data/models/uplift-rct: put it there to measure this"
        )
    column = pq.read_table(file, columns=[case.column])[case.column]
    found = column.to_numpy()
    if found.dtype.kind in "OU":
        found = np.isin(found, ("Yes", "yes", "1"))
    return found.astype(np.float64)


def each(statistics: Sequence[Statistic], x: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return what a person with lattice value X adds to every statistic: an amount, or the number of a bin."""
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"person": np.arange(len(x)), "x": x}))
        connection.execute("CREATE TABLE pairs AS SELECT person, x, 1 AS n FROM given")
        found = {}
        for one in statistics:
            grouped = "" if one.width > 1 else "GROUP BY person"
            query = f"SELECT {one.sql} AS amount FROM pairs {grouped} ORDER BY person"
            found[one.name] = connection.execute(query).fetchnumpy()["amount"].astype(np.int64)
    return found


def noise(random: np.random.Generator, sigma: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return SIMULATED discrete Gaussian noise: by its probabilities, or rounded where steps are far below sigma."""
    if sigma > 500:
        return np.rint(random.normal(0, sigma, shape)).astype(np.int64)
    ends = int(12 * sigma) + 2
    points = np.arange(-ends, ends + 1)
    chances = np.exp(-(points**2) / (2 * sigma * sigma))
    steps = np.cumsum(chances / chances.sum())
    return points[np.minimum(np.searchsorted(steps, random.random(shape), side="right"), len(points) - 1)]


def sampled(random: np.random.Generator, case: Case, chances: Floats, seeds: int) -> NDArray[np.int64]:
    """Return how often every distinct value is in each of SEEDS samples; shape (seeds, values)."""
    if case.fixed:
        return random.multinomial(case.people, chances, size=seeds)
    return random.poisson(case.people * chances, size=(seeds, len(chances)))


def covered(kind: str, case: Case, seeds: int) -> tuple[int, int, int]:
    """Return how many of SEEDS intervals cover the truth, lie above it and lie below it."""
    values = population(case)
    whole = F(case.high)
    counting = kind == "count"
    bounds = Bounds(1, 1, F(0), whole, None, F(case.most) if case.most else None)
    part: Any = MECHANISMS.take(PARTS[kind])
    budget = F(case.rho)
    statistics = part.needs(bounds, budget)
    paid = params(statistics, bounds, budget, part.shares(bounds))
    scales = deviations(statistics, paid)
    truth = {
        "count": case.people * float((values > 0).mean()),
        "sum": case.people * float(values.mean()),
        "quantile": float(np.quantile(values, case.at)),
    }.get(kind, float(values.mean()))
    low, high = clipped_steps(bounds)
    x = np.clip(np.rint(values / float(lattice(bounds))), low, high).astype(np.int64)
    x = x[x > 0] if counting else x
    distinct, counts = np.unique(x, return_counts=True)
    adds = each(statistics, distinct)
    chances = counts / len(values)
    if counting:  # those who are not counted are in no statistic; where their number is fixed they are the rest
        chances = np.append(chances, 1 - chances.sum())
        adds = {name: np.append(amount, 0) for name, amount in adds.items()}
    if kind == "quantile":  # a sample of bins: many distinct values share one
        fine = statistics[-1]
        cells = np.bincount(adds[fine.name], weights=chances, minlength=fine.width)
        branches = statistics[0].width
        adds = {"fine": np.arange(fine.width), "coarse": np.arange(fine.width) // branches}
        chances = cells / cells.sum()
    extra: dict[str, Any] = {"size": case.people} if case.fixed and kind in ("count", "sum") else {}
    extra |= {"at": (case.at,)} if kind == "quantile" else {}
    random = np.random.default_rng(zlib.crc32(repr((SEED, kind, case)).encode()))
    hit = above = below = 0
    for start in range(0, seeds, AT_ONCE):
        many = min(AT_ONCE, seeds - start)
        drawn = sampled(random, case, chances, many)
        noisy = {}
        for one in statistics:
            if one.width == 1:
                exact = drawn @ adds[one.name]
            else:
                exact = drawn if one.name == "fine" else drawn.reshape(many, one.width, -1).sum(axis=2)
            noisy[one.name] = exact + noise(random, float(paid[f"sigma_{one.name}"]), exact.shape)
        got = part.answer(noisy, scales, bounds, 0.95, **extra)
        lows, highs = got.low.reshape(many), got.high.reshape(many)
        above, below = above + int((lows > truth).sum()), below + int((highs < truth).sum())
        hit += int(((lows <= truth) & (truth <= highs)).sum())
    return hit, above, below


def told(case: Case) -> str:
    """Return CASE in words."""
    size = f"{case.people:,} people{'' if case.fixed else ' on average'}"
    clip = f", clipped at {case.high}" + (f" of {case.most}" if case.most else "")
    return f"{case.file} {case.column}{f' q{case.at:g}' if case.at != 0.5 else ''}, {size}, rho {case.rho}{clip}"


def main(arguments: Sequence[str] | None = None, keep: Callable[..., None] = write_interval) -> None:
    """Measure and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--only", default="")
    asked = parser.parse_args(arguments)
    for kind, cases in CASES.items():
        if asked.only and kind not in asked.only.split(","):
            continue
        found = []
        for case in cases:
            hit, above, below = covered(kind, case, asked.seeds)
            found.append((hit, case))
            print(f"{kind}: {hit / asked.seeds:.4f} (above {above}, below {below}) {told(case)}", flush=True)
        words = "; ".join(f"{hit / asked.seeds:.2%} {told(case)}" for hit, case in found)
        for side in SIDES:
            name = f"coverage_{kind}_{side}"
            if name not in NAMES:
                continue
            worst = (min if side == "least" else max)(hit for hit, _ in found)
            interval = clopper_pearson(worst, asked.seeds)
            keep(
                name,
                interval,
                f"nominal 95% intervals, {asked.seeds:,} seeds each (sample of people from the file, discrete "
                f"Gaussian noise that is simulated, seeded, here only); the {side} of: {words}; Clopper-Pearson",
            )


if __name__ == "__main__":
    main()
