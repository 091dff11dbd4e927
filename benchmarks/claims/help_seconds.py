"""How long `consentinel --help` takes, from the start of the process to its end."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from _claim import ROOT, write

NAMES = ("help_seconds",)
RUNS = 30


def main() -> None:
    """Measure and keep the number."""
    command = [str(Path(sys.executable).with_name("consentinel")), "--help"]
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    warm = seconds[1:]
    write(
        "help_seconds",
        value=statistics.median(warm),
        low=min(warm),
        high=max(warm),
        n=RUNS,
        protocol="wall time of the installed command in a process of its own; median, fastest and slowest of the runs "
        "after one that is not counted; compiled modules are on disk",
    )


if __name__ == "__main__":
    main()
