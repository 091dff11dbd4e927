"""What was learnt from, as a sparse matrix of people and items whose items stand in order of popularity."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, ContractBroken
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.pieces.ids import encoded, from_file, to_arrays

__all__ = ["Log", "csr", "log_arrays", "log_from_file", "log_of"]

Csr = Any  # scipy.sparse.csr_matrix, which brings no types


@dataclass(frozen=True)
class Log:
    """Who did something with what.

    Arguments: users, their ids sorted as texts (u,); items, the most popular first, equal ones sorted as texts (i,);
    matrix (u, i) in CSR, float32, the sum of the weights of a person's rows with an item.

    Items stand in that order so that of equal scores the more popular item wins, on every machine.
    """

    users: pa.Array
    items: pa.Array
    matrix: Csr

    def seen(self) -> Csr:
        """Return the matrix with 1 for everything that anyone did something with."""
        made = self.matrix.copy()
        made.data = np.ones_like(made.data)
        return made

    def people(self) -> NDArray[np.int64]:
        """Return how many people did something with each item; shape (i,)."""
        return np.bincount(self.matrix.indices, minlength=len(self.items)).astype(np.int64)

    def without(self, held: NDArray[np.bool_]) -> "Log":
        """Return the log without the entries that HELD marks, shape (entries,); people and items keep their places."""
        there = ~held
        starts = np.concatenate([[0], np.cumsum(there)])[self.matrix.indptr]
        return Log(
            self.users, self.items, csr(self.matrix.data[there], self.matrix.indices[there], starts, self.matrix.shape)
        )


def csr(data: NDArray[Any], indices: NDArray[Any], starts: NDArray[Any], shape: tuple[int, int]) -> Csr:
    """Return a CSR matrix of SHAPE from its three arrays."""
    sparse = need("scipy.sparse", extra="models")
    small = np.int32 if len(indices) < 2**31 else np.int64
    return sparse.csr_matrix((data, indices.astype(small), starts.astype(small)), shape=shape)


def log_of(rows: pa.Table) -> Log:
    """Return the log of ROWS (INTERACTIONS: user, item, and weight where there is one; none counts as 1).

    Several rows of a person with an item become one whose weight is their sum. Raises ContractBroken for missing
    columns, BadInput for missing ids and for weights that are not above 0 and finite.
    """
    users, of_user = encoded(rows, "user")
    items, of_item = encoded(rows, "item")
    weights = _weights(rows)
    sparse = need("scipy.sparse", extra="models")
    matrix = sparse.csr_matrix((weights, (of_user, of_item)), shape=(len(users), len(items)))
    matrix.sum_duplicates()
    people = np.bincount(matrix.indices, minlength=len(items))
    order = np.argsort(-people, kind="stable")
    place = np.empty(len(items), np.int32)
    place[order] = np.arange(len(items), dtype=np.int32)
    matrix = csr(matrix.data, place[matrix.indices], matrix.indptr, matrix.shape)
    matrix.sort_indices()
    return Log(users, items.take(order), matrix)


def log_arrays(log: Log) -> dict[str, NDArray[Any]]:
    """Return the arrays that keep LOG in a model file."""
    return {
        **to_arrays("users", log.users),
        **to_arrays("items", log.items),
        "log.starts": log.matrix.indptr.astype(np.int64),
        "log.items": log.matrix.indices.astype(np.int32),
        "log.weights": log.matrix.data.astype(np.float32),
    }


def log_from_file(file: ModelFile) -> Log:
    """Return the log that FILE keeps; raises BadInput where its parts do not fit together."""
    users, items = from_file("users", file), from_file("items", file)
    starts, at, weights = (file.arrays.get(f"log.{name}") for name in ("starts", "items", "weights"))
    if (
        starts is None or at is None or weights is None
        or starts.dtype != np.int64 or at.dtype != np.int32 or weights.dtype != np.float32
        or starts.shape != (len(users) + 1,) or at.shape != weights.shape or at.ndim != 1
        or starts[0] != 0 or starts[-1] != len(at) or (np.diff(starts) < 0).any()
        or (len(at) and (at.min() < 0 or at.max() >= len(items))) or not np.isfinite(weights).all()
    ):  # fmt: skip
        raise BadInput("does not hold what it was trained on", where=file.kind, todo="Train the model again")
    return Log(users, items, csr(weights, at, starts, (len(users), len(items))))


def _weights(rows: pa.Table) -> NDArray[np.float32]:
    if "weight" not in rows.column_names:
        return np.ones(rows.num_rows, np.float32)
    if not (pa.types.is_floating(rows["weight"].type) or pa.types.is_integer(rows["weight"].type)):
        raise ContractBroken(f"models: column 'weight' should hold numbers, got {rows['weight'].type}")
    weights = np.asarray(pc.fill_null(rows["weight"].cast(pa.float32()), 1.0), dtype=np.float32)
    wrong = int((~(np.isfinite(weights) & (weights > 0))).sum())
    if wrong:
        todo = "leave out rows that show no interest; give 1 where the strength is not known"
        raise BadInput(f"{wrong} of {len(weights)} weights are not finite and above 0", where="weight", todo=todo)
    return weights
