"""Links between records with what speaks for each, and the groups that stand, from candidates and verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.state import opened
from consentinel.core.stats import Interval, wilson
from consentinel.understand.grouping.candidates import WAYS, candidates
from consentinel.understand.grouping.chance import Weights, explained, fitted, shipped
from consentinel.understand.grouping.evidence import PIECES, Corpus
from consentinel.understand.grouping.kept import AREA, Pair, Verdict, remember, remembered
from consentinel.understand.grouping.standing import groups
from consentinel.understand.grouping.vectors import Vectors

__all__ = ["LISTED", "Linked", "linked"]

LISTED = 0.2  # links of less chance are not kept, unless people looked at them
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Linked:
    """Links by falling chance, with the group of every record; positions are those of the records."""

    left: Ints
    right: Ints
    chance: Floats
    verdict: Ints  # 1 merged by people, -1 split by people, 0 proposed
    stands: NDArray[np.bool_]
    evidence: Floats
    because: list[list[str]]
    shared: list[list[str]]
    ways: list[list[str]]
    group: Ints  # of each record
    learned: int  # verdicts that moved the weights
    unknown: int  # verdicts kept from before on records that are not here
    lost: int  # verdicts given now on records that are not here
    wrong: Interval  # share of links that the program would have joined and people split


def linked(
    corpus: Corpus, meant: Vectors, state: str, given: Mapping[Pair, int], threshold: float, seed: int
) -> Linked:
    """Link the records of CORPUS whose vectors are MEANT, after verdicts kept in STATE ("" for none) and those GIVEN.

    GIVEN ones are kept in the state first, with what the program thought of them before it learned from them. Without
    state they count for this once.
    """
    records = corpus.records
    at = {record: n for n, record in enumerate(records.ids)}
    left, right, way = candidates(corpus, meant, seed)
    both = (records.case[left] >= 0) & (records.case[right] >= 0)
    left, right, way = (part[~both | (records.case[left] == records.case[right])] for part in (left, right, way))
    known = _judged(corpus, at, state, given)
    if state:
        with opened(state, AREA) as kept:
            numbers = np.array([list(one.evidence.values()) for one in known.values()])
            likely = np.array([one.chance for one in known.values()])
            remember(kept, list(known), [one.verdict for one in known.values()], likely, numbers, PIECES)
            known = remembered(kept)
    known = {pair: one for pair, one in known.items() if one.verdict}
    there = {pair: one for pair, one in known.items() if pair[0] in at and pair[1] in at}
    weights, learned = _learned(known)
    n = len(records.ids)
    packed = left * n + right
    a, b = _places(list(there), at)
    low, high = np.minimum(a, b), np.maximum(a, b)
    every = np.unique(np.concatenate([packed, low * n + high]))
    ways = np.zeros(len(every), np.int64)
    ways[np.searchsorted(every, packed)] = way
    verdict = np.zeros(len(every), np.int64)
    verdict[np.searchsorted(every, low * n + high)] = [one.verdict for one in there.values()]
    left, right = every // n, every % n
    pieces = corpus.evidence(left, right)
    chance = weights.chance(pieces)
    standing = groups(n, left, right, chance, verdict, threshold)
    listed_at = np.flatnonzero((chance >= LISTED) | (verdict != 0))
    order = listed_at[np.lexsort((right[listed_at], left[listed_at], -chance[listed_at]))]
    left, right = left[order], right[order]
    return Linked(
        left, right, chance[order], verdict[order], standing.stands[order], pieces[order],
        explained(weights, pieces[order]), corpus.shared_words(left, right),
        [[name for bit, name in enumerate(WAYS) if number >> bit & 1] for number in ways[order].tolist()],
        standing.group, learned, len(known) - len(there),
        sum(bool(said) and not {*pair} <= at.keys() for pair, said in given.items()), _wrong(known, threshold),
    )  # fmt: skip


def _judged(corpus: Corpus, at: Mapping[str, int], state: str, given: Mapping[Pair, int]) -> dict[Pair, Verdict]:
    """Return the verdicts GIVEN on records that are here, with what the program thought before, and all taken back."""
    here = [pair for pair in given if pair[0] in at and pair[1] in at]
    evidence = corpus.evidence(*_places(here, at))
    chance = _weights(state).chance(evidence) if here else np.zeros(0)
    nothing = Verdict(0, 0.0, dict.fromkeys(PIECES, 0.0))
    return {pair: nothing for pair, verdict in given.items() if not verdict} | {
        pair: Verdict(given[pair], likely, dict(zip(PIECES, numbers, strict=True)))
        for pair, likely, numbers in zip(here, chance.tolist(), evidence.tolist(), strict=True)
    }


def _places(pairs: list[Pair], at: Mapping[str, int]) -> tuple[Ints, Ints]:
    both = np.array([[at[one], at[other]] for one, other in pairs], np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _weights(state: str) -> Weights:
    """Return the weights as they are before what is given now."""
    if not state:
        return shipped()
    with opened(state, AREA) as kept:
        return _learned(remembered(kept))[0]


def _learned(known: Mapping[Pair, Verdict]) -> tuple[Weights, int]:
    """Return the shipped weights moved by verdicts KNOWN with today's pieces of evidence, and how many these were."""
    fit = [one for one in known.values() if tuple(one.evidence) == PIECES]
    rows: Any = np.array([list(one.evidence.values()) for one in fit]).reshape(-1, len(PIECES))
    return fitted(shipped(), rows, np.array([one.verdict > 0 for one in fit], bool)), len(fit)


def _wrong(known: Mapping[Pair, Verdict], threshold: float) -> Interval:
    joined = [one for one in known.values() if one.chance >= threshold]
    return wilson(sum(one.verdict < 0 for one in joined), len(joined))
