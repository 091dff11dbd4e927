"""Sums of bounded contributions on the integer lattice, and exact noise on them: no floating point where it counts.

What a unit (a row, or all the rows of a person) adds is one vector. It is cut down to a Euclidean norm of one clip,
written in whole steps of clip / 2^20 by cutting off towards zero, and only then added up, in integers. So the
sensitivity is at most 2^20 steps whatever floating point did before, and discrete Gaussian noise gives exactly what
was paid (Canonne, Kamath and Steinke 2020; drawn by OpenDP).
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need

__all__ = ["STEPS", "Contributions", "discrete_gaussian"]

STEPS = 2**20  # whole steps in one clip
Floats = NDArray[np.float64]


class Contributions:
    """Which coordinates each unit can touch: rows of indices (n, a) below WIDTH, and the unit of each row (n,).

    TIMES (n,) is how many units are exactly like this one, where units are single rows.
    """

    def __init__(
        self,
        index: NDArray[np.int64],
        unit: NDArray[np.int64] | None,
        width: int,
        times: NDArray[np.int64] | None = None,
    ) -> None:
        rows = np.arange(len(index)) if unit is None else unit
        self._times = np.ones(int(rows.max()) + 1 if len(rows) else 0) if times is None else times.astype(np.float64)
        self.width, self.units = width, int(self._times.sum())
        if max(len(rows), self.units) * index.shape[1] >= 2**33:
            raise UsageError("more than 2^33 contributions: their sum would leave exact doubles; train on fewer rows")
        cells, self._of = np.unique((rows[:, None] * width + index).ravel(), return_inverse=True)
        self._unit, self._coordinate = cells // width, cells % width

    def total(self, values: Floats, clip: float) -> NDArray[np.int64]:
        """Return the sum over units of their VALUES (n, a), each cut to a norm of CLIP, in steps; shape (width,)."""
        each = np.bincount(self._of, values.ravel(), len(self._unit))
        count = len(self._times)
        norms = np.sqrt(np.bincount(self._unit, each * each, count))
        scale = STEPS / np.maximum(norms, clip)
        whole = np.trunc(each * scale[self._unit])
        for _ in range(2):  # what rounding left above the bound is made smaller, checked in whole numbers
            over = np.bincount(self._unit, whole * whole, count) > float(STEPS) ** 2
            if not over.any():
                break
            whole = np.where(over[self._unit], np.trunc(whole * (1 - 2**-10)), whole)
        return np.bincount(self._coordinate, whole * self._times[self._unit], self.width).astype(np.int64)


def discrete_gaussian(sigma: Fraction, n: int) -> NDArray[np.int64]:
    """Return N draws of discrete Gaussian noise of SIGMA whole steps, by OpenDP; shape (n,). Raises MissingExtra."""
    near = float(sigma)
    scale = near if Fraction(near) >= sigma else math.nextafter(near, math.inf)  # more noise is never less private
    return np.array(_measurement(scale)(np.zeros(n, dtype=np.int64)), dtype=np.int64)


@lru_cache(maxsize=64)
def _measurement(scale: float) -> Any:
    dp: Any = need("opendp.prelude", extra="protect")
    dp.enable_features("contrib")
    over = dp.vector_domain(dp.atom_domain(T="i64"))
    return dp.m.make_gaussian(over, dp.l2_distance(T="f64"), scale)
