"""Runs of words and of characters of many texts at once, hashed into columns and weighed by rarity.

All texts lie in one array of code points; the hash of a run is a difference of prefix sums modulo 2^64, so no run is
ever a Python object. A model keeps column weights, never a word that somebody wrote. Source: Karp and Rabin 1987
(rolling hashes); Weinberger et al. 2009 (hashed features); Salton and Buckley 1988 (weights).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need

__all__ = ["COLUMNS", "Floats", "counted", "gram_matrix", "rarity", "weighed"]

Floats = NDArray[np.float32]
BITS = 18  # columns of words, and as many of characters
COLUMNS = 2 << BITS
WORDS, CHARACTERS = 2, (2, 5)  # runs of one or two words; of two to five characters within a word
_BASE = 0x9E3779B97F4A7C15 | 1  # odd: it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_BLOCK = 4_000_000  # characters that are hashed at once
_DENSE = 4096  # columns that most texts share: multiplied as a dense matrix
_SPACE, _SIGN = 32, 1  # how code points that are no letter or digit are written


def counted(texts: Sequence[str]) -> Any:
    """Return how often each run occurs in each of TEXTS, damped: CSR float32 (n, COLUMNS), values 1 + ln(count)."""
    sparse = need("scipy.sparse", extra="learn")
    parts, at, size = [], 0, 0
    for end, text in enumerate(texts, 1):
        size += len(text)
        if size > _BLOCK or end == len(texts):
            parts.append(_block(texts[at:end]))
            at, size = end, 0
    if not parts:
        return sparse.csr_matrix((0, COLUMNS), dtype=np.float32)
    return sparse.vstack(parts, format="csr") if len(parts) > 1 else parts[0]


def rarity(counts: Any) -> Floats:
    """Return the inverse document frequency of each column of COUNTS (n, COLUMNS), smoothed."""
    many = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + many)) + 1, np.float32)


def weighed(counts: Any, rare: Floats) -> Any:
    """Return COUNTS times RARE; of each row, the words have length 1 and the characters have length 1."""
    made = counts.copy()
    made.data = made.data * rare[made.indices]
    row = np.repeat(np.arange(made.shape[0]), np.diff(made.indptr))
    half = (made.indices >= COLUMNS // 2).astype(np.int64)
    squares = np.bincount(2 * row + half, weights=made.data.astype(np.float64) ** 2, minlength=2 * made.shape[0])
    length = np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)
    made.data /= length[2 * row + half]
    return made


def gram_matrix(left: Any, right: Any) -> Floats:
    """Return the products of the rows of LEFT (n, COLUMNS) and RIGHT (m, COLUMNS), dense (n, m)."""
    many = np.bincount(right.indices, minlength=right.shape[1])
    common = np.sort(np.argpartition(many, -_DENSE)[-_DENSE:])
    rest = np.ones(right.shape[1], np.float32)
    rest[common] = 0
    made = left[:, common].toarray() @ right[:, common].toarray().T
    a, b = left.copy(), right.copy()
    a.data, b.data = a.data * rest[a.indices], b.data * rest[b.indices]
    a.eliminate_zeros()
    b.eliminate_zeros()
    return np.asarray(made + (a @ b.T).toarray(), np.float32)


def _block(texts: Sequence[str]) -> Any:
    sparse = need("scipy.sparse", extra="learn")
    whole = (" " + " \x00 ".join(text.lower().replace("\x00", " ") for text in texts) + " ").encode(
        "utf-32-le", "replace"
    )
    points = np.frombuffer(whole, np.uint32)
    of = np.cumsum(points == 0)
    letter = _letters(points)
    points = np.where(letter | (points == 0), points, np.where(_spaces(points), _SPACE, _SIGN)).astype(np.uint64)
    apart = (points == _SPACE) | (points == 0)
    powers = _powers(points.size + 1)
    before = np.concatenate([[np.uint64(0)], np.cumsum((points + np.uint64(7)) * powers[:-1], dtype=np.uint64)])
    back = _powers(points.size + 1, _INVERSE)
    rows, columns = [], []

    def add(start: NDArray[np.int64], end: NDArray[np.int64], kind: int) -> None:
        value = (before[end] - before[start]) * back[start] + np.uint64(kind)
        rows.append(of[start])
        columns.append((_mixed(value) >> np.uint64(64 - BITS)).astype(np.int64) + (kind and COLUMNS // 2))

    edge = np.flatnonzero(np.diff(np.concatenate([[False], letter, [False]]).astype(np.int8)))
    first, last = edge[::2], edge[1::2]
    add(first, last, 0)
    near = of[first[:-1]] == of[first[1:]] if len(first) else np.zeros(0, bool)
    _pairs(before, back, first, last, near, of, rows, columns)
    inside = np.cumsum(apart)  # a run of characters may begin or end with the space beside a word, not hold one inside
    for length in range(CHARACTERS[0], CHARACTERS[1] + 1):
        start = np.arange(max(0, points.size - length + 1))
        end = start + length
        held = inside[end - 1] - inside[start] - apart[end - 1]  # spaces strictly inside
        fine = (held == 0) & ~(apart[start] & apart[end - 1]) & (points[start] != 0) & (points[end - 1] != 0)
        add(start[fine], end[fine], length)
    key = np.concatenate(rows) * COLUMNS + np.concatenate(columns)
    key.sort()
    new = np.concatenate([[True], key[1:] != key[:-1]]) if key.size else np.zeros(0, bool)
    place = np.flatnonzero(new)
    often = np.diff(np.concatenate([place, [key.size]]))
    kept = key[place]
    starts = np.searchsorted(kept, np.arange(len(texts) + 1) * COLUMNS)
    data = (1 + np.log(np.maximum(often, 1))).astype(np.float32)
    return sparse.csr_matrix((data, (kept % COLUMNS).astype(np.int32), starts), shape=(len(texts), COLUMNS))


def _pairs(
    before: Any, back: Any, first: Any, last: Any, near: Any, of: Any, rows: list[Any], columns: list[Any]
) -> None:
    """Add runs of two words, whatever stands between them."""
    one = (before[last] - before[first]) * back[first]
    two = _mixed(one[:-1])[near] * np.uint64(3) + one[1:][near]
    rows.append(of[first[:-1]][near])
    columns.append((_mixed(two) >> np.uint64(64 - BITS)).astype(np.int64))


def _letters(points: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which POINTS are letters, digits or underscores; beyond Latin-1 all but punctuation and spaces are."""
    table = np.array([chr(n).isalnum() or n == 95 for n in range(256)])
    low = table[np.minimum(points, 255)]
    high = (points > 255) & ~((points >= 0x2000) & (points < 0x2C00)) & ~((points >= 0x3000) & (points < 0x3040))
    return np.where(points < 256, low, high)


def _spaces(points: NDArray[np.uint32]) -> NDArray[np.bool_]:
    blank = (points <= 32) | (points == 0xA0) | ((points >= 0x2000) & (points <= 0x200B)) | (points == 0x3000)
    return np.asarray(blank)


def _powers(many: int, base: int = _BASE) -> NDArray[np.uint64]:
    made = np.full(many, base, np.uint64)
    made[0] = 1
    return np.cumprod(made, dtype=np.uint64)


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return VALUE with all bits mixed (the finaliser of SplitMix64, Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
