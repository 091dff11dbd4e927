"""TREC files: judgments (.qrels: topic, iteration, document, label) and rankings (.run: six columns)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.errors import BadInput, UsageError
from consentinel.models.formats import _lines

__all__ = ["SUFFIXES", "read", "write"]

SUFFIXES = (".qrels", ".run")
FIELDS = {".qrels": ("topic", "iteration", "document", "label"),
          ".run": ("topic", "Q0", "document", "rank", "score", "tag")}  # fmt: skip
TAG = "consentinel"


def read(path: Path) -> pa.Table:
    """Return query, item, label (float32) of a .qrels file, or query, item, score of a .run file.

    Fields are parted by spaces or tabs. Rows of a ranking come best first within a topic: by score, equal scores by
    the rank that stands there; topics in order of their first row. Raises BadInput with the line.
    """
    fields = FIELDS[path.suffix.lower()]
    text, at = _lines.lines(path)
    split = pc.ascii_split_whitespace(text)
    lengths = np.asarray(pc.list_value_length(split))
    if (lengths != len(fields)).any():
        bad = int(np.flatnonzero(lengths != len(fields))[0])
        raise BadInput(
            f"line {at[bad]} has {lengths[bad]} fields, not {len(fields)}: {', '.join(fields)}",
            where=path.name, todo="A .qrels file has 4 fields a line, a .run file 6",
        )  # fmt: skip
    flat = split.flatten()
    column = {name: flat.take(pa.array(np.arange(n, len(flat), len(fields)))) for n, name in enumerate(fields)}
    query, item = (_lines.ids(column[name]) for name in ("topic", "document"))
    if path.suffix.lower() == ".qrels":
        label = _lines.number(column["label"], pa.float32(), at, "the label", path.name)
        return pa.table({"query": query, "item": item, "label": label})
    rank = _lines.number(column["rank"], pa.int64(), at, "the rank", path.name)
    score = _lines.number(column["score"], pa.float64(), at, "the score", path.name)
    topic = np.asarray(query.chunk(0).indices)
    order = np.lexsort((np.asarray(rank), -np.asarray(score), topic))
    return pa.table({"query": query, "item": item, "score": score}).take(pa.array(order))


def write(table: pa.Table, path: Path) -> Path:
    """Write judgments (query, item, label) or rankings (query, item, score, best first) and return PATH.

    Raises UsageError for missing columns and for ids that are empty or hold spaces.
    """
    where = f"a {path.suffix} file"
    query, item = (_lines.plain(table, name, apart=r"\s\x0b", where=where) for name in ("query", "item"))
    kind = "label" if path.suffix.lower() == ".qrels" else "score"
    if kind not in table.column_names:
        raise UsageError(f"{where} needs the column '{kind}'; there is: {', '.join(table.column_names)}")
    numbers = np.asarray(table[kind].cast(pa.float64()), np.float64)
    if not np.isfinite(numbers).all():
        raise UsageError(f"{where}: a {kind} is missing or not finite")
    pairs = zip(query.to_pylist(), item.to_pylist(), numbers.tolist(), strict=True)
    if kind == "label":
        return _lines.put(path, (f"{q} 0 {i} {_short(x)}" for q, i, x in pairs))
    codes = np.asarray(query.dictionary_encode().indices)
    seen = np.zeros(codes.max(initial=-1) + 1, np.int64)
    ranks = np.empty(len(codes), np.int64)
    for row, code in enumerate(codes):
        seen[code] += 1
        ranks[row] = seen[code]
    named = zip(pairs, ranks.tolist(), strict=True)
    return _lines.put(path, (f"{q} Q0 {i} {rank} {x!r} {TAG}" for (q, i, x), rank in named))


def _short(x: float) -> str:
    return str(int(x)) if x == int(x) else repr(x)
