"""Does refusing change anything: how often a recipient got a type of data after a refusal, and after accepting."""

import math
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from consentinel.core.stats import benjamini_yekutieli, wilson
from consentinel.core.tables import LABEL

__all__ = ["REFUSALS", "fisher", "refusals"]

# One row compares one recipient and type of one subject in the visits that accepted and in those that did not.
REFUSALS = pa.schema(
    [
        ("run_id", LABEL),
        ("subject", LABEL),
        ("recipient", LABEL),
        ("type", LABEL),
        ("scenario", LABEL),  # no_action, reject, partial, gpc, withdraw
        ("n_accept", pa.int64()),  # visits that accepted
        ("with_accept", pa.int64()),  # of these, visits in which the recipient got the type
        ("n_scenario", pa.int64()),
        ("with_scenario", pa.int64()),
        ("difference", pa.float64()),  # share in the scenario minus share after accepting
        ("low", pa.float64()),  # 95% interval of the difference
        ("high", pa.float64()),
        ("p", pa.float64()),  # Fisher's exact test, two-sided
        ("p_adjusted", pa.float64()),  # over the table, for the false discovery rate under any dependence
        ("p_smallest", pa.float64()),  # that so many visits can reach
        ("reading", LABEL),  # stops, less, more, no change shown
    ]
)
RATE = 0.05  # of false discoveries in the table


def fisher(a: int, n_a: int, b: int, n_b: int) -> float:
    """Return the two-sided p-value for equal chances of A in N_A and B in N_B trials, all tables counted exactly.

    Source: Fisher 1935; two-sided by probabilities. Whole numbers throughout, and no SciPy, for the light install.
    """
    ways = [math.comb(n_a, k) * math.comb(n_b, a + b - k) for k in range(max(0, a + b - n_b), min(n_a, a + b) + 1)]
    seen = math.comb(n_a, a) * math.comb(n_b, b)
    return sum(w for w in ways if w <= seen) / sum(ways)


def refusals(
    visits: dict[tuple[str, str], int], got: dict[tuple[str, str, str, str], int], scenarios: Iterable[str]
) -> pa.Table:
    """Return REFUSALS.

    Arguments: visits, the number of visits by (subject, scenario); got, the number of them in which a recipient got a
    type, by (subject, scenario, recipient, type); scenarios to compare with "accept".
    """
    rows = []
    for subject, recipient, kind in sorted({(s, r, t) for s, _, r, t in got}):
        n_a = visits.get((subject, "accept"), 0)
        a = got.get((subject, "accept", recipient, kind), 0)
        for scenario in scenarios:
            n_b, b = visits.get((subject, scenario), 0), got.get((subject, scenario, recipient, kind), 0)
            if n_a and n_b and a + b:
                rows.append((subject, recipient, kind, scenario, n_a, a, n_b, b, *_effect(a, n_a, b, n_b)))
    p = np.array([row[11] for row in rows], np.float64)
    adjusted = benjamini_yekutieli(p).tolist() if rows else []
    whole = [
        (None, *row[:12], q, row[12], _reading(row[5], row[7], row[8], q))
        for row, q in zip(rows, adjusted, strict=True)
    ]
    columns = list(zip(*whole, strict=True)) or [()] * len(REFUSALS)
    kinds = [pa.string() if f.type == LABEL else f.type for f in REFUSALS]
    return pa.table(
        [pa.array(c, k).cast(f.type) for c, k, f in zip(columns, kinds, REFUSALS, strict=True)], schema=REFUSALS
    )


def _effect(a: int, n_a: int, b: int, n_b: int) -> tuple[float, float, float, float, float]:
    """Difference of the shares, its interval (Newcombe 1998, method 10), p and the smallest p of so many visits."""
    one, two = wilson(a, n_a), wilson(b, n_b)
    gap = two.value - one.value
    low = gap - math.hypot(two.value - two.low, one.high - one.value)
    high = gap + math.hypot(two.high - two.value, one.value - one.low)
    return gap, low, high, fisher(a, n_a, b, n_b), fisher(n_a, n_a, 0, n_b)


def _reading(a: int, b: int, gap: float, p: float) -> str:
    if p > RATE:
        return "no change shown"
    if gap > 0:
        return "more"
    return "stops" if b == 0 else "less"
