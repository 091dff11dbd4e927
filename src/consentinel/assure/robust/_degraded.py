"""What becomes of answers when inputs get worse by chance: accuracy or nDCG before and after, and answers that flip."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure import per_unit
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.robust._scored import Floats, Places, asked, change, known, mean, right, said
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["DRAWS", "NOT_INPUT", "Way", "degraded", "inputs", "listed", "lists"]

DRAWS = 3  # times that chance is drawn; a row's value is the mean of them
NOT_INPUT = ("label", "id", "unit")
Way = Callable[[pa.Table, np.random.Generator], pa.Table]  # rows -> worse rows, of the same number


def degraded(subject: Subject, rows: pa.Table, at: Places, ways: Mapping[str, Way], word: str, plan: Plan,
             why: str = "") -> Iterator[Measure]:  # fmt: skip
    """Yield for each of WAYS, by its slice, how the answers to ROWS, places AT of the subject, fare UNDER it.

    Rankings of features: nDCG at k of each query. Others: accuracy where labels are known, and answers that flip.
    """
    if subject.kind == "ranking":
        yield from _ranked(subject, rows, ways, word, plan, why)
        return
    before, unit = subject.answers.take(pa.array(at)), subject.unit[at]
    there = np.asarray(pc.is_valid(one(rows["label"]))) if len(known(subject)) else np.zeros(len(at), bool)
    was = right(before, rows)[there].astype(np.float64) if there.any() else np.zeros(0)
    for place, way in ways.items():
        rng = generator(plan.seed, "assure.robust", word, place)
        now, flips = np.zeros(len(at)), np.zeros(len(at))
        for _ in range(DRAWS):
            after = asked(subject, way(rows, rng))
            flips += (said(after) != said(before)) / DRAWS
            if there.any():
                now += right(after, rows) / DRAWS
        if there.any():
            if not place.startswith("column="):  # of single columns only what they change is of use
                yield mean(f"accuracy_under_{word}", now[there], unit[there], plan, place, why=why)
            yield change(f"accuracy_change_under_{word}", was, now[there], unit[there], plan, place, why=why)
        yield mean(f"flip_rate_under_{word}", flips, unit, plan, place, "lower", "answers that change")


def _ranked(
    subject: Subject, rows: pa.Table, ways: Mapping[str, Way], word: str, plan: Plan, why: str
) -> Iterator[Measure]:
    name = f"ndcg@{subject.k}"
    before = _quality(subject, rows)
    some = np.isfinite(before)
    for place, way in ways.items():
        rng = generator(plan.seed, "assure.robust", word, place)
        after = np.mean([_quality(subject, way(rows, rng)) for _ in range(DRAWS)], axis=0)
        units = np.flatnonzero(some)
        yield mean(f"{name}_under_{word}", after[some], units, plan, place, why=why)
        yield change(f"{name}_change_under_{word}", before[some], after[some], units, plan, place, why=why)


def _quality(subject: Subject, rows: pa.Table) -> Floats:
    """Return nDCG at k of each unit from the answers to the candidates ROWS, NaN for queries that ROWS do not have."""
    names = {name: one(rows[name]).cast(pa.string()).dictionary_encode() for name in ("query", "item")}
    candidates = pa.table(names | {"features": rows["features"].cast(pa.list_(pa.float32()))})
    values = per_unit.values(replace(subject, answers=subject.ask(candidates)))
    if values is None:
        raise UsageError("rankings need what was right: a column label")
    made = np.asarray(values[f"ndcg@{subject.k}"].to_numpy(zero_copy_only=False), np.float64)
    assert subject.queries is not None
    there = pc.is_in(one(subject.queries["query"]).cast(pa.string()), value_set=one(rows["query"]).cast(pa.string()))
    return np.where(np.asarray(there), made, np.nan)


def inputs(subject: Subject, plan: Plan, most: int, word: str) -> tuple[pa.Table, Places]:
    """Return the rows that are made worse, and their places: at most MOST rows or queries; a graph is one piece.

    Raises UsageError for rankings without features.
    """
    count = subject.rows.num_rows
    if subject.kind == "graph":
        return subject.rows, np.arange(count)
    if subject.kind == "ranking":
        if "features" not in subject.rows.column_names:
            raise UsageError("the rows have no column features that could be changed")
        units = drawn("robust", np.unique(subject.unit), most, plan, word)
        at = np.flatnonzero(np.isin(subject.unit, units) & np.asarray(pc.is_valid(one(subject.rows["features"]))))
        return subject.rows.take(pa.array(at)), at
    labelled = known(subject)
    at = drawn("robust", labelled if len(labelled) else np.arange(count), most, plan, word)
    return subject.rows.take(pa.array(at)), at


def lists(rows: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers in the lists of the column NAME, one after the other, and how many each row has."""
    whole = one(rows[name])
    flat = np.asarray(whole.flatten().to_numpy(zero_copy_only=False))
    return flat, np.asarray(pc.fill_null(pc.list_value_length(whole), 0), np.int64)


def listed(rows: pa.Table, name: str, flat: np.ndarray, length: np.ndarray) -> pa.Table:
    """Return ROWS with the numbers FLAT in the lists of the column NAME, LENGTH (n,) of them a row."""
    field = rows.schema.field(name)
    ends = pa.array(np.append(0, np.cumsum(length)).astype(np.int32))
    made = pa.ListArray.from_arrays(ends, pa.array(flat).cast(field.type.value_type))
    return rows.set_column(rows.column_names.index(name), field, made.cast(field.type))
