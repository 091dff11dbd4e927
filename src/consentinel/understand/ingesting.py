"""What `understand ingest` does: reads sources, keeps each record once, masks personal data, checks quality."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.mask import digests, project_key
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import INCIDENTS, TEXTS, check
from consentinel.understand import mapping
from consentinel.understand.cleaning import letters
from consentinel.understand.dates import Order
from consentinel.understand.language import languages
from consentinel.understand.masked import DIRECT, masked
from consentinel.understand.quality import CHECKS, Limits, checked, exit_code, limits
from consentinel.understand.records import Made, made
from consentinel.understand.shelves import SOURCES
from consentinel.understand.sources._asking import Asking

__all__ = ["ingest"]

ALONE = ("app_review", "policy", "story")  # kinds of texts that belong to no incident
MADE_HERE = ("finding", "audit")  # made of minimised records: they name recipients and sections, and no person
DAY = 86_400_000_000


def ingest(
    run: Run, inputs: list[Path], *, kind: str, source: str, database: str, columns: str, facts: str, dates: Order,
    quality: Path | None, project_key_file: Path,
) -> Outcome:  # fmt: skip
    """Read INPUTS into INCIDENTS and TEXTS; the arguments are those of the verb. Raises UsageError, BadInput."""
    allowed = limits(run.read(quality) if quality else None)
    wanted, extra = mapping.asked(columns), [name.strip() for name in facts.split(",") if name.strip()]
    if not inputs:
        raise UsageError("name at least one file or folder")
    parts: list[Made] = []
    for path in run.each(inputs, "reading"):
        parts.append(_read(run, path, source, kind, database, wanted, extra, dates))
    counted = {name: _sum(part.counted.get(name, (0, 0)) for part in parts) for name in CHECKS}
    records = pa.concat_tables([part.records for part in parts]).combine_chunks()
    records, names = _once(records, project_key(project_key_file), counted)
    if counted["crossing_ids"][0]:
        run.note(
            f"{counted['crossing_ids'][0]:,} records have the id of a different one of an earlier source: both kept"
        )
    _count(records, counted, allowed)
    incidents, texts = _masked(run, records, names, project_key(project_key_file))
    found = checked(counted, records.num_rows, allowed)
    kept = {"incidents": run.keep("incidents", incidents), "texts": run.keep("texts", texts)}
    return Outcome(run, exit_code(found), kept | {"quality": run.keep("quality", found)},
                   _told(run, incidents, texts, found))  # fmt: skip


def _read(
    run: Run, path: Path, source: str, kind: str, database: str, wanted: dict[str, str], extra: list[str], order: Order
) -> Made:
    files = sorted(f for f in path.iterdir() if f.suffix in (".json", ".parquet")) if path.is_dir() else [path]
    for file in files:
        if file.name != "run.json":
            run.read(file)
    name = source or _source(path)
    part, asking = SOURCES.take(name), Asking(database)
    batches = list(part.read(path, asking))
    table = (
        pa.concat_tables(batches, promote_options="default")
        if batches
        else pa.table({"source_row": pa.array([], pa.int64())})
    )
    found = mapping.named(table, part.COLUMNS, wanted, extra, path.name, asking.notes)
    told = {"kind": part.KIND or kind, "source": name, "source_name": path.name}
    done = made(found, table["source_row"].combine_chunks(), order, told)
    done.counted["unreadable_records"] = (asking.unreadable, table.num_rows + asking.unreadable)
    for note in [*dict.fromkeys(asking.notes), *done.notes]:
        run.note(note)
    if told["kind"] in ALONE and "text" not in found:
        raise UsageError(f"{path.name}: nothing says which column is the text; say it with --columns text=THEIRS")
    return done


def _source(path: Path) -> str:
    """Return the part that fits PATH best; raises UsageError where none does."""
    fits = {name: SOURCES.take(name).fits(path) for name in SOURCES.names()}
    best = max(fits, key=lambda name: fits[name])
    if not fits[best]:
        raise UsageError(f"{path.name}: no source reads this; name one with --source: {', '.join(fits)}")
    return best


def _sum(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    both = list(pairs)
    return sum(n for n, _ in both), sum(of for _, of in both)


def _once(records: pa.Table, key: bytes, counted: dict[str, tuple[int, int]]) -> tuple[pa.Table, pa.Array]:
    """Return each of RECORDS once, in order, with a name: of its id, or of all that it says where it has none.

    Records that share an id and differ are all kept; the later ones are named after what they say as well. An id that
    comes twice in one source is a fault of it; two sources may well count from 1 each.
    """
    n = records.num_rows
    whole = pa.array([repr(row) for row in zip(*(_plain(records[name]) for name in _SAID), strict=True)], pa.string())
    says = digests(whole, key)
    first = _earliest(says)
    ids = records["source_id"].combine_chunks().filter(pa.array(first))
    kept, says = records.filter(pa.array(first)), says[first]
    named = np.asarray(pc.is_valid(ids))
    joined = pc.binary_join_element_wise(kept["kind"].combine_chunks(), pc.fill_null(ids, ""), "\x1f")
    codes = np.asarray(joined.dictionary_encode().indices)
    shared = named & ~_earliest(codes)
    of = np.asarray(kept["source_name"].combine_chunks().dictionary_encode().indices).astype(np.int64)
    within = named & ~_earliest(codes.astype(np.int64) * (int(of.max(initial=0)) + 1) + of)
    say = pa.array([f"{value & (1 << 64) - 1:016x}" for value in says.tolist()], pa.string())
    said = pc.if_else(pa.array(named & ~shared), "", say)
    counted["repeated_records"] = (n - kept.num_rows, n)
    counted["shared_ids"] = (int(within.sum()), int(named.sum()))
    counted["crossing_ids"] = (int((shared & ~within).sum()), int(named.sum()))
    return kept, pc.binary_join_element_wise(joined, said, "\x1f")


def _earliest(codes: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which of CODES is the first of its kind."""
    first = np.zeros(len(codes), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    return first


_SAID = ("kind", "source_id", "title", "text", "subject", "category", "severity", "status", "owner", "region", "action",
         "labels", "data_types", "opened", "closed", "people", "n", "facts")  # fmt: skip


def _plain(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _count(records: pa.Table, counted: dict[str, tuple[int, int]], allowed: Limits) -> None:
    """Add to COUNTED what can be told of all records together."""
    n = records.num_rows
    opened, closed = records["opened"], records["closed"]
    dated = pc.or_(pc.is_valid(opened), pc.invert(pc.is_in(records["kind"], value_set=pa.array(ALONE))))
    counted["without_text"] = (records["text"].null_count, n)
    counted["without_date"] = (_true(pc.and_(dated, pc.is_null(opened))), _true(dated))
    tomorrow = int(time.time() * 1_000_000) + DAY
    counted["future_dates"] = (_true(pc.greater(opened, tomorrow)) + _true(pc.greater(closed, tomorrow)),
                               2 * n - opened.null_count - closed.null_count)  # fmt: skip
    both = pc.and_(pc.is_valid(opened), pc.is_valid(closed))
    counted["closed_before_opened"] = (_true(pc.less(closed, opened)), _true(both))
    if allowed.categories:
        category = records["category"]
        known = pc.or_(pc.is_null(category), pc.is_in(category, value_set=pa.array(allowed.categories)))
        counted["unknown_categories"] = (n - _true(known), n - category.null_count)


def _true(column: Any) -> int:
    return int(pc.sum(column).as_py() or 0)


def _masked(run: Run, records: pa.Table, names: pa.Array, key: bytes) -> tuple[pa.Table, pa.Table]:
    """Return INCIDENTS and TEXTS of RECORDS, which NAMES tell apart."""
    n, nothing = records.num_rows, pa.scalar(None, pa.string())
    alone = pc.is_in(records["kind"], value_set=pa.array(ALONE)).combine_chunks()
    here = pc.is_in(records["kind"], value_set=pa.array(MADE_HERE))
    hidden, title, action = (_hidden(records[name], here) for name in ("text", "title", "action"))
    ids = {
        what: _hexadecimal(digests(pc.binary_join_element_wise(what, names, ":"), key)) for what in ("incident", "text")
    }
    incident = pc.if_else(alone, nothing, ids["incident"])
    text = pc.if_else(pc.is_valid(records["text"].combine_chunks()), ids["text"], nothing)
    columns = {
        **{name: records[name] for name in records.column_names},
        "run_id": pa.nulls(n, pa.string()),
        "incident_id": incident, "text_id": text, "masked": hidden["masked"],
        "title": title["text"], "action": action["text"],
        **{name: _direct(records[name], here) for name in ("source_id", "subject", "category", "region")},
        "n": pc.fill_null(records["n"], 1), "facts": _facts(records["facts"].combine_chunks(), here),
        "received": records["opened"], "text": hidden["text"],
        "characters": pc.utf8_length(pc.fill_null(hidden["text"], "")).cast(pa.int32()),
        "language": languages(hidden["text"]),
        "digest": pa.array(digests(letters(pc.fill_null(records["text"], "")), key)),
    }  # fmt: skip
    both = pa.table(columns)
    incidents = check(both.filter(pc.invert(alone)), INCIDENTS, "understand.ingest")
    texts = check(both.filter(pc.is_valid(text)), TEXTS, "understand.ingest")
    spans = pc.list_flatten(texts["masked"])
    run.assume(masked={one["values"]: one["counts"] for one in _kinds(spans)}, time_zone="UTC where none is said")
    return incidents, texts


def _kinds(spans: Any) -> list[dict[str, Any]]:
    kinds = pc.struct_field(spans, "kind")
    counts = pa.table({"values": kinds, "n": pc.struct_field(spans, "n")}).group_by("values").aggregate([("n", "sum")])
    return [{"values": row["values"], "counts": row["n_sum"]} for row in counts.sort_by("values").to_pylist()]


def _hexadecimal(numbers: Any) -> pa.Array:
    return pa.array([f"{number & (1 << 64) - 1:016x}" for number in numbers.tolist()], pa.string())


def _hidden(texts: pa.ChunkedArray, here: pa.ChunkedArray) -> pa.Table:
    """Return MASKED of TEXTS; those made HERE stay as they are."""
    made = masked(pc.if_else(here, pa.scalar(None, pa.string()), texts))
    return made.set_column(0, "text", pc.coalesce(made["text"], texts))


def _direct(column: pa.ChunkedArray, here: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return COLUMN with what identifies by itself masked; names stay, as companies and places have them too."""
    encoded = column.combine_chunks().dictionary_encode()
    hidden = masked(encoded.dictionary, DIRECT)["text"].combine_chunks().take(encoded.indices)
    return pc.if_else(here, column, hidden)


def _facts(facts: pa.ListArray, here: pa.ChunkedArray) -> pa.ListArray:
    inner = facts.flatten()
    of = pc.list_parent_indices(facts)
    value = _direct(pa.chunked_array([inner.field("value")]), here.take(of)).combine_chunks()
    hidden = pa.StructArray.from_arrays([inner.field("name"), value], fields=list(facts.type.value_type))
    ends = np.concatenate([[0], np.cumsum(np.asarray(pc.list_value_length(facts), np.int64))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), hidden).cast(facts.type)


def _told(run: Run, incidents: pa.Table, texts: pa.Table, found: pa.Table) -> str:
    hidden = pc.sum(pc.struct_field(pc.list_flatten(texts["masked"]), "n")).as_py() or 0
    lines = [f"{incidents.num_rows:,} incidents, {texts.num_rows:,} texts, {hidden:,} pieces of personal data masked"]
    for row in found.to_pylist():
        if row["verdict"] != "pass":
            share = "" if row["share"] is None else f" ({row['share']:.1%}; at most {row['most']:.1%} passes)"
            lines.append(f"{row['verdict']}: {row['n']:,} of {row['of']:,} {row['counted']}{share}")
    return "\n".join([*lines, *run.notes])
