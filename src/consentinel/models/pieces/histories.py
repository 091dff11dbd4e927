"""What each person did, in order, and the answers of a recommender that looks at the order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.best import top
from consentinel.models.pieces.ids import encoded, from_file, positions, to_arrays
from consentinel.models.rows import RANKED

__all__ = ["Histories", "Sequences", "answer", "histories", "sequences_from_file", "sequences_of", "spans"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
_CELLS = 8_000_000  # scores held at once: 32 MB


@dataclass(frozen=True)
class Histories:
    """Items of several people, each from the first to the last: person p did items[starts[p]:starts[p + 1]]."""

    starts: Ints
    items: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Ints:
        """How much each person did, shape (people,)."""
        return np.diff(self.starts)

    @property
    def owner(self) -> Ints:
        """Whose each item is, shape (items,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def take(self, people: Ints) -> "Histories":
        """Return the histories of PEOPLE in that order; an empty one for each -1."""
        known = np.maximum(people, 0)
        starts, ends = self.starts[known], np.where(people < 0, self.starts[known], self.starts[known + 1])
        return Histories(np.concatenate([[0], np.cumsum(ends - starts)]), self.items[spans(starts, ends)])

    def part(self, starts: Ints, ends: Ints) -> "Histories":
        """Return what lies from STARTS to before ENDS, both counted from each person's first item."""
        first = self.starts[:-1] + starts
        last = self.starts[:-1] + np.maximum(starts, ends)
        return Histories(np.concatenate([[0], np.cumsum(last - first)]), self.items[spans(first, last)])


@dataclass(frozen=True)
class Sequences:
    """Everyone's history: users, their ids sorted as texts; items, the most frequent first, equal ones as texts."""

    users: pa.Array
    items: pa.Array
    done: Histories

    @property
    def share(self) -> Floats:
        """The share of rows that each item has, shape (items,)."""
        counts = np.bincount(self.done.items, minlength=len(self.items))
        return (counts / max(1, len(self.done.items))).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that keep it in a model file."""
        ids = {**to_arrays("users", self.users), **to_arrays("items", self.items)}
        return ids | {"done.starts": self.done.starts, "done.items": self.done.items.astype(np.int32)}


def sequences_of(rows: pa.Table) -> Sequences:
    """Return the histories in ROWS (INTERACTIONS), each by time; equal times, or no times at all, keep the row order.

    Raises ContractBroken for missing columns, BadInput for missing ids and where only some times are missing.
    """
    users, user = encoded(rows, "user")
    names, item = encoded(rows, "item")
    counts = np.bincount(item, minlength=len(names))
    popular = np.argsort(-counts, kind="stable")
    place = np.empty(len(names), np.int64)
    place[popular] = np.arange(len(names))
    order = np.lexsort((_times(rows), user))
    starts = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=len(users)))])
    return Sequences(users, names.take(popular), Histories(starts, place[item][order]))


def sequences_from_file(file: ModelFile) -> Sequences:
    """Return the histories that FILE keeps; raises BadInput where its parts do not fit together."""
    users, items = from_file("users", file), from_file("items", file)
    starts, at = file.arrays.get("done.starts"), file.arrays.get("done.items")
    if (
        starts is None or at is None or starts.dtype != np.int64 or at.dtype != np.int32 or at.ndim != 1
        or starts.shape != (len(users) + 1,) or starts[0] != 0 or starts[-1] != len(at)
        or (np.diff(starts) < 0).any() or (len(at) and (at.min() < 0 or at.max() >= len(items)))
    ):  # fmt: skip
        raise BadInput("does not hold the histories it learnt from", where=file.kind, todo="train the model again")
    return Sequences(users, items, Histories(starts, at.astype(np.int64)))


@dataclass(frozen=True)
class Asked:
    """For whom to recommend: ids (q,), how many (q,), and the history of each."""

    ids: pa.Array
    k: Ints
    done: Histories


def histories(queries: pa.Table, about: Sequences) -> Asked:
    """Return what QUERIES (QUERIES: query, and k and history where there are such) ask of a model of those histories.

    A person that training saw is taken with what they did then and `history` is not read; a stranger with those items
    of `history`, in order, that training saw. Raises UsageError where a query is asked twice or k is below 1.
    """
    ids, place = encoded(queries, "query")
    if len(ids) != len(place):
        raise UsageError(f"{len(place) - len(ids)} queries are asked twice; ask for each person once")
    ids = ids.take(place)
    k = np.full(len(ids), 20, np.int64)
    if "k" in queries.column_names:
        k = np.asarray(pc.fill_null(queries["k"].cast(pa.int64()), 20), dtype=np.int64)
        if k.min() < 1:
            raise UsageError(f"k is at least 1, got {k.min()}")
    people = positions(about.users, ids).astype(np.int64)
    known = about.done.take(people)
    owner, told = _told(queries, about.items)
    new = people[owner] < 0
    whose = np.concatenate([known.owner, owner[new]])
    order = np.argsort(whose, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(whose, minlength=len(ids)))])
    return Asked(ids, k, Histories(starts, np.concatenate([known.items, told[new]])[order]))


def answer(asked: Asked, about: Sequences, scores: Callable[[Histories], Floats]) -> pa.Table:
    """Return the best items of everyone ASKED for as RANKED, in the order asked, without what is in their history.

    SCORES takes histories of at least one item each and gives (people, items); higher is better. Who has no history
    that training saw gets the most popular items, whose score is their share of all rows.
    """
    size, n = max(1, min(1024, _CELLS // len(about.items))), len(about.items)
    share, pieces = about.share, []
    for start in range(0, len(asked.ids), size):
        people = np.arange(start, min(start + size, len(asked.ids)))
        block = asked.done.take(people)
        found = np.tile(share, (len(people), 1))
        known = np.flatnonzero(block.lengths)
        if len(known):
            found[known] = scores(block.take(known))
        found[block.owner, block.items] = -np.inf
        row, item, score = top(found, min(n, int(asked.k[people].max())))
        within = np.arange(len(row)) - np.searchsorted(row, row) < asked.k[people][row]
        pieces.append((row[within] + np.int32(start), item[within], score[within]))
    rows, items, values = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    columns = [pa.DictionaryArray.from_arrays(rows.astype(np.int32), asked.ids)]
    columns.append(pa.DictionaryArray.from_arrays(items.astype(np.int32), about.items))
    return pa.table([*columns, pa.array(values.astype(np.float64))], schema=RANKED)


def spans(starts: Ints, ends: Ints) -> Ints:
    """Return start, start + 1, ..., end - 1 of each pair, one pair after another."""
    lengths = ends - starts
    found: Ints = np.arange(int(lengths.sum())) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return found


def _times(rows: pa.Table) -> Ints:
    if "time" not in rows.column_names or rows["time"].null_count == rows.num_rows:
        return np.zeros(rows.num_rows, np.int64)
    missing = rows["time"].null_count
    if missing:
        todo = "give every row a time, or none: then the order of the rows counts"
        raise BadInput(f"{missing} of {rows.num_rows} rows have no time", where="time", todo=todo)
    if not (pa.types.is_integer(rows["time"].type) or pa.types.is_timestamp(rows["time"].type)):
        raise ContractBroken(f"models: column 'time' should hold microseconds as int64, got {rows['time'].type}")
    return np.asarray(rows["time"].cast(pa.int64()), np.int64)


def _told(queries: pa.Table, items: pa.Array) -> tuple[Ints, Ints]:
    """Return question and item of everything in the column `history` that is one of ITEMS, in order."""
    if "history" not in queries.column_names:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    lists = queries["history"].combine_chunks()
    if not pa.types.is_list(lists.type) and not pa.types.is_large_list(lists.type):
        raise ContractBroken(f"models: column 'history' should hold lists of ids, got {lists.type}")
    owner, place = np.asarray(pc.list_parent_indices(lists), np.int64), positions(items, pc.list_flatten(lists))
    return owner[place >= 0], place[place >= 0].astype(np.int64)
