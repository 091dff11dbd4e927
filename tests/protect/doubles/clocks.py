"""Samplers with a clock of their own, so that no test depends on the machine (C3)."""

from consentinel.core.rng import generator
from consentinel.protect.auditing.timing import Draws


def _ticking(seed: int, per_step: float) -> Draws:
    rng, ticks = generator(seed, "doubles.clocks"), [0.0]

    def draw() -> float:
        noise = int(rng.geometric(0.05) - rng.geometric(0.05))
        ticks[0] += 1000 + per_step * abs(noise) + float(rng.exponential(60.0))
        return noise

    return Draws(draw, lambda: ticks[0])


def looping(seed: int) -> Draws:
    """Return a sampler that loops once for each unit of its noise."""
    return _ticking(seed, 5.0)


def even(seed: int) -> Draws:
    """Return a sampler whose time does not depend on its noise."""
    return _ticking(seed, 0.0)
