"""Weekly counts of breaches reported to HHS, forecast from the weeks before each: what 90% intervals cover, and the
mean absolute error against the best simple mean, picked with hindsight."""

import os
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write_interval
from consentinel.core.resample import cluster_bootstrap, mean, ratio
from consentinel.understand.forecasting.answer import Found, found_in
from consentinel.understand.forecasting.series import Series, counted
from consentinel.understand.shelves import FORECASTERS

NAMES = (
    "forecast_hhs_coverage_least",
    "forecast_hhs_coverage_most",
    "forecast_hhs_error",
    "forecast_hhs_error_total",
)
INPUTS = ("src/consentinel/understand/forecasting/*.py", "src/consentinel/understand/forecasters/*.py")
AHEAD, LEVEL, LARGEST = 4, 0.9, 3
Floats = NDArray[np.float64]


def weekly() -> list[Series]:
    """Return the weekly counts of all breaches and of the three most frequent types, 2009 to 2022."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "understand"
    file = shared / "hhs_breaches" / "records.parquet"
    if not file.is_file():
        raise SystemExit("no hhs_breaches: set CONSENTINEL_SHARED_DATA to the folder that has it under understand/")
    table = pq.read_table(file, columns=["submitted", "breach_type"])
    types = pc.cast(table["breach_type"], "string").to_numpy().astype(str)
    names, codes = np.unique(types, return_inverse=True)
    days = table["submitted"].to_numpy().astype("datetime64[D]")
    until = np.datetime64("2023-01-01")
    return list(counted(days, codes, list(names), np.ones(len(days)), "week", until))[: 1 + LARGEST]


def simple_means(counts: Floats, first: int) -> dict[str, Floats]:
    """Return what simple means say one step ahead, from FIRST on: means and medians of the last weeks, and EWMA."""
    said = {f"mean of the last {k}": [counts[max(0, i - k) : i].mean() for i in range(first, len(counts))]
            for k in (4, 8, 13, 26, 39, 52)}  # fmt: skip
    for rate in (0.03, 0.05, 0.1, 0.15, 0.2, 0.3):
        level, line = counts[0], []
        for count in counts:
            line.append(level)
            level += rate * (count - level)
        said[f"EWMA {rate}"] = line[first:]
    return {name: np.array(values) for name, values in said.items()}


def errors(found: Found) -> tuple[Floats, Floats, Floats, str]:
    """Return our absolute errors one step ahead, those of the best simple mean, the same rounded, and its name."""
    past = found.series.counts[found.first :]
    simple = {name: np.abs(said - past) for name, said in simple_means(found.series.counts, found.first).items()}
    best = min(simple, key=lambda name: float(simple[name].mean()))
    rounded = {name: np.abs(np.rint(said) - past)
               for name, said in simple_means(found.series.counts, found.first).items()}  # fmt: skip
    least = min(rounded, key=lambda name: float(rounded[name].mean()))
    return np.abs(found.point[:-1, 0] - past), simple[best], rounded[least], best


def main() -> None:
    """Measure and write the numbers."""
    parts = {name: FORECASTERS.take(name) for name in FORECASTERS.names() if not FORECASTERS.take(name).NEEDS}
    inside, of_year, ours, best, rounded, year, told, covered = [], [], [], [], [], [], [], []
    for series in weekly():
        found = found_in(series, parts, horizon=AHEAD, level=LEVEL, rate=0.05, seed=0)
        for ahead in range(AHEAD):
            known = ~np.isnan(found.bands.inside[:, ahead])
            at = found.first + ahead + np.flatnonzero(known)
            inside.append(found.bands.inside[known, ahead])
            of_year += [str(series.day(int(week)))[:4] for week in at]
        one = errors(found)
        ours, best, rounded = [*ours, one[0]], [*best, one[1]], [*rounded, one[2]]
        year += [str(series.day(found.first + at))[:4] for at in range(len(one[0]))]
        means = [float(part.mean()) for part in one[:3]]
        told.append(f"{series.segment}: {means[0]:.3f} against {means[1]:.3f} ({one[3]}; {means[2]:.3f} where the best "
                    "is picked after rounding)")  # fmt: skip
        covered.append(f"{series.segment} {found.covered:.4f} one week ahead")
        print(told[-1], covered[-1], flush=True)
    coverage = cluster_bootstrap(np.concatenate(inside), of_year, mean, seed=8)
    weeks = f"weekly counts of HHS breaches 2009 to 2022, of all and of the {LARGEST} most frequent types, each week "
    weeks += (
        f"forecast from the weeks before it (first forecast after 52), with {', '.join(parts)} mixed by their past "
    )
    for name in NAMES[:2]:
        write_interval(
            name, coverage, f"{weeks}errors; {LEVEL:.0%} adaptive conformal intervals of whole numbers, closed, 1 to "
            f"{AHEAD} weeks ahead, pooled; interval by whole years; {'; '.join(covered)}", n=len(of_year),
        )  # fmt: skip
    values = np.stack([np.concatenate(ours), np.concatenate(best)], axis=1)
    pooled = cluster_bootstrap(values, year, ratio, seed=8)
    n = len(ours[0])
    total = cluster_bootstrap(values[:n], year[:n], ratio, seed=8)
    said = (
        "errors; mean absolute error one week ahead of the whole number expected, over that of the best of 12 simple "
    )
    said += f"means picked with hindsight for each series; paired, interval by whole years; {'; '.join(told)}"
    write_interval(NAMES[2], pooled, weeks + said, n=len(year))
    write_interval(NAMES[3], total, f"{weeks}{said}; of all breaches alone", n=n)
    for name, got in zip(NAMES[1:], (coverage, pooled, total), strict=True):
        print(f"{name:28} {got.value:.4f} [{got.low:.4f}, {got.high:.4f}]")


if __name__ == "__main__":
    main()
