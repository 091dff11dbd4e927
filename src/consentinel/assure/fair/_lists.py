"""What the probes of rankings share: the lists that people got, what was right, groups of items, gains per person."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.fair._rates import Groups, grouped
from consentinel.assure.subject import MISSING, Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError

__all__ = ["MOST", "Floats", "Ints", "Lists", "catalogue", "item_groups", "lists", "quality"]

MOST = 50  # groups of items beyond which an attribute names items rather than groups them

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """Answers and truth as places.

    Arguments: people, how many asked; items, their names; query, item, rank (from 0), score, label (0: not right) of
    each answer, sorted by query, best first; of_unit, item, label of each row that is true; k, cut-off rank.
    """

    people: int
    items: pa.Array
    query: Ints
    item: Ints
    rank: Ints
    score: Floats
    label: Floats
    true_query: Ints
    true_item: Ints
    true_label: Floats
    k: int

    def top(self) -> NDArray[np.bool_]:
        """Return which answers are within the first k."""
        return self.rank < self.k

    def per_person(self, values: NDArray[np.generic], keep: NDArray[np.bool_] | None = None) -> Floats:
        """Return the sums of VALUES of answers (that KEEP marks) per person; shape (people,)."""
        at, numbers = self.query, np.asarray(values, np.float64)
        if keep is not None:
            at, numbers = at[keep], numbers[keep]
        return np.bincount(at, numbers, self.people).astype(np.float64)


def lists(subject: Subject) -> Lists:
    """Return the lists of SUBJECT; rows of a list are its answers in their order. Raises UsageError."""
    if subject.queries is None:
        raise UsageError("a ranking needs its queries: who asked, one row for each")
    answers, rows = subject.answers, subject.rows
    asked = np.asarray(
        pc.fill_null(pc.index_in(_text(answers["query"]), _text(subject.queries["query"])), -1), np.int64
    )
    known = asked >= 0
    given, right = _text(answers["item"]), _text(rows["item"])
    pieces = [given, right]
    if subject.items is not None:
        pieces.append(_text(subject.items["item"]))
    if subject.learned is not None and "item" in subject.learned.column_names:
        pieces.append(_text(subject.learned["item"]))
    names = pc.unique(pa.concat_arrays(pieces))
    item = np.asarray(pc.index_in(given, names), np.int64)
    true_item, true_query = np.asarray(pc.index_in(right, names), np.int64), subject.unit.astype(np.int64)
    true_label = (
        np.asarray(pc.fill_null(one(rows["label"]).cast(pa.float64()), 0.0), np.float64)
        if "label" in rows.column_names
        else np.zeros(len(true_item))
    )
    order = np.flatnonzero(known)[np.argsort(asked[known], kind="stable")]
    asked, item = asked[order], item[order]
    starts = np.flatnonzero(np.append(True, asked[1:] != asked[:-1])) if len(asked) else np.zeros(0, np.int64)
    rank = np.arange(len(asked)) - np.repeat(starts, np.diff(np.append(starts, len(asked))))
    score = np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)[order]
    label = _found(asked * len(names) + item, true_query * len(names) + true_item, true_label)
    return Lists(
        subject.groups.num_rows, names, asked, item, rank, score, label, true_query, true_item, true_label, subject.k
    )


def quality(found: Lists) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Return nDCG, recall and precision at k of each person, and for whom they are known: who has something right.

    nDCG with gain 2^label - 1 and discount log2(1 + rank), against the best order of what was right; a label above 0
    is relevant. Precision is over k places, filled or not. Source: Burges et al. 2005; Jarvelin and Kekalainen 2002.
    """
    k, top = found.k, found.top()
    gain = _gain(found.label) / np.log2(found.rank + 2)
    by = np.lexsort((-found.true_label, found.true_query))
    place = np.arange(len(by)) - np.searchsorted(found.true_query[by], found.true_query[by])
    ideal = np.where(place < k, _gain(found.true_label[by]) / np.log2(place + 2), 0.0)
    best = np.bincount(found.true_query[by], ideal, found.people)
    relevant = np.bincount(found.true_query, found.true_label > 0, found.people)
    hits = found.per_person(found.label > 0, top)
    known = relevant > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        made = {
            f"ndcg@{k}": found.per_person(gain, top) / best,
            f"recall@{k}": hits / relevant,
            f"precision@{k}": hits / k,
        }
    return {name: np.where(known, value, 0.0) for name, value in made.items()}, known


def catalogue(subject: Subject, found: Lists) -> NDArray[np.bool_]:
    """Return which items can be shown: those of --items, else those learned of, else all that occur; (items,)."""
    source = subject.items
    if source is None and subject.learned is not None and "item" in subject.learned.column_names:
        source = subject.learned
    if source is None:
        return np.ones(len(found.items), bool)
    return np.asarray(pc.is_in(found.items, value_set=pc.unique(_text(source["item"]))))


def item_groups(subject: Subject, found: Lists, name: str) -> Groups | None:
    """Return the groups of items by attribute NAME, each item's place (items,); None where there are too many."""
    if subject.items is None:
        raise UsageError("there are no attributes of items: give them with --items")
    column = pc.fill_null(one(subject.items[name]).cast(pa.string()), MISSING)
    said = np.asarray(column.to_pylist(), dtype=object)
    at = np.asarray(pc.fill_null(pc.index_in(found.items, _text(subject.items["item"])), -1), np.int64)
    labels = np.where(at >= 0, said[at], MISSING)
    made = grouped(name, labels)
    return made if 1 <= len(made.names) <= MOST else None


def _gain(label: Floats) -> Floats:
    return np.asarray(2.0 ** np.clip(label, 0, 60) - 1)


def _found(pair: Ints, truth: Ints, label: Floats) -> Floats:
    """Return LABEL where a PAIR is one of TRUTH, else 0."""
    if not len(truth):
        return np.zeros(len(pair))
    by = np.argsort(truth, kind="stable")
    at = by[np.clip(np.searchsorted(truth[by], pair), 0, len(truth) - 1)]
    return np.where(truth[at] == pair, label[at], 0.0)


def _text(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return one(column).cast(pa.string())
