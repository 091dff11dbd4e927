"""Rows that are each answered by themselves: tabular data, texts, pictures and nodes, with what is wrong with them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure import leaking, people
from consentinel.assure.answering import AskedTrainer, Meaning, answers, labels, said, wrapped
from consentinel.assure.forms import formed
from consentinel.assure.given import Given, Wish, groups_of, listed, model_of
from consentinel.assure.intake._opened import Opened
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.model_contracts import Trainer

__all__ = ["subject"]

YES = ("1", "true", "yes", "True", "Yes")


def subject(found: Given, wish: Wish, name: str, opened: Opened, trainer: Trainer | None) -> Subject:
    """Return the subject of the kind of WISH whose rows are each answered by themselves; raises UsageError."""
    notes, rows = found.notes, _shaped(found.rows, wish.kind)
    learned = found.learned if found.learned is None else _shaped(found.learned, wish.kind, text=wish.kind != "tabular")
    given = opened.answers
    if given is not None:
        rows, given = _aligned(rows, given, notes)
    if "label" in rows.column_names and wish.kind != "graph":
        none = rows["label"].null_count
        if 0 < none < rows.num_rows:
            notes.append(f"{none:,} of {rows.num_rows:,} rows have no label; left out")
            keep = pc.is_valid(rows["label"])
            rows, given = rows.filter(keep), None if given is None else given.filter(keep)
    outside = {wish.person, *found.wanted, "id", "unit"} - {""}
    for column in leaking.gives_away(rows, outside):
        notes.append(f"labels leak: the column '{column}' has one value for each label and no other")
    if learned is not None:
        rows = _leaks(rows, learned, wish, outside, notes)
    known = [] if "label" not in rows.column_names else sorted(set(rows["label"].drop_null().to_pylist()))
    positive = wish.positive or next((word for word in YES if word in known and len(known) == 2), "")
    if wish.positive and wish.positive not in known:
        raise UsageError(
            f"no row has the label '{wish.positive[:40]}' (--positive); there is: {', '.join(known)[:200]}"
        )
    if positive and not wish.positive:
        notes.append(f"'{positive}' counts as the positive label; say another with --positive")
    if given is not None:
        meaning = said(given, positive, known, [])
        model, answered, there = None, *_finite(meaning.applied(given), notes)
    else:
        made = model_of(opened, learned, wish)
        asked = wrapped(made, wish.kind, Meaning())
        raw, there = answers(asked, rows, notes)
        meaning = said(raw, positive, known, _classes(made))
        model, answered = wrapped(made, wish.kind, meaning), meaning.applied(raw)
    rows = rows if there.all() else rows.filter(pa.array(there))
    if known and not set(answered["label"].drop_null().to_pylist()) & set(known):
        notes.append("no label that the model gives is a label of the data: check --label and the classes of the model")
    unit, groups = _units(found, wish, rows)
    door = None if trainer is None else AskedTrainer(trainer, wish.kind, meaning)
    return Subject(wish.kind, name, rows, answered, unit, groups, learned=learned, model=model, trainer=door,
                   positive=positive, k=wish.k, notes=notes)  # fmt: skip


def _classes(made: Any) -> list[str]:
    there: Any = getattr(made, "classes", [])
    try:
        return [str(label) for label in (there() if callable(there) else there)]
    except Exception:
        return []


def _leaks(rows: pa.Table, learned: pa.Table, wish: Wish, outside: set[str], notes: list[str]) -> pa.Table:
    if wish.kind == "graph" and "label" in learned.column_names:
        learned = learned.filter(pc.is_valid(learned["label"]))
    met = leaking.repeated(rows, learned, wish.kind, outside)
    if wish.kind == "graph" and "label" in rows.column_names:
        met &= np.asarray(pc.is_valid(rows["label"]))
        if met.any():
            notes.append(f"labels leak: {int(met.sum()):,} labelled nodes were learned from; their labels are left out")
            hidden = pc.if_else(pa.array(met), None, one(rows["label"]))
            rows = rows.set_column(rows.column_names.index("label"), "label", hidden)
    elif met.any():
        notes.append(
            f"labels may leak: {int(met.sum()):,} of {len(met):,} rows have the same inputs as a learned row; kept"
        )
    return rows


def _shaped(table: pa.Table, kind: str, *, text: bool = True) -> pa.Table:
    """Return TABLE with what a model of KIND takes, and the label as text."""
    if kind != "tabular":
        return formed(table, kind)
    at = table.schema.get_field_index("label")
    if at < 0:
        return table
    return table.set_column(at, "label", labels(table["label"])) if text else table


def _aligned(rows: pa.Table, given: pa.Table, notes: list[str]) -> tuple[pa.Table, pa.Table]:
    """Return ROWS that have a prediction, and the predictions GIVEN in their order, by `id` where both have one."""
    if "id" not in rows.column_names or "id" not in given.column_names:
        if rows.num_rows != given.num_rows:
            raise UsageError(
                f"there are {given.num_rows:,} predictions for {rows.num_rows:,} rows; give both a column 'id', "
                "or one prediction a row in the same order"
            )
        return rows, given
    ids, theirs = people.texts(rows["id"]), people.texts(given["id"])
    for what, column in (("data", ids), ("predictions", theirs)):
        again = len(column) - len(column.unique())
        if again:
            notes.append(f"{again:,} rows of the {what} repeat an id; the first of each counts")
    unknown = int(pc.sum(pc.invert(pc.is_in(theirs, value_set=ids))).as_py() or 0)
    if unknown:
        notes.append(f"{unknown:,} of {len(theirs):,} predictions are for ids that the data do not have; left out")
    first = np.zeros(rows.num_rows, bool)
    first[np.unique(np.asarray(ids.dictionary_encode().indices), return_index=True)[1]] = True
    place = pc.index_in(ids, theirs)
    silent = int((first & ~np.asarray(pc.is_valid(place))).sum())
    if silent:
        notes.append(f"{silent:,} rows have no prediction; left out")
    keep = pc.and_(pa.array(first), pc.is_valid(place))
    return rows.filter(keep), given.take(place.filter(keep))


def _finite(answered: pa.Table, notes: list[str]) -> tuple[pa.Table, np.ndarray]:
    score = np.asarray(one(answered["score"]).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    there = np.isfinite(score)
    if not there.any():
        raise ContractBroken("no prediction has a finite score")
    if not there.all():
        notes.append(f"{int((~there).sum()):,} of {len(there):,} rows are left out: no finite score (NaN or none)")
    return answered.filter(pa.array(there)), there


def _units(found: Given, wish: Wish, rows: pa.Table) -> tuple[np.ndarray, pa.Table]:
    if not wish.person:
        if found.people is not None:
            raise UsageError("--people needs --person: the column of the data that says whose a row is")
        unit, units = np.arange(rows.num_rows), pa.array([f"row {at}" for at in range(rows.num_rows)])
    else:
        if wish.person not in rows.column_names:
            raise UsageError(f"no column '{wish.person[:60]}' (--person); there is: {listed(rows)}")
        who = people.texts(rows[wish.person]).dictionary_encode(null_encoding="encode")
        unit, units = np.asarray(who.indices), pc.fill_null(who.dictionary.cast(pa.string()), "(nobody)")
    return unit.astype(np.intp), groups_of(found, units, rows, (wish.person, "unit"), unit_rows=unit)
