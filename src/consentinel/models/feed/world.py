"""The people, the items and the truth between them: what each person would click, and whether it was worth it.

Satisfaction is known for every person and item and is not the click: bait makes people click and leaves them worse
off. Some people belong to a smaller, sensitive group with other tastes, some items to small creators, whom past feeds
showed less. All of it follows from a seed; no data of anyone.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.models.feed import luck
from consentinel.models.feed.luck import Stream

__all__ = ["Crowd", "Feed", "World", "expit"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Feed:
    """What is simulated. items and topics; sessions of a person, slots of a session; the shares of people in the
    sensitive group, of items with bait, of items of small creators; apart: how far the tastes of the groups lie from
    each other; logged: items that everyone was shown before; shown_less: how much rarer those of small creators."""

    items: int = 240
    topics: int = 8
    sessions: int = 4
    slots: int = 6
    sensitive: float = 0.2
    bait: float = 0.3
    small: float = 0.4
    apart: float = 1.0
    logged: int = 30
    shown_less: float = 3.0

    def __post_init__(self) -> None:
        if not (2 <= self.topics <= self.items <= 100_000 and 1 <= self.sessions <= 1000 and 1 <= self.slots <= 12):
            raise UsageError(
                "a feed has at least 2 topics, as many items or more (at most 100,000), 1 to 1,000 sessions and 1 to "
                f"12 slots; got {self.topics}, {self.items}, {self.sessions} and {self.slots}"
            )
        if not 1 <= self.logged <= self.items - self.sessions * self.slots:
            raise UsageError(
                f"{self.items} items are too few for {self.logged} shown before (at least 1) and "
                f"{self.sessions * self.slots} to show; make more items or fewer slots"
            )
        if not (0 < self.sensitive < 1 and 0 <= self.bait <= 1 and 0 < self.small < 1):
            raise UsageError("the shares sensitive and small are in (0, 1), bait is in [0, 1]")
        if not (0 <= self.apart <= 10 and 1 <= self.shown_less <= 1000):
            raise UsageError("apart is in [0, 10], shown_less in [1, 1000]")


@dataclass(frozen=True)
class Crowd:
    """Some people: their numbers (n,), who is in the sensitive group (n,), their tastes for topics (n, topics)."""

    numbers: Ints
    sensitive: Bools
    taste: Floats


@dataclass(frozen=True)
class World:
    """The feed that belongs to a seed: its items, its people by their numbers, and what is true of both."""

    feed: Feed = field(default_factory=Feed)
    seed: int = 0

    @cached_property
    def key(self) -> tuple[int, int]:
        """The key of all luck."""
        return luck.key(self.seed)

    @cached_property
    def topic(self) -> Ints:
        """The topic of each item, (items,); every topic has some."""
        return np.arange(self.feed.items) % self.feed.topics

    @cached_property
    def quality(self) -> Floats:
        """How good each item is, (items,), in (0, 1)."""
        return self._items(0)[0]

    @cached_property
    def small(self) -> Bools:
        """Which items are of small creators, (items,)."""
        return self._items(0)[1] < self.feed.small

    @cached_property
    def bait(self) -> Floats:
        """How much each item promises that it does not keep, (items,), in [0, 1)."""
        much, which = self._items(1)
        return np.where(which < self.feed.bait, 0.5 + 0.5 * much, 0.0)

    @cached_property
    def seen_at(self) -> Floats:
        """The chance that a person looks at each slot of a session, (slots,), as in the discount of nDCG."""
        return np.asarray(1 / np.log2(np.arange(self.feed.slots) + 2.0))

    def crowd(self, numbers: Ints) -> Crowd:
        """Return the people with NUMBERS, shape (n,): the same for equal numbers, whoever else is asked for."""
        people = np.asarray(numbers, np.int64)
        sensitive = luck.uniforms(self.key, Stream.GROUP, people)[0] < self.feed.sensitive
        halves = -(-self.feed.topics // 2)
        drawn = luck.normals(self.key, Stream.TASTE, people[:, None], np.arange(halves))
        taste = np.concatenate(drawn, axis=1)[:, : self.feed.topics]
        first = np.arange(self.feed.topics) < halves  # topics that the larger group likes more
        taste += np.where(sensitive[:, None] == first, -0.5, 0.5) * self.feed.apart
        return Crowd(people, sensitive, taste)

    def worth(self, crowd: Crowd, items: Ints) -> Floats:
        """Return the satisfaction of CROWD with ITEMS (n, m), in (-1, 1); below 0 it was not worth the time."""
        return np.tanh(0.6 * self._liking(crowd, items) + 1.5 * (self.quality[items] - 0.5) - 1.5 * self.bait[items])

    def tempting(self, crowd: Crowd, items: Ints) -> Floats:
        """Return the chance that CROWD clicks on ITEMS (n, m) that they look at."""
        return expit(-1.5 + self._liking(crowd, items) + 1.2 * self.bait[items] + 0.3 * (self.quality[items] - 0.5))

    def returning(self, satisfaction: Floats) -> Floats:
        """Return the chance of coming back after a session of SATISFACTION."""
        return expit(0.8 + 0.8 * satisfaction)

    def _liking(self, crowd: Crowd, items: Ints) -> Floats:
        return np.take_along_axis(crowd.taste, self.topic[items], axis=1)

    def _items(self, pair: int) -> tuple[Floats, Floats]:
        return luck.uniforms(self.key, Stream.ITEM, np.arange(self.feed.items), pair)


def expit(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-X))."""
    return np.asarray(1 / (1 + np.exp(-x)))
