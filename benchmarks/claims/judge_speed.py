"""The judge path: decoded rows to findings on one core, from 1e4 to 1e6 requests in two mixes."""

import statistics
from types import ModuleType

import pyarrow as pa

from _claim import Measured, measure, one_core, write
from _decoded import Visits, tables
from consentinel.core.shelf import Shelf
from consentinel.detect.judge import Judge
from consentinel.detect.policy import load
from consentinel.detect.sightings import Sighter

NAMES = ("judge_rows_per_s_17", "judge_rows_per_s_49", "judge_flatness")
BASE = 10_000
SIZES = {10_000: 5, 100_000: 5, 1_000_000: 3}  # requests, and how often each is measured
LEAST = 100_000  # requests in one measurement: a smaller size is judged anew until it has so many


def repeated(base: Visits, requests: int, rules: list[ModuleType]) -> Measured:
    """Return what it takes on average to judge REQUESTS requests, each time from the start."""
    every = [judged(base, requests, rules) for _ in range(max(1, LEAST // requests))]
    seconds, cpu_s = (sum(getattr(s, name) for s in every) / len(every) for name in ("seconds", "cpu_s"))
    return Measured(seconds, max(s.peak_mb for s in every), cpu_s)


def judged(base: Visits, requests: int, rules: list[ModuleType]) -> Measured:
    """Return what it takes to judge REQUESTS requests: the batches and the findings of all; copies are made untimed."""
    pa.default_memory_pool().release_unused()
    judge = Judge(Sighter(load(None, region="EU"), region="EU"), rules)
    spent = Measured()

    def add(part: Measured) -> None:
        spent.seconds += part.seconds
        spent.cpu_s += part.cpu_s
        spent.peak_mb = max(spent.peak_mb, part.peak_mb)

    for number in range(requests // BASE):
        batches = list(base.copy(number).batches())
        with measure() as part:
            for batch in batches:
                judge.batch(batch.visits, batch.traffic, batch.data, batch.consent)
        add(part)
    with measure() as part:
        findings = judge.findings()
    add(part)
    if not findings.num_rows:
        raise SystemExit("nothing was found in traffic that is full of identifiers")
    return spent


def main() -> None:
    """Measure and write the three numbers; an interval runs from the slowest to the fastest repeat."""
    one_core()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    shelf = Shelf("consentinel.detect.rules", "find")
    rules = [shelf.take(name) for name in shelf.names()]
    flat = []
    for mix in (17, 49):
        base = tables(mix, BASE)
        rows_a_request = base.data.num_rows / BASE
        judged(base, BASE, rules)  # not counted: modules load, tables of parties are read
        speeds: dict[int, list[float]] = {size: [] for size in SIZES}
        busy, peaks = [], []
        for repeat in range(max(SIZES.values())):
            for size in [s for s, repeats in SIZES.items() if repeat < repeats]:
                spent = repeated(base, size, rules)
                speeds[size].append(size * rows_a_request / spent.seconds)
                print(
                    f"mix {mix}, {size:>9,} requests: {speeds[size][-1]:>11,.0f} rows/s by the clock, "
                    f"{size * rows_a_request / spent.cpu_s:>11,.0f} by processor time, peak {spent.peak_mb:,.0f} MB",
                    flush=True,
                )
                if size == max(SIZES):
                    busy.append(size * rows_a_request / spent.cpu_s)
                    peaks.append(spent.peak_mb)
        largest = speeds[max(SIZES)]
        middle = statistics.median(largest)
        told = ", ".join(f"{size:,}: {statistics.median(s):,.0f} rows/s" for size, s in speeds.items())
        write(
            f"judge_rows_per_s_{mix}",
            value=middle,
            low=min(largest),
            high=max(largest),
            n=len(largest),
            protocol=f"all {len(rules)} rules; batches of about 50,000 decoded rows, typed or not, cut at visit edges, "
            f"and the findings of all; {rows_a_request:.1f} rows a request, 100 requests a visit, 100 sites; "
            f"{max(SIZES):,} requests, {middle / rows_a_request:,.0f} requests/s; one core, one thread, time by the "
            f"clock (processor time: {statistics.median(busy):,.0f} rows/s); median, slowest and fastest repeat; by "
            f"requests: {told}; peak {max(peaks):,.0f} MB with the rows of {BASE:,} requests, judged again under other "
            "visit ids",
        )
        rounds = zip(*speeds.values(), strict=False)  # the repeats that measured all sizes
        flat += [min(found) / max(found) for found in rounds]
    write(
        "judge_flatness",
        value=statistics.median(flat),
        low=min(flat),
        high=max(flat),
        n=len(flat),
        protocol=f"slowest rate over fastest rate of {', '.join(f'{s:,}' for s in SIZES)} requests measured one after "
        f"the other, for each repeat in both mixes; a size below {LEAST:,} is judged anew until that many requests are "
        "done; median, worst and best; time by the clock on one core",
    )


if __name__ == "__main__":
    main()
