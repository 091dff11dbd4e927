"""What a probe found: one measure with its interval, and the table of all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.core.stats import Interval, benjamini_hochberg
from consentinel.core.tables import AUDITS

__all__ = ["Better", "Found", "Measure", "Plan", "drawn", "table"]

Better = Literal["lower", "higher", "zero", ""]


@dataclass(frozen=True)
class Plan:
    """How an audit measures: level of its intervals, draws of a bootstrap, seed, cut-off rank, shadow models at most,
    and rows at most that are attacked or explained."""

    level: float = 0.95
    draws: int = 2000
    seed: int = 0
    k: int = 10
    shadows: int = 64
    rows: int = 500


def drawn(pillar: str, among: NDArray[np.intp], most: int, plan: Plan, *names: str) -> NDArray[np.intp]:
    """Return at most MOST of the places AMONG, drawn evenly, in order; NAMES tell the draws of a PILLAR apart."""
    if len(among) <= most:
        return among
    return np.sort(generator(plan.seed, f"assure.{pillar}", *names).choice(among, most, replace=False))


@dataclass(frozen=True)
class Measure:
    """One thing measured.

    Arguments: metric, in the standard words of the field; estimate with its interval, or None where it could not be
    measured and `why` says so; slice, whom it is about ("gender=F"; empty: everybody); against, whom it is compared
    with; null, the value that would mean no effect, with the two-sided p-value of it; detectable, the smallest distance
    from null that so many units show with 80% power; better, which way is good; why, what the reader must know.
    """

    metric: str
    estimate: Interval | None
    slice: str = ""
    against: str = ""
    null: float | None = None
    p: float | None = None
    detectable: float | None = None
    better: Better = ""
    why: str = ""


@dataclass(frozen=True)
class Found:
    """A measure, and which probe of which pillar found it."""

    pillar: str
    probe: str
    measure: Measure


def table(found: Sequence[Found], level: float) -> pa.Table:
    """Return FOUND as AUDITS, q-values over all that have a p-value; an effect is shown where q is at most 1 - LEVEL.

    Source: Benjamini and Hochberg 1995.
    """
    p = np.array([math.nan if one.measure.p is None else one.measure.p for one in found])
    tested = np.isfinite(p)
    q = np.full(len(p), math.nan)
    if tested.any():
        q[tested] = benjamini_hochberg(p[tested])
    rows = [
        _row(one, None if math.isnan(adjusted) else float(adjusted), level)
        for one, adjusted in zip(found, q, strict=True)
    ]
    return pa.Table.from_pylist(rows, AUDITS)


def _row(one: Found, q: float | None, level: float) -> dict[str, object]:
    found, known = one.measure, one.measure.estimate is not None
    verdict = "not measured" if not known else "" if q is None else "effect" if q <= 1 - level else "no effect shown"
    numbers = {"value": None, "low": None, "high": None, "level": None, "n": None, "method": ""}
    if found.estimate is not None:
        numbers = {name: getattr(found.estimate, name) for name in numbers}
    return numbers | {
        "run_id": "", "pillar": one.pillar, "probe": one.probe, "metric": found.metric, "slice": found.slice,
        "against": found.against, "null": found.null, "p": found.p, "q": q, "detectable": found.detectable,
        "better": found.better, "verdict": verdict, "why": found.why,
    }  # fmt: skip
