"""Groups from the links that stand: what people merged, then what is likeliest, never across what people split.

Two groups are joined by a link only where the links between them agree on average (average linkage, Sokal and Michener
1958): one report that is like two incidents does not make them one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Standing", "groups"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
AGREED = 0.5  # mean chance of all that is known between two groups


@dataclass(frozen=True)
class Standing:
    """The group of each record, numbered from 0 by its first record, and which links stand."""

    group: Ints  # (records,)
    stands: NDArray[np.bool_]  # (links,)


def groups(n: int, left: Ints, right: Ints, chance: Floats, verdict: Ints, threshold: float) -> Standing:
    """Return the groups of N records under links LEFT-RIGHT of probability CHANCE, each pair at most once.

    VERDICT is 1 where people merged a pair, -1 where they split it, 0 where nobody looked. A link stands when people
    merged it, or when its probability is at least THRESHOLD, what lies between its two groups agrees, and joining them
    would not put a split pair together; likelier links go first. Groups are made anew from links each time, so that
    taking a verdict back leaves no trace.
    """
    parent = list(range(n))
    likely = np.where(verdict > 0, 1.0, np.where(verdict < 0, 0.0, chance))
    between: dict[int, dict[int, tuple[float, int]]] = {}  # sum and number of chances between two groups
    apart: dict[int, set[int]] = {}
    for a, b, sure, said in zip(left.tolist(), right.tolist(), likely.tolist(), verdict.tolist(), strict=True):
        between.setdefault(a, {})[b] = between.setdefault(b, {})[a] = (sure, 1)
        if said < 0:
            apart.setdefault(a, set()).add(b)
            apart.setdefault(b, set()).add(a)

    def top(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    stands = np.zeros(len(left), bool)
    able = np.flatnonzero((verdict > 0) | ((verdict == 0) & (chance >= threshold)))
    for at in able[np.lexsort((right[able], left[able], -likely[able], -verdict[able]))].tolist():
        a, b = top(int(left[at])), top(int(right[at]))
        if a == b:
            stands[at] = True
            continue
        total, number = between[a][b]
        if b in apart.get(a, ()) or (verdict[at] == 0 and total < AGREED * number):
            continue
        stands[at] = True
        if len(between[a]) < len(between[b]):
            a, b = b, a
        parent[b] = a
        _moved(between, a, b)
        for other in apart.pop(b, set()):
            apart[other].discard(b)
            apart[other].add(a)
            apart.setdefault(a, set()).add(other)
    roots = np.array([top(one) for one in range(n)], np.int64)
    _, first, same = np.unique(roots, return_index=True, return_inverse=True)
    return Standing(np.argsort(np.argsort(first))[same].astype(np.int64), stands)


def _moved(between: dict[int, dict[int, tuple[float, int]]], a: int, b: int) -> None:
    """Give A what lay between B and the other groups."""
    for other, (total, number) in between.pop(b).items():
        del between[other][b]
        if other != a:
            before = between[a].get(other, (0.0, 0))
            between[a][other] = between[other][a] = (before[0] + total, before[1] + number)
