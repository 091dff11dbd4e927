"""Learning from noisy tables of counts alone: what the release holds, and the model of rows and labels that fits it.

The release has, for each column and each pair of columns, the number of rows with label 0 and with label 1 in every
cell, with discrete Gaussian noise. Rows are counted by label, not once with and once without: one row then changes one
cell of each table and not two, so the noise at equal privacy is smaller by sqrt(2).

The model is log-linear: the chance of a row's values and its label is exp of a sum of weights, one for each cell of
each table (a Markov random field; Gilotte and Rohde 2021). Its expectations are computed over all combinations of
values, not sampled. Where a count o = true + noise is seen and the model expects p, the best guess of what of o - p is
not noise is (o - p) p / (p + sigma^2), as a true count is spread about p with variance p; the weights follow that.

Guarantee: add-or-remove one row; rho = sum over tables of 1 / (2 sigma^2), exact.
Assumes: public-categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.accounting import exact
from consentinel.core.errors import NotSupported, UsageError
from consentinel.models.private.exact import discrete_gaussian

__all__ = ["ASSUMES", "Prior", "Tables", "counts", "fitted", "released", "scales"]

ASSUMES = ("public-categories",)
MOST_CELLS = 4_000_000  # combinations of values that the model sums over
ROUNDS, PACE, MOMENTUM = 100, 0.15, 0.6
Floats = NDArray[np.float64]
Tensor = NDArray[Any]


@dataclass(frozen=True)
class Tables:
    """Which tables there are: sizes of the columns; singles first, then pairs, cells in the order of codes."""

    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        cells = int(np.prod(self.sizes, dtype=object))
        if len(self.sizes) < 2 or cells > MOST_CELLS:
            raise NotSupported(
                f"tables of {len(self.sizes)} columns have {cells} combinations of values; from noisy tables alone a "
                f"model is trained on at least 2 columns and at most {MOST_CELLS} combinations: name fewer columns"
            )

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """The columns of each table."""
        at = range(len(self.sizes))
        return [(one,) for one in at] + list(combinations(at, 2))

    @property
    def cells(self) -> list[int]:
        """The number of cells of each table."""
        return [int(np.prod([self.sizes[at] for at in block])) for block in self.blocks]

    def tensor(self, weights: Floats) -> Tensor:
        """Return the sums of WEIGHTS (cells of all tables) for every combination of values."""
        ends = np.cumsum(self.cells)
        left = dict(zip(self.blocks, np.split(weights.astype(np.float32), ends[:-1]), strict=True))
        total = np.zeros(self.sizes, dtype=np.float32)
        for kept in _thirds(len(self.sizes)):  # few sums over all combinations, many over a part of the columns
            part = np.zeros([size if at in kept else 1 for at, size in enumerate(self.sizes)], dtype=np.float32)
            for block in [block for block in left if set(block) <= set(kept)]:
                part += left.pop(block).reshape([size if at in block else 1 for at, size in enumerate(self.sizes)])
            total += part
        return total

    def sums(self, tensor: Tensor) -> Floats:
        """Return the cells of all tables of TENSOR."""
        found: dict[tuple[int, ...], Tensor] = {}
        self._split(tensor, tuple(range(len(self.sizes))), found)
        last = range(1, len(self.sizes))
        singles = [found[(0, 1)].sum(axis=1), *(found[(0, at)].sum(axis=0) for at in last)]
        parts = [*singles, *(found[pair] for pair in self.blocks[len(self.sizes) :])]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float64)

    def _split(self, tensor: Tensor, axes: tuple[int, ...], found: dict[tuple[int, ...], Tensor]) -> None:
        """Add every pair within AXES, the columns of TENSOR: any pair lies within two of three groups of columns."""
        if len(axes) == 2:
            found[axes] = tensor
            return
        for places in _thirds(len(axes)):
            gone = tuple(place for place in range(len(axes)) if place not in places)
            self._split(tensor.sum(axis=gone), tuple(axes[place] for place in places), found)


@dataclass(frozen=True)
class Prior:
    """How far weights are pulled to 0: of labels, by single cells and by pairs; of rows, by single cells and pairs."""

    label_single: float = 4.0
    label_pair: float = 64.0
    row_single: float = 0.5
    row_pair: float = 1.0


def counts(codes: NDArray[np.int64], label: Floats, tables: Tables) -> NDArray[np.int64]:
    """Return the exact counts of rows with label 0 and 1, shape (2, cells of all tables)."""
    found = []
    for of in (0.0, 1.0):
        rows = codes[label == of]
        parts = []
        for block, cells in zip(tables.blocks, tables.cells, strict=True):
            code = rows[:, block[0]]
            if len(block) == 2:
                code = code * tables.sizes[block[1]] + rows[:, block[1]]
            parts.append(np.bincount(code, minlength=cells))
        found.append(np.concatenate(parts))
    return np.array(found, dtype=np.int64)


def scales(sigma: Fraction, tables: Tables, singles: str) -> list[Fraction]:
    """Return the noise of each table when all of them together cost what one draw of SIGMA on one count costs.

    SINGLES, an exact share in (0, 1), is the part of the budget that the single columns get. Scales are rounded up.
    """
    share = exact(singles, "the share of the single columns")
    if share >= 1:
        raise UsageError("the share of the single columns is below 1: pairs need noise too")
    parts = len(tables.sizes), len(tables.blocks) - len(tables.sizes)
    by = [_root_up(sigma**2 * parts[kind] / (share, 1 - share)[kind]) for kind in (0, 1)]
    return [by[len(block) - 1] for block in tables.blocks]


def released(exact_counts: NDArray[np.int64], sigmas: Sequence[Fraction], tables: Tables) -> NDArray[np.int64]:
    """Return EXACT_COUNTS (2, cells) with discrete Gaussian noise of SIGMAS, one for each table."""
    noisy, start = exact_counts.copy(), 0
    for cells, sigma in zip(tables.cells, sigmas, strict=True):
        noisy[:, start : start + cells] += discrete_gaussian(sigma, 2 * cells).reshape(2, cells)
        start += cells
    return noisy


def fitted(noisy: NDArray[np.int64], sigmas: Sequence[Fraction], tables: Tables, prior: Prior) -> tuple[float, Floats]:
    """Return the constant and the weights of the label (cells of all tables) that fit NOISY tables.

    Only what was released is used: NOISY (2, cells) and the scales of its noise.
    """
    wide = [np.full(cells, float(sigma) ** 2) for cells, sigma in zip(tables.cells, sigmas, strict=True)]
    variance, first = np.concatenate(wide), len(tables.sizes)
    singles = sum(tables.cells[:first])
    pairs = sum(tables.cells[first:])
    pull_label = 2 * np.repeat([prior.label_single, prior.label_pair], [singles, pairs])
    pull_row = 2 * np.repeat([prior.row_single, prior.row_pair], [singles, pairs])
    seen = noisy.astype(np.float64)
    each = [max(1.0, float(np.mean([side[a:b].sum() for a, b in _spans(tables, first)]))) for side in seen]
    total, constant = sum(each), float(np.log(each[1] / each[0]))
    row, label = np.zeros(singles + pairs), np.zeros(singles + pairs)
    row[:singles] = np.log(np.maximum(seen[:, :singles].sum(axis=0), 1.0) / total)
    row_step, label_step = np.zeros_like(row), np.zeros_like(label)
    for _ in range(ROUNDS):
        base = tables.tensor(row)
        zero = np.exp(base - base.max())
        one = zero * np.exp(tables.tensor(label) + np.float32(constant))
        mass = total / (zero.sum(dtype=np.float64) + one.sum(dtype=np.float64))
        expected = [tables.sums(zero) * mass, tables.sums(one) * mass]
        trust = [at / (at + variance) for at in expected]
        gap = [(seen[side] - expected[side]) * trust[side] for side in (0, 1)]
        sure = [expected[side] * trust[side] for side in (0, 1)]
        towards = (gap[0] + gap[1] - pull_row * row) / (pull_row + sure[0] + sure[1] + 1)
        row_step = MOMENTUM * row_step + PACE * towards
        label_step = MOMENTUM * label_step + PACE * (gap[1] - pull_label * label) / (pull_label + sure[1] + 1)
        row, label = row + row_step, label + label_step
    return constant, label


def _thirds(count: int) -> list[tuple[int, ...]]:
    """Return COUNT columns without each third of them: every pair of columns lies within one."""
    if count == 2:
        return [(0, 1)]
    thirds = np.array_split(np.arange(count)[::-1], 3)
    return [tuple(at for at in range(count) if at not in third) for third in thirds]


def _spans(tables: Tables, first: int) -> list[tuple[int, int]]:
    ends = np.cumsum(tables.cells[:first])
    return [(int(end - cells), int(end)) for end, cells in zip(ends, tables.cells[:first], strict=True)]


def _root_up(square: Fraction) -> Fraction:
    """Return a multiple of 1e-6 that is not below the root of SQUARE."""
    near = Fraction(int(float(square) ** 0.5 * 10**6), 10**6)
    while near**2 < square:
        near += Fraction(1, 10**6)
    return near
