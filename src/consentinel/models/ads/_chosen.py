"""Descent of a logistic model that chooses its pairs of columns: singles first, then the pairs that they lack most.

Noise on a sum over rows is as wide in a cell of ten rows as in one of ten thousand. So how many rows cells have is
measured too, and a weight whose gradient has variance v from rows is pulled (v + noise^2) / v times as much.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from consentinel.core.stats import sigmoid
from consentinel.models.ads._encode import Encoding, Sparse
from consentinel.models.private import block_choice
from consentinel.models.private.dp_gradient_descent import Descent, Gradient, descended, one_draw
from consentinel.models.private.exact import Contributions

__all__ = ["EXTRA", "Chooser", "slope"]

CHOICE, SIZES = Fraction(1, 10), Fraction(1, 50)  # what the choice and the sizes cost, in parts of what steps cost
EXTRA = CHOICE + SIZES
EARLY, AVERAGED = 0.45, 0.9  # steps before the choice; the part of those after it whose weights are averaged
Floats = NDArray[np.float64]


def slope(x: Sparse, y: Floats) -> Gradient:
    """Return the function that gives what each row of X with label Y adds to the gradient."""

    def gradient(theta: Floats) -> Floats:
        found: Floats = x.value * (sigmoid(x.dot(theta)) - y)[:, None]
        return found

    return gradient


@dataclass(frozen=True)
class Chooser:
    """Chooses MANY pairs and descends by HOW, whose clip is in norms of a row and whose rate is for norm sqrt(6).

    PULL is that of pairs (in rows), SCALE the value of a pair in X. UNIT says whose each row is, TIMES how often it
    counts.
    """

    encoding: Encoding
    x: Sparse
    y: Floats
    unit: NDArray[np.int64] | None
    times: NDArray[np.int64] | None
    how: Descent
    many: int
    pull: float
    scale: float

    def weights(self, sigma: Fraction) -> Floats:
        """Return the weights (width of X); every step draws noise SIGMA, and the rest costs EXTRA of all steps."""
        singles, steps = len(self.encoding.categorical), self.how.steps
        early, theta = max(1, round(steps * EARLY)), np.zeros(self.x.width)
        part, kept, norm = self._with([])
        theta[kept] = self._descended(part, norm, theta[kept], sigma, early, self.how.pull)
        widths = self.encoding.cells[singles:]
        columns = slice(1 + singles, 1 + singles + len(widths))
        cells = self._cells(self.x.index[:, columns] - 1 - sum(self.encoding.cells[:singles]), sum(widths))
        left = slope(self.x, self.y)(theta)[:, columns]
        clip = self.how.clip * self.scale * math.sqrt(len(widths))
        picked = block_choice.largest(cells, left, clip, widths, self.many, one_draw(sigma, steps, CHOICE))
        part, kept, norm = self._with([singles + at for at in picked])
        clip = max(1.0, self.how.clip) * math.sqrt(part.index.shape[1])
        cells, small = self._cells(part.index, part.width), one_draw(sigma, steps, SIZES)
        spread = np.maximum(block_choice.sizes(cells, part.value**2, clip, small), 1.0) / 4
        noise = float(sigma) * self.how.clip * norm / math.sqrt(steps - early)
        own = np.full(part.width, self.how.pull)
        paired = (kept > sum(self.encoding.cells[:singles])) & (kept < self.x.width - len(self.encoding.numeric))
        own[paired] = self.pull * self.scale**2
        found = self._descended(part, norm, theta[kept], sigma, steps - early, own * (1 + noise**2 / spread))
        theta[kept] = found
        return theta

    def _with(self, pairs: list[int]) -> tuple[Sparse, NDArray[np.int64], float]:
        """Return X with single columns and the blocks PAIRS only, its coordinates in X, and the largest norm."""
        singles, numbers = len(self.encoding.categorical), len(self.encoding.numeric)
        ends = np.cumsum([1, *self.encoding.cells])
        tables = [np.arange(ends[at], ends[at + 1]) for at in (*range(singles), *pairs)]
        kept = np.concatenate([[0], *tables, np.arange(self.x.width - numbers, self.x.width)]).astype(np.int64)
        place = np.full(self.x.width, -1)
        place[kept] = np.arange(len(kept))
        all_columns = self.x.index.shape[1]
        columns = [*range(1 + singles), *(1 + at for at in pairs), *range(all_columns - numbers, all_columns)]
        part = Sparse(place[self.x.index[:, columns]], self.x.value[:, columns], len(kept))
        return part, kept, math.sqrt(1 + singles + len(pairs) * self.scale**2 + numbers)

    def _cells(self, index: NDArray[np.int64], width: int) -> Contributions:
        return Contributions(index, self.unit, width, self.times)

    def _descended(
        self, part: Sparse, norm: float, start: Floats, sigma: Fraction, steps: int, pull: float | Floats
    ) -> Floats:
        how = replace(self.how, steps=steps, clip=self.how.clip * norm, rate=self.how.rate * 6 / norm**2, pull=pull)
        last = AVERAGED if isinstance(pull, np.ndarray) else how.last
        cells = self._cells(part.index, part.width)
        return descended(slope(part, self.y), cells, start, sigma, replace(how, last=last))
