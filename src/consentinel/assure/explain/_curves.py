"""What faithfulness is measured with: areas under deletion and insertion curves, gains over a random order, and which
units are looked at."""

from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Better, Measure, Plan
from consentinel.core.resample import cluster_totals, permutation_test
from consentinel.core.rng import generator
from consentinel.core.stats import Interval, cluster_ratio_interval

__all__ = [
    "EXAMPLES", "LEVELS", "ORDERS", "Floats", "areas", "gain", "mean_of", "random_orders", "ranks", "top",
]  # fmt: skip

Floats = NDArray[np.float64]
LEVELS = np.linspace(0.0, 1.0, 11)  # shares of what is there that are deleted, or put in
ORDERS = 3  # random orders that an explanation is compared with
EXAMPLES = pa.schema(
    [("about", pa.string()), ("answer", pa.string()), ("reason", pa.string()), ("contribution", pa.float64())]
)
RANDOM = "random order"


def areas(curves: Floats) -> Floats:
    """Return the areas under CURVES (n, levels) over the even LEVELS, shape (n,), in the unit of a curve's height.

    Source: Petsiuk, Das and Saenko 2018, section 4 (deletion and insertion).
    """
    return np.asarray((curves[:, 1:] + curves[:, :-1]).mean(axis=1) / 2, np.float64)


def mean_of(metric: str, values: Floats, unit: NDArray[np.intp], plan: Plan, better: Better, why: str = "") -> Measure:
    """Return METRIC as the mean of VALUES (n,), whose they are in UNIT (n,), with an interval over units."""
    found = cluster_ratio_interval(values, np.ones(len(values)), unit, plan.level)
    return Measure(metric, found, better=better, why=why)


def gain(metric: str, ahead: Floats, unit: NDArray[np.intp], plan: Plan, why: str, *, against: str = RANDOM) -> Measure:
    """Return METRIC as the mean of AHEAD (n,), by how much an explanation is ahead of chance: above 0 is faithful.

    The interval counts whole units; the test changes the signs of whole units.
    """
    found = cluster_ratio_interval(ahead, np.ones(len(ahead)), unit, plan.level)
    totals = cluster_totals(ahead, unit)
    p = permutation_test(totals, np.zeros(len(totals)), paired=True, draws=max(100, plan.draws), seed=plan.seed).p
    return Measure(metric, found, "", against, 0.0, p, _detectable(ahead, unit, found, plan.level), "higher", why)


def _detectable(ahead: Floats, unit: NDArray[np.intp], found: Interval, level: float) -> float | None:
    off = cluster_totals(ahead - found.value, unit)
    if len(off) < 2:
        return None
    error = float(np.sqrt((off**2).sum() * len(off) / (len(off) - 1))) / len(ahead)
    return (NormalDist().inv_cdf((1 + level) / 2) + NormalDist().inv_cdf(0.8)) * error


def ranks(values: Floats) -> NDArray[np.int64]:
    """Return the rank, from 0, that each of VALUES (n, m) has in its row, the largest first; of equals the first."""
    order = np.argsort(-values, axis=1, kind="stable")
    made = np.empty_like(order)
    np.put_along_axis(made, order, np.arange(values.shape[1])[None, :], axis=1)
    return made


def random_orders(there: NDArray[np.bool_], plan: Plan, *names: str) -> list[NDArray[np.int64]]:
    """Return ORDERS random ranks (n, m) of what is THERE (n, m) in each row; what is not comes last."""
    rng = generator(plan.seed, "assure.explain", "orders", *names)
    return [ranks(np.where(there, rng.random(there.shape), -1.0)) for _ in range(ORDERS)]


def top(about: list[str], answer: list[str], names: list[list[str]], given: list[Floats], most: int) -> pa.Table:
    """Return the MOST largest contributions of each explanation as EXAMPLES: of GIVEN, called NAMES."""
    rows = []
    for who, said, called, values in zip(about, answer, names, given, strict=True):
        for at in np.argsort(-np.abs(values), kind="stable")[:most]:
            rows.append({"about": who, "answer": said, "reason": called[at], "contribution": float(values[at])})
    return pa.Table.from_pylist(rows, EXAMPLES)
