"""Exact draws from a distribution over 0, 1, 2, ... by inversion: 64 bits of a uniform number, more only when needed.

The uniform number U is known to 64 bits. `cuts[k]` holds the first 64 bits of P(index <= k), computed in whole
numbers with both bounds equal. Unless the word equals a cut, it says on which side of every P(index <= k) the rest of
U can be, so the index is decided. Otherwise (about once in 10^16 draws) U and the cuts are lengthened by 64 bits at a
time until they differ. No rounding is ever believed, so the distribution is exactly the one that is asked for.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.protect.noise._exp import exp_minus

__all__ = ["Inversion", "Words"]

Words = Callable[[int], NDArray[np.uint64]]
"""Returns as many unpredictable 64-bit words as asked."""

CELLS = 14  # the leading bits of a word that look its index up


class Inversion:
    """The distribution over 0, 1, 2, ... in which the weight of index i is exp(-exponent(i)).

    Arguments: exponent, exact, 0 at index 0; over the even and over the odd indices a convex polynomial of at most
    the second degree, with exponent(2 k + 1) >= exponent(2 k); bits, how many are looked at first (64; fewer in tests
    of the rare path).
    """

    def __init__(self, exponent: Callable[[int], Fraction], bits: int = 64) -> None:
        self.exponent, self.bits = exponent, bits
        self._known: dict[int, list[int]] = {}
        self.cuts = np.array(self._cuts(bits), dtype=np.uint64)
        cell_bits = min(CELLS, bits)
        self._shift = np.uint64(bits - cell_bits)
        starts = np.arange(1 << cell_bits, dtype=np.uint64) << self._shift
        first = np.searchsorted(self.cuts, starts)
        self._first = first.astype(np.intp)
        self._many = np.diff(first, append=len(self.cuts)) > 1

    def draw(self, word: NDArray[np.uint64], words: Words) -> NDArray[np.intp]:
        """Return one index for each of the words WORD (below 2^bits), more bits come from WORDS where needed."""
        cell = (word >> self._shift).astype(np.intp)
        index = self._first[cell]
        cut = self.cuts[index]
        index += cut < word
        rows = np.flatnonzero(self._many[cell] | (cut == word))
        if rows.size:
            asked = word[rows]
            found = np.searchsorted(self.cuts, asked)
            index[rows] = found
            for at in np.flatnonzero(self.cuts[found] == asked):
                index[rows[at]] = self._lengthen(int(asked[at]), words)
        return index

    def _lengthen(self, known: int, words: Words) -> int:
        bits = self.bits
        while True:
            bits += 64
            known = known << 64 | int(words(1)[0])
            cuts = self._cuts(bits)
            at = bisect_left(cuts, known)
            if cuts[at] != known:
                return at

    def _cuts(self, bits: int) -> list[int]:
        """Return floor(2^BITS P(index <= k)) for k = 0, 1, ... up to the first that is 2^BITS - 1."""
        if bits not in self._known:
            guard = 64
            while (found := self._bounded(bits, bits + guard)) is None:
                guard += 64
            self._known[bits] = found
        return self._known[bits]

    def _bounded(self, bits: int, point: int) -> list[int] | None:
        """Return the cuts from weights to POINT bits; None when that is too few to be sure of every cut."""
        low, high = [0], [0]  # sums of the weights so far, in units of 2^-point
        even, odd = self._weights(0, point), self._weights(1, point)
        while True:
            for weights in (even, odd):
                least, most = next(weights)
                low.append(low[-1] + least)
                high.append(high[-1] + most)
            if least == 0:
                break
        tail = self._tail(len(low) - 1, point)
        top, all_ones = (low[-1], high[-1] + tail), (1 << bits) - 1
        cuts = []
        for a, b in zip(low[1:], high[1:], strict=True):
            cut = min((a << bits) // top[1], all_ones)
            if cut != min((b << bits) // top[0], all_ones):
                return None
            cuts.append(cut)
            if cut == all_ones:
                return cuts
        return None

    def _weights(self, start: int, point: int) -> Iterator[tuple[int, int]]:
        """Yield bounds of the weights of START, START + 2, ... in units of 2^-POINT.

        Each is the one before times a ratio, and the ratio shrinks by a constant factor: the exponents are quadratic.
        """
        first, second, third = (self.exponent(start + step) for step in (0, 2, 4))
        weight, ratio = exp_minus(first, point), exp_minus(second - first, point)
        factor = exp_minus(third - 2 * second + first, point)
        while True:
            yield weight
            weight = weight[0] * ratio[0] >> point, (weight[1] * ratio[1] >> point) + 1
            ratio = ratio[0] * factor[0] >> point, (ratio[1] * factor[1] >> point) + 1

    def _tail(self, n: int, point: int) -> int:
        """Return at least the weight of all indices from N (even) on, in units of 2^-POINT.

        Convexity: each further pair weighs at most the ratio of the last two pairs times the one before.
        """
        _, pair = exp_minus(self.exponent(n), point)
        _, ratio = exp_minus(self.exponent(n) - self.exponent(n - 2), point)
        return ((2 * pair) << point) // ((1 << point) - ratio) + 1
