"""Which blocks of coordinates a model lacks, and how large their cells are: two noisy answers from bounded sums.

A block is a table of cells, one of which each row is in. What a model leaves over in the cells (label less
probability, summed) is far from 0 where the model lacks the block. The norm of these sums changes by no more than the
sums do, whatever the size of the block, so the norms of all blocks together have the sensitivity of one clip.

Guarantee: add-or-remove one unit; each answer rho = 1 / (2 sigma^2), exact, sigma in units of the clip.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.models.private.exact import STEPS, Contributions, discrete_gaussian

__all__ = ["largest", "norms", "sizes"]

Floats = NDArray[np.float64]


def norms(cells: Contributions, left: Floats, clip: float, widths: Sequence[int]) -> list[int]:
    """Return the norm of what rows leave over (LEFT) in each block, in whole steps of CLIP / STEPS, rounded down.

    WIDTHS are the numbers of cells of the blocks, which follow each other in CELLS.
    """
    blocks = np.split(cells.total(left, clip), np.cumsum(widths)[:-1])
    return [math.isqrt(sum(int(at) ** 2 for at in block)) for block in blocks]


def largest(
    cells: Contributions, left: Floats, clip: float, widths: Sequence[int], many: int, sigma: Fraction
) -> list[int]:
    """Return the positions of the MANY blocks with the largest `norms`, which one draw of noise SIGMA blurs."""
    found = norms(cells, left, clip, widths)
    noise = discrete_gaussian(sigma * (STEPS + len(found)), len(found))  # rounding moves each by less than one step
    noisy = [norm + int(drawn) for norm, drawn in zip(found, noise, strict=True)]
    return sorted(sorted(range(len(found)), key=lambda at: -noisy[at])[:many])


def sizes(cells: Contributions, values: Floats, clip: float, sigma: Fraction) -> Floats:
    """Return the sums of VALUES, each unit's cut to a norm of CLIP, with one draw of noise SIGMA; shape (width,)."""
    noisy = cells.total(values, clip) + discrete_gaussian(sigma * STEPS, cells.width)
    return np.asarray(noisy * (clip / STEPS), np.float64)
