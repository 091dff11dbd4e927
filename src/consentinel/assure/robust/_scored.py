"""How often rows are answered rightly, before and after something was done to them: shares and paired changes."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.measure import Better, Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core import gaps
from consentinel.core.columns import one
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval, korn_graubard

__all__ = ["AT_ONCE", "Floats", "Places", "asked", "change", "known", "mean", "right", "said", "share"]

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
AT_ONCE = 8192  # rows that a model is asked for at once


def known(subject: Subject) -> Places:
    """Return the places of the rows whose label is known."""
    if "label" not in subject.rows.column_names:
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.asarray(pc.is_valid(one(subject.rows["label"]))))


def said(answers: pa.Table) -> NDArray[Any]:
    """Return the labels of ANSWERS as text, shape (n,)."""
    return np.asarray(one(answers["label"]).cast(pa.string()).to_pylist(), dtype=object)


def right(answers: pa.Table, rows: pa.Table) -> NDArray[np.bool_]:
    """Return which of ANSWERS are the labels of ROWS; a row without a label is answered rightly by nothing."""
    return np.asarray(said(answers) == np.asarray(one(rows["label"]).cast(pa.string()).to_pylist(), dtype=object))


def asked(subject: Subject, rows: pa.Table) -> pa.Table:
    """Return the answers for ROWS, a limited number of them at a time; a graph is one piece."""
    if subject.kind == "graph" or rows.num_rows <= AT_ONCE:
        return subject.ask(rows)
    parts = [subject.ask(rows.slice(at, AT_ONCE)) for at in range(0, rows.num_rows, AT_ONCE)]
    return pa.concat_tables(parts, promote_options="default")


def share(
    metric: str, hits: NDArray[np.bool_], unit: Places, plan: Plan, slice: str = "", better: Better = "higher",
    why: str = "",
) -> Measure:  # fmt: skip
    """Return METRIC as the share of HITS (n,), of the units UNIT (n,), with an exact interval over units."""
    if not len(hits):
        return Measure(metric, None, slice, better=better, why=why or "there is no row that it counts")
    return Measure(metric, korn_graubard(hits, unit, plan.level), slice, better=better, why=why)


def mean(
    metric: str, values: Floats, unit: Places, plan: Plan, slice: str = "", better: Better = "higher", why: str = ""
) -> Measure:
    """Return METRIC as the mean of VALUES (n,) in [0, 1], with Wilson's interval at the effective number of units."""
    if not len(values):
        return Measure(metric, None, slice, better=better, why=why or "there is no row that it counts")
    above, below = _totals(unit, values[:, None])
    found = gaps.values(by_group(above, below, np.full(len(below), -1), 0), plan.level)
    estimate = Interval(float(found.value[0]), float(found.low[0]), float(found.high[0]), len(below), plan.level,
                        "clustered shares, Wilson arms")  # fmt: skip
    return Measure(metric, estimate, slice, better=better, why=why)


def change(
    metric: str, before: Floats, after: Floats, unit: Places, plan: Plan, slice: str = "", against: str = "as it is",
    why: str = "",
) -> Measure:  # fmt: skip
    """Return METRIC as the mean of AFTER less BEFORE (n,), both in [0, 1], with its test that nothing changed.

    What got better and what got worse are two correlated shares, so that rows of which none changed still leave an
    interval around 0 as wide as their number allows. Source: Zou and Donner 2008.
    """
    moved = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    if not len(moved):
        return Measure(metric, None, slice, against, why=why or "there is no row that it counts")
    above, below = _totals(unit, np.stack([np.maximum(moved, 0.0), np.maximum(-moved, 0.0)], axis=1))
    found = gaps.signed(by_group(above, below, np.full(len(below), -1), 0), [1.0, -1.0], plan.level)
    estimate = Interval(float(found.value), float(found.low), float(found.high), len(below), plan.level,
                        "paired, clustered shares, MOVER")  # fmt: skip
    return Measure(metric, estimate, slice, against, 0.0, float(found.p), float(found.detectable), "higher", why)


def _totals(unit: Places, values: Floats) -> tuple[Floats, Floats]:
    """Return the sums of VALUES (n, m) of each unit, and how many rows each has, for each of the m."""
    code = np.unique(unit, return_inverse=True)[1]
    sums = np.stack([np.bincount(code, values[:, at]) for at in range(values.shape[1])], axis=1)
    counts = np.bincount(code)[:, None] * np.ones(values.shape[1])
    return sums.astype(np.float64), counts.astype(np.float64)
