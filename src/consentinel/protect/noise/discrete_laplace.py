"""Discrete Laplace noise, exact for every rational scale, millions of draws a second.

Guarantee: x has probability proportional to exp(-|x| / scale) exactly; no floating point takes part.
Assumes: the operating system's generator is unpredictable.
Source: the distribution: Ghosh, Roughgarden and Sundararajan 2012; its privacy: Canonne, Kamath and Steinke 2020, Lemma
29. The sampler is our own (`_lattice`); from 2^39 on, Algorithm 2 of the latter.
"""

from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from consentinel.protect.noise._drawing import exactly
from consentinel.protect.noise._inversion import Words
from consentinel.protect.noise._reference import discrete_laplace

__all__ = ["draw"]


def draw(scale: Fraction, n: int, words: Words) -> NDArray[Any]:
    """Return N draws of SCALE, from the unpredictable 64-bit WORDS; shape (n,), int64 (Python ints from 2^54 on).

    Raises UsageError for a scale that is not an exact positive fraction, or a negative n.
    """
    return exactly(scale, n, words, power=1, one=discrete_laplace)
