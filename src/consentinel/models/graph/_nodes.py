"""Nodes as rows turned into matrices: who is linked to whom, features, and the labels that are known."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.extras import need

__all__ = ["Csr", "features", "labelled", "links"]

Ints = NDArray[np.int64]
Csr = Any  # scipy.sparse.csr_matrix, which brings no types


def links(rows: pa.Table, who: str) -> Csr:
    """Return the links of the nodes ROWS (NODES), 1 where two nodes are linked, in CSR, float32; shape (n, n).

    A link that a node names twice counts once. Raises ContractBroken for a missing or wrong column; BadInput for no
    rows, a row without a list, a row number out of range, a node linked to itself, and a link that stands at one end
    only; WHO names the part.
    """
    sparse = need("scipy.sparse", extra="models")
    lists, flat = _lists(rows, "neighbours", who, pa.types.is_integer, "row numbers")
    n = len(lists)
    to = np.asarray(flat, np.int64)
    at = np.repeat(np.arange(n), _lengths(lists))
    outside = np.flatnonzero((to < 0) | (to >= n))
    if len(outside):
        raise BadInput(f"row {at[outside[0]]} is linked to row {to[outside[0]]}, and there are {n} rows from 0 on",
                       where=f"{who}, neighbours", todo="Neighbours are row numbers of the same table")  # fmt: skip
    if (at == to).any():
        raise BadInput(f"row {at[at == to][0]} is linked to itself", where=f"{who}, neighbours",
                       todo="Leave such links out; parts that need them add them")  # fmt: skip
    found = sparse.csr_matrix((np.ones(len(to), np.float32), (at, to)), shape=(n, n))
    found.sum_duplicates()
    found.data = np.ones_like(found.data)
    single = found - found.T.tocsr()
    single.eliminate_zeros()
    if single.nnz:
        first, second = (int(end[0]) for end in single.nonzero())
        raise BadInput(f"the link of rows {first} and {second} stands at one end only", where=f"{who}, neighbours",
                       todo="Name each link at both of its ends")  # fmt: skip
    return found


def features(rows: pa.Table, who: str, scaled: bool) -> Csr:
    """Return the features of ROWS in CSR, float32, shape (n, width); where SCALED, each row's absolute values sum to 1.

    Raises ContractBroken for a missing or wrong column, BadInput for rows without features, of unequal width, or with
    a number that is missing or not finite.
    """
    sparse = need("scipy.sparse", extra="models")
    lists, flat = _lists(rows, "features", who, pa.types.is_floating, "numbers")
    lengths = _lengths(lists)
    width = int(lengths[0])
    if width < 1 or (lengths != width).any():
        odd = int(np.argmax(lengths != width)) if width else 0
        raise BadInput(f"row {odd} has {lengths[odd]} features and row 0 has {width}", where=f"{who}, features",
                       todo="Give every node the same number of features, at least one")  # fmt: skip
    table = np.asarray(flat, np.float32).reshape(len(lists), width)
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise BadInput(f"row {row} has a feature that is not finite", where=f"{who}, features",
                       todo="Fill it in or leave the feature out")  # fmt: skip
    found = sparse.csr_matrix(table)
    if scaled:
        total = np.asarray(abs(found).sum(axis=1)).ravel()
        found = (sparse.diags(1 / np.where(total > 0, total, 1)) @ found).astype(np.float32).tocsr()
    return found


def labelled(rows: pa.Table, who: str) -> tuple[Ints, Ints, list[str]]:
    """Return which rows have a label, shape (m,), their labels as codes, shape (m,), and the classes, sorted.

    Raises UsageError for fewer than two classes among the labels.
    """
    labels = one(_column(rows, "label", who)).cast(pa.string())
    known = np.flatnonzero(np.asarray(pc.is_valid(labels)))
    classes = sorted(labels.drop_null().unique().to_pylist())
    if len(classes) < 2:
        raise UsageError(f"{who}: labels of two classes at least are needed, there are {len(classes)}; label more rows")
    codes = np.asarray(pc.index_in(labels.take(pa.array(known)), pa.array(classes, pa.string())), np.int64)
    return known, codes, classes


def _lists(rows: pa.Table, name: str, who: str, of: Any, what: str) -> tuple[Any, pa.Array]:
    column = one(_column(rows, name, who))
    if not len(column):
        raise BadInput("there are no nodes", where=who, todo="Give at least one row")
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)) or not of(
        kind.value_type
    ):
        raise ContractBroken(f"{who}: column '{name}' should hold lists of {what}, got {kind}; cast it")
    flat = column.flatten()
    if column.null_count == len(column):
        raise BadInput(f"no node has {name}", where=who, todo=f"Give a column '{name}' of lists, or name it")
    if column.null_count or flat.null_count:
        raise BadInput(f"a list of {name}, or something in one, is null", where=who,
                       todo="Give every node a list; one without neighbours has an empty one")  # fmt: skip
    return column, flat


def _lengths(lists: Any) -> Ints:
    return np.asarray(pc.list_value_length(lists), np.int64)


def _column(rows: pa.Table, name: str, who: str) -> pa.ChunkedArray:
    if name not in rows.column_names:
        raise ContractBroken(f"{who}: the rows have no column '{name}'; there is: {', '.join(rows.column_names)}")
    return rows[name]
