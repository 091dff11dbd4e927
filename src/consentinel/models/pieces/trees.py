"""Ranking trees of LightGBM: trained by LambdaRank, kept as plain arrays, checked before LightGBM reads them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need

__all__ = ["MOST_LABEL", "Forest", "Judged", "grown"]

Arrays = Mapping[str, NDArray[Any]]
MOST_LABEL = 30  # LightGBM's gain 2^label - 1 ends here
_KINDS = {
    "leaves": np.int32, "split_feature": np.int32, "threshold": np.float64, "decision_type": np.int8,
    "left_child": np.int32, "right_child": np.int32, "leaf_value": np.float64, "leaf_count": np.int64,
    "internal_count": np.int64,
}  # fmt: skip
_NUMERIC = (0, 2, 4, 6, 8, 10)  # decision types of splits at a number; odd ones are of categories
_ZERO_APART = (4, 6)
_REMEDY = "Train the model again"


@dataclass(frozen=True)
class Forest:
    """Regression trees whose sum is the score; arrays hold the nodes and leaves of one tree after the other."""

    arrays: dict[str, NDArray[Any]]
    width: int
    booster: Any

    def score(self, features: NDArray[Any], threads: int = 0) -> NDArray[np.float64]:
        """Return the scores of FEATURES (n, width), by so many THREADS (0: one a core); shape (n,)."""
        if features.shape[1] != self.width:
            raise UsageError(f"this model was trained on {self.width} features, got {features.shape[1]}")
        if not len(features):
            return np.zeros(0)
        return np.asarray(self.booster.predict(features, num_threads=threads), np.float64)

    def trees(self) -> list[dict[str, NDArray[Any]]]:
        """Return its trees as core/model_contracts.TreeEnsemble says, splits first, then leaves.

        Raises UsageError where a split sends zeros its own way, which thresholds alone do not say.
        """
        of, node, leaf, found = self.arrays, 0, 0, []
        if np.isin(of["decision_type"], _ZERO_APART).any():
            raise UsageError("a tree sends zeros its own way and is not explained; train it without zero_as_missing")
        for leaves in of["leaves"].tolist():
            inner, outer = slice(node, node + leaves - 1), slice(leaf, leaf + leaves)
            down = [of[side][inner].astype(np.int64) for side in ("left_child", "right_child")]
            left, right = (np.where(child < 0, leaves - 2 - child, child) for child in down)
            none = np.zeros(leaves, np.int64)
            found.append({
                "feature": np.concatenate([of["split_feature"][inner], none - 1]),
                "threshold": np.concatenate([of["threshold"][inner], none]),
                "left": np.concatenate([left, none]),
                "right": np.concatenate([right, none]),
                "value": np.concatenate([np.zeros(leaves - 1), of["leaf_value"][outer]]),
                "cover": np.concatenate([of["internal_count"][inner], of["leaf_count"][outer]]),
            })  # fmt: skip
            node, leaf = node + leaves - 1, leaf + leaves
        return found

    @staticmethod
    def read(arrays: Arrays, width: int, where: str) -> "Forest":
        """Return the forest in ARRAYS of a model file; raises BadInput where they are no trees over WIDTH features.

        LightGBM's own parser trusts its input, so it is given only text that is written here from checked numbers.
        """
        found = {name: np.asarray(arrays.get(name, np.zeros((0, 0)))) for name in _KINDS}
        for name, kind in _KINDS.items():
            if found[name].ndim != 1 or found[name].dtype != kind:
                raise BadInput(f"the trees have no whole array '{name}'", where=where, todo=_REMEDY)
        _sound(found, width, where)
        lightgbm = need("lightgbm", extra="models")
        return Forest(found, width, lightgbm.Booster(model_str=_text(found, width)))


@dataclass(frozen=True)
class Judged:
    """Rows to learn an order from, those of a query together.

    Arguments: features (n, width); label (n,), 0 to MOST_LABEL; group, the number of rows of each query; start (n,),
    scores to begin from, where there are such. The forest's own score leaves them out.
    """

    features: NDArray[Any]
    label: NDArray[Any]
    group: NDArray[np.int64]
    start: NDArray[np.float64] | None = None

    def parted(self, aside: NDArray[np.bool_]) -> tuple["Judged", "Judged"]:
        """Return the rows of the queries that are not put ASIDE (queries,), and of those that are."""
        rows = np.repeat(aside, self.group)
        sides = []
        for mine, queries in ((~rows, ~aside), (rows, aside)):
            start = None if self.start is None else self.start[mine]
            sides.append(Judged(self.features[mine], self.label[mine], self.group[queries], start))
        return sides[0], sides[1]


def grown(
    rows: Judged, settings: dict[str, Any], trees: int, *, stop: Judged | None = None, rounds: int = 30
) -> Forest:
    """Return a forest trained by LambdaRank on ROWS, of TREES trees, or of fewer where STOP says so.

    Arguments: settings, parameters of LightGBM; stop, rows of other queries whose metric ends the training after
    ROUNDS trees that did not raise it. Raises MissingExtra without [models].
    """
    lightgbm = need("lightgbm", extra="models")
    asked = {"objective": "lambdarank", "verbosity": -1, "deterministic": True} | settings
    asked |= {} if "force_col_wise" in asked else {"force_row_wise": True}

    def data(some: Judged, reference: Any = None) -> Any:
        return lightgbm.Dataset(
            some.features, some.label, group=some.group, init_score=some.start, reference=reference, params=asked
        )

    first = data(rows)
    more = {} if stop is None else {
        "valid_sets": [data(stop, first)], "callbacks": [lightgbm.early_stopping(rounds, verbose=False)],
    }  # fmt: skip
    booster = lightgbm.train(asked, first, trees, **more)
    return Forest(_taken(booster.model_to_string()), rows.features.shape[1], booster)


def _taken(text: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of the trees in TEXT, which LightGBM wrote."""
    found: dict[str, list[str]] = {name: [] for name in _KINDS}
    for line in text.partition("end of trees")[0].splitlines():
        name, _, value = line.partition("=")
        name = "leaves" if name == "num_leaves" else name
        if name in found:
            found[name] += value.split()
    return {name: np.array(found[name], np.float64).astype(kind) for name, kind in _KINDS.items()}


def _sound(found: dict[str, NDArray[Any]], width: int, where: str) -> None:
    """Raise BadInput unless each tree reaches each of its nodes and leaves once."""
    leaves = found["leaves"].astype(np.int64)
    nodes = leaves - 1
    inner = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
    fits = bool(len(leaves)) and bool((leaves >= 1).all()) and len(found["leaf_value"]) == leaves.sum()
    fits = fits and len(found["leaf_count"]) == leaves.sum() and len(found["internal_count"]) == nodes.sum()
    if not fits or any(len(found[name]) != nodes.sum() for name in inner):
        raise BadInput("the sizes of the trees do not fit", where=where, todo=_REMEDY)
    start, tree = np.cumsum(nodes) - nodes, np.repeat(np.arange(len(leaves)), nodes)
    own = np.arange(len(tree)) - start[tree]
    reached, held = np.zeros(len(tree), np.int64), np.zeros(len(found["leaf_value"]), np.int64)
    first_leaf = np.cumsum(leaves) - leaves
    for side in ("left_child", "right_child"):
        child = found[side].astype(np.int64)
        leaf = -child - 1
        down = np.where(child < 0, leaf < leaves[tree], (child > own) & (child < nodes[tree]))
        if not down.all():
            raise BadInput("a tree points outside itself or back", where=where, todo=_REMEDY)
        np.add.at(reached, (start[tree] + child)[child >= 0], 1)
        np.add.at(held, (first_leaf[tree] + leaf)[child < 0], 1)
    roots = own == 0
    lonely = leaves[np.searchsorted(np.cumsum(leaves), np.arange(len(held)), side="right")] == 1
    if not (reached[~roots] == 1).all() or reached[roots].any() or not (held[~lonely] == 1).all():
        raise BadInput("a node of a tree is reached never or twice", where=where, todo=_REMEDY)
    if ((found["split_feature"] < 0) | (found["split_feature"] >= width)).any():
        raise BadInput(f"a tree asks for a feature that is not among the {width}", where=where, todo=_REMEDY)
    if not np.isin(found["decision_type"], _NUMERIC).all():
        raise BadInput("a tree splits at categories; these models have none", where=where, todo=_REMEDY)
    if not (np.isfinite(found["threshold"]).all() and np.isfinite(found["leaf_value"]).all()):
        raise BadInput("a tree holds a number that is not finite", where=where, todo=_REMEDY)


def _text(found: dict[str, NDArray[Any]], width: int) -> str:
    """Return checked trees as LightGBM writes them (its model format, version 4)."""
    head = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={width - 1}",
        "objective=lambdarank", "feature_names=" + " ".join(f"f{at}" for at in range(width)),
        "feature_infos=" + " ".join(["[-inf:inf]"] * width), "",
    ]  # fmt: skip
    blocks, node, leaf = [], 0, 0
    for tree, leaves in enumerate(found["leaves"].tolist()):
        lines = [f"Tree={tree}", f"num_leaves={leaves}", "num_cat=0"]
        for name in ("split_feature", "threshold", "decision_type", "left_child", "right_child", "internal_count"):
            lines.append(f"{name}=" + " ".join(map(repr, found[name][node : node + leaves - 1].tolist())))
        for name in ("leaf_value", "leaf_count"):
            lines.append(f"{name}=" + " ".join(map(repr, found[name][leaf : leaf + leaves].tolist())))
        blocks.append("\n".join([*lines, "is_linear=0", "shrinkage=1", "", ""]))
        node, leaf = node + leaves - 1, leaf + leaves
    return "\n".join([*head, *blocks, "end of trees", ""])
