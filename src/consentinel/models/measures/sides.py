"""What is measured: the models, what they learned from and what is held out; and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.model_contracts import Model
from consentinel.core.tables import check
from consentinel.models.evaluation import ranking, splits
from consentinel.models.evaluation.comparing import How
from consentinel.models.rows import QUERIES

__all__ = ["Asked", "Measured", "Sides", "histories", "persons", "queries"]


@dataclass(frozen=True)
class Asked:
    """What is asked: as in `verbs.evaluate`."""

    train: Path | None
    split: splits.Wish
    share: float
    settings: str
    seed: int
    seeds: int
    k: int
    metrics: str
    gain: ranking.Gain
    sampled: int
    level: float
    person: str
    columns: str

    def how(self, people: NDArray[np.generic] | None = None) -> How:
        """Return how intervals are made where PEOPLE (n,) says whose each figure is."""
        return How(people, self.seed, self.level)


@dataclass(frozen=True)
class Sides:
    """The models to measure, one for each training seed, what they learned from (or None), and what is held out.

    Arguments: shelf; name, shelf/part; settings of the part, as texts.
    """

    shelf: str
    name: str
    models: list[Model]
    learned: pa.Table | None
    held: pa.Table
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Measured:
    """Metrics as METRICS, and further tables by the name of their file."""

    metrics: pa.Table
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def queries(query: pa.Array, k: int, history: pa.Array | None = None, text: pa.ChunkedArray | None = None) -> pa.Table:
    """Return QUERIES of K answers each, with TEXT of questions or HISTORY of people where there are such."""
    n = len(query)
    columns = {
        "query": query,
        "text": pa.nulls(n, pa.string()) if text is None else text,
        "k": pa.array(np.full(n, k, np.int32)),
        "history": pa.nulls(n, pa.list_(pa.string())) if history is None else history,
    }
    return check(pa.table(columns), QUERIES, "evaluate")


def persons(rows: pa.Table, person: str, kept: NDArray[np.bool_] | None = None) -> NDArray[np.generic] | None:
    """Return the column PERSON of ROWS, of those KEPT (n,), as texts; None where no column is named."""
    if not person:
        return None
    column = one(rows[person].cast(pa.string()))
    return np.asarray((column if kept is None else column.filter(pa.array(kept))).to_pylist())


def histories(users: pa.Array, learned: pa.Table) -> pa.Array:
    """Return what each of USERS did in LEARNED, in order of time, as lists; a model reads them of
    those whom it does not know."""
    person = pc.index_in(one(learned["user"].cast(pa.string())), value_set=users)
    mine = learned.append_column("at", person).filter(pc.is_valid(person))
    order = [("at", "ascending"), ("time", "ascending")] if not mine["time"].null_count else [("at", "ascending")]
    mine = mine.sort_by(order)
    ends = np.cumsum(np.bincount(np.asarray(one(mine["at"]), np.int64), minlength=len(users)))
    items = one(mine["item"].cast(pa.string()))
    return pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), items)
