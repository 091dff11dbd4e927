"""Recommenders that score an item by weights between it and the items of a history: co-occurrence, and the scorer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.extras import need
from consentinel.models.pieces.logs import Csr, csr

__all__ = ["ItemWeights", "cooccurrence", "scaled", "strongest"]

Floats = NDArray[np.float32]
_CELLS = 16_000_000  # cells of a block of rows: 64 MB


@dataclass(frozen=True)
class ItemWeights:
    """Weights (items, items): from an item in a history (row) to an item that is scored (column); dense, or CSR."""

    weights: Any

    def between(self) -> Any:
        """Return the weights."""
        return self.weights

    def scores(self, people: NDArray[np.int32], histories: Csr, /) -> Floats:
        """Return for each history the sum of the weights of its items; (b, items). Strangers are scored like others."""
        found = histories @ self.weights
        return found if isinstance(found, np.ndarray) else found.toarray()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the weights as a model file keeps them."""
        if isinstance(self.weights, np.ndarray):
            return {"weights": self.weights}
        w = self.weights
        return {"weights": w.data, "columns": w.indices.astype(np.int32), "starts": w.indptr.astype(np.int64)}

    @classmethod
    def of(cls, items: int, arrays: Mapping[str, NDArray[Any]]) -> "ItemWeights":
        """Return the weights between ITEMS items that ARRAYS keep; raises ValueError where they do not fit."""
        weights = arrays["weights"]
        if "starts" not in arrays:
            if weights.shape != (items, items) or weights.dtype != np.float32:
                raise ValueError("weights are not items times items")
            return cls(weights)
        columns, starts = arrays["columns"], arrays["starts"]
        if (
            weights.dtype != np.float32 or columns.shape != weights.shape or starts.shape != (items + 1,)
            or starts[0] != 0 or starts[-1] != len(columns) or (np.diff(starts) < 0).any()
            or (len(columns) and (columns.min() < 0 or columns.max() >= items))
        ):  # fmt: skip
            raise ValueError("weights are not a sparse matrix of the items")
        return cls(csr(weights, columns, starts, (items, items)))


def scaled(matrix: Csr, person_power: float, item_power: float = 0.0) -> Csr:
    """Return MATRIX (people, items) of ones with each entry divided by n(person)^PERSON_POWER * n(item)^ITEM_POWER,
    n the number of entries of the person or item."""
    rows = np.diff(matrix.indptr)
    made = np.repeat(np.maximum(rows, 1).astype(np.float64) ** -person_power, rows)
    if item_power:
        people = np.bincount(matrix.indices, minlength=matrix.shape[1])
        made *= (np.maximum(people, 1).astype(np.float64) ** -item_power)[matrix.indices]
    return csr(made.astype(np.float32), matrix.indices, matrix.indptr, matrix.shape)


def cooccurrence(matrix: Csr) -> Iterator[tuple[slice, Floats]]:
    """Yield the product of MATRIX (people, items) with itself, items by items, in blocks of rows: (which, dense)."""
    turned, n = matrix.T.tocsr(), matrix.shape[1]
    size = max(1, min(n, _CELLS // n))
    for start in range(0, n, size):
        rows = slice(start, min(n, start + size))
        yield rows, (turned[rows] @ matrix).toarray()


def strongest(blocks: Iterator[tuple[slice, Floats]], keep: int, items: int) -> Csr:
    """Return the KEEP largest values above 0 in size of each row of BLOCKS (targets, items), turned: (items, targets).

    Of equal ones the more popular item is kept, since items stand in that order.
    """
    sparse = need("scipy.sparse", extra="models")
    rows, columns, values = [], [], []
    for which, block in blocks:
        size = np.abs(block)
        least = np.partition(size, items - keep, axis=1)[:, items - keep] if keep < items else np.zeros(len(block))
        row, column = np.nonzero((size >= least[:, None]) & (size > 0))
        if keep < items:  # equal ones may be more than KEEP
            order = np.lexsort((column, -size[row, column], row))
            row, column = row[order], column[order]
            within = np.arange(len(row)) - np.searchsorted(row, row) < keep
            row, column = row[within], column[within]
        rows.append((row + which.start).astype(np.int32))
        columns.append(column.astype(np.int32))
        values.append(block[row, column].astype(np.float32))
    made = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(columns), np.concatenate(rows))), shape=(items, items)
    )
    made.sort_indices()
    return made
