"""A private GROUP BY with per-person bounding over 10 million rows, and PipelineDP's local backend in the same run."""

import json
import statistics
import sys
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _claim import Measured, alone, measure, write

NAMES = ("dp_group_by_seconds", "dp_group_by_over_sql", "dp_group_by_over_pipelinedp")
ROWS, GROUPS = 10_000_000, 100_000
PEER_ROWS, PEER_GROUPS = 1_000_000, 1_000
REPEATS = 5
MOST_GROUPS, MOST_ROWS, HIGH = 10, 5, 100
EPSILON, DELTA = 1, Fraction(1, 10**6)
WORTH = 1_000  # rows that a group has, for its error to count


def generate(file: Path, rows: int, groups: int) -> None:
    """Write ROWS events of rows / 10 users, both users and GROUPS by Zipf's law, amounts with two decimals."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from consentinel.core.rng import generator

    random = generator(1, "benchmarks.dp_group_by", str(rows))

    def zipf(of: int, power: float) -> Any:
        weights = np.cumsum(1 / np.arange(1, of + 1) ** power)
        return random.permutation(of)[np.searchsorted(weights, random.random(rows) * weights[-1])]

    columns = {"who": zipf(rows // 10, 0.8), "what": zipf(groups, 1.0), "paid": random.gamma(2, 15, rows).round(2)}
    pq.write_table(pa.table(columns), file)


def budget(epsilon: int, delta: Fraction) -> Fraction:
    """Return the largest rho of zCDP that is within (EPSILON, DELTA), in whole micro-rho."""
    from consentinel.core import accounting

    low, high = 1, 10**7
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if accounting.epsilon(middle, delta) <= epsilon else (low, middle)
    return Fraction(low, accounting.MICRO)


def ours(file: Path, *, noise: bool) -> dict[str, Any]:
    """Return times and counts of our group-by of FILE: rows, units and sums per group, groups selected privately."""
    from importlib import import_module

    from consentinel.protect.asking import ask
    from consentinel.protect.declared import Declared, Private, column
    from consentinel.protect.exact import statistics as exact_statistics
    from consentinel.protect.mechanisms import partitions
    from consentinel.protect.noise import draw_with
    from consentinel.protect.sources import digests
    from consentinel.protect.splitting import params
    from consentinel.protect.statistic import Bounds

    columns = {"who": column(), "what": column(), "paid": column(low=0, high=HIGH)}
    tables = Declared((Private("events", columns, "who", MOST_GROUPS, MOST_ROWS, (file,)),))
    rho = budget(EPSILON, DELTA / 2)
    draw_with("discrete_gaussian", Fraction(1), 1)  # loads what it needs
    with measure() as spent:
        asked = ask("SELECT what, count(*) AS n, sum(paid) AS total FROM events GROUP BY what", tables)
        digests(asked, tables)
        parts = [import_module(f"consentinel.protect.mechanisms.{a.kind}") for a in asked.aggregates]
        needs = [part.needs(a.bounds, rho / 3) for part, a in zip(parts, asked.aggregates, strict=True)]
        exact = exact_statistics(asked, tables, needs)
    with measure() as drawing:
        counts, named = exact.arrays[0]["rows"], exact.arrays[0]["rows"] > 0
        if noise and exact.units is not None:
            bounds = Bounds(MOST_GROUPS, 1, None, None)
            wanted = partitions.needs(bounds, rho / 3)
            sigma = params(wanted, bounds, rho / 3, partitions.shares(bounds))["sigma_units"]
            units = exact.units + draw_with("discrete_gaussian", sigma, exact.n_groups)
            named = units >= partitions.threshold(sigma, bounds, DELTA / 2)
            for at, (part, a) in enumerate(zip(parts, asked.aggregates, strict=True)):
                scales = params(needs[at], a.bounds, rho / 3, part.shares(a.bounds))
                for name, array in exact.arrays[at].items():
                    noisy = array + draw_with("discrete_gaussian", scales[f"sigma_{name}"], array.size).reshape(
                        array.shape
                    )
                    if (at, name) == (0, "rows"):
                        counts = noisy
    keys = exact.keys["what"].to_numpy()
    released = {int(k): float(c) for k, c, keep in zip(keys, counts, named, strict=True) if keep}
    return {"seconds": spent.seconds + drawing.seconds, "noise_seconds": drawing.seconds, "counts": released}


def peer(file: Path) -> dict[str, Any]:
    """Return the same of PipelineDP's local backend, with the same bounds and the same (epsilon, delta)."""
    import pipeline_dp
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    rows = list(zip(*(table[name].to_pylist() for name in ("who", "what", "paid")), strict=True))
    with measure() as spent:
        accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=EPSILON, total_delta=float(DELTA))
        engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
        wanted = pipeline_dp.AggregateParams(
            noise_kind=pipeline_dp.NoiseKind.GAUSSIAN,
            metrics=[pipeline_dp.Metrics.COUNT, pipeline_dp.Metrics.SUM],
            max_partitions_contributed=MOST_GROUPS,
            max_contributions_per_partition=MOST_ROWS,
            min_value=0,
            max_value=HIGH,
        )
        taken = pipeline_dp.DataExtractors(
            privacy_id_extractor=lambda row: row[0],
            partition_extractor=lambda row: row[1],
            value_extractor=lambda row: row[2],
        )
        result = engine.aggregate(rows, wanted, taken)
        accountant.compute_budgets()
        released = {int(key): float(found.count) for key, found in result}
    return {"seconds": spent.seconds, "noise_seconds": 0.0, "counts": released}


def error(file: Path, counts: dict[str, float]) -> str:
    """Return the median relative error of COUNTS against the unbounded truth, over groups of WORTH rows and more."""
    import pyarrow.parquet as pq

    true = {v["values"]: v["counts"] for v in pq.read_table(file, columns=["what"])["what"].value_counts().to_pylist()}
    large = {k: n for k, n in true.items() if n >= WORTH}
    errors = [abs(counts.get(str(k), 0.0) - n) / n for k, n in large.items()]
    return f"{statistics.median(errors):.1%} over {len(large):,} groups"


def run(what: str, file: Path, home: Path) -> tuple[dict[str, Any], Measured]:
    """Run WHAT in a process of its own; return what it says and what it took, start of Python included."""
    out = home / "out.json"
    took = alone([__file__, what, str(file), str(out)])
    return json.loads(out.read_text("utf-8")), took


def child(what: str, file: Path, out: Path) -> None:
    """Do WHAT and write it to OUT."""
    if what.startswith("generate"):
        _, rows, groups = what.split(":")
        generate(file, int(rows), int(groups))
        found: dict[str, Any] = {}
    else:
        found = peer(file) if what == "peer" else ours(file, noise=what == "noisy")
        found["error"] = error(file, {str(k): v for k, v in found.pop("counts").items()})
    out.write_text(json.dumps(found), "utf-8")


def main() -> None:
    """Measure and write the numbers."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        large, small = home / "large.parquet", home / "small.parquet"
        run(f"generate:{ROWS}:{GROUPS}", large, home)
        run(f"generate:{PEER_ROWS}:{PEER_GROUPS}", small, home)
        noisy, plain, peaks = [], [], []
        for _ in range(REPEATS):
            for what, kept in (("noisy", noisy), ("plain", plain)):
                found, took = run(what, large, home)
                kept.append(found)
                peaks.append(took.peak_mb)
                print(
                    f"{what}: {found['seconds']:.2f} s (noise {found['noise_seconds']:.2f} s), {took.peak_mb:,.0f} MB",
                    flush=True,
                )
        (near, near_took), (far, far_took) = run("noisy", small, home), run("peer", small, home)
        print(f"PipelineDP: {far['seconds']:.1f} s, ours {near['seconds']:.2f} s on {PEER_ROWS:,} rows", flush=True)
    seconds = sorted(f["seconds"] for f in noisy)
    ratios = sorted(a["seconds"] / b["seconds"] for a, b in zip(noisy, plain, strict=True))
    draws = statistics.median(f["noise_seconds"] for f in noisy)
    asked = (
        "rows in a Parquet file, a tenth as many users, users and groups by Zipf's law; count and sum per group, "
        f"groups selected privately; at most {MOST_GROUPS} groups a person and {MOST_ROWS} rows a group; "
        f"({EPSILON}, {DELTA})"
    )
    write(
        NAMES[0],
        value=statistics.median(seconds),
        low=seconds[0],
        high=seconds[-1],
        n=REPEATS,
        protocol=f"{ROWS:,} {asked}; {GROUPS:,} groups; by the clock from question to noisy numbers: digest of "
        f"the file, reading, bounding, sums, noise ({draws:.2f} s), no intervals, modules loaded before; memory "
        f"{max(peaks):,.0f} MB; median error of the count {noisy[0]['error']}; median, fastest and slowest",
    )
    write(
        NAMES[1],
        value=statistics.median(ratios),
        low=ratios[0],
        high=ratios[-1],
        n=REPEATS,
        protocol=f"the same {ROWS:,} rows with noise over the same bounded SQL without; median and ends of pairs",
    )
    speedup = far["seconds"] / near["seconds"]
    write(
        NAMES[2],
        value=speedup,
        low=speedup,
        high=speedup,
        n=1,
        protocol=f"PipelineDP {far['seconds']:.1f} s, ours {near['seconds']:.2f} s on the same {PEER_ROWS:,} {asked}; "
        f"{PEER_GROUPS:,} groups; memory {far_took.peak_mb:,.0f} and {near_took.peak_mb:,.0f} MB; median error of "
        f"the count {far['error']} and {near['error']}; reading not counted for PipelineDP; at {ROWS:,} rows ours does "
        f"{ROWS / statistics.median(seconds):,.0f} rows/s, PipelineDP did {PEER_ROWS / far['seconds']:,.0f} rows/s",
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
