"""Steps of private training in NumPy, noise multiplier 1: one that holds, seven with a known mistake (C9)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.rng import generator
from consentinel.protect.auditing.canaries import Canaries
from consentinel.protect.auditing.training import Step

CLIP, WIDTH, EXPECTED, MICRO = 1.0, 4, 4.0, 4

Array = NDArray[Any]


def clipped(gradients: Array) -> Array:
    """Return GRADIENTS with norm CLIP at most; those that are not finite, or overflow, are dropped."""
    safe = np.where(np.isfinite(gradients).all(axis=1, keepdims=True), gradients, 0.0)
    most = np.abs(safe).max(axis=1, initial=0.0)[:, None]
    scaled = safe / np.maximum(most, 1.0)  # so that squares do not overflow
    norm = np.sqrt((scaled**2).sum(axis=1))[:, None] * np.maximum(most, 1.0)
    return safe / np.maximum(1.0, norm / CLIP)


def _noise(seed: int, scale: float = CLIP) -> Any:
    rng = generator(seed, "doubles.steps")
    return lambda n: rng.normal(0.0, scale, (n, WIDTH))


def sound(seed: int) -> Step:
    """Return clip, sum, noise, and a public divisor."""
    noise = _noise(seed)
    return Step(lambda g, n: (clipped(g).sum(axis=0) + noise(n)) / EXPECTED, CLIP, WIDTH)


def mean_not_sum(seed: int) -> Step:
    """Return a mean over the batch as it came, with the noise divided alike."""
    noise = _noise(seed)
    return Step(lambda g, n: (clipped(g).sum(axis=0) + noise(n)) / max(1, len(g)), CLIP, WIDTH)


def wrong_sensitivity(seed: int) -> Step:
    """Return gradients clipped in each coordinate, whose norm is twice what the noise was made for."""
    noise = _noise(seed)
    return Step(lambda g, n: np.clip(np.nan_to_num(g), -CLIP, CLIP).sum(axis=0) + noise(n), CLIP, WIDTH)


def clipped_after_sum(seed: int) -> Step:
    """Return the summed gradient clipped once: one example can turn it around."""
    noise = _noise(seed)
    return Step(lambda g, n: clipped(clipped(g).sum(axis=0, keepdims=True) * 10)[0] + noise(n), CLIP, WIDTH)


def accumulated(seed: int) -> Step:
    """Return microbatches that are added up, with the noise of one step shared out among them and added once."""
    noise = _noise(seed)

    def release(g: Array, n: int) -> Array:
        steps = max(1, -(-len(g) // MICRO))
        return clipped(g).sum(axis=0) + noise(n) / steps

    return Step(release, CLIP, WIDTH)


def skipping_empty(seed: int) -> Step:
    """Return nothing but zeros for an empty batch."""
    noise = _noise(seed)
    return Step(lambda g, n: clipped(g).sum(axis=0) + noise(n) if len(g) else np.zeros((n, WIDTH)), CLIP, WIDTH)


def passing_nan(seed: int) -> Step:
    """Return a clip whose factor min(1, NaN) lets a broken example through."""
    noise = _noise(seed)

    def release(g: Array, n: int) -> Array:
        norm = np.sqrt((g**2).sum(axis=1, keepdims=True))
        return (g * np.fmin(1.0, CLIP / norm)).sum(axis=0) + noise(n)

    return Step(release, CLIP, WIDTH)


def failing_on_empty(seed: int) -> Step:
    """Return a step that fails on an empty batch."""
    noise = _noise(seed)

    def release(g: Array, n: int) -> Array:
        if not len(g):
            raise ValueError("stack expects a non-empty list")
        return clipped(g).sum(axis=0) + noise(n)

    return Step(release, CLIP, WIDTH)


def one_run_with_noise(seed: int) -> Canaries:
    """Return a run with 2,000 canaries, each along its own direction, whose parts of the noisy sum are the scores."""
    return _one_run(seed, 2 * CLIP)


def one_run_without_noise(seed: int) -> Canaries:
    """Return such a run whose noise was divided by the batch size once too often."""
    return _one_run(seed, 2 * CLIP / 8)


def _one_run(seed: int, scale: float) -> Canaries:
    rng = generator(seed, "doubles.one_run")
    included = rng.random(2000) < 0.5
    return Canaries(lambda inside: inside * CLIP + rng.normal(0.0, scale, inside.size), included.size, included)
