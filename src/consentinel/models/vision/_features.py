"""Scattering coefficients made comparable without looking at any other picture: group normalisation and unit length."""

import numpy as np
from numpy.typing import NDArray

from consentinel.models.vision._scattering import CHANNELS, scattered, side

__all__ = ["GROUPS", "coefficients", "normalised", "unit", "width_of"]

Floats = NDArray[np.float32]
GROUPS = 27  # for each colour: three channels in each


def coefficients(x: NDArray[np.uint8]) -> Floats:
    """Return the normalised scattering coefficients of pictures X (n, height, width, channels), shape (n, d)."""
    return normalised(scattered(x))


def width_of(size: tuple[int, int, int]) -> int:
    """Return how many coefficients a picture of SIZE (height, width, channels) has."""
    return size[2] * CHANNELS * side(size[0]) * side(size[1])


def normalised(coefficients: Floats, groups: int = GROUPS) -> Floats:
    """Return COEFFICIENTS (n, channels, height, width) as unit vectors (n, d) after group normalisation.

    Each of the GROUPS for every 81 channels gets mean 0 and variance 1 within one picture, so that nothing depends on
    other pictures and no privacy is spent. Source: Wu and He 2018; for scattering Tramer and Boneh 2021, section 3.
    """
    n, channels = coefficients.shape[:2]
    x = coefficients.reshape(n, groups * (channels // CHANNELS), -1)
    x = x - x.mean(axis=2, keepdims=True)
    x /= np.sqrt(np.mean(x * x, axis=2, keepdims=True) + np.float32(1e-5))
    return unit(x.reshape(n, -1))


def unit(x: Floats) -> Floats:
    """Return the rows of X (n, d) with Euclidean length 1; a row of zeros stays one."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-6)), np.float32)
