"""Finds batches that are not drawn the way an amplified epsilon assumes: Poisson sampling."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.progress import each
from consentinel.core.rng import generator
from consentinel.core.stats import holm
from consentinel.protect.auditing._finding import Finding, Plan, settled

__all__ = ["CATCHES", "Batches", "audit"]

CATCHES = ("C4",)
LOOKS = (
    "how many rows are drawn", "the spread of batch sizes", "the spread of how often a row is drawn",
    "a row in two batches that follow one another", "neighbouring rows in one batch", "pairs of rows in one batch",
)  # fmt: skip


CELLS = 1_000_000  # of reference samples held at once


@dataclass(frozen=True)
class Batches:
    """A loader of batches.

    Arguments: draw(rounds), which gives what ROUNDS successive batches hold, shape (rounds, rows), counts of each row;
    rows in the table; rate at which each row is said to be in each batch, independently.
    """

    draw: Callable[[int], NDArray[Any]]
    rows: int
    rate: float
    rounds: int = 100


def audit(batches: Batches, plan: Plan) -> Finding:
    """Return whether the batches look like Poisson samples, in marginals, pairs and over time.

    Six statistics of the inclusion matrix are compared with those of exact Poisson samples (a Monte Carlo test, Holm's
    correction). Where it refutes, an epsilon amplified by sampling must not be reported.
    Raises UsageError for a rate outside (0, 1) or fewer than 2 rows; ContractBroken for a matrix of another shape.
    Source: Chua et al. 2024; Besag and Clifford 1989 (Monte Carlo tests).
    """
    if not 0 < batches.rate < 1 or batches.rows < 2 or batches.rounds < 2:
        raise UsageError("a test of sampling needs a rate in (0, 1), and at least 2 rows and 2 rounds")
    drawn = np.asarray(batches.draw(batches.rounds))
    if drawn.shape != (batches.rounds, batches.rows) or (drawn < 0).any():
        raise ContractBroken(f"a loader should give counts of shape ({batches.rounds}, {batches.rows})")
    seen = _statistics(drawn[None], batches.rate)[0]
    rng, tries = generator(plan.seed, "protect.auditing.sampling"), max(999, math.ceil(2.2 * len(LOOKS) / plan.alpha))
    block = max(1, CELLS // drawn.size)
    made = np.concatenate(
        [
            _statistics(rng.random((min(block, tries - at), *drawn.shape), np.float32) < batches.rate, batches.rate)
            for at in each(range(0, tries, block), "reference samples")
        ]
    )
    low, high = (made <= seen).sum(axis=0), (made >= seen).sum(axis=0)
    adjusted = holm(np.minimum(1.0, 2 * (1 + np.minimum(low, high)) / (1 + tries)))
    at = int(adjusted.argmin())
    usual = np.median(made[:, at])
    numbers = f"{seen[at]:,.4g} where Poisson sampling gives about {usual:,.4g}"
    return settled(
        plan,
        broken=f"batches are not Poisson samples: {LOOKS[at]}: {numbers}; report no epsilon amplified by sampling",
        sound=f"batches look like Poisson samples in {len(LOOKS)} statistics; farthest: {LOOKS[at]}, {numbers}",
        p=float(adjusted[at]),
        n=drawn.size,
    )


def _statistics(drawn: NDArray[Any], rate: float) -> NDArray[np.float64]:
    """Return the statistics named in LOOKS of samples, shape (samples, rounds, rows); shape (samples, 6)."""
    off = drawn.astype(np.float32) - np.float32(rate)
    other = off.transpose(0, 2, 1)
    together = other @ off if off.shape[1] > off.shape[2] else off @ other  # equal squares of their entries
    sizes, times = off.sum(axis=2), off.sum(axis=1)
    looks = [
        drawn.sum(axis=(1, 2)), (sizes**2).mean(axis=1), (times**2).mean(axis=1),
        np.einsum("sij,sij->s", off[:, 1:], off[:, :-1]), np.einsum("sij,sij->s", off[:, :, 1:], off[:, :, :-1]),
        np.einsum("sij,sij->s", together, together),
    ]  # fmt: skip
    return np.stack(looks, axis=1).astype(np.float64)
