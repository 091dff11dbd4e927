"""The exact test behind randomised differences: an e-value for "what was sent does not depend on this property".

A property is drawn for every visit by us, uniformly from a pool of L levels and independently of everything else. If a
field does not depend on it, then given what the field held in all visits, every sequence of levels is equally likely.
The e-value is a mixture of likelihood ratios of alternatives that say which sequences such a field would come with:

- one to one: every value stands for a level of its own (the property plain, encoded or hashed);
- coarser: every level goes to one value (the property put into buckets);
- finer: some values come with one level only, others with any (the property beside something else).

Its mean under the hypothesis is 1 whatever the field holds, so e >= 1/a has a chance of at most a and 1/e is a valid
p-value, at any number of visits and without approximation. Sources: Vovk and Wang 2021 (e-values); Shafer 2021 (bets).
"""

import math
from functools import cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_POOL", "log_e", "log_e_paired", "log_promise", "log_support"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SLIP = 0.01  # share of visits that an alternative allows to fall out of line: a default sent before the page was ready
UNLIKELY = 0.01  # chance of so few levels below which they are taken for buckets
LARGEST_POOL = 6  # levels for which all assignments are tried; with more, only the finer alternative is
_WEIGHT = {"one to one": 0.5, "coarser": 0.25, "finer": 0.25}
_CELLS = 8_000_000  # cells of a working array: 64 MB


def log_e(patterns: Ints, levels: Ints, pool: int) -> Floats:
    """Return the log e-values, shape (u, j), of u PATTERNS against j properties drawn from POOL levels.

    Arguments: patterns (u, t), the number of the value in each of t visits (0, 1, ... in order of first appearance, -1
    where there is none); levels (j, t), the level drawn, -1 where not known.
    """
    n_patterns, n_visits = patterns.shape
    n_properties = len(levels)
    found = np.zeros((n_patterns, n_properties))
    drawn = (levels[:, None, :] == np.arange(pool)[None, :, None]).reshape(n_properties * pool, n_visits)
    drawn_t = drawn.T.astype(np.float64)
    blocks = patterns.max(axis=1, initial=-1) + 1
    for size in np.unique(blocks[blocks > 1]).tolist():
        rows = np.flatnonzero(blocks == size)
        step = max(1, _CELLS // (size * max(n_visits, n_properties * pool * 40)))
        for at in range(0, len(rows), step):
            some = rows[at : at + step]
            held = (patterns[some][:, None, :] == np.arange(size)[None, :, None]).astype(np.float64)
            counts = (held @ drawn_t).reshape(len(some), size, n_properties, pool).transpose(0, 2, 1, 3)
            found[some] = _mixture(counts, size, pool)
    return found


def log_e_paired(patterns: Ints, levels: Ints, pool: int) -> Floats:
    """Return the log e-value, shape (u,), of each of the PATTERNS (u, t) against its own LEVELS (u, t)."""
    found, blocks = np.zeros(len(patterns)), patterns.max(axis=1, initial=-1) + 1
    for size in np.unique(blocks[blocks > 1]).tolist():
        rows = np.flatnonzero(blocks == size)
        counts = np.zeros((len(rows), 1, size, pool))
        at, visit = np.nonzero((patterns[rows] >= 0) & (levels[rows] >= 0))
        np.add.at(counts[:, 0], (at, patterns[rows[at], visit], levels[rows[at], visit]), 1)
        found[rows] = _mixture(counts, size, pool)[:, 0]
    return found


def _mixture(counts: Floats, size: int, pool: int) -> Floats:
    """Log e-values (u, j) of COUNTS (u, j, value, level): how often each value came with each level."""
    finer = _finer(counts, pool)
    if not size <= pool <= LARGEST_POOL:
        return finer
    n = counts.sum(axis=(2, 3))
    if size == pool:  # one to one is then the only way to be coarser
        terms = [(1 - _WEIGHT["finer"], _one_to_one(counts, n, size, pool))]
    else:
        terms = [
            (_WEIGHT["one to one"], _one_to_one(counts, n, size, pool)),
            (_WEIGHT["coarser"], _coarser(counts, n, size, pool)),
        ]
    return np.logaddexp.reduce([math.log(w) + t for w, t in [*terms, (_WEIGHT["finer"], finer)]], axis=0)


def _gain(share: float) -> float:
    """The likelihood ratio of a level in line with an alternative that leaves SHARE of the levels possible."""
    return (1 - SLIP) / share + SLIP


def _one_to_one(counts: Floats, n: Floats, size: int, pool: int) -> Floats:
    ways = np.array(list(permutations(range(pool), size)))  # (w, value) -> level
    fit = counts[:, :, np.arange(size), ways].sum(axis=-1)
    return _mean_over_ways(fit * math.log(_gain(1 / pool)) + (n[..., None] - fit) * math.log(SLIP))


def _coarser(counts: Floats, n: Floats, size: int, pool: int) -> Floats:
    ways, gains = _onto(size, pool)
    picked = counts[:, :, ways, np.arange(pool)]  # (u, j, w, level)
    fit = picked.sum(axis=-1)
    return _mean_over_ways((picked * gains).sum(axis=-1) + (n[..., None] - fit) * math.log(SLIP))


@cache
def _onto(size: int, pool: int) -> tuple[Ints, Floats]:
    """All ways to send POOL levels onto SIZE values, (w, level) -> value, and the log gain of each level."""
    ways = np.array([w for w in product(range(size), repeat=pool) if len(set(w)) == size], np.int64)
    share = (ways[:, :, None] == ways[:, None, :]).sum(axis=-1) / pool
    return ways, np.log((1 - SLIP) / share + SLIP)


def _mean_over_ways(logs: Floats) -> Floats:
    top = logs.max(axis=-1)
    return np.asarray(top + np.log(np.exp(logs - top[..., None]).mean(axis=-1)))


def _finer(counts: Floats, pool: int) -> Floats:
    """Every value for itself: half the stake on one level that it always comes with, half on none."""
    held = counts.sum(axis=-1)
    lines = counts * math.log(_gain(1 / pool)) + (held[..., None] - counts) * math.log(SLIP)
    pure = _mean_over_ways(lines)
    return np.asarray(np.logaddexp(pure, 0.0).sum(axis=-1) - math.log(2) * held.shape[-1])


def log_promise(patterns: Ints, pool: int) -> Floats:
    """Return the log e-values, shape (u, 2), that each of the PATTERNS (u, t) has if it does carry a property.

    The second is for a pattern that shows fewer values than there are levels because the others were not drawn; -inf
    where that is unlikely. Both are made from the pattern alone, never from levels, so hypotheses may be weighed or
    left out by them without any bias.
    """
    blocks = patterns.max(axis=1, initial=-1) + 1
    found = np.tile([0.0, -np.inf], (len(patterns), 1))
    for at in np.flatnonzero(blocks > 1).tolist():
        found[at] = _promise(np.bincount(patterns[at][patterns[at] >= 0]), pool)
    return found


def _promise(held: Ints, pool: int) -> tuple[float, float]:
    """The log promises of a pattern whose values were HELD so many times."""
    size, n = len(held), int(held.sum())
    gain = math.log(_gain(1 / pool))
    if size > pool or pool > LARGEST_POOL:
        return float((np.logaddexp(held * gain - math.log(pool), 0.0) - math.log(2)).sum()), -math.inf
    apart = math.log(_WEIGHT["one to one"]) + n * gain - math.log(math.perm(pool, size))
    if size == pool:
        return apart, -math.inf
    ways, _ = _onto(size, pool)
    levels_of = (ways[:, None, :] == np.arange(size)[None, :, None]).sum(axis=-1)  # (w, value)
    likely = levels_of[np.argmax((held * np.log(levels_of)).sum(axis=-1))]  # the buckets that such sizes speak for
    won = float((held * np.log((1 - SLIP) * pool / likely + SLIP)).sum())
    buckets = math.log(_WEIGHT["coarser"]) + won - math.log(len(ways))
    return buckets, apart if _chance_seen(size, n, pool) >= UNLIKELY else -math.inf


@cache
def _chance_seen(seen: int, n: int, pool: int) -> float:
    """The chance that N draws from POOL levels show exactly SEEN of them."""
    onto = sum((-1) ** i * math.comb(seen, i) * (seen - i) ** n for i in range(seen + 1))
    return math.comb(pool, seen) * onto / pool**n


def log_support(pool: int, n: int) -> float:
    """Return the log chance that N draws from POOL levels show all of them.

    The size of a pool is taken from the levels that were seen. Added to a log e-value, this makes it hold given which
    levels were seen, whatever the pool was.
    """
    return math.log(_chance_seen(pool, n, pool)) if n >= pool else -math.inf
