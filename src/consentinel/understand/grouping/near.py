"""Near-duplicates among many texts: MinHash signatures in bands propose pairs, exact Jaccard decides.

Source: Broder 1997; Leskovec, Rajaraman and Ullman 2020, section 3.4. Shingles are runs of three words.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.understand.grouping.words import mixed, shingles, starts, words

__all__ = ["Pairs", "bands", "near_duplicates", "overlap", "signatures"]

HASHES = 128
MISSED = 0.02  # at most this share of the pairs just above the threshold is not proposed
SLACK = 0.17  # pairs whose signatures agree less than the threshold by this are not read again: four deviations
CROWD = 50  # texts in a bucket that are all compared; of more, neighbours by signature and the first with each
AT_ONCE = 4_000_000
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, left < right, each once and in order, with their similarity."""

    left: Ints
    right: Ints
    similarity: Floats


def near_duplicates(texts: pa.Array, threshold: float = 0.7, seed: int = 0) -> Pairs:
    """Return the pairs of TEXTS whose Jaccard similarity over runs of three words is at least THRESHOLD.

    Equal texts are compared once: each is paired with the first of its like. Where more than CROWD texts fall into one
    bucket not all pairs are looked at, but every text with its neighbours there, which keeps groups whole. Texts
    without words have no pairs. Raises UsageError for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"a Jaccard threshold is in (0, 1], got {threshold}")
    hashed, ends = shingles(words(texts))
    has, begin = starts(ends)
    if len(has) < 2:
        nothing = np.zeros(0, np.int64)
        return Pairs(nothing, nothing, np.zeros(0))
    whole = np.add.reduceat(mixed(hashed), begin)  # equal sets have equal sums
    _, first, same = np.unique(whole, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first[same] != np.arange(len(has)))
    equal = np.stack([has[first[same[repeated]]], has[repeated]])
    rows = has[np.sort(first)]
    signed = signatures(hashed, ends, rows, seed)
    a, b = _likely(signed, *_proposed(signed, bands(threshold)), threshold - SLACK)
    left, right = rows[a], rows[b]
    found, _ = overlap(hashed, ends, left, right)
    close = found >= threshold
    left, right = np.concatenate([equal[0], left[close]]), np.concatenate([equal[1], right[close]])
    near = np.concatenate([np.ones(len(repeated)), found[close]])
    order = np.lexsort((right, left))
    return Pairs(left[order], right[order], near[order])


def signatures(hashed: Hashes, ends: Ints, rows: Ints, seed: int) -> Hashes:
    """Return MinHash signatures (rows, HASHES) of ROWS, whose shingles are HASHED between ENDS."""
    lengths = np.diff(ends)[rows]
    random = generator(seed, "understand.near")
    odd = random.integers(0, 1 << 63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    plus = random.integers(0, 1 << 63, HASHES, dtype=np.uint64)
    made = np.empty((len(rows), HASHES), np.uint64)
    steps = np.concatenate([[0], np.cumsum(lengths)])
    part = 0
    while part < len(rows):  # as many texts as have AT_ONCE shingles
        until = max(part + 1, int(np.searchsorted(steps, steps[part] + AT_ONCE, side="right")) - 1)
        some = rows[part:until]
        at = np.repeat(ends[some] - (steps[part:until] - steps[part]), lengths[part:until])
        values = hashed[at + np.arange(len(at))]
        begin = steps[part:until] - steps[part]
        for column in range(HASHES):
            turned = values * odd[column]
            turned += plus[column]
            turned ^= turned >> np.uint64(32)
            made[part:until, column] = np.minimum.reduceat(turned, begin)
        part = until
    return made


def bands(threshold: float) -> tuple[int, int]:
    """Return bands and rows a band that propose all but MISSED of pairs at THRESHOLD and the fewest below it."""
    best = (HASHES, 1)
    for rows in range(1, HASHES + 1):
        number = HASHES // rows
        if (1 - threshold**rows) ** number <= MISSED:
            best = (number, rows)
    return best


def _likely(signed: Hashes, left: Ints, right: Ints, least: float) -> tuple[Ints, Ints]:
    """Return those of the pairs LEFT and RIGHT whose signatures agree in a share of LEAST or more."""
    kept = np.ones(len(left), bool)
    for part in range(0, len(left), AT_ONCE // HASHES):
        some = slice(part, part + AT_ONCE // HASHES)
        kept[some] = (signed[left[some]] == signed[right[some]]).mean(axis=1) >= least
    return left[kept], right[kept]


def _proposed(signed: Hashes, shape: tuple[int, int]) -> tuple[Ints, Ints]:
    number, width = shape
    n = len(signed)
    packed = []
    for band in range(number):
        key = np.zeros(n, np.uint64)
        for column in range(band * width, (band + 1) * width):
            key = mixed(key * np.uint64(31) + signed[:, column])
        order = np.argsort(key, kind="stable")
        sorted_key = key[order]
        edges = np.flatnonzero(np.concatenate([[True], sorted_key[1:] != sorted_key[:-1], [True]]))
        sizes = np.diff(edges)
        for size in np.unique(sizes[sizes > 1]):
            buckets = order[edges[:-1][sizes == size][:, None] + np.arange(size)]
            if size <= CROWD:
                a, b = np.triu_indices(size, 1)
            else:
                a = np.concatenate([np.arange(size - 1), np.zeros(size - 2, np.int64)])
                b = np.concatenate([np.arange(1, size), np.arange(2, size)])
            packed.append(np.unique((buckets[:, a] * n + buckets[:, b]).ravel()))
    pairs: Ints = np.unique(np.concatenate([np.zeros(0, np.int64), *packed]))
    return pairs // n, pairs % n


def overlap(hashed: Hashes, ends: Ints, left: Ints, right: Ints) -> tuple[Floats, Floats]:
    """Return, pair by pair, the Jaccard similarity of the shingles of LEFT and RIGHT, and the share of the smaller set.

    Both are 0 where nothing is shared. HASHED holds those of text i, sorted, from ENDS[i] to ENDS[i + 1].
    """
    lengths = np.diff(ends)
    both = lengths[left] + lengths[right]
    shared = np.zeros(len(left))
    steps = np.concatenate([[0], np.cumsum(both)])
    part = 0
    while part < len(left):
        until = max(part + 1, int(np.searchsorted(steps, steps[part] + AT_ONCE, side="right")) - 1)
        some = slice(part, until)
        rows = np.stack([left[some], right[some]], axis=1).ravel()
        sizes = lengths[rows]
        begin = np.concatenate([[0], np.cumsum(sizes)])
        at = np.repeat(ends[rows] - begin[:-1], sizes) + np.arange(begin[-1])
        pair = np.repeat(np.arange(len(rows)) // 2, sizes)
        values = hashed[at]
        order = np.lexsort((values, pair))
        values, pair = values[order], pair[order]
        twice = (values[1:] == values[:-1]) & (pair[1:] == pair[:-1])
        shared[some] = np.bincount(pair[1:][twice], minlength=until - part)
        part = until
    smaller = np.minimum(lengths[left], lengths[right])
    return shared / np.maximum(both - shared, 1), shared / np.maximum(smaller, 1)
