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
LARGEST = 1_000_000  # requests
SIZES = (10_000, 100_000, LARGEST)
REPEATS, ROUNDS = 3, 2  # of the speed, and of all sizes for flatness
LEAST = 100_000  # requests in one measurement: a smaller size is judged anew until it has so many


def repeated(base: Visits, requests: int, rules: list[ModuleType], *, sites: bool) -> Measured:
    """Return what it takes on average to judge REQUESTS requests, each time from the start."""
    every = [judged(base, requests, rules, sites=sites) for _ in range(max(1, LEAST // requests))]
    seconds, cpu_s = (sum(getattr(s, name) for s in every) / len(every) for name in ("seconds", "cpu_s"))
    return Measured(seconds, max(s.peak_mb for s in every), cpu_s)


def judged(base: Visits, requests: int, rules: list[ModuleType], *, sites: bool) -> Measured:
    """Return what it takes to judge REQUESTS requests: the batches and the findings of all; copies are made untimed."""
    pa.default_memory_pool().release_unused()
    judge = Judge(Sighter(load(None, region="EU"), region="EU"), rules)
    spent = Measured()

    def add(part: Measured) -> None:
        spent.seconds += part.seconds
        spent.cpu_s += part.cpu_s
        spent.peak_mb = max(spent.peak_mb, part.peak_mb)

    for number in range(requests // BASE):
        batches = list(base.copy(number, sites=sites).batches())
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
    flat: list[float] = []
    told: list[str] = []
    for mix in (17, 49):
        base = tables(mix, BASE)
        a_request = base.data.num_rows / BASE
        judged(base, BASE, rules, sites=False)  # not counted: modules load, tables of parties are read
        _speed(mix, [repeated(base, LARGEST, rules, sites=False) for _ in range(REPEATS)], a_request, len(rules))
        for _ in range(ROUNDS):
            spent = {size: repeated(base, size, rules, sites=True) for size in SIZES}
            rates = [size * a_request / s.seconds for size, s in spent.items()]
            print(f"mix {mix}, other sites: " + ", ".join(f"{r:,.0f}" for r in rates) + " rows/s", flush=True)
            flat.append(min(rates) / max(rates))
            told.append(f"mix {mix} " + " / ".join(f"{r / 1e6:.2f}" for r in rates))
    write(
        "judge_flatness",
        value=statistics.median(flat),
        low=min(flat),
        high=max(flat),
        n=len(flat),
        protocol=f"slowest rate over fastest rate of {', '.join(f'{s:,}' for s in SIZES)} requests measured one after "
        "the other, in both mixes, every 100 requests to a site of their own so that findings grow with requests; "
        f"million rows/s: {'; '.join(told)}; a size below {LEAST:,} is judged anew until that many requests are done; "
        "median, worst and best round; time by the clock on one core",
    )


def _speed(mix: int, spent: list[Measured], a_request: float, n_rules: int) -> None:
    """Write the speed of one mix."""
    speeds = [LARGEST * a_request / s.seconds for s in spent]
    middle, busy = statistics.median(speeds), statistics.median(LARGEST * a_request / s.cpu_s for s in spent)
    print(
        f"mix {mix}, {LARGEST:,} requests: {middle:,.0f} rows/s by the clock, {busy:,.0f} by processor time", flush=True
    )
    write(
        f"judge_rows_per_s_{mix}",
        value=middle,
        low=min(speeds),
        high=max(speeds),
        n=len(speeds),
        protocol=f"all {n_rules} rules; batches of about 50,000 decoded rows, typed or not, cut at visit edges, "
        f"and the findings of all; {a_request:.1f} rows a request, 100 requests a visit, 100 sites visited again and "
        f"again; {LARGEST:,} requests, {middle / a_request:,.0f} requests/s; one core, one thread, time by the clock "
        f"(processor time: {busy:,.0f} rows/s); median, slowest and fastest repeat; peak "
        f"{max(s.peak_mb for s in spent):,.0f} MB. Slower where every 100 requests go to a site of their own: see "
        "judge_flatness",
    )


if __name__ == "__main__":
    main()
