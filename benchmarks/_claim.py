"""What every claim file uses: `write` keeps a number, `measure` takes seconds and peak memory together."""

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RESULTS", "ROOT", "Measured", "measure", "write"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def write(name: str, *, value: float, low: float, high: float, n: int, protocol: str) -> None:
    """Keep the public number NAME: VALUE, its interval from LOW to HIGH, over N cases, measured by PROTOCOL.

    What counts as enough is not said here: reach.toml says it and _compare.py decides.
    """
    row = {"value": value, "low": low, "high": high, "n": n, "protocol": protocol}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(row, indent=2, ensure_ascii=False) + "\n", "utf-8")


@dataclass
class Measured:
    """Wall time in seconds and the highest resident memory in MB (1e6 bytes) inside one `measure` block."""

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def measure() -> Iterator[Measured]:
    """Measure the block; memory is that of this process, from the level at its start, without its children."""
    found = Measured()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark back to what is used now
    start = time.perf_counter()
    try:
        yield found
    finally:
        found.seconds = time.perf_counter() - start
        found.peak_mb = _peak_kib() * 1024 / 1e6


def _peak_kib() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
