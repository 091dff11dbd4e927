"""Source (b): a field carries a property if it follows the drawn levels, decided on the even repeats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labels.bounds import discoveries, follows, nearly_follows, reveals
from labels.fields import Fields
from labels.gather import Gathered
from labels.shapes import CLOCK, CONSENT, IDENTIFIER

Ints = npt.NDArray[np.int64]

RATE = 0.01  # of false discoveries, before the odd repeats have their say
WORTHWHILE = 0.01  # a test whose smallest possible p-value is larger cannot tell anything and is not made
FEWEST = 4  # visits of the deciding half
EXCEPTIONS = 0.02  # share of visits that may disagree: a field sent before it was filled
SCORED = 0.95  # share of the scoring half that must be predicted
ALONE = 0.9  # share of visits in which a field has one value only
IDENTIFIER_FEWEST = 5


@dataclass(slots=True)
class Verdict:
    """What source (b) says of a field: `kind` is follows, reveals, composite, present, identifier, or why not."""

    kind: str
    properties: tuple[str, ...] = ()
    p: float = 1.0
    even: int = 0
    odd: int = 0
    right: int = 0
    mapping: dict[Any, Any] = field(default_factory=dict)

    @property
    def carries(self) -> bool:
        """Say whether the field was found to carry something."""
        return self.kind in ("follows", "reveals", "composite", "present", "identifier")


@dataclass(slots=True)
class Claim:
    """One test: does KEY (or one VALUE of it) go with PROPERTY?"""

    key: int
    kind: str
    prop: int
    p: float
    value: int = 0


class Draws:
    """The drawn levels of all visits, as numbers, with the pool that each visit drew from."""

    def __init__(self, gathered: Gathered) -> None:
        self.names = sorted({prop for levels in gathered.levels for prop in levels})
        shape = (len(gathered.levels), len(self.names))
        self.level = np.zeros(shape, np.int64)
        for at, prop in enumerate(self.names):
            texts = [levels.get(prop, "") for levels in gathered.levels]
            places = {text: number for number, text in enumerate(sorted(set(texts)))}
            self.level[:, at] = [places[text] for text in texts]
        pools = [(visit["group"], str(visit["region"])[:2]) for visit in gathered.visits]
        names = sorted(set(pools))
        self.pool = np.asarray([names.index(pool) for pool in pools], np.int64)
        self.levels_in = np.ones((len(names), len(self.names)), np.int64)  # how many levels a pool has of a property
        for pool in range(len(names)):
            rows = self.level[self.pool == pool]
            self.levels_in[pool] = [len(np.unique(rows[:, at])) for at in range(len(self.names))]
        _, self.unit = np.unique(
            self.level, axis=0, return_inverse=True
        )  # visits with one and the same draw count once
        self.unit = self.unit.reshape(-1)
        self.even = np.asarray([int(visit["repeat"]) % 2 == 0 for visit in gathered.visits], bool)


class Field:
    """The visits and values of a field with one value a visit; visits of the same draw and value count once."""

    def __init__(self, draws: Draws, visit: Ints, value: Ints) -> None:
        values, code = np.unique(value, return_inverse=True)
        _, first = np.unique(draws.unit[visit] * len(values) + code, return_index=True)
        self.visit, self.code, self.values = visit[first], code[first], values
        self.level, self.pool = draws.level[self.visit], draws.pool[self.visit]
        self.sizes = np.bincount(self.code, minlength=len(values))

    def in_pools(self) -> list[tuple[int, tuple[int, ...]]]:
        """Return for each pool how often each of its values occurs."""
        return [
            (int(pool), tuple(sorted(Counter(self.code[self.pool == pool].tolist()).values())))
            for pool in np.unique(self.pool)
        ]

    def exceptions(self, prop: int) -> int:
        """Return how many visits disagree with the best function from level to value."""
        best: Counter[int] = Counter()
        for (level, _), count in Counter(zip(self.level[:, prop].tolist(), self.code.tolist(), strict=True)).items():
            best[level] = max(best[level], count)
        return len(self.code) - best.total()

    def one_level_a_value(self, prop: int) -> bool:
        """Say whether visits with the same value always have the same level."""
        return len(np.unique(self.level[:, prop] * len(self.values) + self.code)) == len(np.unique(self.code))


def single_claims(draws: Draws, key: int, data: Field) -> list[Claim] | None:
    """Return the tests of a field that has one value in a visit; None where no test can tell anything."""
    n = len(data.code)
    allowed = int(EXCEPTIONS * n)
    rare = np.flatnonzero((data.sizes <= allowed) & (data.sizes > 0)) if allowed else np.zeros(0, np.int64)
    common = Field.__new__(Field)
    keep = ~np.isin(data.code, rare)
    common.visit, common.code, common.values = data.visit[keep], data.code[keep], data.values
    common.level, common.pool, common.sizes = data.level[keep], data.pool[keep], data.sizes
    pools = common.in_pools()
    claims: list[Claim] = []
    for prop in range(len(draws.names)):
        levels = [int(draws.levels_in[pool, prop]) for pool, _ in pools]
        if max(levels, default=1) < 2:
            continue
        if all(len(sizes) <= count for count, (_, sizes) in zip(levels, pools, strict=True)):
            least = float(np.prod([follows(count, sizes) for count, (_, sizes) in zip(levels, pools, strict=True)]))
            if least > WORTHWHILE:
                continue
            wrong = data.exceptions(prop)
            p = 1.0
            if wrong <= allowed:
                p = min(
                    1.0,
                    float(
                        np.prod(
                            [
                                nearly_follows(c, s, min(wrong, sum(s) - 1))
                                for c, (_, s) in zip(levels, pools, strict=True)
                            ]
                        )
                    ),
                )
            claims.append(Claim(key, "follows", prop, p))
            if p == 1.0 and common.one_level_a_value(prop):  # a value of several properties, of which few were seen
                claims.append(Claim(key, "reveals", prop, chance_to_reveal(levels, pools)))
        elif (least := chance_to_reveal(levels, pools)) <= WORTHWHILE:
            claims.append(Claim(key, "reveals", prop, least if common.one_level_a_value(prop) else 1.0))
    return claims or None


def chance_to_reveal(levels: list[int], pools: list[tuple[int, tuple[int, ...]]]) -> float:
    """Return the probability that chance alone gives visits with the same value the same level, in every pool."""
    return float(np.prod([reveals(count, sizes) for count, (_, sizes) in zip(levels, pools, strict=True)]))


def present_claims(draws: Draws, key: int, visit: Ints, value: Ints) -> list[Claim]:
    """Return the tests of a field with several values a visit: is one there only under one level of a property?"""
    claims: list[Claim] = []
    everywhere = len(np.unique(visit))
    values, code, counts = np.unique(value, return_inverse=True, return_counts=True)
    for number in np.flatnonzero((counts >= FEWEST) & (counts < 0.7 * everywhere)):
        mine = visit[code == number]
        _, first = np.unique(draws.unit[mine], return_index=True)
        mine = mine[first]
        level, pools = draws.level[mine], draws.pool[mine]
        sizes = [(int(pool), int((pools == pool).sum())) for pool in np.unique(pools)]
        same = np.ones(len(draws.names), bool)
        for pool, _ in sizes:
            rows = level[pools == pool]
            same &= (rows == rows[0]).all(axis=0)
        for prop in range(len(draws.names)):
            least = float(np.prod([reveals(max(1, int(draws.levels_in[pool, prop])), (size,)) for pool, size in sizes]))
            if least <= WORTHWHILE:
                claims.append(Claim(key, "present", prop, least if same[prop] else 1.0, int(values[number])))
    return claims


def identifier(draws: Draws, visit: Ints, value: Ints, flags: Ints, again: npt.NDArray[np.bool_]) -> Verdict | None:
    """Return the verdict that a field is an identifier, None where it is none.

    An identifier is one value over the page loads of a visit, another one in every visit, and no clock.
    """
    even = draws.even[visit]
    if even.sum() < IDENTIFIER_FEWEST or len(np.unique(value)) < 0.98 * len(value):
        return None
    if (flags & IDENTIFIER > 0).mean() < ALONE or (flags & (CLOCK | CONSENT) > 0).mean() > 0.5:
        return None
    if again[even].sum() < 2 or again[even].mean() < 1 / 3:
        return None
    odd = int((~even).sum())
    return Verdict(
        "identifier" if odd >= 2 else "too few visits in the scoring half", (), 0.0, int(even.sum()), odd, odd
    )


def settle(claims: list[Claim]) -> dict[int, list[Claim]]:
    """Return the claims that stand after control of false discoveries, by key."""
    kept: dict[int, list[Claim]] = {}
    passed = discoveries(np.asarray([claim.p for claim in claims], float), RATE)
    for claim, good in zip(claims, passed, strict=True):
        if good and claim.p < 1.0:
            kept.setdefault(claim.key, []).append(claim)
    return kept


def key_slices(fields: Fields) -> tuple[Ints, Ints]:
    """Return the keys that have rows and where the rows of each begin, with the end of the last."""
    keys, start = np.unique(fields.key, return_index=True)
    return keys.astype(np.int64), np.append(start, len(fields.key)).astype(np.int64)
