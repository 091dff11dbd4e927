"""Real randomised experiments, resampled 100,000 times and measured under privacy: how often nominal 95 % intervals
of the lift contain the lift of the file that they were resampled from."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT, write_interval
from consentinel.core.accounting import epsilon
from consentinel.core.rng import generator
from consentinel.core.stats import clopper_pearson
from consentinel.protect.lift.private import Outcome, PrivateLift
from consentinel.protect.noise import draw_with
from consentinel.protect.splitting import deviations, params
from consentinel.protect.statistic import Bounds, clipped_steps, lattice

NAMES = ("lift_coverage_least", "lift_coverage_most", "lift_relative_coverage_least", "lift_relative_coverage_most")
INPUTS = ("src/consentinel/protect/lift/private.py", "src/consentinel/protect/lift/effect.py")
SEEDS, AT_ONCE, RHO = 100_000, 10_000, Fraction(1, 10)


@dataclass(frozen=True)
class Experiment:
    """One outcome of one experiment: who was treated (n,), each person's outcome (n,), the most that it can be."""

    name: str
    outcome: Outcome
    test: NDArray[np.bool_]
    values: NDArray[np.int64]
    high: int


def experiments() -> Iterator[Experiment]:
    """Yield the experiments of the shared data; values of money are in cents."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "models" / "uplift-rct"
    if not shared.is_dir():
        raise SystemExit("no uplift-rct: set CONSENTINEL_SHARED_DATA to the folder that has it under models/")
    mails = pq.read_table(shared / "hillstrom.parquet")
    mails = mails.filter(pc.not_equal(mails["segment"], "Womens E-Mail"))
    sent = np.asarray(pc.equal(mails["segment"], "Mens E-Mail"))
    for column in ("visit", "conversion"):
        yield Experiment(f"hillstrom {column}", "converters", sent, np.asarray(mails[column], np.int64), 1)
    cents = np.rint(100 * np.asarray(mails["spend"], np.float64)).astype(np.int64)
    yield Experiment("hillstrom spend", "value", sent, cents, 50_000)
    promo = pq.read_table(shared / "starbucks_train.parquet")
    given = np.asarray(pc.equal(promo["Promotion"], "Yes"))
    yield Experiment("starbucks purchase", "converters", given, np.asarray(promo["purchase"], np.int64), 1)
    letters = pq.read_table(shared / "social_pressure.parquet")
    kind = np.asarray(pc.cast(letters["treatment"], "string"))
    letters, kind = (
        letters.filter(np.isin(kind, ("Control", "Neighbors"))),
        kind[np.isin(kind, ("Control", "Neighbors"))],
    )
    voted = np.asarray(letters["voted"])
    voted = (voted == "Yes") if voted.dtype.kind in "OU" else voted != 0
    yield Experiment("social pressure voted", "converters", kind == "Neighbors", voted.astype(np.int64), 1)


def covered(one: Experiment, seeds: int, batch: int) -> tuple[int, int, float]:
    """Return in how many of SEEDS resamples of BATCH the intervals of difference and of relative lift hold, and the
    median half width of the first."""
    bounds = Bounds(groups=1, rows=1, low=Fraction(0), high=Fraction(one.high))
    part = PrivateLift(one.outcome)
    statistics = part.needs(bounds, RHO)
    paid = params(statistics, bounds, RHO, part.shares(bounds))
    cells, of_cell = np.unique(np.stack([one.test, one.values]), axis=1, return_counts=True)
    test, x = cells[0] == 1, cells[1]
    drawn = generator(batch, "lift coverage", one.name).multinomial(
        len(one.values), of_cell / of_cell.sum(), size=seeds
    )
    steps = np.clip(x * int(1 / lattice(bounds)), *clipped_steps(bounds))
    divisor = max(1, -(-clipped_steps(bounds)[1] // 1024))
    weights = {
        "units": np.ones_like(steps),
        "sum": steps,
        "sum_squares": np.rint(steps / divisor).astype(np.int64) ** 2,
    }
    noisy = {}
    for statistic in statistics:
        if statistic.name == "bins":
            exact = np.stack(
                [[drawn[:, (test == arm) & (x == side)].sum(1) for side in (0, 1)] for arm in (False, True)]
            )
            exact = exact.transpose(2, 0, 1).reshape(-1, 2)  # seed by seed: control, test
        else:
            of = weights[statistic.name]
            exact = np.stack([drawn[:, test == arm] @ of[test == arm] for arm in (False, True)], axis=1).ravel()
        noisy[statistic.name] = exact + draw_with(
            "discrete_gaussian", paid[f"sigma_{statistic.name}"], exact.size
        ).reshape(exact.shape)
    found = part.answer(noisy, deviations(statistics, paid), bounds, 0.95)
    means = [one.values[one.test == arm].mean() for arm in (False, True)]
    truth = np.array([means[1] - means[0], means[1] / means[0] - 1])
    inside = ((found.low[:, :2] <= truth) & (truth <= found.high[:, :2])).sum(axis=0)
    return int(inside[0]), int(inside[1]), float(np.median(found.high[:, 0] - found.low[:, 0]) / 2)


def main() -> None:
    """Measure and write the numbers."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    held: dict[str, list[int]] = {"lift_coverage": [], "lift_relative_coverage": []}
    told = []
    for one in experiments():
        sizes = [min(AT_ONCE, seeds - start) for start in range(0, seeds, AT_ONCE)]
        found = [covered(one, size, batch) for batch, size in enumerate(sizes)]
        difference, relative, half = (sum(batch[0] for batch in found), sum(batch[1] for batch in found), found[0][2])
        held["lift_coverage"].append(difference)
        held["lift_relative_coverage"].append(relative)
        told.append(f"{one.name} {difference / seeds:.4f} and {relative / seeds:.4f} (half width {half:.3g})")
        print(told[-1])
    shown = epsilon(int(RHO * 10**6), Fraction(1, 10**6))
    for name in NAMES:
        side = (min if name.endswith("least") else max)(held[name.rpartition("_")[0]])
        interval = clopper_pearson(side, seeds)
        write_interval(
            name,
            interval,
            f"each of {len(told)} outcomes of three real experiments resampled {seeds} times, "
            f"measured with rho {RHO} (epsilon {shown:.2f} at delta 1e-6), nominal 95 % intervals of the difference "
            f"and of the relative lift against those of the file: {'; '.join(told)}",
        )


if __name__ == "__main__":
    main()
