"""Elections of models of parts: labels of rows, and lists of people, with certificates and with poisoned parts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.answering import labels
from consentinel.assure.people import texts
from consentinel.assure.robust._genuine import Genuine
from consentinel.assure.robust._partitions import Parts, ballot, parted, radius, ranked_radius, said
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError

__all__ = ["Labelled", "Listed", "labelled", "listed"]

Ints = NDArray[np.int64]
Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """A classifier's parts, and what the model of each said of `asked`, or None where there is none."""

    subject: Subject
    asked: pa.Table
    by: list[str]
    parts: Parts
    said: list[list[str | None] | None]
    seed: int

    def poisoned(self, rows: pa.Table) -> "Labelled":
        """Return the same after learning ROWS: only parts that differ are trained anew."""
        parts = parted(rows, self.by, self.parts.count)
        changed = self.parts.changed(parts)
        made = list(self.said)
        for at, new in zip(changed, _labels(self.subject, parts, changed, self.asked, self.seed), strict=True):
            made[at] = new
        return replace(self, parts=parts, said=made)

    def steady(self) -> bool:
        """Return whether training a part again gives the same votes, without which nothing is certified."""
        at = next(at for at, one_ in enumerate(self.said) if one_ is not None)
        return _labels(self.subject, self.parts, [at], self.asked, self.seed)[0] == self.said[at]

    def truth(self) -> list[str | None]:
        """Return the label of each row asked."""
        return list(labels(self.asked["label"]).to_pylist())

    def right(self) -> tuple[Bits, Ints]:
        """Return which rows get their own label, and how many poisoned rows cannot change what they get; (rows,)."""
        votes = ballot(self.said, self.asked.num_rows)
        winner, safe = radius(votes.counts())
        names = np.array([*votes.names, None], dtype=object)[winner]
        return np.asarray(names == np.array(self.truth(), dtype=object), bool), safe


@dataclass(frozen=True)
class Listed:
    """A recommender's parts, and the items that the model of each shows to people: places (m,) of person and item."""

    people: Genuine
    queries: pa.Table
    parts: Parts
    said: list[tuple[Ints, pa.Array]]
    seed: int

    def poisoned(self, rows: pa.Table) -> "Listed":
        """Return the same after learning ROWS: only parts that differ are trained anew."""
        parts = parted(rows, ["user"], self.parts.count)
        changed = self.parts.changed(parts)
        made = list(self.said)
        for at, new in zip(changed, _lists(self.people, parts, changed, self.queries, self.seed), strict=True):
            made[at] = new
        return replace(self, parts=parts, said=made)

    def steady(self) -> bool:
        """Return whether training a part again gives the same lists, without which nothing is certified."""
        at = next(at for at, (who, _) in enumerate(self.said) if len(who))
        who, item = _lists(self.people, self.parts, [at], self.queries, self.seed)[0]
        return np.array_equal(who, self.said[at][0]) and bool(item.equals(self.said[at][1]))

    def votes(self) -> tuple[pa.Array, Ints]:
        """Return items in the order of their names, and how many parts show each to each person; (people, items)."""
        right = texts(self.people.subject.rows["item"])
        items = pc.unique(pa.concat_arrays([self.people.items, right, *(item for _, item in self.said)]))
        items = items.take(pc.array_sort_indices(items))
        found = np.zeros((self.people.subject.groups.num_rows, len(items)), np.int64)
        for who, item in self.said:  # a part names an item once for a person
            found[who, np.asarray(pc.index_in(item, items), np.int64)] += 1
        return items, found

    def right(self) -> tuple[Ints, Ints, Ints]:
        """Return person, row and radius of what is right and stands in the list of most votes; radius -1: it does not.

        Rows are places in the rows of the data.
        """
        subject = self.people.subject
        items, votes = self.votes()
        safe = ranked_radius(votes, subject.k)
        row = np.arange(subject.rows.num_rows)
        if "label" in subject.rows.column_names:
            row = np.flatnonzero(np.asarray(pc.fill_null(one(subject.rows["label"]).cast(pa.float64()), 0.0)) > 0)
        who = subject.unit[row].astype(np.int64)
        what = np.asarray(pc.index_in(texts(subject.rows["item"]), items), np.int64)[row]
        return who, row, np.asarray(safe[who, what], np.int64)


def labelled(subject: Subject, asked: pa.Table, count: int, seed: int) -> Labelled:
    """Return the election of COUNT parts of what SUBJECT learned; a row's part is that of its inputs without label.

    Raises UsageError where no part can be learned from.
    """
    assert subject.learned is not None
    if "label" not in subject.learned.column_names:
        raise UsageError("the learned rows have no column label")
    by = [name for name in subject.learned.column_names if name != "label"]
    parts = parted(subject.learned, by, count)
    made = _labels(subject, parts, range(count), asked, seed)
    if all(one_ is None for one_ in made):
        raise UsageError(f"no model can be trained on one of {count} parts of the learned rows")
    return Labelled(subject, asked, by, parts, made, seed)


def listed(people: Genuine, count: int, seed: int) -> Listed:
    """Return the election of COUNT parts of the people whom a recommender learned of.

    Everybody is asked for as a stranger who shows their own history, so that a part that knows them answers as any
    other. Raises UsageError where no part can be learned from.
    """
    subject = people.subject
    n = subject.groups.num_rows
    name = people.free_name("asker")
    who, what = people.own()
    who, what = who[what >= 0], what[what >= 0]
    order = np.lexsort((what, who))
    ends = np.searchsorted(who[order], np.arange(n + 1)).astype(np.int32)
    history = pa.ListArray.from_arrays(pa.array(ends), people.items.take(pa.array(what[order])))
    longest = int(np.diff(ends).max(initial=0))
    names = [f"{name} {at}" for at in range(n)]
    queries = pa.table(
        {
            "query": names, "text": pa.nulls(n, pa.string()),
            "k": pa.array(np.full(n, subject.k + longest, np.int32)), "history": history,
        }
    )  # fmt: skip
    parts = parted(people.log, ["user"], count)
    made = _lists(people, parts, range(count), queries, seed)
    if not any(len(at) for at, _ in made):
        raise UsageError(f"no recommender that is trained on one of {count} parts of the people answers strangers")
    return Listed(people, queries, parts, made, seed)


def _labels(
    subject: Subject, parts: Parts, which: Iterable[int], asked: pa.Table, seed: int
) -> list[list[str | None] | None]:
    found = said(subject, parts, which, asked, seed)
    return [None if one_ is None else labels(one_["label"]).to_pylist() for one_ in found]


def _lists(
    people: Genuine, parts: Parts, which: Iterable[int], queries: pa.Table, seed: int
) -> list[tuple[Ints, pa.Array]]:
    """Return person and item of the first k of each list, without what the person had, for each part of WHICH."""
    own_who, own_what = people.own()
    count = len(people.items)
    own = (own_who * count + own_what)[own_what >= 0]
    found = []
    for given in said(people.subject, parts, which, queries, seed):
        if given is None:
            found.append((np.zeros(0, np.int64), pa.array([], pa.string())))
            continue
        who = np.asarray(pc.fill_null(pc.index_in(texts(given["query"]), one(queries["query"])), -1), np.int64)
        item = texts(given["item"])
        what = people.places(item)
        keep = (who >= 0) & ~((what >= 0) & np.isin(who * count + what, own))
        at = np.flatnonzero(keep)[np.argsort(who[keep], kind="stable")]
        at = at[_first(who[at], item.take(pa.array(at)))]
        rank = np.arange(len(at)) - np.searchsorted(who[at], who[at])
        at = at[rank < people.subject.k]
        found.append((who[at], item.take(pa.array(at))))
    return found


def _first(who: Ints, item: pa.Array) -> Ints:
    """Return the places of the first of equal pairs, in order."""
    coded: Any = item.dictionary_encode()
    key = who * max(1, len(coded.dictionary)) + np.asarray(coded.indices, np.int64)
    return np.sort(np.unique(key, return_index=True)[1])
