"""What happened in the feed before the experiment: who was shown what, clicked, and was satisfied."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.models.feed import luck
from consentinel.models.feed.luck import Stream
from consentinel.models.feed.world import Crowd, World
from consentinel.models.rows import INTERACTIONS

__all__ = ["LOG", "Log", "interactions", "item_ids", "logged", "person_ids", "table"]

# One row is one item that one person looked at; satisfaction is null where there was no click.
LOG = pa.schema([*INTERACTIONS, ("clicked", pa.bool_()), ("satisfaction", pa.float64())])
_MINUTE = 60_000_000
_BLOCK = 512
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Log:
    """What CROWD looked at, item numbers (n, logged) in order; what it clicked (n, logged); how satisfying each was
    (n, logged), known to the feed only where it was clicked."""

    crowd: Crowd
    items: NDArray[np.int64]
    clicked: Bools
    satisfaction: NDArray[np.float64]


def logged(world: World, numbers: NDArray[np.int64]) -> Log:
    """Return the log of the people with NUMBERS (n,): items in random order, those of small creators more rarely."""
    if not len(numbers):
        raise UsageError("a log needs at least one person")
    crowd = world.crowd(numbers)
    rate = np.where(world.small, 1 / world.feed.shown_less, 1.0)
    shown = np.empty((len(crowd.numbers), world.feed.logged), np.int64)
    for start in range(0, len(shown), _BLOCK):  # an order of all items is held for one block of people at a time
        people = crowd.numbers[start : start + _BLOCK, None]
        drawn = luck.uniforms(world.key, Stream.LOGGED_ORDER, people, 0, np.arange(-(-world.feed.items // 2)))
        # the shortest waits come first: items drawn one by one, without replacement, at these rates
        waiting = -np.log(np.concatenate(drawn, axis=1)[:, : world.feed.items]) / rate
        least = np.argpartition(waiting, world.feed.logged - 1, axis=1)[:, : world.feed.logged]
        order = np.argsort(np.take_along_axis(waiting, least, axis=1), axis=1)
        shown[start : start + _BLOCK] = np.take_along_axis(least, order, axis=1)
    slots = np.arange(world.feed.logged)
    willing = luck.uniforms(world.key, Stream.LOGGED_CLICK, crowd.numbers[:, None], 0, slots)[0]
    return Log(crowd, shown, willing < world.tempting(crowd, shown), world.worth(crowd, shown))


def table(log: Log) -> pa.Table:
    """Return what the feed knows of LOG as LOG rows, the people in order: weight is 1 for a click, else 0."""
    n, m = log.items.shape
    clicked = log.clicked.ravel()
    row = np.repeat(np.arange(n, dtype=np.int32), m)
    items, place = np.unique(log.items.ravel(), return_inverse=True)
    return pa.table(
        [
            pa.DictionaryArray.from_arrays(pa.array(row), person_ids(log.crowd.numbers)),
            pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), item_ids(items)),
            pa.array(np.tile(np.arange(m) * _MINUTE, n)),
            pa.array(clicked.astype(np.float32)),
            pa.array(clicked),
            pa.array(log.satisfaction.ravel(), mask=~clicked),
        ],
        schema=LOG,
    )


def interactions(log: Log, *, satisfied: bool = False) -> pa.Table:
    """Return the clicks of LOG as INTERACTIONS for a trainer of the recommend shelf; only those that were worth it,
    with the satisfaction as weight, where SATISFIED."""
    rows = table(log)
    worth = np.where(log.clicked, log.satisfaction, 0.0).ravel()
    kept = rows.filter(pa.array(worth > 0 if satisfied else log.clicked.ravel())).select(INTERACTIONS.names)
    if not satisfied:
        return kept
    return kept.set_column(3, INTERACTIONS.field("weight"), pa.array(worth[worth > 0].astype(np.float32)))


def person_ids(numbers: NDArray[np.int64]) -> pa.Array:
    """Return the ids of people NUMBERS, "p" and ten digits, so that they sort as numbers do."""
    return pa.array(np.char.add("p", np.char.zfill(numbers.astype("U10"), 10)))


def item_ids(numbers: NDArray[np.int64]) -> pa.Array:
    """Return the ids of items NUMBERS, "i" and six digits."""
    return pa.array(np.char.add("i", np.char.zfill(numbers.astype("U6"), 6)))
