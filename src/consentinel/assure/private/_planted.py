"""Planted rows: canaries that a model learns, or does not, and how much it looks as if it had."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.answering import labels
from consentinel.assure.people import texts
from consentinel.assure.private._asked import Cells
from consentinel.assure.private._confidence import confidence
from consentinel.assure.private._pool import like_learned
from consentinel.assure.private._times import times
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator
from consentinel.core.stats import Floats

__all__ = ["Planted", "planted"]

_ITEMS = 20  # of a canary person: half are shown, half are asked for
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Planted:
    """COUNT canaries of one make.

    Arguments: rows, which gives what a model learns that gets each canary so many times, shape (count,); scores, which
    gives how much a model looks as if it had learned each, shape (count,); what they are, in words; once, whether none
    can be learned more than once.
    """

    count: int
    rows: Callable[[Ints], pa.Table]
    scores: Callable[[Any], Floats]
    what: str
    once: bool = False


def planted(subject: Subject, most: int, seed: int) -> Planted:
    """Return at most MOST canaries for SUBJECT, all drawn in one way, so that one not learned stands for any other.

    Classifiers: rows of the data with a wrong label at random. Recommenders: made people with items at random.
    Raises UsageError.
    """
    if subject.kind == "recsys":
        return _people(subject, most, seed)
    return _nodes(subject, most, seed) if subject.kind == "graph" else _rows(subject, most, seed)


def _rows(subject: Subject, most: int, seed: int) -> Planted:
    assert subject.learned is not None
    learned, rows = like_learned(subject, subject.learned), like_learned(subject, subject.rows)
    known = np.flatnonzero(np.asarray(pc.is_valid(one(rows["label"]))))
    random = generator(seed, "assure.private.planted")
    places = random.permutation(known)[:most]
    wrong = _wrong(rows["label"].take(pa.array(places)), one(learned["label"]).drop_null(), random)
    at = learned.schema.get_field_index("label")
    canaries = rows.take(pa.array(places)).set_column(at, learned.schema.field(at), wrong)
    label = np.asarray(labels(wrong).to_pylist(), dtype=object)

    def given(times: Ints) -> pa.Table:
        return pa.concat_tables([learned, canaries.take(pa.array(np.repeat(np.arange(len(places)), times)))])

    def scores(model: Any) -> Floats:
        return confidence(model.predict(canaries), label, subject.positive)[1]

    return Planted(len(places), given, scores, "rows of the data with a wrong label")


def _nodes(subject: Subject, most: int, seed: int) -> Planted:
    assert subject.learned is not None
    learned = subject.learned
    at = learned.schema.get_field_index("label")
    free = np.asarray(pc.is_null(one(learned["label"])))
    if learned.num_rows != subject.rows.num_rows or not free.any():
        raise UsageError("canaries of a graph are nodes without a learned label; the learned graph has none")
    free &= np.asarray(pc.is_valid(one(subject.rows["label"])))
    random = generator(seed, "assure.private.planted")
    places = random.permutation(np.flatnonzero(free))[:most]
    truth = subject.rows["label"].take(pa.array(places))
    wrong = _wrong(truth, one(learned["label"]).drop_null(), random)
    label = np.asarray(labels(wrong).to_pylist(), dtype=object)

    def given(times: Ints) -> pa.Table:
        made = np.full(learned.num_rows, -1)
        made[places[times > 0]] = np.flatnonzero(times > 0)
        chosen = wrong.take(pa.array(made, mask=made < 0))
        return learned.set_column(at, learned.schema.field(at), pc.coalesce(one(learned["label"]), chosen))

    def scores(model: Any) -> Floats:
        return confidence(model.predict(subject.rows).take(pa.array(places)), label, subject.positive)[1]

    return Planted(len(places), given, scores, "nodes with a wrong label", once=True)


def _people(subject: Subject, most: int, seed: int) -> Planted:
    assert subject.learned is not None
    learned = subject.learned
    items, users = texts(learned["item"]).unique(), texts(learned["user"]).unique()
    if len(items) < 2 * _ITEMS:
        raise UsageError(
            f"canary people have {_ITEMS} items of at least {2 * _ITEMS}; the learned rows have {len(items)}"
        )
    random = generator(seed, "assure.private.planted")
    drawn = np.argsort(random.random((most, len(items)), np.float32), axis=1)[:, :_ITEMS]
    half = _ITEMS // 2
    who = np.repeat(np.arange(most), half)
    cells = Cells(items, most, (who, drawn[:, :half].ravel()), (who, drawn[:, half:].ravel()), users)
    own = pa.table({n: texts(learned[n]) if n in ("user", "item") else one(learned[n]) for n in learned.column_names})
    when = times(learned, most * _ITEMS, None, seed).get("time")

    def given(times: Ints) -> pa.Table:
        person = np.repeat(np.arange(most), times)
        copy = np.arange(len(person)) - np.repeat(np.cumsum(times) - times, times)
        told = zip(cells.names.take(pa.array(person)).to_pylist(), copy.tolist(), strict=True)
        names = pa.array([f"{name} planted {number}" for name, number in told], pa.string())
        more: dict[str, Any] = {
            "user": names.take(pa.array(np.repeat(np.arange(len(person)), _ITEMS))),
            "item": items.take(pa.array(drawn[person].ravel())),
        }
        if when is not None:
            at = person[:, None] * _ITEMS + np.arange(_ITEMS)
            more["time"] = when.take(pa.array(at.ravel()))
        for field in learned.schema:
            if field.name not in more:
                more[field.name] = pa.nulls(len(person) * _ITEMS, field.type)
        return pa.concat_tables([own, pa.table({name: more[name] for name in own.column_names})])

    def scores(model: Any) -> Floats:
        return np.asarray(cells.said(model).score.reshape(most, half).mean(axis=1))

    return Planted(most, given, scores, f"made people with {_ITEMS} items at random")


def _wrong(truth: pa.ChunkedArray, known: pa.Array, random: np.random.Generator) -> pa.Array:
    """Return for each of TRUTH another of the labels KNOWN, at random."""
    classes = known.unique()
    if pa.types.is_dictionary(classes.type):
        classes = classes.cast(classes.type.value_type)
    if len(classes) < 2:
        raise UsageError("a wrong label needs at least two labels among the learned rows")
    own = np.asarray(pc.fill_null(pc.index_in(one(truth).cast(classes.type), classes), -1))
    other = random.integers(0, len(classes) - (own >= 0), len(own))
    return classes.take(pa.array(np.where((own >= 0) & (other >= own), other + 1, other)))
