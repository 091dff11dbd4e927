"""Rankings from files: what was right, who asked, what was answered, and ids that somebody does not know."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure.people import as_text, texts
from consentinel.core.columns import one
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.tables import check

__all__ = ["answers", "interactions", "items", "queries", "strangers", "truth"]

_ID = pa.dictionary(pa.int32(), pa.string())
INTERACTIONS = pa.schema([("user", _ID), ("item", _ID), ("time", pa.int64()), ("weight", pa.float32())])


def truth(table: pa.Table, kind: str, notes: list[str]) -> pa.Table:
    """Return TABLE as query, item, label (1 where it says none) and what else it has; repeated pairs are left out."""
    names = table.column_names
    table = table.rename_columns(["query" if n == "user" and "query" not in names else n for n in names])
    lost = [name for name in ("query", "item") if name not in table.column_names]
    if lost:
        raise UsageError(
            f"no column '{lost[0]}'; there is: {', '.join(names)[:300]}. Name it with --columns {lost[0]}=THEIRS"
        )
    label = pa.array(np.ones(table.num_rows))
    if "label" in names:
        try:
            label = one(table["label"]).cast(pa.float64())
        except pa.ArrowInvalid:
            raise UsageError("the label of a ranking is a number, higher is better") from None
    known = {"query": texts(table["query"]), "item": texts(table["item"]), "label": label}
    more = [name for name in table.column_names if name not in known]
    made = pa.table(known | {name: table[name] for name in more})
    there = pc.and_(pc.and_(pc.is_valid(known["query"]), pc.is_valid(known["item"])), pc.is_valid(label))
    lost_rows = made.num_rows - int(pc.sum(there).as_py() or 0)
    if lost_rows:
        notes.append(
            f"{lost_rows:,} rows lack a {'user' if kind == 'recsys' else 'query'}, an item or a label; left out"
        )
        made = made.filter(there)
    if not made.num_rows:
        raise UsageError("no row has who asked, an item and a label; nothing can be measured")
    first = _first(made, ("query", "item"))
    if not first.all():
        notes.append(
            f"{int((~first).sum()):,} of {len(first):,} rows repeat a pair of asker and item; the first counts"
        )
        made = made.filter(pa.array(first))
    return made


def interactions(table: pa.Table) -> pa.Table:
    """Return TABLE in the form that recommenders learn from: user, item, time and weight (null where it has none)."""
    names = table.column_names
    table = table.rename_columns(["user" if n == "query" and "user" not in names else n for n in names])
    for name in ("user", "item"):
        if name not in table.column_names:
            raise UsageError(f"learned: no column '{name}'; there is: {', '.join(names)[:300]}")
        table = table.set_column(table.column_names.index(name), name, texts(table[name]))
    for field in INTERACTIONS:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return check(table, INTERACTIONS, "learned")


def queries(rows: pa.Table, k: int, content: pa.Table | None = None) -> pa.Table:
    """Return who asks: each query of ROWS once, in their order, with its text and history where there are such, and
    what CONTENT shows of it."""
    first = rows.filter(pa.array(_first(rows, ("query",))))
    made = {"query": one(first["query"]), "k": pa.array([k] * first.num_rows, pa.int32())}
    for name, kind in (("text", pa.string()), ("history", pa.list_(pa.string()))):
        made[name] = one(first[name]).cast(kind) if name in first.column_names else pa.nulls(first.num_rows, kind)
    if content is not None:
        at = pc.index_in(made["query"], one(content["query"]).cast(pa.string()))
        made |= {name: one(content[name]).take(at) for name in content.column_names if name != "query"}
    return pa.table(made)


def strangers(rows: pa.Table, learned: pa.Table, notes: list[str]) -> None:
    """Tell in NOTES which askers and items of ROWS the model has never learned of."""
    for ours, theirs, what in (("query", "user", "people"), ("item", "item", "items")):
        mine = one(rows[ours]).unique()
        new = int(pc.sum(pc.invert(pc.is_in(mine, value_set=texts(learned[theirs]).unique()))).as_py() or 0)
        if new:
            notes.append(
                f"{new:,} of {len(mine):,} {what} of the data are unknown to the model: it never learned of them"
            )


def answers(
    given: pa.Table, asked: pa.Table, rows: pa.Table, learned: pa.Table | None, name: str, notes: list[str]
) -> pa.Table:
    """Return the answers GIVEN to the queries ASKED, best first, in their order; what is wrong is left out and told."""
    lost = [column for column in ("query", "item", "score") if column not in given.column_names]
    if lost:
        raise ContractBroken(f"{name} answers without the column {lost[0]}; rankings are query, item, score")
    made = pa.table({"query": texts(given["query"]), "item": texts(given["item"]),
                     "score": one(given["score"]).cast(pa.float64())})  # fmt: skip
    score = np.asarray(one(made["score"]).to_numpy(zero_copy_only=False), np.float64)
    place = pc.index_in(one(made["query"]), one(asked["query"]))
    known, finite = np.asarray(pc.is_valid(place)), np.isfinite(score)
    if (~known).any():
        notes.append(
            f"{int((~known).sum()):,} of {len(known):,} answers are for ids that the data do not have; left out"
        )
    if (known & ~finite).any():
        notes.append(
            f"{int((known & ~finite).sum()):,} of {len(known):,} answers have no finite score (NaN or none); left out"
        )
    keep = known & finite & np.asarray(pc.is_valid(one(made["item"])))
    made, score, at = made.filter(pa.array(keep)), score[keep], np.asarray(pc.fill_null(place, 0))[keep]
    order = np.lexsort((np.arange(len(at)), -score, at))
    made = made.take(pa.array(order))
    first = _first(made, ("query", "item"))
    if not first.all():
        notes.append(f"{int((~first).sum()):,} answers repeat an item of the same query; the best counts")
        made = made.filter(pa.array(first))
    if not made.num_rows:
        raise ContractBroken(f"{name} answers nothing for the {asked.num_rows:,} who ask")
    silent = asked.num_rows - len(one(made["query"]).unique())
    if silent:
        notes.append(f"{silent:,} of {asked.num_rows:,} who ask got no answer; they count as empty lists")
    if learned is not None:
        there = pa.concat_arrays([texts(learned["item"]).unique(), one(rows["item"]).unique()])
        new = int(pc.sum(pc.invert(pc.is_in(one(made["item"]).unique(), value_set=there))).as_py() or 0)
        if new:
            notes.append(f"{new:,} recommended items are in neither the learned rows nor the data")
    return made


def items(table: pa.Table, answered: pa.Table, notes: list[str]) -> pa.Table:
    """Return the attributes of items as text, one row per item; items without a row are told in NOTES."""
    key = "item" if "item" in table.column_names else table.column_names[0]
    made = {"item": texts(table[key])}
    for name in table.column_names:
        if name != key:
            made[name] = as_text(table[name], name, notes)
    found = pa.table(made)
    first = _first(found, ("item",))
    if not first.all():
        notes.append(f"items: {int((~first).sum()):,} rows repeat an item; the first counts")
        found = found.filter(pa.array(first))
    lost = pc.invert(pc.is_in(one(answered["item"]).unique(), value_set=one(found["item"])))
    if pc.any(lost).as_py():
        notes.append(
            f"items: {pc.sum(lost).as_py():,} recommended items have no row there; their attributes are missing"
        )
    return found


def _first(table: pa.Table, names: tuple[str, ...]) -> np.ndarray:
    """Return which rows are the first with their values of the columns NAMES, shape (n,)."""
    packed = np.zeros(table.num_rows, np.int64)
    for name in names:
        coded = one(table[name]).dictionary_encode(null_encoding="encode")
        packed = packed * (len(coded.dictionary) + 1) + np.asarray(coded.indices)
    first = np.zeros(table.num_rows, bool)
    first[np.unique(packed, return_index=True)[1]] = True
    return first
