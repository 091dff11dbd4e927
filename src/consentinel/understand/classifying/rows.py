"""Texts and their labels from a run's folder or a table, as lists and masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.understand.classifying.taxonomy import Taxonomy
from consentinel.understand.given import days, read_table

__all__ = ["Rows", "labelled", "read"]

LONGEST = 20_000  # characters of a text that are read: what a class depends on is said by then


@dataclass(frozen=True)
class Rows:
    """Texts that are not empty: names, texts, the labels of each (None: nobody looked), groups (n,), and days (n,)
    since 1970 where there is a column of times; `lead`, the blanks cut off before each text; `marks`, where labels are
    spans: kind, first character and the one behind the last."""

    names: Sequence[str]
    texts: Sequence[str]
    labels: Sequence[Sequence[str] | None]
    groups: NDArray[np.int64]
    days: NDArray[np.float64] | None
    lead: NDArray[np.int64]
    marks: Sequence[Sequence[tuple[str, int, int]] | None] | None


def read(run: Run, path: Path, *, text: str, labels: str, group: str, time: str) -> Rows:
    """Return the rows of PATH: a table, or a folder with texts.parquet (and incidents.parquet for other columns).

    A row whose time is not known counts as the oldest. Raises UsageError for a column that is not there, BadInput for a
    table without a text.
    """
    table = read_table(run, path / "texts.parquet" if path.is_dir() else path)
    wanted = [name for name in (labels, group, time) if name]
    if path.is_dir() and (path / "incidents.parquet").is_file() and set(wanted) - set(table.column_names):
        incidents = read_table(run, path / "incidents.parquet")
        more = [name for name in wanted if name in incidents.column_names and name not in table.column_names]
        plain = pa.table({name: _plain(incidents[name]) for name in ("incident_id", *more)})
        at = pc.index_in(_plain(table["incident_id"]), value_set=plain["incident_id"].combine_chunks())
        for name in more:
            table = table.append_column(name, plain[name].take(at))
    for name in (text, *wanted):
        if name not in table.column_names:
            raise UsageError(f"no column '{name[:40]}'; there is: {', '.join(table.column_names[:30])}")
    whole = pc.fill_null(pc.cast(_plain(table[text]), pa.string()), "")
    words = pc.utf8_trim_whitespace(whole)
    fine = pc.not_equal(words, "")
    empty = table.num_rows - (pc.sum(fine).as_py() or 0)
    if empty:
        run.note(f"{empty:,} rows without a text are left out")
    table, words, whole = table.filter(fine), words.filter(fine), whole.filter(fine)
    if not table.num_rows:
        raise BadInput("there are no texts", where=path.name, todo="Give at least one row with a text")
    long = pc.sum(pc.greater(pc.utf8_length(words), LONGEST)).as_py() or 0
    if long:
        run.note(f"of {long:,} texts only the first {LONGEST:,} characters are read")
    plain_texts = pc.utf8_slice_codeunits(words, 0, LONGEST).to_pylist()
    name = next((one for one in ("text_id", "incident_id", "id", "record_id") if one in table.column_names), "")
    names = [str(one) for one in table[name].to_pylist()] if name else [str(at) for at in range(table.num_rows)]
    same = (
        [str(one) for one in table[group].to_pylist()] if group else [" ".join(t.lower().split()) for t in plain_texts]
    )
    lead = np.asarray(pc.subtract(pc.utf8_length(whole), pc.utf8_length(pc.utf8_ltrim_whitespace(whole))), np.int64)
    marks = _marks(table[labels], lead) if labels and _spans(table[labels].type) else None
    return Rows(names, plain_texts, _labels(table[labels]) if labels and marks is None else [None] * len(names),
                np.unique(same, return_inverse=True)[1].astype(np.int64),
                _days(run, table, time) if time else None, lead, marks)  # fmt: skip


def labelled(run: Run, rows: Rows, taxonomy: Taxonomy) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which rows people labelled, and their labels as a mask (labelled, classes); others are told in a note."""
    looked = np.array([at for at, said in enumerate(rows.labels) if said is not None], np.int64)
    mask = np.zeros((len(looked), len(taxonomy.ids)), bool)
    unknown: set[str] = set()
    for row, at in enumerate(looked):
        for label in rows.labels[at] or ():
            place = taxonomy.places(label)
            if place < 0:
                unknown.add(label)
            else:
                mask[row, place] = True
    if unknown:
        run.note(f"{len(unknown)} labels are in no class of the taxonomy {taxonomy.name} and are not learnt")
    return looked, mask


def _days(run: Run, table: pa.Table, time: str) -> NDArray[np.float64]:
    when, known = days(table, time)
    if not known.all():
        run.note(f"{int((~known).sum()):,} texts have no {time}; they count as the oldest")
    made = when.astype("datetime64[D]").astype(np.float64)
    return np.where(known, made, made[known].min(initial=0) if known.any() else 0)


def _labels(column: pa.ChunkedArray) -> list[list[str] | None]:
    plain = _plain(column)
    if pa.types.is_list(plain.type) or pa.types.is_large_list(plain.type):
        found: list[list[str] | None] = [None if one is None else [str(x) for x in one] for one in plain.to_pylist()]
        return found
    values = pc.cast(plain, pa.string()).to_pylist()
    return [[part.strip() for part in value.split("|") if part.strip()] if value else None for value in values]


def _spans(kind: pa.DataType) -> bool:
    """Return whether KIND is a list of {label, start, end}."""
    if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
        return False
    inner = kind.value_type
    return {inner.field(at).name for at in range(inner.num_fields)} >= {"label", "start", "end"} and all(
        pa.types.is_integer(inner.field(name).type) for name in ("start", "end")
    )


def _marks(column: pa.ChunkedArray, lead: NDArray[np.int64]) -> list[list[tuple[str, int, int]] | None]:
    made: list[list[tuple[str, int, int]] | None] = []
    for cut, said in zip(lead.tolist(), column.to_pylist(), strict=True):
        whole = [one for one in said or () if one and None not in (one["label"], one["start"], one["end"])]
        made.append(None if said is None else
                    [(str(one["label"]), one["start"] - cut, one["end"] - cut) for one in whole])  # fmt: skip
    return made


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column
