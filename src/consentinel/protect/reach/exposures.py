"""From a publisher's table of impressions to its sketches, one for each day, campaign or whatever names a source."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np

from consentinel.core.errors import BadInput, UsageError
from consentinel.protect.exchange import raw_table
from consentinel.protect.reach.hashing import ReachKey
from consentinel.protect.reach.sketch import Params, Sketch, build

__all__ = ["sketch_table"]


def sketch_table(
    path: Path,
    key: ReachKey,
    params: Params | None = None,
    *,
    publisher: str,
    person: str = "id",
    by: Sequence[str] = (),
) -> list[Sketch]:
    """Return a sketch for every combination of the columns BY in the Parquet or CSV file PATH, one row per impression.

    PERSON names the column of identifiers. The source of a sketch is PUBLISHER and its values of BY, joined by
    slashes. Raises BadInput for a file or column that there is not, and for empty identifiers and values.
    """
    if "/" in publisher:
        raise UsageError("the name of a publisher has no slash: slashes part it from what else names a source")
    connection = duckdb.connect()
    raw = raw_table(connection, path, "exposures")
    have = [str(row[0]) for row in connection.execute(f"DESCRIBE {_q(raw)}").fetchall()]
    absent = [column for column in (person, *by) if column not in have]
    if absent:
        raise BadInput(f"has no column {', '.join(absent)}", where=path.name, todo=f"It has: {', '.join(have)[:500]}")
    if len({person, *by}) != 1 + len(by):
        raise UsageError("name the column of people and those of sources once each")
    parts = [f"CAST({_q(column)} AS VARCHAR)" for column in by]
    empty = " OR ".join(f"{part} IS NULL OR {part} = '' OR contains({part}, '/')" for part in parts) or "false"
    wrong = connection.execute(f"SELECT count(*) FROM {_q(raw)} WHERE {empty}").fetchall()[0][0]
    if wrong:
        raise BadInput(
            f"{', '.join(by)} is empty or has a slash in {wrong} rows", where=path.name, todo="Correct these rows"
        )
    source = f"concat_ws('/', {', '.join(['$1', *parts])})"
    table = connection.sql(
        f"SELECT CAST({_q(person)} AS VARCHAR) AS person, {source} AS source FROM {_q(raw)} ORDER BY source",
        params=[publisher],
    ).to_arrow_table()
    ends = np.flatnonzero(np.diff(table["source"].combine_chunks().dictionary_encode().indices.to_numpy())) + 1
    edges = [0, *(int(end) for end in ends), table.num_rows]
    pieces = [table.slice(a, b - a) for a, b in pairwise(edges) if b > a]
    return [build(piece["person"], key, params, source=piece["source"][0].as_py()) for piece in pieces]


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
