"""What the OpenDP parts share: the scale as a double that is never smaller, and one vectorised measurement."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import NotSupported
from consentinel.core.extras import need
from consentinel.protect.noise._drawing import INT64, asked

__all__ = ["measured", "rounded_up"]


def rounded_up(scale: Fraction) -> float:
    """Return the least double that is not below SCALE: OpenDP takes doubles, and more noise is never less private."""
    near = float(scale)
    return near if Fraction(near) >= scale else math.nextafter(near, math.inf)


def measured(scale: Fraction, n: int, *, laplace: bool) -> NDArray[np.int64]:
    """Return N draws by OpenDP's discrete Laplace or Gaussian mechanism over 64-bit integers, on zeros; shape (n,).

    Raises UsageError as every sampler; NotSupported for a scale whose noise may leave 64 bits.
    """
    asked(scale, n)
    if scale >= INT64:
        raise NotSupported("OpenDP draws 64-bit integers; for a scale from 2^54 on take discrete_gaussian/_laplace")
    measurement = _measurement(rounded_up(scale), laplace)
    return np.array(measurement(np.zeros(n, dtype=np.int64)), dtype=np.int64)


@lru_cache(maxsize=256)
def _measurement(scale: float, laplace: bool) -> Callable[[Any], Any]:
    dp: Any = need("opendp.prelude", extra="protect")
    dp.enable_features("contrib")
    over = dp.vector_domain(dp.atom_domain(T="i64"))
    if laplace:
        return dp.m.make_laplace(over, dp.l1_distance(T="i64"), scale)
    return dp.m.make_gaussian(over, dp.l2_distance(T="f64"), scale)
