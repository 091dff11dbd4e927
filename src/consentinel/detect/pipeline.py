"""The path of traffic through a scan: files to DATA, whole visits to claims; memory holds one file's typed rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, labels
from consentinel.core.contracts import CollectorPart
from consentinel.core.engine import cut
from consentinel.core.errors import BadInput
from consentinel.core.tables import CONSENT, VISITS
from consentinel.detect import consent as consents
from consentinel.detect.collectors._batch import Batch, Options
from consentinel.detect.decode import Decoder
from consentinel.detect.judge import Judge
from consentinel.detect.observe import Observer, Sightings
from consentinel.detect.page_load_ids import needed_rows

__all__ = ["Pipeline", "Tally", "batches", "inputs"]

Put = Callable[[pa.Table], None]
BATCH_ROWS = 50_000


@dataclass(slots=True)
class Tally:
    """What was read so far."""

    files: int = 0
    unreadable: int = 0
    visits: int = 0
    requests: int = 0
    data: int = 0
    typed: int = 0
    recipients: set[str] = field(default_factory=set)


def inputs(traffic: list[Path], suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files named, and those with a known suffix in the folders named, sorted by name.

    Raises BadInput when a path does not exist or a folder holds nothing to read.
    """
    found: list[Path] = []
    for path in traffic:
        if path.is_dir():
            inside = sorted(
                p for p in path.rglob("*") if p.is_file() and p.name.lower().removesuffix(".vault").endswith(suffixes)
            )
            if not inside:
                raise BadInput(
                    "the folder holds no recorded traffic", where=path.name, todo=f"Looked for: {', '.join(suffixes)}"
                )
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise BadInput("there is no such file", where=path.name, todo="Check the path")
    return list(dict.fromkeys(found))


class Pipeline:
    """Reads files one by one, writes what they hold, and judges whole visits in batches of about 50,000 rows."""

    def __init__(self, observer: Observer, judge: Judge, put: dict[str, Put], notes: list[str]) -> None:
        self.observer, self.judge, self.put, self.notes = observer, judge, put, notes
        self.decoder, self.tally = Decoder(), Tally()
        self._waiting: list[dict[str, pa.Table]] = []
        self._waiting_rows = 0

    def file(self, path: Path, part: CollectorPart[Options, Batch], options: Options) -> None:
        """Read one file with the collector PART. Raises BadInput when it cannot be read; what came before stays."""
        open_file = _OpenFile()
        for batch in part.read(path, options, self.notes):
            self._rows(batch, open_file)
            if batch.done:
                self._whole(batch, open_file)
                open_file = _OpenFile()
        self.tally.files += 1

    def _rows(self, batch: Batch, file: "_OpenFile") -> None:
        if batch.traffic is not None:
            self.put["traffic"](batch.traffic)
            file.traffic.append(batch.traffic)
            self.tally.requests += batch.traffic.num_rows
            third = batch.traffic.filter(pc.equal(batch.traffic["party"].cast(pa.string()), "third"))
            self.tally.recipients.update(pc.unique(third["recipient"].cast(pa.string())).to_pylist())
        if batch.raw is not None:
            data, signals = self.observer.observe(self.decoder.expand(batch.raw))
            if self.judge.purposes is not None:
                self.judge.purposes.batch(data, batch.traffic)
            self._data(data, file)
            file.signals.append(signals)
        if batch.data is not None:
            self._data(batch.data, file)

    def _data(self, data: pa.Table, file: "_OpenFile") -> None:
        self.put["data"](data)
        typed = data["type"].is_valid()
        self.tally.data += data.num_rows
        self.tally.typed += pc.sum(typed).as_py() or 0
        kept_there = pc.invert(pc.equal(data["action"].cast(pa.string()), "sent"))
        wanted = pc.or_(pc.or_(typed, kept_there), pa.array(needed_rows(data)))
        file.data.append(data.filter(wanted))

    def _whole(self, batch: Batch, file: "_OpenFile") -> None:
        visits = batch.visits if batch.visits is not None else VISITS.empty_table()
        told = [batch.consent] if batch.consent is not None else []
        told.append(consents.from_scenario(visits, batch.consent))
        told.append(self._intervals(visits, file.signals))
        consent = pa.concat_tables(told)
        self.put["visits"](visits)
        self.put["consent"](consent)
        if batch.calls is not None:
            self.put["calls"](batch.calls)
        self.tally.visits += visits.num_rows
        data, traffic = _concat(file.data), _concat(file.traffic)
        file.data, file.traffic, file.signals = [], [], []
        self._waiting.append({"visits": visits, "traffic": traffic, "data": data, "consent": consent})
        self._waiting_rows += data.num_rows
        if self._waiting_rows >= BATCH_ROWS:
            self.flush()

    def _intervals(self, visits: pa.Table, signals: list[Sightings]) -> pa.Table:
        ids = visits["visit_id"].cast(pa.string()).to_pylist()
        number = {v: n for n, v in enumerate(ids)}
        visit = np.array([number[v] for s in signals for v in s.visit_id], np.int64)
        joined = [
            np.concatenate([getattr(s, n) for s in signals] or [np.zeros(0, np.int64)])
            for n in ("time", "reading", "digest")
        ]
        if not len(visit):
            return CONSENT.empty_table()
        subjects = visits["subject"].cast(pa.string()).to_pylist()
        return consents.intervals(visit, joined[0], joined[1], self.observer.readings, joined[2], ids, subjects)

    def flush(self) -> None:
        """Judge the whole visits that wait, in batches of about 50,000 rows cut at visit edges."""
        if self._waiting:
            tables = {n: _concat([w[n] for w in self._waiting]) for n in ("visits", "traffic", "data", "consent")}
            self._waiting, self._waiting_rows = [], 0
            if self.judge.purposes is not None:
                self.judge.purposes.settle()
            for batch in batches(tables):
                self.judge.batch(**batch)


def batches(tables: dict[str, pa.Table]) -> Iterator[dict[str, pa.Table]]:
    """Cut tables into batches of whole visits; the rows of a visit are brought together, in the order read."""
    ids = tables["visits"]["visit_id"].cast(pa.string()).to_pylist()
    place = {visit: n for n, visit in enumerate(ids)}
    number, sorted_tables = {}, {}
    for name, table in tables.items():
        of = np.array([place.get(v, len(ids)) for v in labels(table["visit_id"])] + [len(ids)], np.int64)
        at = of[codes(table["visit_id"])]
        if np.any(at[1:] < at[:-1]):
            order = np.argsort(at, kind="stable")
            table, at = table.take(pa.array(order)), at[order]
        number[name], sorted_tables[name] = at, table
    of_row = number["data"][number["data"] < len(ids)]
    for start, stop in cut(sorted_tables["data"].slice(0, len(of_row)), BATCH_ROWS):
        visits = [int(of_row[start]), int(of_row[stop - 1]) + 1]
        edges = {n: np.searchsorted(at, visits).tolist() for n, at in number.items()}
        yield {n: sorted_tables[n].slice(a, b - a) for n, (a, b) in edges.items()}


@dataclass(slots=True)
class _OpenFile:
    """What was read of a file whose visits are not whole yet."""

    traffic: list[pa.Table] = field(default_factory=list)
    data: list[pa.Table] = field(default_factory=list)
    signals: list[Sightings] = field(default_factory=list)


def _concat(tables: list[pa.Table]) -> pa.Table:
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()
