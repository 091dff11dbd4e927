"""Releases of a sum with seeded noise: two that lie on a lattice, three that do not (C1)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.protect.auditing._finding import Release

Array = NDArray[Any]


def _geometric(rng: np.random.Generator, scale: float, n: int) -> NDArray[np.int64]:
    p = -np.expm1(-1 / scale)
    return rng.geometric(p, n) - rng.geometric(p, n)


def discrete_laplace(seed: int, scale: float = 1.0) -> Release:
    """Return whole-number noise on a whole-number sum."""
    rng = generator(seed, "doubles.noise")
    return lambda data, n: int(data.sum()) + _geometric(rng, scale, n)


def rounded_to_lattice(seed: int, step: float = 2.0**-10) -> Release:
    """Return noise of a lattice on a sum that is rounded to that lattice first."""
    rng = generator(seed, "doubles.noise")
    return lambda data, n: (np.rint(data.sum() / step) + _geometric(rng, 1 / step, n)) * step


def float_laplace(seed: int) -> Release:
    """Return the textbook mechanism: a float plus a float Laplace draw (Mironov 2012)."""
    rng = generator(seed, "doubles.noise")
    return lambda data, n: data.sum() + rng.laplace(0.0, 1.0, n)


def float_gaussian(seed: int) -> Release:
    """Return a float plus a float normal draw."""
    rng = generator(seed, "doubles.noise")
    return lambda data, n: data.sum() + rng.normal(0.0, 1.0, n)


def off_the_lattice(seed: int) -> Release:
    """Return exact whole-number noise on a sum that was not rounded."""
    rng = generator(seed, "doubles.noise")
    return lambda data, n: data.sum() + _geometric(rng, 1.0, n)


def no_noise(seed: int) -> Release:
    """Return the sum itself (SmartNoise #128, #317: no bounds, no noise)."""
    return lambda data, n: np.full(n, data.sum())


def half_the_noise(seed: int) -> Release:
    """Return discrete Laplace noise of half the scale that is claimed."""
    return discrete_laplace(seed, 0.5)
