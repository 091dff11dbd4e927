"""Finds wrong sparse-vector code and answers that are passed on without noise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.auditing import _views
from consentinel.protect.auditing._events import Scores, judged, tested_pairs
from consentinel.protect.auditing._finding import Finding, Pair, Plan, Release

__all__ = ["CATCHES", "Answers", "audit"]

CATCHES = ("C8",)


@dataclass(frozen=True)
class Answers:
    """A mechanism over a list of exact query answers.

    Arguments: release of answers (k,), giving n rows of k entries (a number, 0 or 1, or NaN for no answer); queries k;
    centre and gap of the answers that are tried, such as the threshold and the sensitivity of one query; monotone
    where adding a person moves all answers the same way.
    """

    release: Release
    queries: int = 10
    centre: float = 0.0
    gap: float = 1.0
    monotone: bool = False


def audit(answers: Answers, plan: Plan) -> Finding:
    """Return whether lists of answers that differ by the sensitivity are told apart by more than the claim.

    The lists are the shapes that have broken published sparse-vector variants: one apart, one against the rest, half
    against half, all together. Events are sets of exact rows, single answers and counts of them; plan.pairs are not
    used.
    Raises UsageError. Source: Lyu, Su and Li 2017 (six variants); Ding et al. 2018, Table 2 (shapes).
    """
    if answers.queries < 2 or not answers.gap > 0:
        raise UsageError("an audit of answers needs at least 2 queries and a gap above 0")
    wanted = replace(plan, pairs=tuple(_pairs(answers)))
    return judged(tested_pairs(answers.release, wanted, [_views.exact_row, _views.numbers, _summary], "shapes"), wanted)


def _pairs(answers: Answers) -> Iterator[Pair]:
    k, up = answers.queries, np.ones(answers.queries)
    half = np.repeat([1.0, -1.0], [k // 2, k - k // 2])
    first, last = np.where(np.arange(k) == 0, 1.0, 0.0), np.where(np.arange(k) == k - 1, 1.0, 0.0)
    moves = [up, first] if answers.monotone else [up, first, last, half, 2 * first - up, 2 * last - up]
    for move in moves:
        level = answers.centre - answers.gap * move / 2
        yield level, level + answers.gap * move
    below = answers.centre - 3 * answers.gap * (1 - last)  # so that all but the last are likely to go unanswered
    yield below - answers.gap * moves[-1] / 2, below + answers.gap * moves[-1] / 2


def _summary(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    yield "entries that are answered", lambda rows: (np.nan_to_num(rows) != 0).sum(axis=1).astype(np.float64)
    yield "first answered entry", lambda rows: (np.nan_to_num(rows) != 0).argmax(axis=1).astype(np.float64)
    yield from (
        (f"rounded {name}", lambda rows, score=score: score(np.rint(rows)))
        for name, score in _views.exact_row(one, two)
    )
    half = one.shape[1] // 2
    yield (
        "answered in the first half less in the second",
        lambda rows: (
            (np.nan_to_num(rows[:, :half]) != 0).sum(axis=1) - (np.nan_to_num(rows[:, half:]) != 0).sum(axis=1)
        ).astype(np.float64),
    )
