"""Luck that can be replayed: every random number belongs to a seed and a (person, session, slot) counter.

Nothing is drawn in turn, so nobody's luck depends on who else is simulated, in which order, or under which ranking:
two variants meet the same people with the same luck (common random numbers). Never for privacy noise.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["Stream", "key", "normals", "philox", "uniforms"]

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


class Stream(IntEnum):
    """What a number decides; numbers of different streams are independent. Variants explore on streams of their own,
    from EXPLORE upwards."""

    GROUP = 0
    TASTE = 1
    ITEM = 2
    LOGGED_ORDER = 3
    LOGGED_CLICK = 4
    CLICK = 5
    RETURN = 6
    ARM = 7
    EXPLORE = 1000


def key(seed: int) -> tuple[int, int]:
    """Return the two 32-bit words that stand for SEED; raises UsageError for a negative one."""
    one, two = generator(seed, "models.feed").integers(0, 2**32, 2)
    return int(one), int(two)


def philox(counter: tuple[ArrayLike, ...], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Return four random 32-bit words for each COUNTER (four whole numbers below 2^32, broadcast together) under KEY.

    Source: Philox4x32-10, Salmon, Moraes, Dror and Shaw 2011.
    """
    a, b, c, d = (word.copy() for word in np.broadcast_arrays(*(np.asarray(word, np.uint64) for word in counter)))
    one, two = key
    for _ in range(_ROUNDS):
        first, second = a * _MULTIPLY[0], c * _MULTIPLY[1]
        a, b = (second >> _32) ^ b ^ np.uint64(one), second & _LOW
        c, d = (first >> _32) ^ d ^ np.uint64(two), first & _LOW
        one, two = (one + _WEYL[0]) & 0xFFFFFFFF, (two + _WEYL[1]) & 0xFFFFFFFF
    return a, b, c, d


def uniforms(
    key: tuple[int, int], stream: int, person: ArrayLike, session: ArrayLike = 0, slot: ArrayLike = 0
) -> tuple[Floats, Floats]:
    """Return two independent numbers in (0, 1) for each (PERSON, SESSION, SLOT), broadcast together.

    Raises UsageError for a number that is no counter: below 0, or 2^32 and above.
    """
    counter = (person, session, slot, stream)
    for each in counter:
        words = np.asarray(each)
        if words.size and (int(words.min()) < 0 or int(words.max()) >= 2**32):
            raise UsageError(f"people, sessions and slots are counted from 0 to 2^32 - 1, got {words.min()}")
    a, b, c, d = philox(counter, key)
    return _unit(a, b), _unit(c, d)


def normals(key: tuple[int, int], stream: int, person: ArrayLike, session: ArrayLike = 0) -> tuple[Floats, Floats]:
    """Return two independent standard normal numbers for each (PERSON, SESSION) (Box and Muller 1958)."""
    one, two = uniforms(key, stream, person, session)
    radius, angle = np.sqrt(-2 * np.log(one)), 2 * np.pi * two
    return radius * np.cos(angle), radius * np.sin(angle)


def _unit(high: Words, low: Words) -> Floats:
    """52 random bits in the middle of their cell, so that neither 0 nor 1 comes out."""
    return np.asarray((((high << np.uint64(20)) | (low >> np.uint64(12))).astype(np.float64) + 0.5) / 2.0**52)
