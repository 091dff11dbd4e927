"""Discrete Gaussian noise, exact for every rational scale, millions of draws a second.

Guarantee: x has probability proportional to exp(-x^2 / (2 scale^2)) exactly; no floating point takes part.
Assumes: the operating system's generator is unpredictable.
Source: Canonne, Kamath and Steinke 2020, Definition 1 and Theorem 4 (privacy). The sampler is our own (`_lattice`);
from 2^39 on, their Algorithm 3.
"""

from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from consentinel.protect.noise._drawing import exactly
from consentinel.protect.noise._inversion import Words
from consentinel.protect.noise._reference import discrete_gaussian

__all__ = ["draw"]


def draw(scale: Fraction, n: int, words: Words) -> NDArray[Any]:
    """Return N draws of SCALE (sigma), from the unpredictable WORDS; shape (n,), int64 (Python ints from 2^54 on).

    Raises UsageError for a scale that is not an exact positive fraction, or a negative n.
    """
    return exactly(scale, n, words, power=2, one=discrete_gaussian)
