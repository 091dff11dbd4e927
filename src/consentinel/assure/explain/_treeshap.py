"""Exact Shapley values of sums of regression trees, path-dependent (TreeSHAP), for many rows at once.

Of one leaf, the game over the features of its path is a product: a feature that is known keeps the row on the path or
not, one that is not known keeps the share of training rows that stayed on it. The Shapley weights of such a product are
an integral of a polynomial over [0, 1], which Gauss and Legendre's rule gives exactly.
Source: Lundberg et al. 2020 (path-dependent TreeSHAP, its game); Owen 1972 (the integral).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import ContractBroken

__all__ = ["Floats", "Path", "contributions", "paths", "scores"]

Floats = NDArray[np.float64]
_CELLS = 2_000_000  # rows times leaves times features of a path held at once: 16 MB an array
_NEEDED = ("feature", "threshold", "left", "right", "value", "cover")


@dataclass(frozen=True)
class Path:
    """A tree seen from its leaves.

    Arguments: feature and threshold of its splits (nodes,); value of each leaf (leaves,); slots, the features on the
    path of a leaf, each once (leaves, depth), -1 for none; share, of the training rows that each of them keeps (leaves,
    depth); steps, splits one below the other: leaf, slot, split, whether the path goes left (each (m,)).
    """

    feature: NDArray[np.int64]
    threshold: Floats
    value: Floats
    slots: NDArray[np.int64]
    share: Floats
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]

    @property
    def expected(self) -> float:
        """The mean of the tree over the rows that it was grown on."""
        return float(self.value @ self.share.prod(axis=1))


def paths(trees: Sequence[Mapping[str, NDArray[Any]]], width: int) -> list[Path]:
    """Return TREES (core/model_contracts.TreeEnsemble) over WIDTH features from their leaves; raises ContractBroken."""
    return [_path({name: np.asarray(tree[name]) for name in _NEEDED if name in tree}, width) for tree in trees]


def scores(trees: Sequence[Path], x: Floats) -> Floats:
    """Return the sums of TREES for the rows X (n, features); shape (n,)."""
    found = np.zeros(len(x))
    for tree in trees:
        for some in _blocks(tree, len(x)):
            found[some] += _stayed(tree, x[some]).all(axis=0) @ tree.value
    return found


def contributions(trees: Sequence[Path], x: Floats) -> tuple[Floats, float]:
    """Return what each feature adds to the score of each of the rows X, shape (n, features), and what all begin at.

    A row of contributions and the beginning, the mean over the training rows, sum to the score of that row.
    """
    found = np.zeros(x.shape)
    for tree in trees:
        depth = tree.slots.shape[1]
        if not depth:
            continue
        nodes, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
        named = np.flatnonzero(tree.slots.T.ravel() >= 0)  # places in (depth, leaves)
        order = named[np.argsort(tree.slots.T.ravel()[named], kind="stable")]
        features, starts = np.unique(tree.slots.T.ravel()[order], return_index=True)
        share = tree.share.T[:, None, :]
        for some in _blocks(tree, len(x)):
            kept = _stayed(tree, x[some]).astype(np.float64)
            part = np.zeros_like(kept)
            for at, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
                part += weight * _others(share * (1 - at) + kept * at)
            part *= (kept - share) * tree.value
            flat = part.transpose(1, 0, 2).reshape(part.shape[1], -1)[:, order]
            found[some, features] += np.add.reduceat(flat, starts, axis=1)
    return found, float(sum(tree.expected for tree in trees))


def _blocks(tree: Path, rows: int) -> list[slice]:
    size = max(1, _CELLS // max(1, tree.slots.size))
    return [slice(start, min(rows, start + size)) for start in range(0, rows, size)]


def _stayed(tree: Path, x: Floats) -> NDArray[np.bool_]:
    """Return whether each feature of a path keeps each row on it; shape (depth, n, leaves)."""
    left = x[:, tree.feature] <= tree.threshold
    found = np.ones((tree.slots.shape[1], len(x), len(tree.slots)), bool)
    for leaf, slot, split, wanted in tree.steps:
        found[slot, :, leaf] &= (left[:, split] == wanted).T
    return found


def _others(factors: Floats) -> Floats:
    """Return for each of FACTORS (depth, ...) the product of all the others; without a division, as one may be 0."""
    found = np.ones_like(factors)
    for at in range(1, len(factors)):
        np.multiply(found[at - 1], factors[at - 1], out=found[at])
    after = factors[-1].copy()
    for at in range(len(factors) - 2, -1, -1):
        found[at] *= after
        after *= factors[at]
    return found


def _path(tree: dict[str, NDArray[Any]], width: int) -> Path:
    count = len(tree.get("feature", ()))
    if set(tree) != set(_NEEDED) or not count or any(one.shape != (count,) for one in tree.values()):
        raise ContractBroken(f"a tree needs equally long arrays {', '.join(_NEEDED)}")
    feature, cover = tree["feature"].astype(np.int64), tree["cover"].astype(np.float64)
    if feature.max() >= width:
        raise ContractBroken(f"a tree asks for feature {feature.max()}, and rows have {width}")
    leaves: list[tuple[int, list[tuple[int, bool, float]]]] = []
    todo: list[tuple[int, list[tuple[int, bool, float]]]] = [(0, [])]
    for _ in range(count):
        if not todo:
            break
        node, steps = todo.pop()
        if feature[node] < 0:
            leaves.append((node, steps))
            continue
        for side, goes_left in (("right", False), ("left", True)):
            child = int(tree[side][node])
            if not 0 < child < count:
                raise ContractBroken("a tree points outside itself")
            kept = float(cover[child] / cover[node]) if cover[node] > 0 else 0.0
            todo.append((child, [*steps, (node, goes_left, kept)]))
    if todo:
        raise ContractBroken("a tree comes back to a node")
    return _seen(feature, tree["threshold"].astype(np.float64), tree["value"].astype(np.float64), leaves)


def _seen(
    feature: NDArray[np.int64], threshold: Floats, value: Floats,
    leaves: list[tuple[int, list[tuple[int, bool, float]]]],
) -> Path:  # fmt: skip
    named = [list(dict.fromkeys(int(feature[node]) for node, _, _ in steps)) for _, steps in leaves]
    depth = max(map(len, named))
    slots, share = np.full((len(leaves), depth), -1), np.ones((len(leaves), depth))
    levels: dict[int, list[tuple[int, int, int, bool]]] = {}
    for leaf, ((_, steps), names) in enumerate(zip(leaves, named, strict=True)):
        slots[leaf, : len(names)] = names
        for level, (node, goes_left, kept) in enumerate(steps):
            slot = names.index(int(feature[node]))
            share[leaf, slot] *= kept
            levels.setdefault(level, []).append((leaf, slot, node, goes_left))
    steps_of = []
    for level in sorted(levels):
        leaf_, slot_, node_, left_ = (np.array(column) for column in zip(*levels[level], strict=True))
        steps_of.append((leaf_.astype(np.int64), slot_.astype(np.int64), node_.astype(np.int64), left_.astype(bool)))
    ends = np.array([node for node, _ in leaves])
    return Path(np.maximum(feature, 0), threshold, value[ends], slots.astype(np.int64), share, steps_of)
