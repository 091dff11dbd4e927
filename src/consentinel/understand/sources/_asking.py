"""What a source is told, what it tells back, and the batches of texts that it makes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import pyarrow as pa

PART = "\x1f"  # between the items of a list in one cell
ROWS = 20_000  # of a batch
CHARACTERS = 64 << 20  # of a batch, about
NAMES = 2000  # most columns of a source
TOO_WIDE = f"there are more than {NAMES:,} columns: those after the first {NAMES:,} were left out"


@dataclass
class Asking:
    """What a source is told (the database that a statement is for) and what it tells back."""

    database: str = ""
    notes: list[str] = field(default_factory=list)
    unreadable: int = 0  # records that could not be read


def batches(records: Iterable[Mapping[str, str | None]], asking: Asking) -> Iterator[pa.Table]:
    """Yield RECORDS as tables with source_row; a column that a record does not have is null there.

    Columns beyond the first 2,000 names are left out, and that is told.
    """
    rows, at, names = iter(records), 0, dict[str, None]()
    while True:
        batch: list[Mapping[str, str | None]] = []
        weight = 0
        for record in islice(rows, ROWS):
            batch.append(record)
            weight += sum(map(len, filter(None, record.values())))
            if weight > CHARACTERS:
                break
        if not batch:
            return
        names |= dict.fromkeys(name for record in batch for name in record)
        if len(names) > NAMES:
            asking.notes.append(TOO_WIDE)
            names = dict.fromkeys(islice(names, NAMES))
        columns = {name: pa.array([record.get(name) for record in batch], pa.string()) for name in names}
        yield pa.table({**columns, "source_row": pa.array(range(at, at + len(batch)), pa.int64())})
        at += len(batch)
