"""Decoded traffic for the judge path: whole visits as a scan makes them, and cheap copies of them under other names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from _traffic import write_har


@dataclass(frozen=True)
class Visits:
    """Whole visits, decoded: what the judge gets, as the reader, decoder and observer of a scan made it."""

    visits: pa.Table
    traffic: pa.Table
    data: pa.Table  # every decoded row, typed or not
    consent: pa.Table

    def batches(self, rows: int = 50_000) -> "Iterator[Visits]":
        """Yield slices of whole visits, of ROWS DATA rows or just above."""
        tables = [getattr(self, name) for name in ("visits", "traffic", "data", "consent")]
        n = self.visits.num_rows
        if any(np.any(np.diff(_visit_numbers(t, self.visits)) < 0) for t in tables):
            raise SystemExit("the rows of a visit do not lie together")
        edges = [np.searchsorted(_visit_numbers(t, self.visits), np.arange(n + 1)) for t in tables]
        start = 0
        for end in range(1, n + 1):
            if end == n or edges[2][end] - edges[2][start] >= rows:
                yield Visits(*(t.slice(e[start], e[end] - e[start]) for t, e in zip(tables, edges, strict=True)))
                start = end

    def copy(self, number: int, *, sites: bool) -> "Visits":
        """Return the same rows as other visits, and to other SITES if so asked; only dictionaries are new."""
        every = (renamed(getattr(self, name), "visit_id", number) for name in ("visits", "traffic", "data", "consent"))
        return Visits(*(renamed(t, "subject", number) if sites else t for t in every))


def tables(mix: int, requests: int, seed: int = 1) -> Visits:
    """Return what a scan decodes of a HAR of REQUESTS requests, in the order of its visits; 100 requests a visit."""
    from consentinel.core.shelf import Shelf
    from consentinel.detect.collectors import har
    from consentinel.detect.collectors._batch import Options
    from consentinel.detect.observe import Observer
    from consentinel.detect.pipeline import Pipeline

    shelves = [Shelf("consentinel.detect.surfaces", "recognise"), Shelf("consentinel.detect.signals", "read")]
    observer = Observer(bytes(32), *([shelf.take(name) for name in shelf.names()] for shelf in shelves))
    kept: dict[str, list[pa.Table]] = {name: [] for name in ("visits", "traffic", "data", "calls", "consent")}
    pipeline = Pipeline(observer, _NoJudge(), {name: kept[name].append for name in kept}, [])  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        file = write_har(Path(folder) / "base.har", mix, requests, seed)
        pipeline.file(file, har, Options(file_no=0, scenario="unknown", region=None, columns={}, key=bytes(32)))
    visits, traffic, data, consent = (
        pa.concat_tables(kept[name]).unify_dictionaries().combine_chunks()
        for name in ("visits", "traffic", "data", "consent")
    )
    by_visit = np.argsort(_visit_numbers(consent, visits), kind="stable")
    return Visits(visits, traffic, data, consent.take(pa.array(by_visit)).combine_chunks())


class _NoJudge:
    """Stands where the judge does while rows are only decoded."""

    def batch(self, **_: pa.Table) -> None:
        """Judge nothing."""


def _visit_numbers(table: pa.Table, visits: pa.Table) -> np.ndarray:
    """The position in VISITS of the visit of each row."""
    column = table["visit_id"].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    number = {visit: n for n, visit in enumerate(visits["visit_id"].to_pylist())}
    return np.array([number.get(v, -1) for v in column.dictionary.to_pylist()])[column.indices.to_numpy()]


def renamed(table: pa.Table, name: str, number: int) -> pa.Table:
    at = table.schema.get_field_index(name)
    if at < 0:
        return table
    column = table[name].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    names = pa.array([f"c{number}-{label}" for label in column.dictionary.to_pylist()], pa.string())
    return table.set_column(at, table.schema.field(at), pa.DictionaryArray.from_arrays(column.indices, names))
