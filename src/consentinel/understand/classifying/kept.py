"""The tables that classify keeps, and the schemas they have."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.tables import LABEL, TEXT
from consentinel.understand.classifying.examined import Measure
from consentinel.understand.classifying.model import Answer
from consentinel.understand.classifying.queue import Turn
from consentinel.understand.classifying.taxonomy import Taxonomy

__all__ = ["classes", "confusion", "doubts", "measured", "queue"]

NUMBER = pa.float64()
# One row is one text: the labels given, the likeliest one, and the set that holds the true ones with the stated chance.
CLASSES = pa.schema([
    ("run_id", LABEL), ("text_id", TEXT), ("labels", pa.list_(TEXT)), ("label", LABEL), ("path", LABEL), ("p", NUMBER),
    ("set", pa.list_(TEXT)), ("undecided", pa.bool_()), ("held_out", pa.bool_()),
])  # fmt: skip
# One row is one given label in doubt; `suggested` is what to give instead, or null where the label should go.
DOUBTS = pa.schema([
    ("run_id", LABEL), ("rank", pa.int64()), ("text_id", TEXT), ("given", pa.list_(TEXT)), ("doubted", LABEL),
    ("suggested", LABEL), ("score", NUMBER),
])  # fmt: skip
QUEUE = pa.schema([
    ("run_id", LABEL), ("rank", pa.int64()), ("text_id", TEXT), ("label", LABEL), ("p", NUMBER),
    ("uncertainty", NUMBER), ("density", NUMBER), ("distance", NUMBER),
])  # fmt: skip
MEASURES = pa.schema([
    ("run_id", LABEL), ("measure", LABEL), ("label", TEXT), ("value", NUMBER), ("low", NUMBER), ("high", NUMBER),
    ("n", pa.int64()),
])  # fmt: skip
CONFUSION = pa.schema([("run_id", LABEL), ("given", TEXT), ("predicted", TEXT), ("n", pa.int64())])
Mask = NDArray[np.bool_]


def classes(names: Sequence[str], answer: Answer, held: Mask, taxonomy: Taxonomy, single: bool) -> pa.Table:
    """Return CLASSES of the texts NAMES; HELD says which of them were not trained on by what answers."""
    ids, top, n = np.array(taxonomy.ids, object), answer.p.argmax(axis=1), len(names)
    size = answer.sets.sum(axis=1)
    unsure = size != 1 if single else (answer.sets != answer.given).any(axis=1)
    paths = np.array([taxonomy.path(at) for at in range(len(ids))], object)
    return pa.table({
        "run_id": pa.nulls(n, pa.string()), "text_id": pa.array(list(names), pa.string()),
        "labels": _lists(answer.given, ids), "label": pa.array(ids[top]), "path": pa.array(paths[top]),
        "p": answer.p[np.arange(n), top], "set": _lists(answer.sets, ids), "undecided": unsure, "held_out": held,
    }).cast(CLASSES)  # fmt: skip


def doubts(
    names: Sequence[str], found: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]], targets: Mask,
    taxonomy: Taxonomy, single: bool,
) -> pa.Table:  # fmt: skip
    """Return DOUBTS of what doubts.doubtful FOUND among TARGETS."""
    ids, made = taxonomy.ids, []
    for rank, (row, at, score) in enumerate(zip(*(one.tolist() for one in found), strict=True), 1):
        given = [ids[one] for one in np.flatnonzero(targets[row]).tolist()]
        adds = single or not targets[row, at]
        made.append({"rank": rank, "text_id": names[row], "given": given, "score": score,
                     "doubted": (given[0] if single else None) if adds else ids[at],
                     "suggested": ids[at] if adds else None})  # fmt: skip
    return pa.Table.from_pylist(made, DOUBTS)


def queue(names: Sequence[str], turns: Sequence[Turn], answer: Answer, taxonomy: Taxonomy) -> pa.Table:
    """Return QUEUE of TURNS."""
    top = answer.p.argmax(axis=1)
    return pa.Table.from_pylist([
        {"rank": rank, "text_id": names[one.row], "label": taxonomy.ids[top[one.row]],
         "p": float(answer.p[one.row, top[one.row]]), "uncertainty": one.uncertainty, "density": one.density,
         "distance": one.distance}
        for rank, one in enumerate(turns, 1)
    ], QUEUE)  # fmt: skip


def measured(found: Sequence[Measure]) -> pa.Table:
    """Return MEASURES of FOUND."""
    return pa.Table.from_pylist([
        {"measure": one.name, "label": one.label, "value": one.found.value, "low": one.found.low,
         "high": one.found.high, "n": one.found.n}
        for one in found
    ], MEASURES)  # fmt: skip


def confusion(answer: Answer, targets: Mask, taxonomy: Taxonomy) -> pa.Table:
    """Return CONFUSION: of texts that carry the class `given`, how often `predicted` was given."""
    counts = targets.astype(np.int64).T @ answer.given.astype(np.int64)
    return pa.Table.from_pylist([
        {"given": taxonomy.ids[row], "predicted": taxonomy.ids[column], "n": int(counts[row, column])}
        for row, column in np.argwhere(counts).tolist()
    ], CONFUSION)  # fmt: skip


def _lists(mask: Mask, ids: NDArray[np.object_]) -> pa.Array:
    columns = np.nonzero(mask)[1]
    ends = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(ids[columns], pa.string()))
