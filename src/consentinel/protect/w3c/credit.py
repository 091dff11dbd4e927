"""Last-n-touch credit: a conversion's value shared among impressions in whole numbers that add up to it."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from consentinel.core.errors import UsageError
from consentinel.core.rng import secure_below

__all__ = ["fairly_allocate", "random_fraction"]


def random_fraction() -> Fraction:
    """Return an unpredictable number in [0, 1) with 53 binary digits."""
    return Fraction(secure_below(2**53), 2**53)


def fairly_allocate(
    credit: Sequence[Fraction], value: int, draw: Callable[[], Fraction] = random_fraction
) -> list[int]:
    """Return whole shares of VALUE in proportion to CREDIT: they add up to VALUE, none is a whole unit off its share,
    and over the randomness of DRAW each has exactly its share as its mean.

    Two neighbours exchange their fractions until one of them is whole; the other one goes on. In exact fractions, so
    that the final rounding of the standard has nothing to do. Raises UsageError unless every credit is positive.
    Source: Attribution Level 1, "fairly allocate credit".
    """
    if not credit or any(part <= 0 for part in credit):
        raise UsageError("RangeError: credit is one or more positive numbers")
    total = sum(credit, Fraction(0))
    shares = [value * part / total for part in credit]
    open_at = 0  # the one share that may still have a fraction
    for at in range(1, len(shares)):
        other = at
        below, below_other = shares[open_at] % 1, shares[other] % 1
        if below == 0 and below_other == 0:
            continue
        if below + below_other > 1:
            step, step_other = 1 - below, 1 - below_other
        else:
            step, step_other = -below, -below_other
        if draw() < step_other / (step + step_other):
            change = step
            open_at, other = other, open_at
        else:
            change = step_other
        shares[other] += change
        shares[open_at] -= change
    return [int(share) for share in shares]
