"""How rules pick rows: tests on dictionary columns that look at each distinct label once."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def is_one_of(visits: pa.Table, column: str, labels: Iterable[str]) -> np.ndarray:
    """Return a boolean per row: the label in COLUMN is one of LABELS."""
    wanted = frozenset(labels)
    return by_label(visits, column, lambda label: label in wanted)


def starts_with(visits: pa.Table, column: str, *prefixes: str) -> np.ndarray:
    """Return a boolean per row: the label in COLUMN starts with one of PREFIXES."""
    return by_label(visits, column, lambda label: label.startswith(prefixes))


def by_label(visits: pa.Table, column: str, test) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return a boolean per row: TEST of the label in COLUMN; null is false."""
    result = [np.zeros(0, bool)]
    for chunk in visits[column].chunks:
        if not pa.types.is_dictionary(chunk.type):  # a table that came back from Spark has plain strings
            chunk = chunk.dictionary_encode()
        ok = np.array([*(label is not None and test(label) for label in chunk.dictionary.to_pylist()), False])
        indices = chunk.indices
        result.append(ok[(indices.fill_null(-1) if indices.null_count else indices).to_numpy()])
    return np.concatenate(result)


def flag(visits: pa.Table, column: str) -> np.ndarray:
    """Return a boolean column as NumPy; null is false."""
    return np.asarray(pc.fill_null(visits[column], False).to_numpy(), bool)


def codes(visits: pa.Table, column: str) -> np.ndarray:
    """Return one integer per row that is equal where the labels in COLUMN are equal; null is -1."""
    merged = visits[column]
    if not pa.types.is_dictionary(merged.type):
        merged = merged.dictionary_encode()
    merged = merged.unify_dictionaries().combine_chunks()
    chunk = merged.chunk(0) if isinstance(merged, pa.ChunkedArray) else merged
    return np.asarray(chunk.indices.fill_null(-1).to_numpy(), np.int64)


def pick(visits: pa.Table, rows: np.ndarray) -> pa.Table:
    """Return the rows where ROWS is true."""
    return visits.filter(pa.array(rows))


def told_as(claims: pa.Table, column: str, label: str | None, where: np.ndarray | None = None) -> pa.Table:
    """Return CLAIMS with LABEL in COLUMN, everywhere or at the rows WHERE."""
    plain = claims[column].cast(pa.string())
    new = pa.scalar(label, pa.string())
    rows = np.ones(claims.num_rows, bool) if where is None else where
    changed = pc.if_else(pa.array(rows), new, plain)
    at = claims.schema.get_field_index(column)
    kind = claims.schema.field(at).type
    if pa.types.is_dictionary(kind):
        changed = changed.combine_chunks().dictionary_encode() if claims.num_rows else pa.array([], kind)
    return claims.set_column(at, claims.schema.field(at), changed)
