"""What small random errors in the inputs do to the answers: pixels, numbers and features with Gaussian noise.

Noise has the given share of each column's standard deviation (pictures: of the range of a pixel). Columns with two
values, texts and what is missing stay as they are; whole numbers stay whole.
Source: Hendrycks and Dietterich 2019 (accuracy under common corruptions).
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._degraded import NOT_INPUT, Way, degraded, inputs, listed, lists
from consentinel.assure.subject import Subject
from consentinel.core.columns import one

KINDS = ("vision", "tabular", "ranking")
NEEDS = ("ask",)
LEVELS = {"vision": (0.02, 0.05, 0.1, 0.2), "tabular": (0.05, 0.1, 0.2, 0.5), "ranking": (0.05, 0.1, 0.2, 0.5)}


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield accuracy or nDCG with noise, its change, and how many answers flip, by the size of the noise."""
    rows, at = inputs(subject, plan, plan.rows, "noise")
    if subject.kind == "tabular" and not numeric(rows):
        why = "no column of numbers with more than two values: there is nothing that noise could move"
        yield Measure("accuracy_under_noise", None, why=why)
        return
    way = {"vision": _pixels, "tabular": _columns, "ranking": _features}[subject.kind]
    ways: dict[str, Way] = {f"noise={level:g}": partial(way, level=level) for level in LEVELS[subject.kind]}
    unit = "the range of a pixel" if subject.kind == "vision" else "a column's standard deviation"
    yield from degraded(subject, rows, at, ways, "noise", plan, f"noise as a share of {unit}")


def numeric(rows: pa.Table) -> list[str]:
    """Return the columns of ROWS that are numbers of more than two values and no label or id."""
    found = []
    for field in rows.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        if number and field.name not in NOT_INPUT and len(one(rows[field.name]).unique().drop_null()) > 2:
            found.append(field.name)
    return found


def _pixels(rows: pa.Table, rng: np.random.Generator, level: float) -> pa.Table:
    flat, length = lists(rows, "image")
    made = np.clip(np.rint(flat + rng.normal(0, 255 * level, len(flat))), 0, 255).astype(np.uint8)
    return listed(rows, "image", made, length)


def _features(rows: pa.Table, rng: np.random.Generator, level: float) -> pa.Table:
    flat, length = lists(rows, "features")
    flat = np.asarray(flat, np.float64)
    if (length == length[0]).all():
        spread = np.tile(np.nanstd(flat.reshape(len(length), -1), axis=0), len(length))
    else:
        spread = np.full(len(flat), np.nanstd(flat))
    return listed(rows, "features", flat + rng.standard_normal(len(flat)) * level * spread, length)


def _columns(rows: pa.Table, rng: np.random.Generator, level: float) -> pa.Table:
    for name in numeric(rows):
        field, column = rows.schema.field(name), one(rows[name])
        value = np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        there = np.isfinite(value)
        made = value + rng.standard_normal(len(value)) * level * value[there].std()
        if pa.types.is_integer(field.type):
            made = np.clip(np.rint(made), value[there].min(), value[there].max())
        new = pa.array(np.where(there, made, 0.0)).cast(field.type)
        new = pc.if_else(pa.array(there), new, column)
        rows = rows.set_column(rows.column_names.index(name), field, new)
    return rows
