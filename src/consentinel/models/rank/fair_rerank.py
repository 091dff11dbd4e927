"""Fair re-ranking: a ranking that exists is changed as little as needed for protected groups to be seen.

Training learns which item belongs to which group, from the columns item and group (null: in none), and the share of
each group among the rows. `method=fa_ir` keeps a statistical test of one protected group passing at every place;
`method=detconstsort` keeps the share of every group at every place. Rows to re-rank are a ranking (query, item,
score), with the column group where items were not in training; an item of no known group has no claim to a place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import setting, told
from consentinel.models.pieces.ids import from_file, to_arrays
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rank._documents import plain, ranked
from consentinel.models.rank._fair import det_const_sort, fa_ir, least_protected
from consentinel.models.rank._kept import chosen, ids, keep, taken

__all__ = ["SETTINGS", "FairRerank", "FairRerankTrainer", "load", "trainer"]

KIND = "models.rank.fair_rerank"
METHODS = ("fa_ir", "detconstsort")


@dataclass(frozen=True)
class SETTINGS:
    """What can be set."""

    method: str = setting("fa_ir", "fa_ir (one protected group) or detconstsort (every group)")
    protected: str = setting("", "the protected group of fa_ir; empty: the rarest")
    share: float = setting(0.0, "the share of places it should have; 0: its share of the rows", low=0, high=0.99)
    alpha: float = setting(0.1, "how unlikely by chance too few are, before fa_ir steps in", low=1e-6, high=0.5)
    adjusted: bool = setting(True, "alpha holds for a ranking as a whole, not for each place by itself")
    depth: int = setting(100, "places that fa_ir guards; 0 for all", low=0)


@dataclass(frozen=True)
class FairRerankTrainer:
    """Learns groups and their shares."""

    settings: SETTINGS
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> "FairRerank":
        """Return the re-ranker of ROWS (item, group); nothing is random, so SEED changes nothing.

        Raises UsageError where there are fewer than two groups or no protected one, BadInput for an item of two groups.
        """
        no_ticket(tickets, KIND)
        item, group = plain(rows, "item", KIND), plain(rows, "group", KIND)
        kept = pc.is_valid(group)
        item, group = item.filter(kept), group.filter(kept)
        if item.null_count:
            raise BadInput("a row has a group and no item", where=KIND, todo="Name the item")
        pairs = pa.table({"item": item, "group": group}).group_by(["item", "group"], use_threads=False).aggregate([])
        items = one(pairs["item"])
        if len(items.unique()) != len(items):
            raise BadInput("an item is in two groups", where=KIND, todo="Give each item one group")
        names = sorted(group.unique().to_pylist())
        if len(names) < 2:
            raise UsageError(f"{KIND}: the rows name {len(names)} groups; there is nothing to balance below two")
        protected = self.settings.protected
        if protected and protected not in names:
            raise UsageError(f"{KIND}: no row is of the group '{protected[:40]}'")
        of_row = np.asarray(pc.index_in(group, value_set=pa.array(names)), np.int64)
        shares = np.bincount(of_row, minlength=len(names)) / len(of_row)
        of_item = np.asarray(pc.index_in(one(pairs["group"]), value_set=pa.array(names)), np.int32)
        return FairRerank(items, of_item, names, shares, self.settings)


@dataclass(frozen=True)
class FairRerank:
    """Groups of items, and what share of the places each is owed."""

    items: pa.Array
    group: NDArray[np.int32]
    names: list[str]
    shares: NDArray[np.float64]
    settings: SETTINGS
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return ROWS (query, item, score[, group]) re-ranked within each query, best first.

        The scores answered are those of the places, so that sorting by them keeps the new order; an item's own score
        is in ROWS. The order of ROWS does not count, but for equal scores.
        """
        query, item, score, group = self._taken(rows)
        order = np.lexsort((np.arange(len(query)), -score, query))
        new = [order[few][self._fair(score[order[few]], group[order[few]])] for few in _each(query[order])]
        moved = np.concatenate(new) if new else order
        return ranked(rows["query"].take(pa.array(moved)), item.take(pa.array(moved)), score[order])

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH."""
        own = to_arrays("items", self.items) | to_arrays("groups", self.names)
        return keep(path, KIND, own | {"group": self.group, "shares": self.shares}, told(self.settings))

    def _fair(self, score: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.int64]:
        asked = self.settings
        if asked.method == "detconstsort":
            return det_const_sort(score, group, np.append(self.shares, 0.0))  # the last is the group of no claim
        at = self.names.index(asked.protected) if asked.protected else int(np.argmin(self.shares))
        places = min(len(score), asked.depth or len(score))
        least = least_protected(places, asked.share or float(self.shares[at]), asked.alpha, asked.adjusted)
        return fa_ir(score, group == at, least)

    def _taken(self, rows: pa.Table) -> tuple[NDArray[np.int64], pa.Array, NDArray[np.float64], NDArray[np.int64]]:
        texts, item = plain(rows, "query", KIND), plain(rows, "item", KIND)
        if "score" not in rows.column_names:
            raise UsageError(f"{KIND} re-ranks by the column 'score'; there is: {', '.join(rows.column_names)}")
        score = np.asarray(pc.fill_null(one(rows["score"]).cast(pa.float64()), np.nan), np.float64)
        if texts.null_count or item.null_count or not np.isfinite(score).all():
            raise BadInput("a query, item or score is missing or not finite", where=KIND, todo="Fill each row")
        query = np.asarray(pc.index_in(texts, value_set=texts.unique()), np.int64)
        none = len(self.names)
        at = np.asarray(pc.fill_null(pc.index_in(item, value_set=self.items), -1), np.int64)
        group = np.where(at >= 0, self.group[at], none).astype(np.int64)
        if "group" in rows.column_names:
            said = pc.index_in(plain(rows, "group", KIND), value_set=pa.array(self.names, pa.string()))
            group = np.where(at >= 0, group, np.asarray(pc.fill_null(said, none), np.int64))
        return query, item, score, group


def trainer(settings: SETTINGS) -> FairRerankTrainer:
    """Return the trainer with SETTINGS; raises UsageError for an unknown method or a name that no card can keep."""
    if settings.method not in METHODS:
        raise UsageError(f"{KIND}: no method '{settings.method[:40]}'; there is: {', '.join(METHODS)}")
    if "," in settings.protected or settings.protected != settings.protected.strip():
        raise UsageError(f"{KIND}: the name of the protected group has no comma and no space at its ends")
    return FairRerankTrainer(settings)


def load(file: ModelFile) -> FairRerank:
    """Return the model that was kept in FILE; raises BadInput."""
    settings, names = chosen(SETTINGS, file, KIND), from_file("groups", file).to_pylist()
    group, shares = taken(file.arrays, "group", np.int32, 1, KIND), taken(file.arrays, "shares", np.float64, 1, KIND)
    fits = len(names) == len(shares) > 1 and group.min(initial=0) >= 0 and group.max(initial=0) < len(names)
    fits = fits and bool((shares > 0).all()) and abs(float(shares.sum()) - 1) < 1e-6
    if not fits or settings.method not in METHODS or (settings.protected and settings.protected not in names):
        raise BadInput("the groups of the model file do not fit", where=KIND, todo="Train the model again")
    return FairRerank(ids(file, len(group)), group, names, shares, settings)


def _each(query: NDArray[np.int64]) -> list[slice]:
    """Return the rows of each query of sorted QUERY."""
    edges = np.flatnonzero(np.append(True, query[1:] != query[:-1])) if len(query) else query
    return [slice(a, b) for a, b in zip(edges.tolist(), [*edges[1:].tolist(), len(query)], strict=len(query) > 0)]
