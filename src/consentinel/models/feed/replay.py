"""Play the feed: what people do with what a variant shows them, and what they were expected to do, exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken
from consentinel.models.feed import luck
from consentinel.models.feed.logged import Log
from consentinel.models.feed.luck import Stream
from consentinel.models.feed.variants import Variant
from consentinel.models.feed.world import Crowd, World

__all__ = ["Played", "expected", "play", "shown"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 4096


@dataclass(frozen=True)
class Played:
    """What came of it for each person, (n,): satisfaction, the sum over the items clicked; clicks; sessions, until one
    was not satisfying enough to come back; exposure, the share of all that was looked at that small creators had."""

    satisfaction: Floats
    clicks: Floats
    sessions: Floats
    exposure: Floats


def shown(world: World, variant: Variant, history: Log) -> Ints:
    """Return the items that VARIANT shows, (n, sessions, slots), -1 for an empty slot; nothing is shown twice.

    Raises ContractBroken where a ranking has another shape, an item that there is not, one twice, or nobody's.
    """
    feed = world.feed
    k = feed.sessions * feed.slots
    found = np.asarray(variant.rank(history, k))
    if found.shape != (len(history.items), k) or found.dtype.kind != "i":
        raise ContractBroken(f"{variant.name}: a ranking has the shape {(len(history.items), k)}, got {found.shape}")
    if ((found < -1) | (found >= feed.items)).any():
        raise ContractBroken(f"{variant.name}: shows an item that there is not")
    ordered = np.sort(found, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise ContractBroken(f"{variant.name}: shows an item twice to the same person")
    if (found[:, 0] < 0).any():
        raise ContractBroken(f"{variant.name}: has nothing to show to {(found[:, 0] < 0).sum()} people")
    return found.astype(np.int64).reshape(-1, feed.sessions, feed.slots)


def play(world: World, crowd: Crowd, items: Ints) -> Played:
    """Return what CROWD did when shown ITEMS (n, sessions, slots); the luck of a slot is the same whatever it holds."""
    n = len(items)
    there = np.ones(n, bool)
    satisfaction, clicks, sessions, looked, small = np.zeros((5, n))
    people = crowd.numbers
    for session in range(world.feed.sessions):
        of = items[:, session]
        worth, click = _truth(world, crowd, of)
        drawn = luck.uniforms(world.key, Stream.CLICK, people[:, None], session, np.arange(world.feed.slots))[0]
        clicked = (drawn < click) & there[:, None]
        seen = np.where(there[:, None] & (of >= 0), world.seen_at, 0.0)
        got = np.where(clicked, worth, 0.0).sum(axis=1)
        satisfaction += got
        clicks += clicked.sum(axis=1)
        sessions += there
        looked += seen.sum(axis=1)
        small += np.where(world.small[of], seen, 0.0).sum(axis=1)
        there &= luck.uniforms(world.key, Stream.RETURN, people, session)[0] < world.returning(got)
    return Played(satisfaction, clicks, sessions, small / looked)


def expected(world: World, crowd: Crowd, items: Ints) -> Floats:
    """Return the expected satisfaction of each person shown ITEMS (n, sessions, slots), over all luck, exactly; (n,).

    All 2^slots ways to click in a session are added up with their chances.
    """
    total = np.zeros(len(items))
    for start in range(0, len(items), _BLOCK):
        at = slice(start, start + _BLOCK)
        part = Crowd(crowd.numbers[at], crowd.sensitive[at], crowd.taste[at])
        stays = np.ones(len(part.numbers))
        for session in range(world.feed.sessions):
            worth, click = _truth(world, part, items[at, session])
            total[at] += stays * (worth * click).sum(axis=1)
            chance, sum_ = np.ones((1, len(stays))), np.zeros((1, len(stays)))
            for slot in range(world.feed.slots):
                p, more = click[:, slot], worth[:, slot]
                chance = np.concatenate([chance * (1 - p), chance * p])
                sum_ = np.concatenate([sum_, sum_ + more])
            stays = stays * (chance * world.returning(sum_)).sum(axis=0)
    return total


def _truth(world: World, crowd: Crowd, items: Ints) -> tuple[Floats, Floats]:
    """Satisfaction with and chance of a click on ITEMS (n, slots), an empty slot having neither."""
    empty = items < 0
    worth, click = world.worth(crowd, items), world.tempting(crowd, items) * world.seen_at
    return np.where(empty, 0.0, worth), np.where(empty, 0.0, click)
