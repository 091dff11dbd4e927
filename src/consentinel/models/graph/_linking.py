"""Rankers of nodes to link with: the graph they know, who asks, and the best of each row of scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.modelfile import ModelFile
from consentinel.models.asked import settings as settings_of
from consentinel.models.asked import told
from consentinel.models.graph._nodes import Csr, links
from consentinel.models.pieces.best import top
from consentinel.models.pieces.ids import encoded, from_file, positions, to_arrays
from consentinel.models.pieces.logs import csr
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.rows import RANKED

__all__ = ["Arrays", "Floats", "Graph", "Part", "Ranker", "RankerTrainer", "opened"]

Floats = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]
_CELLS = 8_000_000  # scores held at once: 32 MB


@dataclass(frozen=True)
class Graph:
    """Nodes, the most linked first (of equal ones by id), and their links (n, n) in CSR, 1 for each."""

    nodes: pa.Array
    links: Csr

    def degrees(self) -> NDArray[np.int64]:
        """Return the number of links of each node; shape (n,)."""
        return np.asarray(np.diff(self.links.indptr), np.int64)


@dataclass(frozen=True)
class Part:
    """What a part says of itself.

    Arguments: name; settings, its dataclass; fit(graph, settings, seed) -> arrays; scores(graph, arrays, settings,
    histories (b, n)) -> (b, n), the higher the better; shapes, the axes of each array, n for the nodes.

    Scores are made from a node's links alone, so strangers are served as everybody else.
    """

    name: str
    settings: type[Any]
    fit: Callable[[Graph, Any, int], Arrays]
    scores: Callable[[Graph, Arrays, Any, Csr], Any]
    shapes: Mapping[str, str]


@dataclass(frozen=True)
class Ranker:
    """A trained ranker of links. It holds the graph that it learned from: guard it like the graph."""

    part: Part
    settings: Any
    graph: Graph
    arrays: Arrays
    kind: str = "ranking"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return for each query the best nodes that it is not linked to yet, as RANKED, in the order asked.

        ROWS have query (a node's id) and, where there are such, k (20) and history (ids that a stranger is linked to;
        of a known node the graph says that). Of NODES every node is a query. A node or stranger without known links
        gets the most linked nodes, whose score is the share of nodes linked to them.
        Raises UsageError where a query is asked twice or k is below 1; ContractBroken, BadInput.
        """
        ids, place, k = _asked(rows, self.graph)
        histories = _histories(rows, self.graph, place)
        n = len(self.graph.nodes)
        size, many = max(1, min(2048, _CELLS // n)), int(k.max())
        parts = [
            self._best(place[at : at + size], histories[at : at + size], many, at) for at in range(0, len(ids), size)
        ]
        row, node, score = (np.concatenate(found) for found in zip(*parts, strict=True))
        within = np.arange(len(row)) - np.searchsorted(row, row) < k[row]
        row, node, score = row[within], node[within], score[within]
        columns = [pa.DictionaryArray.from_arrays(row, ids), pa.DictionaryArray.from_arrays(node, self.graph.nodes)]
        return pa.table([*columns, pa.array(score.astype(np.float64))], schema=RANKED)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays = {f"model.{name}": np.asarray(array) for name, array in self.arrays.items()}
        arrays |= to_arrays("nodes", self.graph.nodes)
        arrays["links.starts"] = self.graph.links.indptr.astype(np.int64)
        arrays["links.ends"] = self.graph.links.indices.astype(np.int32)
        modelfile.save(path, ModelFile(f"models.graph.{self.part.name}", "1", f"consentinel {__version__}", arrays,
                                       told(self.settings)))  # fmt: skip
        return path

    def _best(self, place: NDArray[np.int32], histories: Csr, many: int, start: int) -> tuple[Any, Any, Any]:
        found = np.array(self.part.scores(self.graph, self.arrays, self.settings, histories), np.float32, order="C")
        counts = np.diff(histories.indptr)
        found[counts == 0] = (self.graph.degrees() / len(self.graph.nodes)).astype(np.float32)
        found[np.repeat(np.arange(len(counts)), counts), histories.indices] = -np.inf
        known = np.flatnonzero(place >= 0)
        found[known, place[known]] = -np.inf
        row, node, score = top(found, many)
        return row + np.int32(start), node, score


@dataclass(frozen=True)
class RankerTrainer:
    """Trains PART with its SETTINGS."""

    part: Part
    settings: Any
    kind: str = "ranking"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Ranker:
        """Return the ranker of the graph ROWS (NODES; features and labels are not read).

        Raises UsageError for a graph without links, BadInput, ContractBroken.
        """
        no_ticket(tickets, self.part.name)
        graph = _graph(rows, self.part.name)
        return Ranker(self.part, self.settings, graph, self.part.fit(graph, self.settings, seed))


def opened(part: Part, file: ModelFile) -> Ranker:
    """Return the model of PART in FILE; raises BadInput where it holds none."""
    kind = f"models.graph.{part.name}"
    damaged = BadInput("does not hold a whole ranker of links", where=kind, todo="Train the model again")
    if file.kind != kind:
        raise BadInput(f"holds a '{file.kind}', not a '{kind}'", where="model", todo="Load it with its own part")
    try:
        asked = settings_of(part.settings, ",".join(f"{name}={text}" for name, text in file.card.items()), kind)
    except UsageError:
        raise damaged from None
    nodes = from_file("nodes", file)
    starts, ends = file.arrays.get("links.starts"), file.arrays.get("links.ends")
    if starts is None or ends is None or starts.dtype != np.int64 or ends.dtype != np.int32:
        raise damaged
    n, sizes = len(nodes), {"n": len(nodes)}
    whole = starts.shape == (n + 1,) and ends.ndim == 1 and n > 0 and starts[0] == 0 and starts[-1] == len(ends)
    if not whole or (np.diff(starts) < 0).any() or not len(ends) or ends.min() < 0 or ends.max() >= n:
        raise damaged
    arrays = {name[6:]: array for name, array in file.arrays.items() if name.startswith("model.")}
    if set(arrays) != set(part.shapes):
        raise damaged
    for name, axes in part.shapes.items():
        array = arrays[name]
        if array.dtype != np.float32 or array.ndim != len(axes) or not np.isfinite(array).all():
            raise damaged
        if any(sizes.setdefault(axis, size) != size for axis, size in zip(axes, array.shape, strict=True)):
            raise damaged
    return Ranker(part, asked, Graph(nodes, csr(np.ones(len(ends), np.float32), ends, starts, (n, n))), arrays)


def _graph(rows: pa.Table, who: str) -> Graph:
    matrix = links(rows, who)
    ids, place = encoded(rows, "node")
    if len(ids) != len(place):
        raise BadInput("two rows have the same node", where=f"{who}, node", todo="Give each node one row")
    if not matrix.nnz:
        raise UsageError(f"{who}: no node is linked to another, so there is nothing to rank by; give some links")
    rank = np.lexsort((place, -np.diff(matrix.indptr)))
    matrix = matrix[rank][:, rank].tocsr()
    matrix.sort_indices()
    return Graph(ids.take(place[rank]), matrix)


def _asked(rows: pa.Table, graph: Graph) -> tuple[pa.Array, NDArray[np.int32], NDArray[np.int32]]:
    ids, place = encoded(rows, "query" if "query" in rows.column_names else "node")
    if len(ids) != len(place):
        raise UsageError(f"{len(place) - len(ids)} queries are asked twice; ask for each node once")
    ids = ids.take(place)
    k = np.full(len(ids), 20, np.int32)
    if "k" in rows.column_names:
        k = np.asarray(pc.fill_null(rows["k"].cast(pa.int32()), 20), dtype=np.int32)
        if k.min() < 1:
            raise UsageError(f"k is at least 1, got {k.min()}")
    return ids, positions(graph.nodes, ids), k


def _histories(rows: pa.Table, graph: Graph, place: NDArray[np.int32]) -> Csr:
    """Return the links (q, n) of those who ask: a known node's as learned, a stranger's as told."""
    n, strangers = len(graph.nodes), np.flatnonzero(place < 0)
    known = graph.links[np.maximum(place, 0)].tocoo()
    keep = place[known.row] >= 0
    row, column = known.row[keep], known.col[keep]
    if len(strangers) and "history" in rows.column_names:
        lists = one(rows["history"]).take(pa.array(strangers))
        if not pa.types.is_list(lists.type) and not pa.types.is_large_list(lists.type):
            raise ContractBroken(f"models: column 'history' should hold lists of ids, got {lists.type}")
        told_of = strangers[np.asarray(pc.list_parent_indices(lists), np.int64)]
        node = positions(graph.nodes, pc.list_flatten(lists))
        pairs = np.unique(told_of[node >= 0] * np.int64(n) + node[node >= 0])
        row, column = np.concatenate([row, pairs // n]), np.concatenate([column, pairs % n])
    order = np.lexsort((column, row))
    starts = np.searchsorted(row[order], np.arange(len(place) + 1))
    return csr(np.ones(len(row), np.float32), column[order], starts, (len(place), n))
