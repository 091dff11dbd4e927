"""The scan with the models on: requests as read to findings on one core, answers remembered by key and shape."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from _claim import measure, one_core, write
from _decoded import renamed
from _traffic import write_har
from consentinel.core import contracts
from consentinel.core.shelf import Shelf
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Batch, Options
from consentinel.detect.judge import Judge
from consentinel.detect.judges import claim_model, datum_model, purpose_model
from consentinel.detect.judges._claim_rows import ClaimFields
from consentinel.detect.modelled import Candidates, applied
from consentinel.detect.observe import Observer
from consentinel.detect.pipeline import Pipeline
from consentinel.detect.policy import load
from consentinel.detect.purposes import Purposes
from consentinel.detect.sightings import Sighter

NAMES = ("models_requests_per_s",)
MIX = 17  # decoded rows a request
BASE, SEEDS = 10_000, (1, 2, 3)  # requests of one recording, and how many recordings with values of their own
COPIES, REPEATS = 4, 3
FEATURES = 20_000  # data judged at once where nothing is remembered

PARTS = {
    name: Shelf(f"consentinel.detect.{name}", door) for name, door in (("surfaces", "recognise"), ("signals", "read"))
}
RULES = Shelf("consentinel.detect.rules", "find")


class Asked:
    """A judge that counts what it was asked and how long it took."""

    def __init__(self, judge: contracts.Judge) -> None:
        self.inner, self.version, self.rows, self.seconds = judge, judge.version, 0, 0.0
        self.tables: list[pa.Table] = []

    def judge(self, rows: pa.Table, /) -> pa.Table:
        """Pass ROWS on."""
        start = time.perf_counter()
        answer = self.inner.judge(rows)
        self.seconds += time.perf_counter() - start
        self.rows += rows.num_rows
        self.tables.append(rows)
        return answer


class Prepared:
    """A collector of batches that were read before."""

    SUFFIXES = ()
    __name__ = "prepared"

    def __init__(self, batches: list[Batch]) -> None:
        self.batches = batches

    def read(self, path: Path, options: Options, notes: list[str], /) -> Iterator[Batch]:
        """Yield the batches."""
        yield from self.batches


def recorded() -> list[list[Batch]]:
    """Return what the reader makes of recordings of BASE requests, one for each of SEEDS."""
    with TemporaryDirectory() as folder:
        files = [write_har(Path(folder) / f"{seed}.har", MIX, BASE, seed) for seed in SEEDS]
        options = [Options(file_no=number, key=bytes(32)) for number in range(len(files))]
        return [list(har.read(file, option, [])) for file, option in zip(files, options, strict=True)]


def copied(batches: list[Batch], number: int) -> list[Batch]:
    """Return BATCHES as other visits; only dictionaries are new."""
    new = []
    for batch in batches:
        tables = {name: getattr(batch, name) for name in ("traffic", "raw", "visits", "consent")}
        new.append(replace(batch, **{n: t and renamed(t, "visit_id", number) for n, t in tables.items()}))
    return new


def scan(judge: contracts.Judge | None) -> tuple[Pipeline, Callable[[], pa.Table]]:
    """Return the scan's own path, with the judges of purposes and claims where there is one of data, and its end."""
    sighter = Sighter(load(None, region="EU"), region="EU")
    rules = [RULES.take(name) for name in RULES.names()]
    verdict = Judge(sighter, rules)
    if judge is not None:
        verdict = Judge(sighter, rules, ClaimFields(), Purposes(purpose_model.open(None), sighter))
    parts = [[shelf.take(name) for name in shelf.names()] for shelf in PARTS.values()]
    nowhere = dict.fromkeys(("visits", "traffic", "data", "calls", "consent"), lambda table: None)
    pipeline = Pipeline(Observer(bytes(32), *parts, judge=judge), verdict, nowhere, [])

    def end() -> pa.Table:
        pipeline.flush()
        found = verdict.findings()
        if verdict.fields is None:
            return found
        return applied(found, verdict.fields.rows(found, sighter.judged), claim_model.open(None))[0]

    return pipeline, end


def main() -> None:
    """Measure and write the number; its interval runs from the slowest to the fastest repeat."""
    one_core()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    base = recorded()
    warm, busy, cold, plain, asked = [], [], [], [], Asked(Candidates(datum_model.open(None)))
    for repeat in range(REPEATS + 1):
        asked = Asked(Candidates(datum_model.open(None)))
        pipeline, end = scan(asked)
        with measure() as first:  # nothing is remembered yet
            pipeline.file(Path("0"), Prepared(base[0]), Options())
            pipeline.flush()
        later = [copied(batches, n) for n in range(COPIES) for batches in base]
        with measure() as rest:
            for batches in later:
                pipeline.file(Path("n"), Prepared(batches), Options())
            findings = end()
        if not findings.num_rows or not asked.rows:
            raise SystemExit("nothing was found, or the model was not asked")
        bare, finish = scan(None)
        later = [copied(batches, n) for n in range(COPIES) for batches in base]
        with measure() as without:
            for batches in later:
                bare.file(Path("n"), Prepared(batches), Options())
            finish()
        if repeat:  # the first is not counted: modules load, tables of parties are read
            cold.append(BASE / first.seconds)
            warm.append(len(later) * BASE / rest.seconds)
            busy.append(len(later) * BASE / rest.cpu_s)
            plain.append(len(later) * BASE / without.seconds)
    n = len(SEEDS) * COPIES * BASE
    rows = (n + BASE) * MIX
    per_row = uncached(asked)
    middle = statistics.median(warm)
    print(f"remembered {middle:,.0f}, cold {statistics.median(cold):,.0f}, no models {statistics.median(plain):,.0f}")
    write(
        NAMES[0],
        value=middle,
        low=min(warm),
        high=max(warm),
        n=len(warm),
        protocol=f"requests as read, {MIX} rows each: decoded, typed by the model of data, purposes of recipients "
        f"told by another, judged by all {len(RULES.names())} rules and the model of claims; {n:,} requests after "
        f"the first {BASE:,}, answers remembered by (path of names, carrier, shape, recognised type and p); asked "
        f"of the model: {asked.rows:,} distinct of {rows:,} rows ({asked.rows / rows:.2%}); the first {BASE:,}, "
        f"nothing remembered: {statistics.median(cold):,.0f} requests/s; were every row asked anew: "
        f"{per_row / MIX:,.0f} requests/s ({per_row:,.0f} rows/s in the model alone); without models "
        f"{statistics.median(plain):,.0f} requests/s; one "
        f"core, one thread, time by the clock (processor time: {statistics.median(busy):,.0f} requests/s); "
        "median, slowest and fastest repeat",
    )


def uncached(asked: Asked) -> float:
    """Return how many rows a second the model judges when it is asked about each."""
    rows = pa.concat_tables(asked.tables).unify_dictionaries().combine_chunks()
    many = rows.take(pa.array([at % rows.num_rows for at in range(FEATURES)]))
    with measure() as spent:
        asked.inner.judge(many)
    return FEATURES / spent.seconds


if __name__ == "__main__":
    main()
