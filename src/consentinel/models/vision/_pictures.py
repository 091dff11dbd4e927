"""Pictures from rows: one array of equal sizes."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, ContractBroken

__all__ = ["pictures", "same_size"]

Ints = NDArray[np.int64]
LARGEST = 2**31  # bytes of pictures in one table


def pictures(rows: pa.Table, who: str) -> NDArray[np.uint8]:
    """Return the pictures of ROWS, shape (n, height, width, channels).

    Raises ContractBroken for a missing or wrong column, BadInput for no rows, a null, bytes that do not fill the
    picture, several sizes in one table, or channels other than 1 and 3; WHO names the part.
    """
    sizes = []
    for name in ("height", "width", "channels"):
        sizes.append(_ints(rows, name, who))
    if not rows.num_rows:
        raise BadInput("there are no pictures", where=who, todo="Give at least one row")
    if any(len(np.unique(size)) > 1 for size in sizes):
        raise BadInput("the pictures have several sizes", where=who, todo="Scale them to one size first")
    height, width, channels = (int(size[0]) for size in sizes)
    if height < 1 or width < 1 or channels not in (1, 3):
        raise BadInput(f"a picture has {height} x {width} pixels and {channels} channels", where=who,
                       todo="Channels are 1 (grey) or 3 (colour)")  # fmt: skip
    column = one(_column(rows, "image", who))
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
            or pa.types.is_fixed_size_list(column.type)) or column.type.value_type != pa.uint8():  # fmt: skip
        raise ContractBroken(f"{who}: column 'image' should be list<uint8>, got {column.type}; cast it")
    flat = column.flatten()
    bytes_each = height * width * channels
    lengths = column.value_lengths() if not pa.types.is_fixed_size_list(column.type) else None
    whole = len(flat) == bytes_each * rows.num_rows and len(flat) <= LARGEST
    if column.null_count or flat.null_count:
        raise BadInput("a picture, or a pixel of one, is null", where=who, todo="Leave such rows out")
    if not whole or (lengths is not None and np.any(np.asarray(lengths) != bytes_each)):
        raise BadInput(f"a picture does not have height x width x channels = {bytes_each} bytes, or they are more than "
                       f"{LARGEST} in one table", where=who, todo="Write pixels row by row, channels last")  # fmt: skip
    return np.asarray(flat.to_numpy()).reshape(rows.num_rows, height, width, channels)


def same_size(x: NDArray[np.uint8], size: tuple[int, ...], who: str) -> NDArray[np.uint8]:
    """Return X if its pictures have SIZE (height, width, channels); else raises BadInput."""
    if x.shape[1:] != tuple(size):
        wanted, got = (" x ".join(map(str, s)) for s in (size, x.shape[1:]))
        raise BadInput(f"the pictures are {got}, and the model was trained on {wanted}", where=who,
                       todo="Scale them to the same size")  # fmt: skip
    return x


def _ints(rows: pa.Table, name: str, who: str) -> Ints:
    column = _column(rows, name, who)
    if not pa.types.is_integer(column.type):
        raise ContractBroken(f"{who}: column '{name}' should be whole numbers, got {column.type}")
    if column.null_count:
        raise BadInput(f"{name} is null in {column.null_count} rows", where=who, todo="Leave such rows out")
    return np.asarray(column.to_numpy(), np.int64)


def _column(rows: pa.Table, name: str, who: str) -> pa.ChunkedArray:
    if name not in rows.column_names:
        raise ContractBroken(f"{who}: the rows have no column '{name}'; there is: {', '.join(rows.column_names)}")
    return rows[name]
