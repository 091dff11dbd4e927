"""What claim and speed files use: `write` keeps a number, `keep_cases` what each case of it came to, `measure` and
`alone` take time and peak memory together."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consentinel.core.stats import Interval

__all__ = ["RESULTS", "ROOT", "Measured", "alone", "keep_cases", "measure", "one_core", "write", "write_interval"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def write(name: str, *, value: float, low: float, high: float, n: int, protocol: str) -> None:
    """Keep the public number NAME: VALUE, its interval from LOW to HIGH, over N cases, measured by PROTOCOL.

    What counts as enough is not said here: reach.toml says it and _compare.py decides.
    """
    row = {"value": value, "low": low, "high": high, "n": n, "protocol": protocol}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(row, indent=2, ensure_ascii=False) + "\n", "utf-8")


def write_interval(name: str, found: "Interval", protocol: str, *, n: int | None = None) -> None:
    """Keep the public number NAME from the interval FOUND, over N cases (None: as many as it was made from)."""
    write(name, value=found.value, low=found.low, high=found.high, n=found.n if n is None else n, protocol=protocol)


def keep_cases(name: str, cases: Mapping[str, bool]) -> None:
    """Keep beside the number NAME which of its CASES passed, for pages that list them one by one."""
    folder = RESULTS / "cases"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(dict(cases), indent=1, ensure_ascii=False) + "\n", "utf-8")


@dataclass
class Measured:
    """Wall and processor time in seconds and the highest resident memory in MB (1e6 bytes) of one piece of work."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def measure() -> Iterator[Measured]:
    """Measure the block; memory is that of this process, from the level at its start, without its children."""
    found = Measured()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back to what is used now
    start, busy = time.perf_counter(), time.process_time()
    try:
        yield found
    finally:
        found.seconds, found.cpu_s = time.perf_counter() - start, time.process_time() - busy
        found.peak_mb = _peak_kib() * 1024 / 1e6


def _peak_kib() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def one_core() -> None:
    """Bind this process and those that it starts to one core, and libraries in them to one thread."""
    with suppress(AttributeError):  # only Linux can bind a process
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"}


def alone(arguments: list[str], *, codes: tuple[int, ...] = (0,)) -> Measured:
    """Run Python with ARGUMENTS in a process of its own, output dropped; raises SystemExit for a code not in CODES.

    Call it from a small process: Linux counts the memory of the one that starts another as if it were the other's.
    """
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"the measured process ended with code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(seconds, used.ru_maxrss * unit / 1e6, used.ru_utime + used.ru_stime)
