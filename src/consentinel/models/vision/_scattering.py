"""Wavelet scattering of pictures: two layers of Morlet wavelets and moduli, averaged by a Gaussian (J = 2, L = 8).

Nothing here is learned and nothing depends on the data, so it costs no privacy. The transform is that of kymatio's
Scattering2D (a test compares them); it is written again because kymatio's front ends do not import under new SciPy,
and because the Gaussian separates: averages become two small matrix products, which is several times faster.

Sources: Bruna and Mallat 2013, section 2; Oyallon and Mallat 2015, section 2.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.extras import need

__all__ = ["CHANNELS", "scattered", "side"]

Floats = NDArray[np.float32]
ANGLES, STEP, AT_ONCE = 8, 4, 64
CHANNELS = 1 + 2 * ANGLES + ANGLES * ANGLES  # 81 for each colour
LEAST_SIDE, MOST_SIDE = 8, 512


def side(pixels: int) -> int:
    """Return how many places one side of PIXELS has after averaging: one in four."""
    return pixels // STEP


def scattered(pictures: NDArray[np.uint8]) -> Floats:
    """Return the scattering coefficients of PICTURES (n, height, width, colours), in [0, 255].

    Shape: (n, colours * 81, height // 4, width // 4); 81 is 1 average, 16 of the first and 64 of the second layer.
    Raises UsageError for sides outside [8, 512].
    """
    n, height, width, colours = pictures.shape
    if not all(LEAST_SIDE <= pixels <= MOST_SIDE for pixels in (height, width)):
        raise UsageError(f"pictures have sides of {LEAST_SIDE} to {MOST_SIDE} pixels, got {height} x {width}")
    planes = pictures.transpose(0, 3, 1, 2).reshape(n * colours, height, width)
    found = np.empty((n * colours, CHANNELS, side(height), side(width)), np.float32)
    _bank(height, width)  # made once, before the threads ask for it

    def some(start: int) -> None:
        part = planes[start : start + AT_ONCE].astype(np.float32) / np.float32(255)
        found[start : start + AT_ONCE] = _layers(part)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(some, range(0, n * colours, AT_ONCE)))
    return found.reshape(n, colours * CHANNELS, side(height), side(width))


def _layers(x: Floats) -> Floats:
    fft = need("scipy.fft", extra="models")
    height, width = x.shape[1:]
    wavelets, whole, half = _bank(height, width)
    fine, coarse = wavelets
    (top, left), (tall, wide) = _margins(height, width)
    x = np.pad(x, ((0, 0), (top, tall - height - top), (left, wide - width - left)), mode="reflect")
    spectrum = fft.fft2(x)
    first = np.abs(fft.ifft2(spectrum[:, None] * fine))
    found = [_averaged(x, whole)[:, None], _averaged(first, whole)]
    found.append(_averaged(np.abs(fft.ifft2(_halved(spectrum[:, None] * coarse))), half))
    again = fft.fft2(first)
    for angle in range(ANGLES):
        found.append(_averaged(np.abs(fft.ifft2(_halved(again[:, angle, None] * coarse))), half))
    return np.concatenate(found, axis=1)


def _averaged(x: Floats, by: tuple[Floats, Floats]) -> Floats:
    return np.asarray(by[0] @ x @ by[1])


def _halved(spectrum: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return the spectrum of every second pixel: a half of the frequencies folds onto the other."""
    tall, wide = spectrum.shape[-2] // 2, spectrum.shape[-1] // 2
    rows = spectrum[..., :tall, :] + spectrum[..., tall:, :]
    return np.asarray((rows[..., :wide] + rows[..., wide:]) * np.float32(0.25))


def _margins(height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (top, left) and the (height, width) of the padded picture: at least two places more, on the grid of 4."""
    padded = [((pixels + STEP) // STEP + 1) * STEP for pixels in (height, width)]
    return ((padded[0] - height) // 2, (padded[1] - width) // 2), (padded[0], padded[1])


@cache
def _bank(height: int, width: int) -> tuple[Floats, tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the spectra of the wavelets (2 scales, 8 angles, padded shape) and the averaging matrices."""
    (_, _), (tall, wide) = _margins(height, width)
    turns = [(ANGLES // 2 - 1 - k) * np.pi / ANGLES for k in range(ANGLES)]
    wavelets = np.stack([[_morlet(tall, wide, scale, turn) for turn in turns] for scale in (0, 1)])
    whole, half = ((_average(tall, side(height), size), _average(wide, side(width), size).T.copy()) for size in (1, 2))
    return wavelets.astype(np.float32), whole, half


def _morlet(tall: int, wide: int, scale: int, turn: float) -> NDArray[np.float64]:
    """Return the real spectrum of a Morlet wavelet: an oriented wave under a Gaussian, less what gives it a mean."""
    sigma, frequency, slant = 0.8 * 2**scale, 3 * np.pi / 4 / 2**scale, 4 / ANGLES
    wave, envelope = np.zeros((tall, wide), complex), np.zeros((tall, wide))
    for down in range(-2, 3):  # the picture is periodic
        for across in range(-2, 3):
            y, x = np.mgrid[down * tall : (down + 1) * tall, across * wide : (across + 1) * wide]
            along, beside = np.cos(turn) * y + np.sin(turn) * x, np.cos(turn) * x - np.sin(turn) * y
            gauss = np.exp(-(along**2 + (slant * beside) ** 2) / (2 * sigma**2))
            wave += gauss * np.exp(1j * frequency * along)
            envelope += gauss
    wave = (wave - wave.sum() / envelope.sum() * envelope) * slant / (2 * np.pi * sigma**2)
    return np.asarray(np.fft.fft2(wave).real)


def _average(padded: int, places: int, size: int) -> Floats:
    """Return the matrix (places, padded / size) that averages one side around every fourth pixel of the picture."""
    sigma = 0.8 * 2
    x = np.arange(-2 * padded, 3 * padded)
    bell = np.exp(-(x**2) / (2 * sigma**2)).reshape(5, padded).sum(0) / np.sqrt(2 * np.pi) / sigma
    spectrum = np.fft.fft(bell).real
    if size == 2:  # at half the size there are only the low frequencies
        spectrum = np.concatenate([spectrum[: padded // 4], spectrum[-(padded // 4) :]])  # padded is on the grid of 4
    bell = np.fft.ifft(spectrum).real
    at = (np.arange(places) + 1) * STEP // size
    return np.asarray(bell[(at[:, None] - np.arange(padded // size)) % (padded // size)], np.float32)
