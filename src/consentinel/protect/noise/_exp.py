"""exp(-x) of an exact x between two whole numbers, to as many bits as asked: what exact samplers compare with."""

from fractions import Fraction

__all__ = ["exp_minus"]

GUARD, SMALL = 24, 8


def exp_minus(x: Fraction, bits: int) -> tuple[int, int]:
    """Return whole numbers (low, high) with low <= 2^BITS exp(-X) <= high, next to each other or two apart.

    Arguments: X at least 0; BITS at least 1. Integer arithmetic only: halve X until it is below 2^-8, sum the
    alternating series in fixed point, square back; every rounding is counted.
    """
    if x == 0:
        return 1 << bits, 1 << bits
    if x >= bits:
        return 0, 1  # exp(-bits) < 2^-bits
    halvings = int(x).bit_length() + SMALL
    point = bits + halvings + GUARD
    y = (x.numerator << (point - halvings)) // x.denominator
    total = term = 1 << point
    n = 0
    while term:
        n += 1
        term = (term * y >> point) // n
        total += -term if n % 2 else term
    off = n + 3  # one unit for each rounded term, one for y, one for the rest of the series
    for _ in range(halvings):
        total = total * total >> point
        off = 2 * off + 2
    shift = point - bits
    return max(0, total - off >> shift), (total + off >> shift) + 1
