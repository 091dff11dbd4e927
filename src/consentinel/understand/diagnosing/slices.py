"""Slices of a table (one value of a dimension, or one value of each of two) and their counts step by step."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Ints", "Rows", "Slice", "Slices", "members", "sliced"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST = 10.0  # a smaller count over both windows is no slice of its own
MOST = 20_000  # slices, the largest ones


@dataclass(frozen=True)
class Rows:
    """Rows by step: `at` (n,) in [0, steps); counts (n,) and totals (n,) or None; by dimension codes and names."""

    at: Ints
    counts: Floats
    totals: Floats | None
    steps: int
    codes: dict[str, Ints]
    names: dict[str, Sequence[str]]


@dataclass(frozen=True)
class Slice:
    """One slice: pairs (dimension, value), none for everything."""

    of: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return " & ".join(f"{dimension} = {value}" for dimension, value in self.of) or "everything"


@dataclass(frozen=True)
class Slices:
    """Slices with their counts (k, steps) and totals (k, steps) or None; `same` lists the others with equal rows."""

    slices: list[Slice]
    counts: Floats
    totals: Floats | None
    same: list[list[Slice]]
    left: int

    def depths(self) -> Ints:
        """Return how many dimensions each slice names; shape (k,)."""
        return np.array([len(one.of) for one in self.slices], np.int64)


def sliced(rows: Rows, depth: int) -> Slices:
    """Return everything, and the slices of ROWS that name up to DEPTH (1 or 2) dimensions.

    Slices with the same counts and totals at all steps are one: the one that names fewer dimensions stands for them.
    Slices of fewer than ten counts are left out (their number is told), and beyond 20,000 the smallest ones.
    """
    found: list[Slice] = [Slice(())]
    every = np.zeros(len(rows.at), np.int64)
    counts = [_table(rows, every, rows.counts, 1)]
    totals = None if rows.totals is None else [_table(rows, every, rows.totals, 1)]
    left = 0
    for level in range(1, depth + 1):
        for dimensions in combinations(rows.codes, level):
            keys, picked = _keys(rows, dimensions)
            many = len(picked)
            table = _table(rows, keys, rows.counts, many)
            large = np.flatnonzero(table.sum(axis=1) >= LEAST)
            left += many - len(large)
            counts.append(table[large])
            if totals is not None and rows.totals is not None:
                totals.append(_table(rows, keys, rows.totals, many)[large])
            found += [
                Slice(tuple((name, str(rows.names[name][code])) for name, code in zip(dimensions, one, strict=True)))
                for one in picked[large].tolist()
            ]
    return _merged(found, np.concatenate(counts), None if totals is None else np.concatenate(totals), left)


def members(rows: Rows, one: Slice) -> NDArray[np.bool_]:
    """Return which of ROWS lie in the slice ONE; shape (n,)."""
    inside = np.ones(len(rows.at), bool)
    for dimension, value in one.of:
        inside &= rows.codes[dimension] == list(rows.names[dimension]).index(value)
    return inside


def _keys(rows: Rows, dimensions: Sequence[str]) -> tuple[Ints, Ints]:
    """Return for each row which combination of values of DIMENSIONS it has, and the combinations (many, level)."""
    key = np.zeros(len(rows.at), np.int64)
    for name in dimensions:
        key = key * len(rows.names[name]) + rows.codes[name]
    there, keys = np.unique(key, return_inverse=True)
    parts = []
    for name in reversed(dimensions):
        parts.append(there % len(rows.names[name]))
        there = there // len(rows.names[name])
    return keys.astype(np.int64), np.stack(parts[::-1], axis=1)


def _table(rows: Rows, keys: Ints, values: Floats, many: int) -> Floats:
    sums = np.bincount(keys * rows.steps + rows.at, values, many * rows.steps)
    return sums.astype(np.float64).reshape(many, rows.steps)


def _merged(found: list[Slice], counts: Floats, totals: Floats | None, left: int) -> Slices:
    order = np.argsort(-counts.sum(axis=1), kind="stable")[:MOST]
    order = np.sort(order)  # fewer dimensions first
    left += len(counts) - len(order)
    first: dict[bytes, int] = {}
    kept: list[int] = []
    same: list[list[Slice]] = []
    for at in order.tolist():
        mark = counts[at].tobytes() + (b"" if totals is None else totals[at].tobytes())
        if mark in first:
            same[first[mark]].append(found[at])
        else:
            first[mark] = len(kept)
            kept.append(at)
            same.append([])
    return Slices([found[at] for at in kept], counts[kept], None if totals is None else totals[kept], same, left)
