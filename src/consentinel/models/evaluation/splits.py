"""Splits into what is learned from and what is held out: by time, the last of each person, or at random per person."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.rng import generator

__all__ = ["HOWS", "How", "Shape", "Wish", "split"]

How = Literal["time", "last", "random"]
Wish = Literal["none", "time", "last", "random"]
Shape = Literal["interactions", "documents", "nodes", "links", "rows"]
HOWS = ("time", "last", "random")
Held = NDArray[np.bool_]


def split(
    rows: pa.Table, how: How, shape: Shape, *, share: float = 0.2, seed: int = 0, person: str = ""
) -> tuple[pa.Table, pa.Table]:
    """Return what to learn from and what is held out of ROWS, each in their order.

    time: the latest SHARE of all rows (column time), so nothing is learned from what came later; rows of the same
    moment stay together. last: the last row of each user, by time where there is one, else in row order; a user with
    one row keeps it. random, of interactions: SHARE of each user's rows, at least one is kept; of other rows: SHARE of
    them, or of the people where the column PERSON says whose they are, so that nobody stands on both sides; of
    documents: SHARE of the queries with their judgments (documents stay); of nodes: SHARE of the labels, the graph
    stands on both sides; of links: SHARE of them, each side has all nodes and its own links. Raises UsageError
    for what a shape cannot be split by, and where a side would be empty.
    """
    if not 0 < share < 1:
        raise UsageError(f"the held-out share is between 0 and 1, got {share}")
    chosen = _WAYS.get((shape, how))
    if chosen is None:
        ways = ", ".join(way for kind, way in _WAYS if kind == shape)
        raise UsageError(f"{shape} cannot be split by '{how}'; there is: {ways}")
    if person and shape != "rows":
        raise UsageError(f"{shape} are split by what they are; leave out the column of people")
    held = chosen(rows, share, seed, person)
    if shape == "links":
        sides = _linked(rows, ~held), _linked(rows, held)
        empty = held.all() or not held.any()
    elif shape == "nodes":
        sides = _masked(rows, held), _masked(rows, ~held)
        empty = not held.any() or rows["label"].null_count + int(held.sum()) == rows.num_rows
    else:
        sides = rows.filter(pa.array(~held)), rows.filter(pa.array(held))
        empty = held.all() or not held.any()
    if empty:
        raise UsageError(f"split by '{how}' with share {share:g} leaves one side of {rows.num_rows} rows empty")
    return sides


def _by_time(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    times = _times(rows)
    if times is None:
        raise UsageError("a split by time needs a time in each row; name the column, or split by 'last' or 'random'")
    cut = np.sort(times)[min(len(times) - 1, int(np.ceil(len(times) * (1 - share))))] if len(times) else 0
    return times >= cut


def _last(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    user, count = _codes(rows, "user")
    times = _times(rows)
    order = np.argsort(user, kind="stable") if times is None else np.lexsort((times, user))
    ends = np.append(user[order][1:] != user[order][:-1], True)[: len(user)]
    held = np.zeros(len(user), bool)
    held[order[ends]] = True
    return held & (np.bincount(user, minlength=count)[user] > 1)


def _of_each(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    user, count = _codes(rows, "user")
    order = np.lexsort((_stream(seed).random(len(user)), user))
    many = np.bincount(user, minlength=count)
    place = np.arange(len(user)) - np.repeat(np.cumsum(many) - many, many)
    wanted = np.minimum(np.rint(many * share), np.maximum(many - 1, 0))
    held = np.zeros(len(user), bool)
    held[order[place < wanted[user[order]]]] = True
    return held


def _whole_people(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    code, count = _codes(rows, person) if person else (np.arange(rows.num_rows), rows.num_rows)
    return _drawn(count, share, seed)[code]


def _queries(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    column = one(rows["query"].cast(pa.string()))
    names = column.drop_null().unique()
    code = np.asarray(pc.fill_null(pc.index_in(column, value_set=names), -1), np.int64)
    return np.append(_drawn(len(names), share, seed), False)[code]


def _labels(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    known = np.flatnonzero(np.asarray(pc.is_valid(one(rows["label"]))))
    held = np.zeros(rows.num_rows, bool)
    held[known[_drawn(len(known), share, seed)]] = True
    return held


def _links(rows: pa.Table, share: float, seed: int, person: str) -> Held:
    """Return which of the neighbours named in ROWS, one list after the other, are held out: a link at both ends."""
    lists = _neighbours(rows)
    end = np.asarray(lists.flatten(), np.int64)
    start = np.asarray(pc.list_parent_indices(lists), np.int64)
    pair = np.minimum(start, end) * max(1, rows.num_rows) + np.maximum(start, end)
    links, code = np.unique(pair, return_inverse=True)
    return _drawn(len(links), share, seed)[code]


_WAYS: dict[tuple[str, str], Callable[[pa.Table, float, int, str], Held]] = {
    ("interactions", "time"): _by_time,
    ("interactions", "last"): _last,
    ("interactions", "random"): _of_each,
    ("rows", "time"): _by_time,
    ("rows", "random"): _whole_people,
    ("documents", "random"): _queries,
    ("nodes", "random"): _labels,
    ("links", "random"): _links,
}


def _drawn(n: int, share: float, seed: int) -> Held:
    held = np.zeros(n, bool)
    held[_stream(seed).permutation(n)[: round(n * share)]] = True
    return held


def _stream(seed: int) -> np.random.Generator:
    return generator(seed, "models.evaluation.split")


def _masked(rows: pa.Table, hide: Held) -> pa.Table:
    label = pc.if_else(pa.array(hide), pa.scalar(None, rows["label"].type), one(rows["label"]))
    return rows.set_column(rows.schema.get_field_index("label"), rows.schema.field("label"), label)


def _linked(rows: pa.Table, keep: Held) -> pa.Table:
    """Return ROWS with only those neighbours, of all lists one after the other, that are to KEEP."""
    lists = _neighbours(rows)
    many = np.bincount(np.asarray(pc.list_parent_indices(lists))[keep], minlength=rows.num_rows)
    starts = pa.array(np.append(0, np.cumsum(many)).astype(np.int32))
    column = pa.ListArray.from_arrays(starts, lists.flatten().filter(pa.array(keep)))
    at = rows.schema.get_field_index("neighbours")
    return rows.set_column(at, rows.schema.field(at), column.cast(rows.schema.field(at).type))


def _neighbours(rows: pa.Table) -> pa.Array:
    lists = one(rows["neighbours"])
    if lists.null_count or lists.flatten().null_count:
        raise BadInput("a list of neighbours, or something in one, is null", where="split", todo="Give empty lists")
    return lists


def _codes(rows: pa.Table, name: str) -> tuple[NDArray[np.int64], int]:
    if name not in rows.column_names:
        raise UsageError(f"there is no column '{name}' to split by; there is: {', '.join(rows.column_names)}")
    column = one(rows[name].cast(pa.string()))
    if column.null_count:
        raise BadInput(f"{column.null_count} rows have no '{name}'", where="split", todo="Leave such rows out")
    coded = column.dictionary_encode()
    return np.asarray(coded.indices, np.int64), len(coded.dictionary)


def _times(rows: pa.Table) -> NDArray[np.int64] | None:
    if "time" not in rows.column_names or not rows.num_rows or rows["time"].null_count == rows.num_rows:
        return None
    column = rows["time"]
    if column.null_count:
        raise BadInput(f"{column.null_count} of {rows.num_rows} rows have no time", where="split", todo="Fill it in")
    try:
        return np.asarray(one(column.cast(pa.int64())), np.int64)
    except pa.ArrowInvalid:
        raise UsageError(f"column 'time' ({column.type}) holds no times; it holds microseconds UTC") from None
