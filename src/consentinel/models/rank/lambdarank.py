"""LambdaRank: boosted trees that order the documents of a query by their features.

Rows to train on are judgments with features: query, item, label (0, 1, ... 30, higher is better) and features, a list
of equally many finite numbers. Rows to rank are the same without the label. A query whose labels are all equal says
nothing about order and changes nothing; when all are so, training refuses. Equal scores stand in the order of the rows.
Source: Burges 2010, "From RankNet to LambdaRank to LambdaMART"; trained by LightGBM with its definitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import codes, one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.pieces.trees import MOST_LABEL, Forest, Judged, grown
from consentinel.models.rank._documents import best, ranked
from consentinel.models.rank._kept import keep

__all__ = ["SETTINGS", "LambdaRank", "LambdaRankTrainer", "load", "trainer"]

KIND = "models.rank.lambdarank"


@dataclass(frozen=True)
class SETTINGS:
    """What can be set."""

    trees: int = setting(100, "trees grown one after the other", low=1, high=10_000)
    leaves: int = setting(31, "leaves of a tree at most", low=2, high=4096)
    rate: float = setting(0.1, "how much of each tree is added", low=1e-4, high=1)
    least: int = setting(20, "rows in a leaf at least", low=1)
    ridge: float = setting(0.0, "ridge penalty on leaf values", low=0)
    depth: int = setting(30, "ranks whose order the loss looks at", low=1)
    columns: float = setting(1.0, "share of the features that each tree may use", low=0.01, high=1)
    threads: int = setting(0, "processor threads; 0 for as many as there are", low=0)


@dataclass(frozen=True)
class LambdaRankTrainer:
    """Trains a forest on judgments with features."""

    settings: SETTINGS
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> "LambdaRank":
        """Return the model of ROWS; raises UsageError or BadInput for labels or features that teach no order."""
        no_ticket(tickets, KIND)
        query, features = _query(rows), _features(rows)
        label = _label(rows)
        if len(query) and (query[1:] < query[:-1]).any():
            order = np.argsort(query, kind="stable")
            query, features, label = query[order], features[order], label[order]
        starts = np.flatnonzero(np.append(True, query[1:] != query[:-1])) if len(query) else query
        if not len(query) or (np.maximum.reduceat(label, starts) == np.minimum.reduceat(label, starts)).all():
            raise UsageError(f"{KIND}: no query has two documents with different labels, so there is no order to learn")
        chosen = self.settings
        asked = {
            "num_leaves": chosen.leaves, "learning_rate": chosen.rate, "min_data_in_leaf": chosen.least,
            "lambda_l2": chosen.ridge, "lambdarank_truncation_level": chosen.depth, "num_threads": chosen.threads,
            "feature_fraction": chosen.columns, "seed": seed,
        }  # fmt: skip
        group = np.diff(np.append(starts, len(query)))
        return LambdaRank(
            grown(Judged(features, label, group), asked, chosen.trees), told(chosen) | {"seed": str(seed)}
        )


@dataclass(frozen=True)
class LambdaRank:
    """A forest that scores documents by their features."""

    forest: Forest
    card: dict[str, str]
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return ROWS (query, item, features) ranked within each query, best first."""
        query, features = _query(rows), _features(rows)
        score = self.forest.score(features) if len(query) else np.zeros(0)
        order = best(query, score, np.arange(len(query)))
        return ranked(rows["query"].take(pa.array(order)), rows["item"].take(pa.array(order)), score[order])

    def features(self, rows: pa.Table, /) -> NDArray[np.float64]:
        """Return the features of ROWS (a column features), shape (n, features)."""
        return _features(rows).astype(np.float64)

    def trees(self) -> list[dict[str, NDArray[Any]]]:
        """Return its trees."""
        return self.forest.trees()

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH."""
        return keep(path, KIND, self.forest.arrays | {"width": np.array([self.forest.width], np.int64)}, self.card)


def trainer(settings: SETTINGS) -> LambdaRankTrainer:
    """Return the trainer with SETTINGS."""
    return LambdaRankTrainer(settings)


def load(file: ModelFile) -> LambdaRank:
    """Return the model that was kept in FILE; raises BadInput."""
    width = file.arrays.get("width")
    if file.kind != KIND or width is None or width.dtype != np.int64 or width.shape != (1,) or not 0 < width[0] < 10**6:
        raise BadInput("holds no LambdaRank model", where=file.kind, todo="Train the model again")
    return LambdaRank(Forest.read(file.arrays, int(width[0]), KIND), dict(file.card))


def _query(rows: pa.Table) -> NDArray[np.int64]:
    """Return the query of each row as a number, queries in the order in which they come."""
    for name in ("query", "item", "features"):
        if name not in rows.column_names:
            raise UsageError(f"{KIND} needs the column '{name}'; there is: {', '.join(rows.column_names) or 'none'}")
        if rows[name].null_count:
            raise BadInput(f"column '{name}' has {rows[name].null_count} empty cells", where=KIND, todo="Fill them")
    column = one(rows["query"])
    found = codes(column if pa.types.is_dictionary(column.type) else column.dictionary_encode())
    if len(found) and (np.diff(found) < 0).any():
        _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[inverse]
    return found


def _features(rows: pa.Table) -> NDArray[np.float32]:
    lists = one(rows["features"])
    if lists.type != pa.list_(pa.float32()):
        lists = lists.cast(pa.list_(pa.float32()))
    flat = lists.flatten()
    widths = pc.min_max(pc.list_value_length(lists)) if len(lists) else None
    width = 0 if widths is None else widths["max"].as_py()
    if widths is not None and (not width or widths["min"].as_py() != width):
        raise BadInput(
            f"rows have from {widths['min'].as_py()} to {width} features", where=KIND, todo="Give each row as many"
        )
    # a sum in double precision is finite exactly where all of its parts are, and needs no second table
    if flat.null_count or not np.isfinite(flat.to_numpy().sum(dtype=np.float64)):
        raise BadInput("a feature is missing, NaN or infinite", where=KIND, todo="Fill or drop it before training")
    return np.asarray(flat.to_numpy().reshape(len(lists), width))


def _label(rows: pa.Table) -> NDArray[np.float32]:
    if "label" not in rows.column_names:
        raise UsageError(f"{KIND} learns from the column 'label'; there is: {', '.join(rows.column_names)}")
    label = np.asarray(pc.fill_null(one(rows["label"]).cast(pa.float32()), np.nan), np.float32)
    if not ((label >= 0) & (label <= MOST_LABEL) & (label == np.floor(label))).all():
        raise BadInput(
            f"a label is no whole number from 0 to {MOST_LABEL}", where=KIND, todo="Give grades 0, 1, 2, ..."
        )
    return label
