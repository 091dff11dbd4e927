"""Rows whose membership is asked: those that a classifier learned from, and those of the data that it did not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.answering import labels
from consentinel.assure.leaking import repeated
from consentinel.assure.people import texts
from consentinel.assure.subject import MISSING, Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["Pool", "flagged", "like_learned", "pool"]

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Pool:
    """Rows with known membership, and how models learn from some of them.

    Arguments: rows, in the form that a trainer takes, or None where none is given; places, which of `rows` are attacked
    (n,); member, label, cluster and groups, of those (n,); answers, what the model under audit said of them; notes.
    """

    rows: pa.Table | None
    places: NDArray[np.intp]
    member: Bits
    label: NDArray[Any]
    cluster: NDArray[Any]
    groups: dict[str, NDArray[Any]]
    answers: pa.Table
    whole: bool  # a graph: its rows stay, and only labels come and go
    why: str

    def learned(self, inside: Bits) -> pa.Table:
        """Return what a model learns that is given the rows INSIDE, shape (rows,)."""
        assert self.rows is not None
        if not self.whole:
            return self.rows.filter(pa.array(inside))
        at = self.rows.schema.get_field_index("label")
        hidden = pc.if_else(pa.array(inside), one(self.rows["label"]), None)
        return self.rows.set_column(at, self.rows.schema.field(at), hidden)

    def said(self, model: Any) -> pa.Table:
        """Return what MODEL says of the rows that are attacked."""
        assert self.rows is not None
        if self.whole:
            return model.predict(self.rows).take(pa.array(self.places))
        return model.predict(self.rows.take(pa.array(self.places)))


def flagged(subject: Subject) -> Pool:
    """Return the rows of SUBJECT, whose column `member` says of which the model learned; raises UsageError."""
    member = pc.fill_null(one(labels(subject.rows["member"])), "0")
    yes = np.asarray(pc.is_in(pc.utf8_lower(member), value_set=pa.array(["1", "true", "yes"])))
    groups = {name: subject.attribute(name)[subject.unit] for name in subject.attributes()}
    label = np.asarray(labels(subject.rows["label"]).to_pylist(), dtype=object)
    return Pool(None, np.arange(len(yes)), yes, label, subject.unit, groups, subject.answers, False, "")


def pool(subject: Subject, most: int, seed: int) -> Pool:
    """Return the rows that the model of SUBJECT learned from and those that it did not, at most MOST attacked of each.

    Raises UsageError where they do not fit together.
    """
    return _graph(subject, most, seed) if subject.kind == "graph" else _rows(subject, most, seed)


def like_learned(subject: Subject, rows: pa.Table) -> pa.Table:
    """Return ROWS with the columns and types of what SUBJECT learned from; raises UsageError."""
    assert subject.learned is not None
    made = {}
    for field in subject.learned.schema:
        if field.name not in rows.column_names:
            raise UsageError(f"the learned rows have a column '{field.name[:60]}' that the data do not have")
        column = one(rows[field.name])
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        try:
            made[field.name] = column.cast(kind)
        except pa.ArrowException:
            raise UsageError(
                f"column '{field.name[:60]}' is {column.type} in the data and {kind} in the learned rows; "
                "give both in one type"
            ) from None
    return pa.table(made)


def _rows(subject: Subject, most: int, seed: int) -> Pool:
    assert subject.learned is not None
    learned, outside = subject.learned, like_learned(subject, subject.rows)
    if "label" not in learned.column_names:
        raise UsageError("the learned rows have no column label")
    plain = like_learned(subject, learned)
    both = repeated(outside, plain, subject.kind, {"id", "unit", *subject.attributes()})
    random = generator(seed, "assure.private.pool")
    mine = _some(np.flatnonzero(np.asarray(pc.is_valid(one(plain["label"])))), most, random)
    other = _some(np.flatnonzero(~both & np.asarray(pc.is_valid(one(outside["label"])))), most, random)
    unseen = np.flatnonzero(~both)
    rows = pa.concat_tables([plain, outside.take(pa.array(unseen))])
    places = np.concatenate([mine, plain.num_rows + np.searchsorted(unseen, other)])
    member = np.arange(len(places)) < len(mine)
    label = np.asarray(labels(rows["label"].take(pa.array(places))).to_pylist(), dtype=object)
    asked = subject.ask(plain.take(pa.array(mine)))
    shared = [name for name in asked.column_names if name in subject.answers.column_names]
    answers = pa.concat_tables(
        [asked.select(shared), subject.answers.take(pa.array(other)).select(shared)], promote_options="permissive"
    )
    cluster, groups = _whose(subject, learned, mine, other)
    why = f"{int(both.sum()):,} rows with the inputs of a learned one are neither" if both.any() else ""
    return Pool(rows, places, member, label, cluster, groups, answers, False, why)


def _graph(subject: Subject, most: int, seed: int) -> Pool:
    assert subject.learned is not None
    learned, rows = subject.learned, subject.rows
    if learned.num_rows != rows.num_rows:
        raise UsageError(
            f"the learned graph has {learned.num_rows:,} nodes and the data {rows.num_rows:,}: give both of one graph"
        )
    inside, outside = (np.asarray(pc.is_valid(one(table["label"]))) for table in (learned, rows))
    random = generator(seed, "assure.private.pool")
    mine = _some(np.flatnonzero(inside), most, random)
    other = _some(np.flatnonzero(outside & ~inside), most, random)
    places = np.concatenate([mine, other])
    both = pc.coalesce(labels(learned["label"]), labels(rows["label"]))
    field = learned.schema.field("label")
    union = learned.set_column(learned.schema.get_field_index("label"), field, both.cast(field.type))
    groups = {name: subject.attribute(name)[subject.unit[places]] for name in subject.attributes()}
    label = np.asarray(both.take(pa.array(places)).to_pylist(), dtype=object)
    return Pool(union, places, np.arange(len(places)) < len(mine), label, subject.unit[places], groups,
                subject.answers.take(pa.array(places)), True, "")  # fmt: skip


def _some(places: NDArray[Any], most: int, random: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(random.choice(places, min(most, len(places)), replace=False)).astype(np.intp)


def _whose(
    subject: Subject, learned: pa.Table, mine: NDArray[np.intp], other: NDArray[np.intp]
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Return whose each attacked row is, and their groups: learned rows by the column that names people, where the data
    have one, else each is a person; its groups are those columns of its own that say the same words."""
    units = one(subject.groups["unit"]).cast(pa.string())
    named = units.take(pa.array(subject.unit))
    column = next((n for n in learned.column_names if n in subject.rows.column_names and _same(subject.rows[n], named)),
                  "")  # fmt: skip
    people = subject.groups.num_rows
    place = np.full(len(mine), -1)
    cluster = people + np.arange(len(mine))
    if column:
        who = texts(learned[column]).take(pa.array(mine)).dictionary_encode(null_encoding="encode")
        place = np.asarray(pc.fill_null(pc.index_in(who.cast(pa.string()), units), -1))
        cluster = np.where(place >= 0, place, people + np.asarray(who.indices))
    groups = {}
    for name in subject.attributes():
        said = subject.attribute(name)
        own = np.full(len(mine), MISSING, dtype=object)
        if column:
            own[place >= 0] = said[place[place >= 0]]
        elif name in learned.column_names and not pa.types.is_nested(learned[name].type):
            told = np.asarray(pc.fill_null(texts(learned[name]), MISSING).to_pylist(), dtype=object)[mine]
            own = np.where(np.isin(told.astype(str), said.astype(str)), told, MISSING).astype(object)
        groups[name] = np.concatenate([own, said[subject.unit[other]]])
    return np.concatenate([cluster, subject.unit[other]]), groups


def _same(column: pa.ChunkedArray, named: pa.Array) -> bool:
    if pa.types.is_nested(column.type):
        return False
    return bool(pc.all(pc.fill_null(pc.equal(texts(column), named), False)).as_py())
