"""Finds the known mistakes of private training steps: sensitivity, means, accumulation, empty or broken batches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.auditing import _views
from consentinel.protect.auditing._events import judged, tested_pairs
from consentinel.protect.auditing._finding import Finding, Pair, Plan, Release

__all__ = ["CATCHES", "Step", "audit"]

CATCHES = ("C9",)
HUGE = 1e12


@dataclass(frozen=True)
class Step:
    """One step of private training on a given batch.

    Arguments: release of gradients per example, shape (batch, width), giving n noisy updates of shape (n, width); a
    batch may be empty. Clip is the norm that an example is clipped to, width the number of parameters, and large a
    batch longer than one microbatch.
    """

    release: Release
    clip: float = 1.0
    width: int = 4
    large: int = 9


def audit(step: Step, plan: Plan) -> Finding:
    """Return whether batches with and without one example are told apart by more than the claim, in the worst cases.

    The example that is added is long, opposed to the others, alone, next to an empty batch, or holds NaN, infinities or
    numbers whose square overflows. A step that fails gives rows of NaN, which an event can be made of. The claim of
    Gaussian noise with multiplier z is Claim(1 / z, "mu", delta); plan.pairs are not used. Raises UsageError.
    Source: the pitfalls listed by the authors of jax-privacy (sharp edges); Nasr et al. 2023 for the trade-off.
    """
    if step.width < 1 or step.large < 2 or not step.clip > 0:
        raise UsageError("an audit of a training step needs a clip above 0, a width and a large batch of at least 2")

    def release(gradients: NDArray[Any], n: int) -> NDArray[Any]:
        try:
            with np.errstate(all="ignore"):
                return step.release(gradients, n)
        except (ArithmeticError, ValueError):
            return np.full((n, step.width), np.nan)

    wanted = replace(plan, pairs=tuple(_pairs(step)))
    return judged(tested_pairs(release, wanted, [_views.numbers, _views.shape, _views.exact_row], "batches"), wanted)


def _pairs(step: Step) -> Iterator[Pair]:
    """Yield a batch and the same batch with one more example."""
    along = np.zeros(step.width)
    along[0] = 1.0
    every = np.ones(step.width)
    some = np.tile(along * step.clip, (step.large, 1))
    empty = np.empty((0, step.width))
    for rest in (empty, some[:1], some[:1] * 0.3, some):
        for example in (along * step.clip, -along * HUGE, every * HUGE):
            yield rest, np.vstack([rest, example])
    for rest in (empty, some):
        for value in (np.nan, np.inf, 1e200, 1e-200, 0.0):
            yield rest, np.vstack([rest, every * value])
