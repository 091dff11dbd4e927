"""What the exact parts share: the check of what is asked, and the way to scales that 64 bits cannot hold."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.noise._inversion import Words
from consentinel.protect.noise._lattice import LARGEST, lattice
from consentinel.protect.noise._reference import Below, from_bytes

__all__ = ["INT64", "asked", "exactly"]

INT64 = Fraction(2**54)  # noise of a smaller scale leaves int64 with probability below exp(-500)


def asked(scale: Fraction, n: int) -> None:
    """Raise UsageError unless SCALE is an exact positive fraction and N a number of draws."""
    if not isinstance(scale, Fraction) or scale <= 0:
        raise UsageError(f"a noise scale is an exact positive fraction (core.accounting.exact), got {scale!r:.60}")
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise UsageError(f"a number of draws is a whole number of at least 0, got {n!r:.60}")


def exactly(
    scale: Fraction, n: int, words: Words, *, power: int, one: Callable[[Fraction, Below], int]
) -> NDArray[Any]:
    """Return N draws of the lattice distribution POWER, vectorised where 64 bits hold it, otherwise by ONE each."""
    asked(scale, n)
    if scale < LARGEST:
        return lattice(scale, power).draw(n, words)
    below = from_bytes(lambda count: words(-(-count // 8)).tobytes()[:count])
    drawn = [one(scale, below) for _ in range(n)]
    return np.array(drawn, dtype=np.int64 if scale < INT64 else object)
