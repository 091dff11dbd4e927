"""Finds averages whose divisor or noise depends on how many rows there are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from consentinel.core.errors import UsageError
from consentinel.protect.auditing import _views
from consentinel.protect.auditing._events import judged, tested_pairs
from consentinel.protect.auditing._finding import Finding, Pair, Plan, Release

__all__ = ["CATCHES", "Average", "audit"]

CATCHES = ("C5",)


@dataclass(frozen=True)
class Average:
    """A mechanism that divides by a number of rows.

    Arguments: release of a table of vectors, shape (rows, width); the sizes n at which tables of n and n + 1 rows are
    compared; width of a vector: the more entries, the plainer a change of the noise shows; fill of every entry.
    """

    release: Release
    sizes: tuple[int, ...] = tuple(range(8, 24))
    width: int = 2000
    fill: float = 0.0


def audit(average: Average, plan: Plan) -> Finding:
    """Return whether tables of n and n + 1 equal rows are told apart by more than the plan's claim.

    With rows of zeros nothing but the divisor can differ: noise divided by a count changes its spread, which the length
    of a long vector betrays. Events as in `events`, the error rate shared among the sizes; plan.pairs are not used.
    Raises UsageError without sizes.
    """
    if not average.sizes or average.width < 1:
        raise UsageError("an audit of the divisor needs sizes of tables and a width of at least 1")
    wanted = replace(plan, pairs=tuple(_pairs(average)))
    return judged(tested_pairs(average.release, wanted, [_views.numbers, _views.shape], "sizes"), wanted)


def _pairs(average: Average) -> Iterator[Pair]:
    for n in average.sizes:
        yield np.full((n, average.width), average.fill), np.full((n + 1, average.width), average.fill)
