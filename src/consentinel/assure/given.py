"""What was read for an audit, and what both kinds of rows take from it: the model, and the groups of people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure import people
from consentinel.assure.intake._opened import Opened
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Model

__all__ = ["Given", "Wish", "groups_of", "listed", "model_of"]


@dataclass(frozen=True)
class Wish:
    """What was asked for; see `verbs.audit`."""

    kind: str
    groups: str = ""
    people: Path | None = None
    items: Path | None = None
    learned: Path | None = None
    trainer: str = ""
    label: str = "label"
    person: str = ""
    positive: str = ""
    columns: str = ""
    k: int = 10
    seed: int = 0
    claimed_epsilon: float | None = None
    claimed_delta: float = 0.0


@dataclass
class Given:
    """The tables that were read, renamed; attributes that are wanted; what the reader must know."""

    rows: pa.Table
    learned: pa.Table | None
    people: pa.Table | None
    items: pa.Table | None
    wanted: list[str]
    notes: list[str]


def model_of(opened: Opened, learned: pa.Table | None, wish: Wish) -> Model:
    """Return the model that came in, or one that learned from LEARNED; raises UsageError."""
    if opened.model is not None:
        return opened.model
    if opened.trainer is None:
        raise UsageError("there is neither a model nor answers nor a way to train one")
    if learned is None:
        raise UsageError("a part has to learn first: give the rows with --learned")
    return opened.trainer.train(learned, seed=wish.seed)


def listed(table: pa.Table) -> str:
    """Return the names of the columns of TABLE."""
    return ", ".join(table.column_names)[:300]


def groups_of(found: Given, units: pa.Array, rows: pa.Table, keys: tuple[str, ...], unit_rows: Any) -> pa.Table:
    """Return the groups of UNITS, from the table of people where there is one, else from columns of ROWS."""
    if found.people is not None:
        key = next((name for name in keys if name in found.people.column_names), found.people.column_names[0])
        made = people.joined(units, found.people, key, found.wanted, "people", found.notes)
    else:
        if unit_rows is None:
            who = next(name for name in ("query", "user") if name in rows.column_names)
            at = pc.index_in(people.texts(rows[who]), units)
            rows = rows.filter(pc.is_valid(at))
            unit_rows = np.asarray(at.drop_null())
        made = people.attributes(rows, unit_rows, len(units), found.wanted, found.notes)
    return pa.table({"unit": units} | made)
