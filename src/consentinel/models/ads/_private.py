"""What the private parts of the shelf share: settings of privacy and of public knowledge, units, and the card."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.ledger import Ticket
from consentinel.models.ads._encode import Columns, Encoding, learnt
from consentinel.models.asked import setting, told

__all__ = ["Private", "card", "encoded", "units"]


@dataclass(frozen=True)
class Private(Columns):
    """What the private parts can be set to; every value here is public."""

    epsilon: str = setting("1", "epsilon of the whole training, an exact number")
    delta: str = setting("1e-7", "its delta, far below one in the number of rows")
    accounting: str = setting("plan", "plan: paid as one declared plan (less noise); filter: adds to other questions")
    unit: str = setting("event", "whose data is protected: event (one row), or the column that names the person")
    categories: str = setting("hashed", "hashed: by a fixed hash; public: lists of values are known to everybody")
    buckets: int = setting(64, "buckets of each hashed column", low=2, high=10_000_000)
    bounds: str = setting("", "public ranges of columns of numbers: name:low:high, separated by spaces")
    pairs: bool = setting(False, "also a weight for each pair of categories")


def encoded(rows: pa.Table, settings: Private, part: str) -> Encoding:
    """Return the encoding for ROWS that uses public knowledge only. Raises UsageError naming PART."""
    if settings.categories not in ("hashed", "public"):
        raise UsageError(f"{part}: categories are 'hashed' or 'public', got '{settings.categories:.20}'")
    buckets = settings.buckets if settings.categories == "hashed" else 0
    without = ("label",) if settings.unit == "event" else ("label", settings.unit)
    bounds = _bounds(settings.bounds, part)
    return learnt(rows, settings, pairs=settings.pairs, who=part, without=without, buckets=buckets, bounds=bounds)


def units(rows: pa.Table, settings: Private, part: str) -> NDArray[np.int64] | None:
    """Return whose each row is, as numbers from 0 (n,); None where every row is its own. Raises UsageError."""
    if settings.unit == "event":
        return None
    if settings.unit not in rows.column_names:
        raise UsageError(f"{part}: no column '{settings.unit:.60}' names the person; there is: {rows.column_names}")
    column = rows[settings.unit].combine_chunks()
    if column.null_count:
        raise UsageError(f"{part}: '{settings.unit}' is missing in {column.null_count} rows; every row is somebody's")
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return np.unique(np.asarray(column.indices, dtype=np.int64), return_inverse=True)[1].astype(np.int64)


def card(settings: Private, ticket: Ticket, assumes: tuple[str, ...], **more: Any) -> Mapping[str, str]:
    """Return what the model file says about its privacy: settings, parameters as paid, and what is assumed."""
    paid = {f"paid.{name}": str(value) for name, value in ticket.params}
    stated = (*assumes, *(("public-categories",) if settings.categories == "public" else ()))
    says = {"mechanism": ticket.mechanism, "charge": ticket.charge, "assumes": " ".join(sorted(set(stated)))}
    return told(settings) | paid | says | {name: str(value) for name, value in more.items()}


def _bounds(text: str, part: str) -> dict[str, tuple[float, float]]:
    found = {}
    for piece in text.split():
        name, _, rest = piece.partition(":")
        try:
            low, high = (float(number) for number in rest.split(":"))
        except ValueError:
            low, high = 0.0, 0.0
        if not name or not -1e300 < low < high < 1e300:
            raise UsageError(f"{part}: bounds are name:low:high with low < high, got '{piece:.60}'")
        found[name] = (low, high)
    return found
