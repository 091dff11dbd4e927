"""Weights between NumPy, torch and model files, and a seed for torch that leaves the program's own stream alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.core.rng import generator

__all__ = ["arrays_of", "seeded", "tensors_of"]


@contextmanager
def seeded(seed: int, *names: str) -> Iterator[Any]:
    """Give torch, whose random numbers inside the block belong to SEED and NAMES and afterwards go on as before."""
    torch = need("torch", extra="models")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(seed, *names).integers(2**62)))
        yield torch


def tensors_of(torch: Any, weights: Mapping[str, NDArray[Any]], *, learn: bool) -> dict[str, Any]:
    """Return WEIGHTS as tensors of their own memory, which gradients are kept for where they should LEARN."""
    return {name: torch.tensor(np.asarray(array), requires_grad=learn) for name, array in weights.items()}


def arrays_of(weights: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return copies of WEIGHTS as arrays."""
    return {name: one.detach().numpy().copy() for name, one in weights.items()}
