"""Weekly counts made with known changes of level: how many changes are dated within four weeks, how many found ones
are false, and how often a change is seen where there is none."""

import sys

import numpy as np
from numpy.typing import NDArray

from benchmarks._claim import write_interval
from consentinel.core.stats import clopper_pearson
from consentinel.understand.forecasting.changes import changes

NAMES = ("change_points_found", "change_points_false", "change_points_false_alarms")
INPUTS = ("src/consentinel/understand/forecasting/changes.py",)
SERIES, CALM, NEAR = 600, 600, 4
FACTORS = (2.0, 3.0)  # by which a level changes, up or down


def series(rng: np.random.Generator, most: int) -> tuple[NDArray[np.float64], list[int]]:
    """Return four years of weekly counts and the weeks at which their level changes: one to MOST of them, or none.

    Levels are 4 to 20 a week; variance over mean 1 to 2 as in HHS, by gamma-mixed Poisson draws; a yearly wave of up
    to a tenth; changes half a year from each other and from the ends, at least.
    """
    weeks, gap = 208, 26
    n_changes = int(rng.integers(1, most + 1)) if most else 0
    while True:
        at = np.sort(rng.integers(gap, weeks - gap, n_changes))
        if n_changes < 2 or np.diff(at).min() >= gap:
            break
    level = np.full(weeks, rng.uniform(6.0, 12.0))
    for week in at:
        factor = rng.uniform(*FACTORS)
        now = level[week]
        up = now * factor <= 24 and (now / factor < 4 or rng.random() < 0.5)
        level[week:] = now * factor if up else now / factor
    level *= 1 + rng.uniform(0, 0.1) * np.sin(2 * np.pi * (np.arange(weeks) / 52.18 + rng.random()))
    excess = rng.uniform(0.01, 1.0)  # variance over mean, less one
    rate = rng.gamma(level / excess, excess)
    return rng.poisson(rate).astype(np.float64), at.tolist()


def main() -> None:
    """Measure and write the numbers."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else SERIES
    rng = np.random.default_rng(20241)
    true = near = found = false = alarms = 0
    for at in range(n):
        counts, known = series(rng, 2)
        got = [change.at for change in changes(counts, seed=at)]
        true, found = true + len(known), found + len(got)
        near += sum(any(abs(week - one) <= NEAR for one in got) for week in known)
        false += sum(all(abs(week - one) > NEAR for week in known) for one in got)
    calm = CALM * n // SERIES
    for at in range(calm):
        alarms += bool(changes(series(rng, 0)[0], seed=at))
    made = (
        f"{n} made series of 208 weekly counts (level 4 to 24, variance over mean 1 to 2, yearly wave up to a tenth) "
    )
    made += f"with one or two changes by a factor {FACTORS[0]} to {FACTORS[1]}, up or down, {true} changes in all"
    told = {
        "change_points_found": (near, true, f"{made}: those dated within {NEAR} weeks"),
        "change_points_false": (false, found, f"{made}: found changes further than {NEAR} weeks from every true one"),
        "change_points_false_alarms": (alarms, calm, f"{calm} such series without a change: those with one found"),
    }
    for name, (hits, of, protocol) in told.items():
        interval = clopper_pearson(hits, of)
        print(f"{name:28} {hits} of {of}: {interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]")
        write_interval(name, interval, protocol)


if __name__ == "__main__":
    main()
