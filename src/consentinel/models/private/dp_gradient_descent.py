"""Full-batch gradient descent with noise: every step looks at all rows, so nothing rests on how batches are drawn.

A step takes the sum over units (rows, or persons with all their rows) of clipped gradients, adds discrete Gaussian
noise on the lattice of `_exact`, and moves with momentum; the model is the mean over the last part of the steps. STEPS
draws of noise sigma * sqrt(steps) cost exactly what one draw of sigma costs (Dong, Roth and Su 2022, Corollary 2), so
the number of steps changes the noise and not the privacy. By what sums are divided is measured with noise too: one
hundredth of the budget counts the units.

Guarantee: add-or-remove one unit; rho = (steps + steps / 100) / (2 sigma^2), exact, sigma in units of the clip.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.models.private.exact import STEPS, Contributions, discrete_gaussian

__all__ = ["COUNTING", "Descent", "Gradient", "descended", "one_draw", "rho"]

COUNTING = Fraction(1, 100)  # what counting the units costs, in parts of what the steps cost
Floats = NDArray[np.float64]
Gradient = Callable[[Floats], Floats]  # weights -> contributions of the rows (n, a), for the indices of Contributions


@dataclass(frozen=True)
class Descent:
    """How to descend.

    Arguments: steps; rate; momentum in [0, 1); quadratic pull towards 0 (in units), of all weights or of each; the
    last part that is averaged.
    """

    steps: int
    clip: float
    rate: float
    momentum: float
    pull: float | Floats
    last: float = 0.65


def rho(sigma: Fraction, steps: int) -> Fraction:
    """Return the zCDP price of STEPS steps with noise SIGMA (in clips) and of counting the units."""
    return steps * (1 + COUNTING) / (2 * sigma**2)


def one_draw(sigma: Fraction, steps: int, part: Fraction) -> Fraction:
    """Return the noise of one draw that costs PART of what STEPS steps with noise SIGMA cost; a multiple of 1e-6."""
    return Fraction(math.isqrt(int(sigma**2 / (steps * part) * 10**12)) + 1, 10**6)


def descended(gradient: Gradient, cells: Contributions, start: Floats, sigma: Fraction, how: Descent) -> Floats:
    """Return the weights after descending from START with noise SIGMA (in clips) in every step.

    GRADIENT gives for weights what each row adds to the gradient of the loss, for the coordinates in CELLS.
    """
    counted = discrete_gaussian(one_draw(sigma, how.steps, COUNTING), 1)[0]
    units = max(1.0, float(cells.units + counted))
    theta, pace, mean = start.copy(), np.zeros_like(start), np.zeros_like(start)
    first = math.ceil(how.steps * (1 - how.last))
    noise = discrete_gaussian(sigma * STEPS, how.steps * cells.width).reshape(how.steps, cells.width)
    for step in range(how.steps):
        ahead = theta + how.momentum * pace
        seen = cells.total(gradient(ahead), how.clip) + noise[step]
        pace = how.momentum * pace - how.rate * (seen * (how.clip / STEPS) / units + how.pull / units * ahead)
        theta = theta + pace
        if step >= first:
            mean += theta / (how.steps - first)
    return mean if first < how.steps else theta
