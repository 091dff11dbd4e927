"""LETOR and SVMlight files with queries: `2 qid:10 1:0.03 2:0.7 # docid = D1`."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import BadInput, UsageError
from consentinel.models.formats import _lines

__all__ = ["SUFFIXES", "read", "write"]

SUFFIXES = (".letor", ".svmlight", ".libsvm")
MOST_CELLS = 2**31  # of the dense table of features


def read(path: Path) -> pa.Table:
    """Return query, item, label (float32) and features (list of float32, as many in each row) of PATH.

    Features are numbered from 1 and rise along a line; what a line leaves out is 0. The item is what the comment says
    after `docid =`; where not every line has one, it is the number of the line. Raises BadInput with the line.
    Source: Joachims, SVMlight, section "How to use"; Qin and Liu 2013 (LETOR 4.0).
    """
    text, at = _lines.lines(path, "#")
    if not len(text):
        raise BadInput("holds no rows", where=path.name, todo="Check that it is the file you mean")
    hash_ = pc.find_substring(text, "#")
    halves = pc.split_pattern(
        pc.if_else(pc.less(hash_, 0), pc.binary_join_element_wise(text, "", "#"), text), "#", max_splits=1
    )
    body, comment = pc.list_element(halves, 0), pc.list_element(halves, 1)
    tokens = pc.ascii_split_whitespace(pc.ascii_trim_whitespace(body))
    lengths = np.asarray(pc.list_value_length(tokens), np.int64)
    flat, starts = tokens.flatten(), np.cumsum(lengths) - lengths
    if (lengths < 2).any():
        _bad(at[np.flatnonzero(lengths < 2)[0]], "has no qid after its label", path)
    label = _lines.number(flat.take(pa.array(starts)), pa.float32(), at, "the label", path.name)
    qid = flat.take(pa.array(starts + 1))
    named = np.asarray(pc.match_substring_regex(qid, "^qid:."))
    if not named.all():
        _bad(at[np.flatnonzero(~named)[0]], "has no qid after its label", path)
    rest = np.ones(len(flat), bool)
    rest[starts] = rest[starts + 1] = False
    owner = np.repeat(np.arange(len(lengths)), lengths)[rest]
    features = _features(flat.filter(pa.array(rest)), owner, at, len(lengths), path)
    doc = pc.struct_field(pc.extract_regex(comment, r"docid\s*=\s*(?P<item>\S+)"), "item")
    item = doc if not doc.null_count and pc.all(pc.not_equal(doc, "")).as_py() else pa.array(at).cast(pa.string())
    return pa.table({
        "query": _lines.ids(pc.utf8_slice_codeunits(qid, 4)), "item": _lines.ids(item), "label": label,
        "features": features,
    })  # fmt: skip


def write(table: pa.Table, path: Path) -> Path:
    """Write the judged rows of TABLE (query, item, label, features) and return PATH; features that are 0 are left out.

    Raises UsageError for missing columns, missing or infinite numbers, and ids that are empty or hold spaces or '#'.
    """
    where = f"a {path.suffix} file"
    query, item = (_lines.plain(table, name, apart=r"\s\x0b#", where=where) for name in ("query", "item"))
    for name in ("label", "features"):
        if name not in table.column_names or table[name].null_count:
            raise UsageError(f"{where} needs a {name} in every row")
    label = np.asarray(table["label"].cast(pa.float32()))
    lists = one(table["features"].cast(pa.list_(pa.float32())))
    values = np.asarray(lists.flatten(), np.float32)
    if not (np.isfinite(label).all() and np.isfinite(values).all()):
        raise UsageError(f"{where}: a label or a feature is missing or not finite")
    edges = np.append(0, np.cumsum(np.asarray(pc.list_value_length(lists), np.int64)))

    def row(at: int) -> str:
        mine = values[edges[at] : edges[at + 1]]
        cells = " ".join(f"{n + 1}:{_exact(mine[n])}" for n in np.flatnonzero(mine))
        return f"{_exact(label[at])} qid:{query[at]} {cells}{' ' if cells else ''}# docid = {item[at]}"

    return _lines.put(path, map(row, range(table.num_rows)))


def _features(cells: pa.Array, owner: NDArray[np.intp], at: NDArray[np.int64], rows: int, path: Path) -> pa.Array:
    if not len(cells):
        return pa.array([[]] * rows, pa.list_(pa.float32()))
    parts = pc.split_pattern(cells, ":", max_splits=1)
    whole = np.asarray(pc.equal(pc.list_value_length(parts), 2))
    if not whole.all():
        _bad(at[owner[np.flatnonzero(~whole)[0]]], "has a field that is no feature:value", path)
    here = at[owner]
    index = np.asarray(_lines.number(pc.list_element(parts, 0), pa.int64(), here, "the number of a feature", path.name))
    value = np.asarray(_lines.number(pc.list_element(parts, 1), pa.float32(), here, "a feature", path.name))
    if index.min() < 1:
        _bad(here[np.flatnonzero(index < 1)[0]], "counts features from 0; they are numbered from 1", path)
    falls = (np.diff(index) <= 0) & (np.diff(owner) == 0)
    if falls.any():
        _bad(here[np.flatnonzero(falls)[0]], "names a feature twice or out of order", path)
    width = int(index.max())
    if rows * width > MOST_CELLS:
        at_most = here[int(index.argmax())]
        _bad(at_most, f"names feature {width}, too many for {rows} rows as a dense table", path)
    dense = np.zeros((rows, width), np.float32)
    dense[owner, index - 1] = value
    edges = pa.array(np.arange(0, (rows + 1) * width, width), pa.int32() if rows * width < 2**31 else pa.int64())
    return pa.ListArray.from_arrays(edges, pa.array(dense.ravel()))


def _bad(line: int, what: str, path: Path) -> None:
    raise BadInput(
        f"line {line} {what}", where=path.name, todo="A line is: label qid:ID 1:VALUE 2:VALUE ... # docid = ID"
    )


def _exact(x: np.float32) -> str:
    return str(int(x)) if x == int(x) and abs(x) < 2**24 else repr(float(x))
