"""Scores of outputs in which a leak may show: single numbers, projections, size, the exact row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.protect.auditing._events import Scores

__all__ = ["exact_row", "likelihood", "numbers", "shape"]

Floats = NDArray[np.float64]
FEW, CELLS = 16, 48  # coordinates that are looked at one by one, and intervals of one


def numbers(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    """Yield the output, or each coordinate where they are few, and their projection on the difference of the means."""
    if one.ndim == 1:
        yield "output", lambda outputs: outputs.astype(np.float64)
        return
    if one.shape[1] <= FEW:
        for at in range(one.shape[1]):
            yield f"coordinate {at}", lambda outputs, at=at: outputs[:, at].astype(np.float64)
    gap = np.nan_to_num(_centre(one) - _centre(two), posinf=0.0, neginf=0.0)
    spread = np.nan_to_num(np.nanvar(_finite(np.concatenate([one, two])), axis=0))
    weight = np.divide(gap, spread, out=gap.copy(), where=spread > 0)
    if weight.any():
        yield "projection on the difference of the means", lambda outputs: _finite(outputs) @ weight


def shape(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    """Yield size, largest entry and number of missing entries of an output vector."""
    if one.ndim == 1:
        return
    yield "squared length", lambda outputs: (_finite(outputs) ** 2).sum(axis=1)
    yield "largest entry", lambda outputs: np.abs(_finite(outputs)).max(axis=1)
    yield "entries that are not finite", lambda outputs: (~np.isfinite(outputs)).sum(axis=1).astype(np.float64)


def likelihood(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    """Yield the likelihood ratio of independent coordinates, each learned as a histogram, where they are few."""
    if one.ndim == 1 or not 2 <= one.shape[1] <= FEW:
        return
    learned = []
    for first, second in zip(_finite(one).T, _finite(two).T, strict=True):
        edges = np.unique(np.quantile(np.concatenate([first, second]), np.linspace(0, 1, CELLS + 1)[1:-1]))
        hits, hits2 = (
            np.bincount(np.searchsorted(edges, c, side="right"), minlength=len(edges) + 1) for c in (first, second)
        )
        learned.append((edges, np.log((hits + 0.5) / (hits2 + 0.5))))

    def score(outputs: NDArray[Any]) -> Floats:
        columns = zip(_finite(outputs).T, learned, strict=True)
        return sum(
            (ratio[np.searchsorted(edges, column, side="right")] for column, (edges, ratio) in columns),
            np.zeros(len(outputs)),
        )

    yield "likelihood ratio of the coordinates", score


def exact_row(one: NDArray[Any], two: NDArray[Any]) -> Iterator[tuple[str, Scores]]:
    """Yield a number for each distinct output row, equal for equal bytes only (but for 1 in 2^52)."""
    if one.ndim == 1:
        return
    yield "exact row", _hashed


def _hashed(outputs: NDArray[Any]) -> Floats:
    words = np.ascontiguousarray(outputs.astype(np.float64)).view(np.uint64)
    key = np.full(len(words), 0x9E3779B97F4A7C15, np.uint64)
    for column in words.T:
        key = (key ^ column) * np.uint64(0xD6E8FEB86659FD93)
        key ^= key >> np.uint64(32)
    return (key >> np.uint64(12)).astype(np.float64)


def _finite(outputs: NDArray[Any]) -> Floats:
    return np.nan_to_num(outputs.astype(np.float64), nan=0.0, posinf=1e150, neginf=-1e150)


def _centre(outputs: NDArray[Any]) -> Floats:
    return _finite(outputs).mean(axis=0)
