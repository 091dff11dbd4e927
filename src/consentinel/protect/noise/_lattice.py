"""The vectorised exact sampler that the Laplace and the Gaussian part share: a bucket by inversion, then a point in it.

Whole numbers are cut into buckets of 2^k points, so many that a bucket is 1/128 to 1/64 of the scale (one point each
for scales below 128). A bucket is drawn with the weight of its heaviest point by `Inversion`; a point in it uniformly;
the point x is kept with probability exp(-d), d = exponent(x) - exponent(heaviest), over 98 times in 100. Whether to
keep it is decided in whole numbers: by a floor of exp(-d) over the bucket; for the rest by bounds of exp(-d) to about
20 bits; for what lies between those by as many bits as it takes. Work does not depend on the values but for these
rare lanes, and nothing is released before the whole batch is there.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.protect.noise._exp import exp_minus
from consentinel.protect.noise._inversion import Inversion, Words

__all__ = ["LARGEST", "Lattice", "lattice"]

LARGEST = Fraction(2**39)  # scales from here on do not fit the 64-bit arithmetic below
LANES = 1 << 16  # drawn at a time, so that the arrays stay in the cache
CHANCE = 32  # bits of the uniform number that decides whether a point is kept
STEPS = np.array([exp_minus(Fraction(i, 1 << 10), 31)[0] for i in range(1 << 10)], dtype=np.uint64)


class Lattice:
    """Whole numbers x with weights exp(-|x| / scale) (power 1) or exp(-x^2 / (2 scale^2)) (power 2), exactly."""

    def __init__(self, scale: Fraction, power: int, bits: int = 64) -> None:
        self.power, self.bits, self.drop = power, bits, np.uint64(64 - bits)
        self.unit = scale if power == 1 else 2 * scale * scale
        self.set_bucket(scale)
        self.inversion = Inversion(lambda i: self.exponent(self.heaviest(i)), bits)
        if self.k:
            count, last = len(self.inversion.cuts), (1 << self.k) - 1
            far = [self.gap(i, last) for i in range(count if power == 2 else 1)]  # under Laplace all are alike
            sure = [exp_minus(d, CHANCE)[0] for d in far] * (1 if power == 2 else count)
            self.sure = np.array([*sure, 0], dtype=np.uint64)  # the last one: indices beyond the table are never sure

    def set_bucket(self, scale: Fraction) -> None:
        """Set the size of a bucket, 2^k points, and the constants of the quick bounds."""
        self.k = max(0, int(scale).bit_length() - 7)
        cut = max(0, self.k - 16) if self.power == 2 else 0  # places in a bucket are cut to 16 bits
        self.cut, self.rough = np.int64(cut), np.uint64(1 if cut else 0)
        self.factor = np.uint64(int(Fraction(1 << (62 + 2 * cut)) / self.unit) if self.k else 0)

    def exponent(self, size: int) -> Fraction:
        """Return -ln of the weight of a point that lies SIZE from zero, against that of zero."""
        return Fraction(size**self.power) / self.unit

    def heaviest(self, index: int) -> int:
        """Return how far from zero the heaviest point of bucket INDEX lies; buckets are 0, -1, 1, -2, 2, ..."""
        return ((index >> 1) << self.k) + (index & 1)

    def gap(self, index: int, z: int) -> Fraction:
        """Return d of the point that lies Z behind the heaviest one of bucket INDEX."""
        near = self.heaviest(index)
        return self.exponent(near + z) - self.exponent(near)

    def draw(self, n: int, words: Words) -> NDArray[np.int64]:
        """Return N independent draws; shape (n,)."""
        parts, missing = [np.empty(0, dtype=np.int64)], n
        while missing > 0:
            lanes = min(LANES, missing + (missing >> 6) + 16 if self.k else missing)
            drawn = self._some(lanes, words)[:missing]
            parts.append(drawn)
            missing -= len(drawn)
        return np.concatenate(parts)

    def _some(self, lanes: int, words: Words) -> NDArray[np.int64]:
        index = self.inversion.draw(words(lanes) >> self.drop, words)
        bucket = (index >> 1) ^ -(index & 1)  # 0, -1, 1, -2, 2, ...
        if not self.k:
            return bucket.astype(np.int64, copy=False)
        word = words(lanes)
        z = (word & np.uint64((1 << self.k) - 1)).astype(np.int64)
        chance = word >> np.uint64(64 - CHANCE)
        listed = np.minimum(index, len(self.sure) - 1)
        rows = np.flatnonzero(chance >= self.sure[listed])
        keep = np.ones(lanes, dtype=np.bool_)
        keep[rows] = self._kept(index[rows], z[rows], chance[rows], words)
        np.bitwise_xor(z, -(index & 1) & ((1 << self.k) - 1), out=z)  # below zero the heaviest point is the last one
        return ((bucket << self.k) + z)[keep]

    def _kept(self, index: Any, z: NDArray[np.int64], chance: NDArray[np.uint64], words: Words) -> NDArray[np.bool_]:
        """Return which points, Z behind the heaviest of bucket INDEX, are kept: where CHANCE lies below exp(-d)."""
        known = np.minimum(index, len(self.sure) - 2)
        low, high = self._bounds(((known >> 1) << self.k) + (known & 1), z)
        kept = chance < low
        unsure = ~kept & (chance < high) | (index != known)
        for at in np.flatnonzero(unsure):
            kept[at] = self._exactly(self.gap(int(index[at]), int(z[at])), int(chance[at]), words)
        return kept

    def _bounds(self, near: Any, z: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return bounds of 2^32 exp(-d), d = z / scale or z (2 near + z) / (2 scale^2) below 1/2."""
        one = np.uint64(1)
        a = (z >> self.cut).astype(np.uint64)
        b = one if self.power == 1 else ((2 * near + z) >> self.cut).astype(np.uint64)
        more = one if self.power == 1 else b + self.rough
        least = a * b * self.factor >> np.uint64(30)  # 2^32 d, rounded down
        most = ((a + self.rough) * more * (self.factor + one) >> np.uint64(30)) + one
        return _exp_low(most), _exp_high(least)

    @staticmethod
    def _exactly(d: Fraction, chance: int, words: Words) -> bool:
        bits = CHANCE
        while True:
            low, high = exp_minus(d, bits)
            if chance < low:
                return True
            if chance >= high:
                return False
            bits += 64
            chance = chance << 64 | int(words(1)[0])


def _exp_low(d: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return at most 2^32 exp(-d / 2^32) for d below 2^32: a table for the leading 10 bits, 1 - y for the rest."""
    rest = d & np.uint64((1 << 22) - 1)
    return STEPS[d >> np.uint64(22)] * (np.uint64(1 << 32) - rest) >> np.uint64(31)


def _exp_high(d: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return at least 2^32 exp(-d / 2^32) for d below 2^32: the same with 1 - y + y^2 / 2."""
    rest = d & np.uint64((1 << 22) - 1)
    series = np.uint64((1 << 32) + 1) - rest + (rest * rest >> np.uint64(33))
    return ((STEPS[d >> np.uint64(22)] + np.uint64(1)) * series >> np.uint64(31)) + np.uint64(1)


@lru_cache(maxsize=64)
def lattice(scale: Fraction, power: int) -> Lattice:
    """Return the sampler of SCALE and POWER; its tables are built once."""
    return Lattice(scale, power)
