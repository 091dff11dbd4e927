"""Answers of a recommender: who is asked for, what they have seen, and the best of each row of scores."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.models.pieces.best import top
from consentinel.models.pieces.ids import encoded, positions
from consentinel.models.pieces.logs import Csr, Log, csr
from consentinel.models.rows import RANKED

__all__ = ["Asked", "answer", "asked"]

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Scores = Callable[[Ints, Csr], Floats]
_CELLS = 8_000_000  # scores held at once by a thread: 32 MB


@dataclass(frozen=True)
class Asked:
    """For whom to recommend: ids (q,), their places in the log, -1 for a stranger (q,), how many (q,), and what each
    has done (q, items), with 1 for each item."""

    ids: pa.Array
    people: Ints
    k: Ints
    histories: Csr


def asked(queries: pa.Table, log: Log) -> Asked:
    """Return what QUERIES (QUERIES: query, and k and history where there are such) ask of a model that knows LOG.

    A person of the log is taken with what the log says of them and `history` is not read; a stranger with those items
    of `history` that the log knows. Raises UsageError where a query is asked twice or k is below 1.
    """
    ids, place = encoded(queries, "query")
    if len(ids) != len(place):
        raise UsageError(f"{len(place) - len(ids)} queries are asked twice; ask for each person once")
    ids = ids.take(place)
    k = np.full(len(ids), 20, np.int32)
    if "k" in queries.column_names:
        k = np.asarray(pc.fill_null(queries["k"].cast(pa.int32()), 20), dtype=np.int32)
        if k.min() < 1:
            raise UsageError(f"k is at least 1, got {k.min()}")
    people = positions(log.users, ids)
    return Asked(ids, people, k, _histories(queries, log, people))


def answer(asked: Asked, log: Log, scores: Scores, *, threads: int = 0, share: Floats | None = None) -> pa.Table:
    """Return the best unseen items of everyone ASKED for as RANKED, in the order asked.

    SCORES takes places of people (-1: stranger) and their histories (b, items) and gives scores (b, items); it is
    called block by block from THREADS threads (0: one a core). Who has no history that the log knows gets the most
    popular items, whose score is the share of people who have them, or SHARE (items,) where that must not be counted.
    """
    many, n = int(asked.k.max()), len(log.items)
    size = max(1, min(4096, _CELLS // n))
    known = (log.people() / max(1, len(log.users))).astype(np.float32) if share is None else share

    def one(start: int) -> tuple[Ints, Ints, Floats]:
        block = asked.histories[start : start + size]
        block_scores = np.array(scores(asked.people[start : start + size], block), dtype=np.float32, order="C")
        if block_scores.shape != (block.shape[0], n):
            raise ContractBroken(f"models: scores have the shape {block_scores.shape}, not {(block.shape[0], n)}")
        block_scores[np.diff(block.indptr) == 0] = known
        block_scores[np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)), block.indices] = -np.inf
        row, item, score = top(block_scores, many)
        return row + np.int32(start), item, score

    starts = range(0, len(asked.ids), size)
    with ThreadPoolExecutor(min(len(starts), threads or os.cpu_count() or 1)) as pool:
        found = list(pool.map(one, starts))
    rows, items, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if (asked.k != many).any():
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        within = rank < asked.k[rows]
        rows, items, values = rows[within], items[within], values[within]
    columns = [pa.DictionaryArray.from_arrays(rows, asked.ids), pa.DictionaryArray.from_arrays(items, log.items)]
    return pa.table([*columns, pa.array(values.astype(np.float64))], schema=RANKED)


def _histories(queries: pa.Table, log: Log, people: Ints) -> Csr:
    seen = log.seen()
    known = np.flatnonzero(people >= 0)
    if len(known) == len(people):
        return seen[people]
    told = dict(_told(queries, log, people))
    starts, at = seen.indptr, seen.indices
    rows = [told.get(row, at[:0]) if one < 0 else at[starts[one] : starts[one + 1]] for row, one in enumerate(people)]
    lengths = np.cumsum([0, *map(len, rows)])
    items = np.concatenate([*rows, at[:0]])
    return csr(np.ones(len(items), np.float32), items, lengths, (len(people), len(log.items)))


def _told(queries: pa.Table, log: Log, people: Ints) -> Iterator[tuple[int, Ints]]:
    if "history" not in queries.column_names:
        return
    strangers = np.flatnonzero(people < 0)
    lists = queries["history"].combine_chunks().take(pa.array(strangers))
    if not pa.types.is_list(lists.type) and not pa.types.is_large_list(lists.type):
        raise ContractBroken(f"models: column 'history' should hold lists of ids, got {lists.type}")
    owners = strangers[np.asarray(pc.list_parent_indices(lists))]
    items = positions(log.items, pc.list_flatten(lists))
    there = items >= 0
    pairs = np.unique(owners[there].astype(np.int64) * len(log.items) + items[there])
    owner, item = np.divmod(pairs, len(log.items))
    edges = np.searchsorted(owner, strangers, side="left"), np.searchsorted(owner, strangers, side="right")
    for row, start, stop in zip(strangers.tolist(), *edges, strict=True):
        yield row, item[start:stop].astype(np.int32)
