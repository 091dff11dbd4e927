"""Boosted trees as plain arrays: scored with NumPy alone, taken over from LightGBM after training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput

__all__ = ["Trees"]

_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Trees:
    """The nodes of all trees one after another; the root of each tree is listed in `roots`.

    A row goes left where its `feature` is at most `cut`; a leaf is its own child and holds a `value`. A node's
    children come after it, so a walk always ends.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    cut: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]

    def score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the leaves that ROWS, shape (n, features), fall into: log-odds, shape (n,)."""
        total = np.zeros(len(rows))
        every = np.arange(len(rows))
        for root in self.roots.tolist():
            at = np.full(len(rows), root, np.int32)
            for _ in range(_DEEPEST):
                down = np.where(rows[every, self.feature[at]] <= self.cut[at], self.left[at], self.right[at])
                if np.array_equal(down, at):
                    break
                at = down
            total += self.value[at]
        return total

    def arrays(self, prefix: str = "trees") -> dict[str, NDArray[Any]]:
        """Return the arrays of a model file."""
        return {f"{prefix}/{name}": getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, arrays: Mapping[str, NDArray[Any]], features: int, prefix: str = "trees") -> "Trees":
        """Return the trees in the ARRAYS of a model file over that many FEATURES.

        Raises BadInput where they are no forest: a walk would leave the nodes, or not end.
        """
        names = cls.__slots__
        if any(f"{prefix}/{name}" not in arrays for name in names):
            raise BadInput(f"holds no trees '{prefix}'", where="model", todo="train the model again")
        trees = cls(*(arrays[f"{prefix}/{name}"] for name in names))
        n = len(trees.feature)
        at = np.arange(n)
        leaf = (trees.left == at) & (trees.right == at)
        forward = (trees.left > at) & (trees.left < n) & (trees.right > at) & (trees.right < n)
        shaped = all(getattr(trees, name).shape == (n,) for name in names[1:])
        if (
            not (shaped and bool((leaf | forward).all()))
            or ((trees.roots < 0) | (trees.roots >= n)).any()
            or ((trees.feature < 0) | (trees.feature >= features)).any()
            or not np.isfinite(trees.value).all()
        ):
            raise BadInput("its trees are not whole", where="model", todo="train the model again")
        return trees

    @classmethod
    def taken(cls, dump: Mapping[str, Any]) -> "Trees":
        """Return the trees of LightGBM's `dump_model()`; they must have numeric splits and no missing values."""
        nodes: list[tuple[int, float, int, int, float]] = []

        def add(node: Mapping[str, Any]) -> int:
            at = len(nodes)
            if "leaf_value" in node:
                nodes.append((0, 0.0, at, at, float(node["leaf_value"])))
                return at
            nodes.append((0, 0.0, at, at, 0.0))
            left, right = add(node["left_child"]), add(node["right_child"])
            nodes[at] = (int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
            return at

        roots = [add(tree["tree_structure"]) for tree in dump["tree_info"]]
        feature, cut, left, right, value = (np.array(column) for column in zip(*nodes, strict=True))
        return cls(
            np.array(roots, np.int32), feature.astype(np.int16), cut.astype(np.float64), left.astype(np.int32),
            right.astype(np.int32), value.astype(np.float64),
        )  # fmt: skip
