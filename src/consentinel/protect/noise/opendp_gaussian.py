"""Discrete Gaussian noise drawn by OpenDP (the exact sampler of Canonne, Kamath and Steinke, in Rust).

Guarantee: x has the discrete Gaussian distribution of the scale, rounded up to the next double.
Assumes: OpenDP and the operating system's generator.
Source: OpenDP, `make_gaussian` over 64-bit integers.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.protect.noise._inversion import Words
from consentinel.protect.noise._opendp import measured

__all__ = ["draw"]


def draw(scale: Fraction, n: int, words: Words) -> NDArray[np.int64]:
    """Return N draws of SCALE; shape (n,), int64. OpenDP reads the system's generator itself, so WORDS stay unused.

    Raises UsageError for a scale that is not an exact positive fraction, or a negative n; NotSupported from 2^54 on.
    """
    return measured(scale, n, laplace=False)
