"""Ranking variants: built-in ones that learn from the log alone, any model of the recommend shelf, and exploration.

A variant ranks for people from what they did before; it never sees the truth. Items that a person clicked before are
left out. Built-in: `popularity`, the most clicked; `clicks`, what a person will click, by item and topic;
`satisfaction`, the click times how satisfying it will be; `fair`, the same order, changed as little as needed for items
of small creators to have their share of the catalogue at every place.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import Model
from consentinel.core.tables import check
from consentinel.models.feed import luck
from consentinel.models.feed.logged import Log, item_ids, person_ids
from consentinel.models.feed.luck import Stream
from consentinel.models.feed.world import World
from consentinel.models.rows import QUERIES, RANKED

__all__ = ["BuiltIn", "Rank", "Variant", "built_in", "exploring", "of_model"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BuiltIn = Literal["popularity", "clicks", "satisfaction", "fair"]
Rank = Callable[[Log, int], Ints]  # history, k -> items (n, k), best first; -1: nothing more to show
_BLOCK = 4096
_ITEM, _TOPIC = 20.0, 2.0  # how many observations the average counts as: for an item, for a person's topic


@dataclass(frozen=True)
class Variant:
    """A way to rank: its name, how it ranks, and what its training cost the people it learnt from: epsilon, infinite
    where it learnt without privacy, 0 where it learnt from nobody."""

    name: str
    rank: Rank
    epsilon: float = math.inf

    def __post_init__(self) -> None:
        if not self.name or not self.epsilon >= 0:  # also false for NaN
            raise UsageError(f"a variant has a name and an epsilon of at least 0, got '{self.name}', {self.epsilon}")


def built_in(name: BuiltIn, world: World, log: Log) -> Variant:
    """Return the built-in variant NAME that learnt from LOG; raises UsageError for a name that there is not."""
    if name not in get_args(BuiltIn):
        raise UsageError(f"no built-in variant '{str(name)[:40]}'; there is: {', '.join(get_args(BuiltIn))}")
    learnt = _learnt(world, log)
    if name == "popularity":
        liked = np.bincount(log.items[log.clicked], minlength=world.feed.items) / len(log.items)
        return Variant(name, lambda history, k: _best(lambda part: np.tile(liked, (len(part.items), 1)), history, k))
    if name == "clicks":
        return Variant(name, lambda history, k: _best(learnt.clicking, history, k))
    if name == "satisfaction":
        return Variant(name, lambda history, k: _best(learnt.satisfying, history, k))
    share = float(world.small.mean())

    def fair(history: Log, k: int) -> Ints:
        return _shared(_best(learnt.satisfying, history, world.feed.items), world.small, share, k)

    return Variant(name, fair)


def of_model(name: str, model: Model, epsilon: float = math.inf) -> Variant:
    """Return the variant that ranks as MODEL of the recommend shelf does; EPSILON is what its training spent.

    People whom the model knows are asked for by their ids, others with the clicks of their history.
    Raises UsageError for a model that is no recommender, ContractBroken where its answer is no ranking of items.
    """
    if model.kind != "recsys":
        raise UsageError(f"a feed is ranked by a recommender, and {name} is a {model.kind} model")

    def rank(history: Log, k: int) -> Ints:
        people = person_ids(history.crowd.numbers)
        ends = np.concatenate([[0], np.cumsum(history.clicked.sum(axis=1))]).astype(np.int32)
        past = pa.ListArray.from_arrays(pa.array(ends), item_ids(history.items[history.clicked]))
        n = len(people)
        asked = pa.table([people.dictionary_encode(), pa.nulls(n, pa.string()), [k] * n, past], names=QUERIES.names)
        ranked = check(model.predict(asked.cast(QUERIES)), RANKED, name)
        return _placed(ranked, people, k, name)

    return Variant(name, rank, epsilon)


def exploring(variant: Variant, world: World, *, places: float, stream: int, name: str = "") -> Variant:
    """Return VARIANT with its order stirred: each item moves by normal luck with a deviation of PLACES places.

    Variants that explore on different STREAMS (0, 1, ...) have luck of their own in it.
    """
    if not places > 0 or stream < 0:
        raise UsageError(f"places is above 0 and stream at least 0, got {places} and {stream}")

    def rank(history: Log, k: int) -> Ints:
        long = min(world.feed.items, k + math.ceil(3 * places))
        found = variant.rank(history, long)
        people, at = history.crowd.numbers[:, None], np.arange(long)
        first, second = luck.uniforms(world.key, Stream.EXPLORE + stream, people, 0, at)
        moved = at + places * np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
        moved[found < 0] = np.inf
        return np.take_along_axis(found, np.argsort(moved, axis=1, kind="stable"), axis=1)[:, :k]

    return replace(variant, name=name or f"{variant.name}, exploring", rank=rank)


@dataclass(frozen=True)
class _Learnt:
    """What the log says: of each item the chance of a click and the satisfaction after one, (items,)."""

    topic: Ints
    click: Floats
    worth: Floats

    def clicking(self, past: Log) -> Floats:
        """Return the chance of a click, up to a factor of the person: (n, items)."""
        expected = self._by_topic(past, self.click[past.items])
        lift = (self._by_topic(past, past.clicked) + _TOPIC) / (expected + _TOPIC)
        return lift[:, self.topic] * self.click

    def satisfying(self, past: Log) -> Floats:
        """Return the satisfaction that a place in the feed brings: the click times what it is worth; (n, items)."""
        off = np.where(past.clicked, past.satisfaction - self.worth[past.items], 0.0)
        more = self._by_topic(past, off) / (self._by_topic(past, past.clicked) + _TOPIC)
        return self.clicking(past) * (self.worth + more[:, self.topic])

    def _by_topic(self, past: Log, values: NDArray[np.generic]) -> Floats:
        topics = int(self.topic.max()) + 1
        cell = np.arange(len(past.items))[:, None] * topics + self.topic[past.items]
        sums = np.bincount(cell.ravel(), np.asarray(values, np.float64).ravel(), len(past.items) * topics)
        return np.asarray(sums.reshape(-1, topics), np.float64)


def _learnt(world: World, log: Log) -> _Learnt:
    if not log.clicked.any():
        raise UsageError("nobody clicked anything in the log, so there is nothing to learn; log more people")
    n = world.feed.items
    looks, clicks = (np.bincount(items.ravel(), minlength=n) for items in (log.items, log.items[log.clicked]))
    worth = np.bincount(log.items[log.clicked], log.satisfaction[log.clicked], n)
    click = (clicks + _ITEM * log.clicked.mean()) / (looks + _ITEM)
    return _Learnt(world.topic, click, (worth + _ITEM * log.satisfaction[log.clicked].mean()) / (clicks + _ITEM))


def _best(scores: Callable[[Log], Floats], history: Log, k: int) -> Ints:
    """The k best items of each person, of equal ones the first; those clicked before are left out."""
    found = np.empty((len(history.items), k), np.int64)
    for start in range(0, len(found), _BLOCK):
        part = _part(history, start)
        score = scores(part)
        score[np.nonzero(part.clicked)[0], part.items[part.clicked]] = -np.inf
        order = np.argsort(-score, axis=1, kind="stable")[:, :k]
        gone = np.isneginf(np.take_along_axis(score, order, axis=1))
        found[start : start + _BLOCK] = np.where(gone, -1, order)
    return found


def _part(history: Log, start: int) -> Log:
    at = slice(start, start + _BLOCK)
    crowd = history.crowd
    people = replace(crowd, numbers=crowd.numbers[at], sensitive=crowd.sensitive[at], taste=crowd.taste[at])
    return Log(people, history.items[at], history.clicked[at], history.satisfaction[at])


def _shared(order: Ints, small: NDArray[np.bool_], share: float, k: int) -> Ints:
    """Merge the small and the other items of ORDER (n, items) so that m places hold at least floor(share m) small."""
    there = order >= 0
    yes, no = _first(order, there & small[order], k), _first(order, there & ~small[order], k)
    rows, places = np.arange(len(order)), order.shape[1]
    found = np.full((len(order), k), -1, np.int64)
    had = np.zeros(len(order), np.int64)  # small ones so far
    for slot in range(k):
        next_yes, next_no = yes[rows, had], no[rows, slot - had]
        due = had < math.floor(share * (slot + 1) + 1e-9)
        take = (next_yes < places) & (due | (next_yes < next_no))
        place = np.where(take, next_yes, next_no)
        left = place < places
        found[left, slot] = order[rows[left], place[left]]
        had += take
    return found


def _first(order: Ints, which: NDArray[np.bool_], k: int) -> Ints:
    """The first K places of ORDER where WHICH holds, (n, k + 1); the number of places where there are no more."""
    found = np.full((len(order), k + 1), order.shape[1], np.int64)
    row, place = np.nonzero(which)
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    near = rank < k
    found[row[near], rank[near]] = place[near]
    return found


def _placed(ranked: pa.Table, people: pa.Array, k: int, name: str) -> Ints:
    """The items of RANKED as numbers, (n, k), people in the order asked."""
    who = pc.index_in(one(ranked["query"]).cast(pa.string()), people)
    texts = one(ranked["item"]).cast(pa.string())
    if who.null_count or not pc.all(pc.match_substring_regex(texts, "^i[0-9]{6}$")).as_py():
        raise ContractBroken(f"{name}: answers for people or with items that are not of this feed")
    row = np.asarray(who, np.int64)
    item = np.asarray(pc.utf8_slice_codeunits(texts, 1, 7).cast(pa.int64()))
    order = np.argsort(row, kind="stable")
    row, item = row[order], item[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    if (rank >= k).any():
        raise ContractBroken(f"{name}: answers with more than the {k} items asked for")
    found = np.full((len(people), k), -1, np.int64)
    found[row, rank] = item
    return found
