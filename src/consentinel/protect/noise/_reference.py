"""The samplers of Canonne, Kamath and Steinke for discrete Laplace and Gaussian noise, any scale, one draw at a time.

Bits come from `below(bound)`, a uniform whole number in [0, bound); given a recorded stream of bytes they can be
replayed, which is how the samplers are held against published vectors.
Source: Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for Differential Privacy", Algorithms 1, 2 and 3.
"""

from collections.abc import Callable
from fractions import Fraction

__all__ = ["Below", "discrete_gaussian", "discrete_laplace", "from_bytes"]

Below = Callable[[int], int]
"""Returns a uniform whole number from 0 to one below the bound."""

ONE = Fraction(1)


def from_bytes(read: Callable[[int], bytes]) -> Below:
    """Return `below` over the byte stream READ(count), which is consumed as the published vectors consume it.

    A bound of b bits takes ceil(b / 32) little-endian 32-bit words; surplus bits are dropped from the low end of the
    last word; numbers that are not below the bound are thrown away. Source: the layout of num-bigint's
    `gen_biguint_below`, which libprio-rs draws with.
    """

    def below(bound: int) -> int:
        full, rest = divmod(bound.bit_length(), 32)
        while True:
            data = read(4 * (full + (rest > 0)))
            drawn = int.from_bytes(data, "little")
            if rest:
                last = drawn >> (32 * full)
                drawn = (last >> (32 - rest)) << (32 * full) | (drawn & ((1 << (32 * full)) - 1))
            if drawn < bound:
                return drawn

    return below


def discrete_gaussian(sigma: Fraction, below: Below) -> int:
    """Return one whole number x with probability proportional to exp(-x^2 / (2 SIGMA^2))."""
    t = sigma.numerator // sigma.denominator + 1
    middle = sigma * sigma / t
    while True:
        y = discrete_laplace(Fraction(t), below)
        if _exp(((abs(y) - middle) ** 2) / (2 * sigma * sigma), below):
            return y


def discrete_laplace(scale: Fraction, below: Below) -> int:
    """Return one whole number x with probability proportional to exp(-|x| / SCALE)."""
    while True:
        negative = _bernoulli(Fraction(1, 2), below)
        size = _geometric(scale, below)
        if not (negative and size == 0):
            return -size if negative else size


def _geometric(scale: Fraction, below: Below) -> int:
    s, t = scale.numerator, scale.denominator  # t of the source is s here: exp(-x / scale) = exp(-x t / s)
    u = below(s)
    while not _exp_up_to_one(Fraction(u, s), below):
        u = below(s)
    v = 0
    while _exp_up_to_one(ONE, below):
        v += 1
    return (u + s * v) // t


def _exp(gamma: Fraction, below: Below) -> bool:
    """Return True with probability exp(-GAMMA)."""
    whole = gamma.numerator // gamma.denominator
    return all(_exp_up_to_one(ONE, below) for _ in range(whole)) and _exp_up_to_one(gamma - whole, below)


def _exp_up_to_one(gamma: Fraction, below: Below) -> bool:
    k = 1
    while _bernoulli(gamma / k, below):
        k += 1
    return k % 2 == 1


def _bernoulli(p: Fraction, below: Below) -> bool:
    return below(p.denominator) + 1 <= p.numerator
