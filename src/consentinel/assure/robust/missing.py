"""What missing inputs do to the answers: values, words, pixels, or links of a graph that are taken away at random.

A model that takes no missing numbers gets the column's typical value in their place (the median, or the most frequent),
and the measure says so.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.robust._degraded import NOT_INPUT, Way, degraded, inputs, listed, lists
from consentinel.assure.subject import Subject
from consentinel.core.columns import one

KINDS = ("tabular", "ranking", "text", "vision", "graph")
NEEDS = ("ask",)
SHARES = (0.1, 0.25, 0.5)
COLUMNS = 12  # single columns that are taken away whole
_WORD = re.compile(r"\w+\W*")
TYPICAL = "; it takes no missing values, so that each stands as its column's typical one"


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield accuracy or nDCG with inputs taken away, its change, and how many answers flip, by how much is missing."""
    rows, at = inputs(subject, plan, plan.rows, "missing")
    if not len(at):
        yield Measure("accuracy_under_missing", None, why="there are no rows")
        return
    ways, why = _ways(subject, rows)
    yield from degraded(subject, rows, at, ways, "missing", plan, why)


def _ways(subject: Subject, rows: pa.Table) -> tuple[dict[str, Way], str]:
    made: dict[str, Way] = {}
    if subject.kind == "text":
        return {f"words missing={s:g}": partial(_words, share=s) for s in SHARES}, "words taken away at random"
    if subject.kind == "vision":
        for name, way in (("pixels", _pixels), ("square", _square)):
            made |= {f"{name} missing={s:g}": partial(way, share=s) for s in SHARES}
        return made, "pixels set to 0, one by one or as one square"
    if subject.kind == "graph":
        made |= {f"links missing={s:g}": partial(_links, share=s) for s in SHARES}
        made |= {f"features missing={s:g}": partial(_zeros, share=s) for s in SHARES}
        return made, "links taken away at both ends, or features set to 0"
    if subject.kind == "ranking":
        typical = _typical_features(rows)
        made |= {f"features missing={s:g}": partial(_features, share=s, typical=typical) for s in SHARES}
        return made, "features that stand as their typical value"
    names = [name for name in rows.column_names if name not in NOT_INPUT]
    typical = _fills(subject, rows, names)
    made |= {f"values missing={s:g}": partial(_values, share=s, names=names, typical=typical) for s in SHARES}
    for name in names[:COLUMNS]:
        made[f"column={name}"] = partial(_values, share=1.0, names=[name], typical=typical)
    return made, "values taken away" + ("" if typical is None else TYPICAL)


# Rows of columns


def _fills(subject: Subject, rows: pa.Table, names: list[str]) -> dict[str, Any] | None:
    """Return the typical value of each column of NAMES, or None where the model takes missing ones."""
    some = rows.slice(0, min(20, rows.num_rows))
    try:
        for name in names:
            subject.ask(_values(some, np.random.default_rng(0), 1.0, [name], None))
    except Exception:  # of the model under audit, which may raise anything
        return {name: _typical(one(rows[name])) for name in names}
    return None


def _typical(column: pa.Array) -> Any:
    """Return the middle number, or the most frequent value, of COLUMN; None where it has none."""
    there = column.drop_null()
    if not len(there):
        return None
    if pa.types.is_integer(there.type) or pa.types.is_floating(there.type):
        order = pc.sort_indices(there)
        return there[order[len(order) // 2].as_py()].as_py()
    if pa.types.is_nested(there.type):
        return there[0].as_py()
    counts = pc.value_counts(there.cast(there.type.value_type) if pa.types.is_dictionary(there.type) else there)
    return counts.field("values")[int(np.argmax(np.asarray(counts.field("counts"))))].as_py()


def _values(
    rows: pa.Table, rng: np.random.Generator, share: float, names: list[str], typical: dict[str, Any] | None
) -> pa.Table:
    for name in names:
        field, column = rows.schema.field(name), one(rows[name])
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        gone = pa.array(rng.random(rows.num_rows) < share)
        fill = pa.scalar(None if typical is None else typical[name], column.type)
        made = pc.if_else(gone, fill, column)
        rows = rows.set_column(rows.column_names.index(name), field, made.cast(field.type))
    return rows


def _typical_features(rows: pa.Table) -> np.ndarray:
    flat, length = lists(rows, "features")
    whole = np.asarray(flat, np.float64)
    if len(length) and (length == length[0]).all():
        return np.asarray(np.nanmedian(whole.reshape(len(length), -1), axis=0))
    return np.array([np.nanmedian(whole)])


def _features(rows: pa.Table, rng: np.random.Generator, share: float, typical: np.ndarray) -> pa.Table:
    flat, length = lists(rows, "features")
    fill = np.resize(typical, len(flat))
    return listed(rows, "features", np.where(rng.random(len(flat)) < share, fill, flat), length)


# Texts and pictures


def _words(rows: pa.Table, rng: np.random.Generator, share: float) -> pa.Table:
    field, made = rows.schema.field("text"), []
    for text in rows["text"].to_pylist():
        words = _WORD.findall(text or "")
        kept = [word for word, gone in zip(words, rng.random(len(words)) < share, strict=True) if not gone]
        made.append("".join(kept or words[:1]) if words else text)  # a text without any word is nobody's input
    return rows.set_column(rows.column_names.index("text"), field, pa.array(made, field.type))


def _pixels(rows: pa.Table, rng: np.random.Generator, share: float) -> pa.Table:
    flat, length = lists(rows, "image")
    channels = np.repeat(np.asarray(one(rows["channels"]), np.int64), length)
    start = np.repeat(np.cumsum(length) - length, length)
    pixel = start + (np.arange(len(flat)) - start) // channels  # the channels of a pixel go together
    gone = rng.random(len(flat))[pixel] < share
    return listed(rows, "image", np.where(gone, np.uint8(0), flat), length)


def _square(rows: pa.Table, rng: np.random.Generator, share: float) -> pa.Table:
    flat, length = lists(rows, "image")
    height, width, channels = (np.asarray(one(rows[name]), np.int64) for name in ("height", "width", "channels"))
    side = np.rint(np.sqrt(share * height * width)).astype(np.int64)
    tall, wide = np.minimum(side, height), np.minimum(side, width)
    top, left = (np.floor(rng.random(len(length)) * (room + 1)).astype(np.int64)
                 for room in (height - tall, width - wide))  # fmt: skip
    place = (np.arange(len(flat)) - np.repeat(np.cumsum(length) - length, length)) // np.repeat(channels, length)
    row, column = np.divmod(place, np.repeat(width, length))
    ends = [np.repeat(one_, length) for one_ in (top, top + tall, left, left + wide)]
    gone = (row >= ends[0]) & (row < ends[1]) & (column >= ends[2]) & (column < ends[3])
    return listed(rows, "image", np.where(gone, np.uint8(0), flat), length)


# Graphs


def _links(rows: pa.Table, rng: np.random.Generator, share: float) -> pa.Table:
    flat, length = lists(rows, "neighbours")
    here, there = np.repeat(np.arange(len(length)), length), np.asarray(flat, np.int64)
    code = np.minimum(here, there) * len(length) + np.maximum(here, there)
    links, at = np.unique(code, return_inverse=True)
    kept = (rng.random(len(links)) >= share)[at]  # a link goes at both of its ends
    left = np.bincount(here[kept], minlength=len(length))
    return listed(rows, "neighbours", there[kept], left)


def _zeros(rows: pa.Table, rng: np.random.Generator, share: float) -> pa.Table:
    flat, length = lists(rows, "features")
    return listed(rows, "features", np.where(rng.random(len(flat)) < share, 0.0, np.asarray(flat, np.float64)), length)
