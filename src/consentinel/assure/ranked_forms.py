"""Rankings in the other forms that rankers learn from: documents with questions, links of a graph, pictures alike."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure import leaking
from consentinel.assure.forms import formed
from consentinel.assure.people import texts
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["Posed", "posed"]

MOST = 2_000_000  # pairs of a picture and one that is alike
_PICTURE = ("image", "height", "width", "channels")


@dataclass(frozen=True)
class Posed:
    """What a ranker is asked, and what is right.

    Arguments: rows, query, item, label and what else there is; learned, as its trainer takes it; content, what is shown
    of each query beside its name; candidates, what is given to be ordered; who, rows with the attributes of a query;
    collection, a column `item` of all that can be answered.
    """

    rows: pa.Table
    learned: pa.Table | None
    content: pa.Table | None
    candidates: pa.Table | None
    who: pa.Table
    collection: pa.Table | None


def posed(rows: pa.Table, learned: pa.Table | None, seed: int, notes: list[str]) -> Posed:
    """Return what ROWS ask of a ranker that learned from LEARNED; what is left out is told. Raises UsageError."""
    names = set(rows.column_names)
    if not {"query", "item"} <= names:
        if "neighbours" in names:
            return _links(rows, learned, notes)
        if "image" in names:
            return _pictures(rows, learned, seed, notes)
    return _documents(rows, learned)


def _documents(rows: pa.Table, learned: pa.Table | None) -> Posed:
    names, who = rows.column_names, rows
    content = None
    if {"query", "item", "text"} <= set(names):  # documents and questions stand among the judgments
        told, asker, about = (pc.is_valid(one(rows[name])) for name in ("text", "query", "item"))
        alone = pc.and_(told, pc.xor(asker, about))
        questions = rows.filter(pc.and_(alone, asker))
        if questions.num_rows:
            content = pa.table({"query": texts(questions["query"]), "text": one(questions["text"]).cast(pa.string())})
        rows = rows.filter(pc.invert(alone))
    candidates = None
    if {"query", "item"} <= set(names):
        if "features" in names and rows["features"].null_count < rows.num_rows:
            candidates = _candidates(rows.filter(pc.is_valid(rows["features"])), ("features",))
        elif "score" in names and content is None:  # an order that is to be changed
            candidates = _candidates(rows.filter(pc.is_valid(rows["score"])), ("score", "group"))
    if learned is not None:
        learned = formed(learned, "documents")
    empty = [name for name in names if name != "label" and rows.num_rows and rows[name].null_count == rows.num_rows]
    rows = rows.drop_columns(empty)  # of forms that these rows do not use
    known = None if learned is None or learned["item"].null_count == learned.num_rows else learned
    return Posed(rows, learned, content, candidates, who, known)


def _candidates(rows: pa.Table, more: tuple[str, ...]) -> pa.Table:
    made = {"query": texts(rows["query"]), "item": texts(rows["item"])}
    made |= {name: rows[name] for name in more if name in rows.column_names}
    return formed(pa.table(made), "candidates")


def _links(rows: pa.Table, learned: pa.Table | None, notes: list[str]) -> Posed:
    """Return as right what each node of ROWS is linked to, both ways, without the links that LEARNED has."""
    rows = formed(rows, "graph")
    pairs, collection = _pairs(rows), None
    if learned is not None:
        learned = formed(learned, "graph")
        met = leaking.repeated(pairs, _pairs(learned), "ranking", set())
        if met.any():
            notes.append(f"labels leak: {int(met.sum()):,} of {len(met):,} ends of links were learned from; left out")
            pairs = pairs.filter(pa.array(~met))
        collection = pa.table({"item": learned["node"]})
    if not pairs.num_rows:
        raise UsageError("no link is left to be found: hold some out, or give others than the learned ones")
    who = rows.rename_columns(["query" if name == "node" else name for name in rows.column_names])
    return Posed(pairs, learned, None, None, who.drop_columns(["features", "neighbours", "label"]), collection)


def _pairs(rows: pa.Table) -> pa.Table:
    names, lists = one(rows["node"]), one(rows["neighbours"])
    ends = np.asarray(pc.fill_null(lists.flatten(), -1), np.int64)
    wrong = int(((ends < 0) | (ends >= len(names))).sum())
    if wrong:
        raise UsageError(f"{wrong:,} neighbours are no row of the {len(names):,}: they are row numbers, from 0")
    return pa.table({"query": names.take(pc.list_parent_indices(lists)), "item": names.take(pa.array(ends))})


def _pictures(rows: pa.Table, learned: pa.Table | None, seed: int, notes: list[str]) -> Posed:
    """Return as right for each of ROWS the pictures of LEARNED with its label."""
    if learned is None:
        raise UsageError("pictures are searched among others: give the collection with --learned")
    rows, learned = formed(rows, "vision"), formed(learned, "vision")
    if learned["label"].null_count == learned.num_rows:
        raise UsageError("which pictures are alike is told by the column label of the collection (--learned)")
    items = _named(learned, "item", "")
    rows = rows.append_column("query", _named(rows, "query", "picture ")) if "query" not in rows.column_names else rows
    known = one(learned["label"]).drop_null().unique()
    wanted, code = (
        np.asarray(pc.fill_null(pc.index_in(one(side["label"]), known), -1), np.int64) for side in (rows, learned)
    )
    alike = np.bincount(code[code >= 0], minlength=len(known))
    keep = np.flatnonzero(wanted >= 0)
    most = max(1, int(MOST // max(1.0, alike[wanted[keep]].mean()))) if len(keep) else 1
    if len(keep) > most:
        notes.append(f"{most:,} of {len(keep):,} pictures are searched for, at random: each has many that are alike")
        keep = np.sort(generator(seed, "assure.pictures").choice(keep, most, replace=False))
    if not len(keep):
        raise UsageError("no picture has a label that the collection has; nothing can be found")
    rows = rows.take(pa.array(keep))
    places = _alike(wanted[keep], code)
    query = np.repeat(np.arange(len(keep)), alike[wanted[keep]])
    pairs = pa.table({"query": texts(rows["query"]).take(pa.array(query)), "item": items.take(pa.array(places))})
    content = rows.select(["query", *_PICTURE])
    who = rows.drop_columns([*_PICTURE, "label"])
    return Posed(pairs, learned, content, None, who, pa.table({"item": items}))


def _alike(wanted: NDArray[np.int64], code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of WANTED, one after the other, the places in CODE that are the same."""
    order = np.argsort(code, kind="stable")
    starts, ends = (np.searchsorted(code[order], wanted, side) for side in ("left", "right"))
    length = ends - starts
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    return order[np.repeat(starts, length) + within]


def _named(rows: pa.Table, column: str, before: str) -> pa.Array:
    if column in rows.column_names:
        return texts(rows[column])
    return pa.array([f"{before}{at}" for at in range(rows.num_rows)], pa.string())
