"""How long `make demo` takes in a fresh clone."""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from _claim import ROOT, write

NAMES = ("demo_seconds",)
INPUTS = ("Makefile", "examples/recorded/**/*")
RUNS = 3


def clone(target: Path) -> None:
    """Copy the files that git tracks, or would track, to TARGET."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    for name in map(os.fsdecode, filter(None, listed.split(b"\0"))):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def main() -> None:
    """Measure and keep the number."""
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "a clone"  # a path with a space has to work
            clone(target)
            start = time.perf_counter()
            subprocess.run(["make", "-C", str(target), "demo"], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
            if not any((target / "runs" / "demo").glob("*.html")):
                raise SystemExit("make demo left no HTML report")
    write(
        "demo_seconds",
        value=statistics.median(seconds),
        low=min(seconds),
        high=max(seconds),
        n=RUNS,
        protocol="wall time of make demo in a copy of the tracked files, virtual environment and install included; "
        "median, fastest and slowest of the runs; the cache of pip is as it was, packages not in it are downloaded",
    )


if __name__ == "__main__":
    main()
