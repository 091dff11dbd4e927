"""Made counts of which one slice moves, or none: how often diagnose ranks the true cause first, and how often it names
a cause when nothing moved."""

import sys
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks._claim import write_interval
from consentinel.core.stats import clopper_pearson
from consentinel.understand.diagnosing.explain import explained
from consentinel.understand.diagnosing.scan import Windows
from consentinel.understand.diagnosing.slices import Rows

NAMES = ("diagnose_first", "diagnose_false_alarms", "diagnose_factor_coverage")
INPUTS = ("src/consentinel/understand/diagnosing/*.py",)
SHIFTS, CALM, BEFORE, AFTER = 200, 1000, 28, 14
SDKS, VERSIONS, COUNTRIES, PLATFORMS = 6, 3, 10, 2
Truth = frozenset[tuple[str, str]]


def made(rng: np.random.Generator, moves: bool) -> tuple[Rows, Truth, float]:
    """Return made daily counts, the slice that moves after four weeks and its factor.

    About 600 to 3,000 a day over 6 SDKs with 3 versions each, 10 countries and 2 platforms (360 cells with skewed
    shares); days vary by a weekly pattern, a common noise of 4% and one of each cell (gamma, 30%). The slice is
    everything (one in ten), one value, or a pair of values of two dimensions; it has at least 12 a day and moves by a
    factor of 1.5 to 3, up or down. A version belongs to one SDK: a pair of the two is the version alone.
    """
    cells = list(product(range(SDKS), range(VERSIONS), range(COUNTRIES), range(PLATFORMS)))
    shares = [rng.dirichlet(np.full(size, 2.0)) for size in (SDKS, COUNTRIES, PLATFORMS)]
    inside = rng.dirichlet(np.full(VERSIONS, 2.0), SDKS)
    rate = np.array([shares[0][s] * inside[s, v] * shares[1][c] * shares[2][p] for s, v, c, p in cells])
    rate *= rng.gamma(4, 0.25, len(cells))
    rate *= rng.uniform(600, 3000) / rate.sum()
    labels = {
        "sdk": np.array([s for s, *_ in cells]),
        "version": np.array([s * VERSIONS + v for s, v, *_ in cells]),
        "country": np.array([c for *_, c, _ in cells]),
        "platform": np.array([p for *_, p in cells]),
    }
    days = BEFORE + AFTER
    week = 1 + rng.uniform(0, 0.3) * np.sin(2 * np.pi * np.arange(7) / 7)
    daily = rate[:, None] * week[np.arange(days) % 7] * np.exp(rng.normal(0, 0.04, days))
    daily = daily * rng.gamma(1 / 0.09, 0.09, daily.shape)
    truth, factor = frozenset[tuple[str, str]](), 1.0
    if moves:
        truth, mask = _slice(rng, labels, rate)
        factor = float(rng.uniform(1.5, 3.0) ** rng.choice([-1, 1]))
        daily[mask, BEFORE:] *= factor
    counts = rng.poisson(daily)
    at = np.tile(np.arange(days), len(cells))
    codes = {name: np.repeat(values, days) for name, values in labels.items()}
    names = {name: [f"{name} {i}" for i in range(int(values.max()) + 1)] for name, values in labels.items()}
    return Rows(at, counts.ravel().astype(np.float64), None, days, codes, names), truth, factor


def _slice(
    rng: np.random.Generator, labels: dict[str, NDArray[np.int64]], rate: NDArray[np.float64]
) -> tuple[Truth, NDArray[np.bool_]]:
    """Return a slice with at least 12 a day and which cells it has."""
    while True:
        depth = int(rng.choice([0, 1, 2], p=[0.1, 0.45, 0.45]))
        chosen = [str(name) for name in rng.choice(list(labels), depth, replace=False)]
        if {"sdk", "version"} <= set(chosen):
            continue
        values = {name: int(rng.integers(labels[name].max() + 1)) for name in chosen}
        mask = np.ones(len(rate), bool)
        for name, value in values.items():
            mask &= labels[name] == value
        if rate[mask].sum() >= 12:
            return frozenset((name, f"{name} {value}") for name, value in values.items()), mask


def main() -> None:
    """Measure and write the numbers."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else SHIFTS
    after = np.arange(BEFORE + AFTER) >= BEFORE
    windows = Windows(after, np.ones(len(after)), np.arange(len(after)) % 7)
    right = held = alarms = 0
    asked = {"depth": 2, "alarm": 0.02, "level": 0.95, "draws": 499}
    rng = np.random.default_rng(20242)
    wrong = []
    for at in range(n):
        rows, truth, factor = made(rng, True)
        causes = explained(rows, windows, **asked, seed=at).causes
        first = bool(causes) and frozenset(causes[0].slice.of) == truth
        right += first
        if not first:
            named = str(causes[0].slice) if causes else "nothing"
            wrong.append(f"{' & '.join(sorted(v for _, v in truth)) or 'everything'} x {factor:.2f} as {named}")
        held += first and causes[0].factor.low <= factor <= causes[0].factor.high
    print("\n".join(wrong))
    calm = CALM * n // SHIFTS
    for at in range(calm):
        alarms += bool(explained(made(rng, False)[0], windows, **asked, seed=at).causes)
    what = "made daily counts (four weeks before, two after) of 6 SDKs with 3 versions each, 10 countries, 2 platforms"
    found = {
        "diagnose_first": (right, n, f"{n} {what}, of which everything, one value or a pair of values with 12 a day or "
                           "more moves by a factor of 1.5 to 3, up or down: exactly that slice is ranked first"),
        "diagnose_false_alarms": (alarms, calm, f"{calm} {what}, of which none moves: any cause named"),
        "diagnose_factor_coverage": (held, right, "of the slices rightly ranked first: the nominal 95% interval of the "
                                     "factor holds the true one"),
    }  # fmt: skip
    for name, (hits, of, protocol) in found.items():
        interval = clopper_pearson(hits, of)
        print(f"{name:28} {hits} of {of}: {interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]")
        write_interval(name, interval, protocol)


if __name__ == "__main__":
    main()
