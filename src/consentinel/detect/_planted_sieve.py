"""A fast sieve in front of the automaton: the rows that can hold one of many literals.

A literal of 15 bytes or more covers, wherever it stands, at least one 8-byte block at a multiple of 8. So only every
eighth position is looked at: its block is hashed into two tables of all blocks of all literals, and what passes both is
looked up exactly. Literals shorter than that are few; they have an automaton of their own. Nothing is missed: the
sieve may let a row pass in vain, never the other way round.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

__all__ = ["Sieve"]

BLOCK = 8
LONG = 2 * BLOCK - 1  # the shortest literal that always covers an aligned block
CHUNK = 1 << 17  # blocks at a time, so that the work stays in the cache
MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))

Ints = npt.NDArray[np.int64]


class Sieve:
    """What is needed to find the rows that can hold one of LITERALS."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        blocks = {t[at : at + BLOCK] for t in literals if len(t) >= LONG for at in range(BLOCK)}
        self._blocks = np.sort(np.frombuffer(b"".join(blocks), "<u8"))
        bits = min(26, max(16, (16 * len(blocks)).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._tables = [np.zeros(1 << bits, bool) for _ in MIX]
        for table, mix in zip(self._tables, MIX, strict=True):
            table[(self._blocks * mix) >> self._shift] = True
        short = [t for t in literals if len(t) < LONG]
        self._short = BytesAhoCorasick(short, MatchKind.LeftmostLongest, Implementation.DFA) if short else None

    def rows(self, text: npt.NDArray[np.uint8], offsets: Ints) -> Ints:
        """Return the rows, sorted and unique, that can hold a literal; row i is TEXT[OFFSETS[i]:OFFSETS[i + 1]]."""
        places = [self._long_places(text)]
        if self._short is not None:
            found = np.array(self._short.find_matches_as_indexes(text.data), np.int64).reshape(-1, 3)
            # A match that crosses rows may hide another in any row that it touches: every byte of it is a place.
            places.append((found[:, 1:2] + np.arange(LONG)).clip(max=found[:, 2:3] - 1).ravel())
        return np.unique(np.searchsorted(offsets, np.concatenate(places), "right") - 1)

    def _long_places(self, text: npt.NDArray[np.uint8]) -> Ints:
        """Return where blocks of long literals stand in TEXT, in bytes."""
        if not len(self._blocks):
            return np.empty(0, np.int64)
        blocks = text[: len(text) // BLOCK * BLOCK].view("<u8")
        found = [np.empty(0, np.int64)]
        for start in range(0, len(blocks), CHUNK):
            chunk = blocks[start : start + CHUNK]
            at = np.flatnonzero(self._tables[0][((chunk * MIX[0]) >> self._shift).view(np.int64)])
            at = at[self._tables[1][((chunk[at] * MIX[1]) >> self._shift).view(np.int64)]]
            near = np.searchsorted(self._blocks, chunk[at]).clip(max=len(self._blocks) - 1)
            found.append(at[self._blocks[near] == chunk[at]] + start)
        return np.concatenate(found) * BLOCK
