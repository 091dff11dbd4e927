"""The forms in which models take their rows: columns and types, cast where nothing is lost."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.answering import labels
from consentinel.assure.people import texts
from consentinel.core.columns import one
from consentinel.core.errors import UsageError

__all__ = ["formed"]

_WHOLE, _ID, _NUMBERS = pa.int32(), pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.float32())
_FORMS: dict[str, dict[str, pa.DataType]] = {
    "text": {"text": pa.string()},
    "vision": {"image": pa.list_(pa.uint8()), "height": _WHOLE, "width": _WHOLE, "channels": _WHOLE},
    "graph": {"node": pa.string(), "features": _NUMBERS, "neighbours": pa.list_(_WHOLE)},
    "documents": {
        "query": _ID, "item": _ID, "text": pa.string(), "label": pa.float32(), "features": _NUMBERS,
    },
    "candidates": {"query": _ID, "item": _ID, "features": _NUMBERS, "score": pa.float64(), "group": pa.string()},
}  # fmt: skip
_LABELLED = ("text", "vision", "graph")
_NEEDED = ("text", "image", "height", "width", "channels", "neighbours")


def formed(table: pa.Table, form: str) -> pa.Table:
    """Return TABLE with the columns of FORM in the types that the room of models takes, and the rest.

    FORM is text, vision, graph, documents or candidates (of a ranking).

    Pixels become bytes where they are whole numbers from 0 to 255, else float32. Nodes without a name get their number.
    Labels of classifiers become text. Raises UsageError for a column that is not there, or of another kind.
    """
    for name, kind in _FORMS[form].items():
        at = table.schema.get_field_index(name)
        if at >= 0:
            table = table.set_column(at, name, _cast(one(table[name]), name, kind))
        elif name == "node":
            table = table.append_column(name, pa.array([str(row) for row in range(table.num_rows)], pa.string()))
        elif form == "documents" or (form == "graph" and name not in _NEEDED):
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
        elif form in _LABELLED:
            there = ", ".join(table.column_names)[:300]
            raise UsageError(f"no column '{name}'; there is: {there}. Name it with --columns {name}=THEIRS")
    if form not in _LABELLED:
        return table
    at = table.schema.get_field_index("label")
    if at < 0:
        return table.append_column("label", pa.nulls(table.num_rows, pa.string()))
    return table.set_column(at, "label", labels(table["label"]))


def _cast(column: pa.Array, name: str, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_dictionary(kind):
        return texts(column).dictionary_encode()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    many = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if pa.types.is_list(kind) != (many or pa.types.is_fixed_size_list(column.type)):
        raise UsageError(
            f"column '{name}' should be {kind}, got {column.type}. Cast it, or name another with --columns"
        )
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # its message may quote a value
        if name == "image" and not pa.types.is_string(column.type.value_type):
            return _pixels(column)
        raise UsageError(
            f"column '{name}' should be {kind}, got {column.type}. Cast it, or name another with --columns"
        ) from None


def _pixels(column: pa.Array) -> pa.Array:
    """Return a COLUMN of pixels that are no bytes as lists of float32; raises UsageError where one is no number."""
    try:
        made = column.cast(pa.list_(pa.float32()), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError(f"column 'image' should hold lists of numbers, got {column.type}") from None
    flat = np.asarray(pc.fill_null(made.flatten(), float("nan")))
    if not np.isfinite(flat).all():
        raise UsageError(f"column 'image': {int((~np.isfinite(flat)).sum()):,} pixels are null or not finite")
    return made
