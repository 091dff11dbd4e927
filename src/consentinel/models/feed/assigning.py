"""Who meets which variant, and what came of it: one row per unit of an experiment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.models.feed import luck
from consentinel.models.feed.logged import logged
from consentinel.models.feed.luck import Stream
from consentinel.models.feed.replay import play, shown
from consentinel.models.feed.variants import Variant
from consentinel.models.feed.world import World

__all__ = ["OUTCOMES", "Meeting", "Units", "assigned", "met"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Meeting = Literal["replay", "arms"]
OUTCOMES = ("satisfaction", "exposure", "clicks", "sessions")


@dataclass(frozen=True)
class Units:
    """What came of it: who is in the sensitive group, (units,); of each of OUTCOMES a number, (units, variants)."""

    sensitive: NDArray[np.bool_]
    values: dict[str, Floats]


def assigned(world: World, people: Ints, variants: int, meeting: Meeting, draw: int = 0) -> Ints:
    """Return which of PEOPLE meets each variant, numbers of shape (units, VARIANTS).

    In a replay everyone meets every variant, with the same luck. In arms, as outside a simulator, people of the same
    group are taken in blocks, as they come, and luck says which of a block meets which variant; an incomplete last
    block of a group is left out. DRAW numbers independent assignments of the same people. Raises UsageError.
    """
    if meeting not in get_args(Meeting):
        raise UsageError(f"no way to meet '{str(meeting)[:40]}'; there is: {', '.join(get_args(Meeting))}")
    if meeting == "replay":
        return np.repeat(people[:, None], variants, axis=1)
    sensitive = world.crowd(people).sensitive
    blocks = [group[: len(group) // variants * variants].reshape(-1, variants) for group in
              (people[~sensitive], people[sensitive])]  # fmt: skip
    units = np.concatenate(blocks)
    units = units[np.argsort(units[:, -1], kind="stable")]  # a block is there when its last person is
    order = luck.uniforms(world.key, Stream.ARM, units[:, :1], draw, np.arange(variants))[0].argsort(axis=1)
    return np.take_along_axis(units, order, axis=1)


def met(world: World, variants: Sequence[Variant], units: Ints) -> Units:
    """Return what comes of it when person UNITS[i, v] meets VARIANTS[v]."""
    columns: dict[str, list[Floats]] = {name: [] for name in OUTCOMES}
    for at, variant in enumerate(variants):
        if at == 0 or not np.array_equal(units[:, at], units[:, at - 1]):
            history = logged(world, units[:, at])
        played = play(world, history.crowd, shown(world, variant, history))
        for name in OUTCOMES:
            columns[name].append(getattr(played, name))
    return Units(history.crowd.sensitive, {name: np.stack(found, axis=1) for name, found in columns.items()})
